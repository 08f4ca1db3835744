//! The fixed table of sinusoidal positions.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Device, Tensor};

use crate::element::{Element, with_element};
use crate::table::checked_size;
use crate::{DType, Result, memory, sinusoidal};

/// The fewest rows that are made at a time.
const FEWEST: usize = 64;

/// [`sinusoidal`] positions, made up to the farthest that was asked for: a file names how many there are without having their values, and may name more
/// than anybody will use.
#[derive(Debug)]
pub(crate) struct Waves {
    rows: usize,
    dimensions: usize,
    dtype: DType,
    device: Device,
    made: Mutex<Option<Tensor>>,
}

impl Waves {
    /// Positions 0 to `rows - 1`, none of which is made.
    ///
    /// # Errors
    /// Those of [`checked_size`].
    pub(crate) fn new(rows: usize, dimensions: usize, dtype: DType, device: &Device) -> Result<Arc<Self>> {
        checked_size(rows, dimensions)?;
        Ok(Arc::new(Self { rows, dimensions, dtype, device: device.clone(), made: Mutex::default() }))
    }

    /// At least the first `needed` positions, of which there are as many.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`], and those of the device.
    pub(crate) fn first(&self, needed: usize) -> Result<Tensor> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tensor) = made.as_ref().filter(|tensor| tensor.dims()[0] >= needed) {
            return Ok(tensor.clone());
        }
        // By doubling, so that a text that is read id by id makes each row twice and not for each id.
        let rows = needed.max(FEWEST).checked_next_power_of_two().unwrap_or(needed).min(self.rows);
        let values = sinusoidal(rows, self.dimensions)?;
        let shape = (rows, self.dimensions);
        let tensor = if self.dtype == DType::F32 {
            Tensor::from_vec(values, shape, &self.device)?
        } else {
            with_element!(self.dtype, T => {
                let mut rounded = memory::reserved::<T>(values.len())?;
                rounded.extend(values.into_iter().map(T::narrow));
                Tensor::from_vec(rounded, shape, &self.device)?
            })
        };
        Ok(made.insert(tensor).clone())
    }

    /// Bytes of what is made.
    pub(crate) fn byte_length(&self) -> usize {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.as_ref().map_or(0, |tensor| tensor.elem_count() * self.dtype.size())
    }

    /// Lets the values go.
    pub(crate) fn release(&self) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_made_up_to_the_farthest_that_was_asked_for() {
        let waves = Waves::new(1 << 20, 6, DType::F32, &Device::Cpu).unwrap();
        assert_eq!(waves.byte_length(), 0);
        for (needed, rows) in [(1, 64), (64, 64), (65, 128), (3, 128), (1000, 1024)] {
            let tensor = waves.first(needed).unwrap();
            assert_eq!(tensor.dims(), [rows, 6]);
            assert_eq!(tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap(), sinusoidal(rows, 6).unwrap());
            assert_eq!(waves.byte_length(), rows * 6 * 4);
        }
        let few = Waves::new(3, 6, DType::BF16, &Device::Cpu).unwrap();
        assert_eq!(few.first(2).unwrap().dims(), [3, 6]);
        assert_eq!(few.byte_length(), 3 * 6 * 2);
        few.release();
        assert_eq!(few.byte_length(), 0);
    }
}

//! What a forward pass gives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::Tensor;

use crate::cpu::RowStats;
use crate::element::{Element, ValuesMut, widen_into, with_element};
use crate::ids::{CheckedIds, KeptPositions};
use crate::layer::Request;
use crate::spare::Spare;
use crate::table::{Table, copy_values, in_place, read_values};
use crate::{DType, Dropout, Error, Result, memory};

/// The result of a forward pass, with what the backward pass has to know of it. When it is dropped, its memory is kept for the next
/// result of the same embedding.
#[derive(Debug)]
pub struct Output {
    /// Taken out by [`Output::into_tensor`] alone; nobody else has it.
    tensor: Option<Tensor>,
    shape: Vec<usize>,
    dtype: DType,
    spare: Spare,
    recorded: Mutex<Option<Recorded>>,
}

/// What a backward pass starts from.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The table whose rows were looked up.
    pub(crate) token: Arc<Table>,
    pub(crate) ids: Vec<u32>,
    pub(crate) types: Option<Vec<u32>>,
    pub(crate) positions: KeptPositions,
    pub(crate) dropout: Option<Dropout>,
    /// Of each row, when it was normalised.
    pub(crate) stats: Vec<RowStats>,
    /// How often tables had changed.
    pub(crate) version: u64,
}

impl Recorded {
    /// The pass again.
    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            ids: CheckedIds::checked_before(&self.ids),
            types: self.types.as_deref(),
            positions: self.positions.checked(),
            dropout: self.dropout,
        }
    }
}

impl Output {
    pub(crate) fn new(tensor: Tensor, dtype: DType, spare: Spare, recorded: Recorded) -> Self {
        let shape = tensor.dims().to_vec();
        Self { tensor: Some(tensor), shape, dtype, spare, recorded: Mutex::new(Some(recorded)) }
    }

    /// The shape of the ids, then the dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of the values.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The memory of the values.
    pub fn byte_length(&self) -> usize {
        self.len() * self.dtype.size()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the values, row after row, into `out`.
    ///
    /// # Errors
    /// [`Error::WrongType`] when they are of another type, [`Error::LengthMismatch`] when `out` is not as long; errors of the device.
    pub fn copy_to<'out>(&self, out: impl Into<ValuesMut<'out>>) -> Result<()> {
        let out = out.into().checked(self.dtype, self.len())?;
        copy_values(self.tensor()?, self.dtype, out)
    }

    /// Copies the values, row after row, into `out` as `f32`, which holds any of them exactly.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] when `out` is not as long; errors of the device.
    pub fn widen_to(&self, out: &mut [f32]) -> Result<()> {
        if out.len() != self.len() {
            return Err(Error::LengthMismatch { expected: self.len(), actual: out.len() });
        }
        if self.dtype == DType::F32 {
            return self.copy_to(out);
        }
        with_element!(self.dtype, T => self.read::<T, _>(|values| widen_into(values, out)))
    }

    /// The values, row after row, as `f32`, which holds any of them exactly.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; errors of the device.
    pub fn values(&self) -> Result<Vec<f32>> {
        let mut wide = memory::reserved(self.len())?;
        with_element!(self.dtype, T => {
            self.read::<T, _>(|values| wide.extend(values.iter().map(|value| value.widen())))?;
        });
        Ok(wide)
    }

    /// The bits of the values, row after row, of either half.
    ///
    /// # Errors
    /// [`Error::WrongType`] when they are `f32`, [`Error::OutOfMemory`]; errors of the device.
    pub fn bits(&self) -> Result<Vec<u16>> {
        let mut bits = memory::filled(self.len(), 0)?;
        self.copy_to(ValuesMut::Bits(&mut bits))?;
        Ok(bits)
    }

    /// Shows the values to `read`: in place, when they are in the memory of the host.
    ///
    /// # Errors
    /// [`Error::WrongType`] when they are no `T`; errors of the device.
    pub fn read<T: Element, R>(&self, read: impl FnOnce(&[T]) -> R) -> Result<R> {
        if T::TYPE != self.dtype {
            return Err(Error::WrongType { expected: self.dtype, actual: T::TYPE });
        }
        read_values(self.tensor()?, read)
    }

    /// The values as a tensor, for other operations of candle. Its memory does not come back to the embedding, and no backward pass can
    /// start from it.
    pub fn into_tensor(mut self) -> Option<Tensor> {
        self.tensor.take()
    }

    /// The values.
    pub(crate) fn tensor(&self) -> Result<&Tensor> {
        self.tensor.as_ref().ok_or(Error::Retired)
    }

    /// What is recorded; `None` after the backward pass.
    pub(crate) fn recorded(&self) -> MutexGuard<'_, Option<Recorded>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let Some(tensor) = self.tensor.take().filter(|tensor| tensor.device().is_cpu()) else { return };
        // An error here costs the memory's second use, and nothing else.
        let _ = in_place(&tensor, |place| {
            with_element!(self.dtype, T => self.spare.give(std::mem::take(place.host::<T>()?)));
            Ok(())
        });
    }
}

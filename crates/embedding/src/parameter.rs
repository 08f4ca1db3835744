//! What training changes.

use std::sync::Arc;

use candle_core::Tensor;

use crate::element::{ValuesMut, widen_into, with_element};
use crate::table::{Place, Table, copy_values, read_values};
use crate::turns::Turns;
use crate::{DType, Element, Error, Result, RowGradient, cuda, memory};

/// A table that training changes, with its gradient. A clone is the same parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    name: &'static str,
    is_vector: bool,
    table: Arc<Table>,
    turns: Turns,
}

impl Parameter {
    /// `turns` are those of the layer of the table.
    pub(crate) fn new(name: &'static str, table: &Arc<Table>, turns: Turns) -> Self {
        Self { name, is_vector: false, table: Arc::clone(table), turns }
    }

    /// The same, which is one row.
    pub(crate) fn vector(self) -> Self {
        Self { is_vector: true, ..self }
    }

    pub(crate) fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Those of the tables that are read together with it.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Its name in files.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Rows and values per row; of a vector, its values.
    pub fn shape(&self) -> Vec<usize> {
        self.table.size()[usize::from(self.is_vector)..].to_vec()
    }

    /// The type of the values.
    pub fn dtype(&self) -> DType {
        self.table.dtype()
    }

    /// The values as a tensor of [`Parameter::shape`], which shares their memory: it changes when the parameter does.
    ///
    /// # Errors
    /// [`Error::Retired`] when the embedding has got other tables.
    pub fn tensor(&self) -> Result<Tensor> {
        let tensor = self.table.tensor()?;
        if self.is_vector { Ok(tensor.squeeze(0)?) } else { Ok(tensor) }
    }

    /// Copies the values, row after row, into `out`.
    ///
    /// # Errors
    /// [`Error::WrongType`] when they are of another type, [`Error::LengthMismatch`] when `out` is not as long, [`Error::Retired`].
    pub fn copy_to<'out>(&self, out: impl Into<ValuesMut<'out>>) -> Result<()> {
        let out = out.into().checked(self.dtype(), self.table.rows() * self.table.dimensions())?;
        copy_values(&self.table.tensor()?, self.dtype(), out)
    }

    /// Copies the values, row after row, into `out` as `f32`, which holds any of them exactly.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] when `out` is not as long, [`Error::Retired`].
    pub fn widen_to(&self, out: &mut [f32]) -> Result<()> {
        let expected = self.table.rows() * self.table.dimensions();
        if out.len() != expected {
            return Err(Error::LengthMismatch { expected, actual: out.len() });
        }
        if self.dtype() == DType::F32 {
            return self.copy_to(out);
        }
        with_element!(self.dtype(), T => self.read::<T, _>(|values| widen_into(values, out)))
    }

    /// The values, row after row, as `f32`, which holds any of them exactly.
    ///
    /// # Errors
    /// [`Error::Retired`], [`Error::OutOfMemory`].
    pub fn values(&self) -> Result<Vec<f32>> {
        self.table.wide_values()
    }

    /// The bits of the values, row after row, of either half.
    ///
    /// # Errors
    /// [`Error::WrongType`] when they are `f32`, [`Error::Retired`], [`Error::OutOfMemory`].
    pub fn bits(&self) -> Result<Vec<u16>> {
        let mut bits = memory::filled(self.table.rows() * self.table.dimensions(), 0)?;
        self.copy_to(ValuesMut::Bits(&mut bits))?;
        Ok(bits)
    }

    /// Gives it these values, row after row, each rounded to its type. The padding row stays zero.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] unless there are as many, [`Error::Retired`]; it is then unchanged.
    pub fn set_values(&self, values: &[f32]) -> Result<()> {
        let dimensions = self.table.dimensions();
        let expected = self.table.rows() * dimensions;
        if values.len() != expected {
            return Err(Error::LengthMismatch { expected, actual: values.len() });
        }
        with_element!(self.dtype(), T => {
            let set = |table: &mut [T]| {
                for (row, (table, values)) in table.chunks_mut(dimensions).zip(values.chunks(dimensions)).enumerate() {
                    for (value, &new) in table.iter_mut().zip(values) {
                        *value = T::narrow(if self.table.padding() == Some(row as u32) { 0.0 } else { new });
                    }
                }
            };
            self.table.change(|place| match place {
                Place::Cuda(storage) => {
                    let mut rounded = memory::filled(expected, T::narrow(0.0))?;
                    set(&mut rounded);
                    cuda::write(storage, &rounded)
                }
                host @ Place::Host(_) => {
                    set(host.host()?);
                    Ok(())
                }
            })
        })
    }

    /// Shows the values to `read`: in place, when they are in the memory of the host.
    pub(crate) fn read<T: Element, R>(&self, read: impl FnOnce(&[T]) -> R) -> Result<R> {
        if T::TYPE != self.dtype() {
            return Err(Error::WrongType { expected: self.dtype(), actual: T::TYPE });
        }
        read_values(&self.table.tensor()?, read)
    }

    /// A copy of the gradient; `None` before the first backward pass, and after [`Parameter::zero_grad`].
    ///
    /// # Errors
    /// [`Error::Retired`], [`Error::OutOfMemory`].
    pub fn grad(&self) -> Result<Option<RowGradient>> {
        self.table.tensor()?;
        self.table.gradient().sorted()
    }

    /// Lets the gradient go.
    pub fn zero_grad(&self) {
        self.table.gradient().clear();
    }

    /// Whether backward passes give it a gradient, and steps change it.
    pub fn trainable(&self) -> bool {
        self.table.trainable()
    }

    /// Freezes the parameter, or lets it learn again. A gradient that it has stays.
    pub fn set_trainable(&self, trainable: bool) {
        self.table.set_trainable(trainable);
    }
}

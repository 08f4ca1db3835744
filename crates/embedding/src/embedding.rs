//! A table of one row per id.

use std::sync::Arc;

use candle_core::Device;

use crate::element::with_element;
use crate::ids::{CheckedIds, CheckedPositions};
use crate::init::initial_values;
use crate::layer::{Layer, Request};
use crate::table::{Table, TableOptions, checked_size};
use crate::{Element, Init, Output, Parameter, Result, Source, ValuesMut};

/// The name of the table in files, unless another is given.
pub const TABLE: &str = "weight";

/// A `[rows, dimensions]` table; row `i` is the embedding of id `i`.
#[derive(Clone, Debug)]
pub struct Embedding {
    layer: Layer,
    /// Of its maker.
    note: Option<Arc<str>>,
}

impl Embedding {
    /// A table of initial values.
    ///
    /// # Errors
    /// As [`Embedding::from_values`].
    pub fn new(
        rows: usize,
        dimensions: usize,
        init: Init,
        source: Source,
        options: TableOptions,
        device: &Device,
    ) -> Result<Self> {
        let len = checked_size(rows, dimensions)?;
        with_element!(options.dtype, T => {
            Self::from_values(initial_values::<T>(0, len, init, source)?, rows, dimensions, options, device)
        })
    }

    /// The table whose rows are `values`, one after the other, each rounded to the type of the table.
    ///
    /// # Errors
    /// [`crate::Error::Zero`] when there is no row or no dimension, [`crate::Error::TooManyRows`], [`crate::Error::TooLarge`] and
    /// [`crate::Error::OutOfMemory`] for sizes that cannot be, [`crate::Error::LengthMismatch`] when `values` is not that large,
    /// [`crate::Error::IdOutOfRange`] when the padding row does not exist.
    pub fn from_values<T: Element>(
        values: Vec<T>,
        rows: usize,
        dimensions: usize,
        options: TableOptions,
        device: &Device,
    ) -> Result<Self> {
        Ok(Self::of(Table::rounded(values, [rows, dimensions], options, device)?))
    }

    /// [`Embedding::from_values`] of a copy of `values`.
    ///
    /// # Errors
    /// As [`Embedding::from_values`].
    pub fn from_slice<T: Element>(
        values: &[T],
        rows: usize,
        dimensions: usize,
        options: TableOptions,
        device: &Device,
    ) -> Result<Self> {
        Ok(Self::of(Table::copied(values, [rows, dimensions], options, device)?))
    }

    fn of(table: Table) -> Self {
        Self { layer: Layer::new(table), note: None }
    }

    /// The same with a note of its maker, as of whose ids it is made for: files keep it.
    #[must_use]
    pub fn noted(self, note: Option<Arc<str>>) -> Self {
        Self { note, ..self }
    }

    /// The note of its maker.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The rows of `ids`: `shape`, then `dimensions`.
    ///
    /// # Errors
    /// [`crate::Error::IdOutOfRange`] names the first id that is not a row; [`crate::Error::ShapeMismatch`], [`crate::Error::OutOfMemory`].
    pub fn forward(&self, ids: &[u32], shape: &[usize]) -> Result<Output> {
        self.layer.forward(&self.request(ids, shape)?)
    }

    /// [`Embedding::forward`] into `out`, which has `ids.len() * dimensions` values of the type of the table. Nothing is recorded.
    ///
    /// # Errors
    /// Those of `forward`, [`crate::Error::LengthMismatch`] and [`crate::Error::WrongType`]; `out` is then unchanged.
    pub fn forward_into<'out>(&self, ids: &[u32], shape: &[usize], out: impl Into<ValuesMut<'out>>) -> Result<()> {
        self.layer.forward_into(&self.request(ids, shape)?, out.into())
    }

    /// Adds to the gradient of the table what `grad`, that of `output`, makes of it. Each output can be used once.
    ///
    /// # Errors
    /// [`crate::Error::NotRecorded`] the second time, [`crate::Error::OtherEmbedding`], [`crate::Error::LengthMismatch`] unless there is a gradient for each
    /// value; the gradient is then unchanged.
    pub fn backward(&self, output: &Output, grad: &[f32]) -> Result<()> {
        self.layer.backward(output, grad)
    }

    /// [`Embedding::backward`] with a gradient that came out of a forward pass. Tables on a CUDA device take it there, when it is there.
    ///
    /// # Errors
    /// As [`Embedding::backward`].
    pub fn backward_tensor(&self, output: &Output, grad: &Output) -> Result<()> {
        self.layer.backward_tensor(output, grad)
    }

    /// The table, named [`TABLE`].
    pub fn parameter(&self) -> Parameter {
        self.layer.parameter(TABLE, &self.layer.token)
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.layer.token.rows()
    }

    /// Values per row.
    pub fn dimensions(&self) -> usize {
        self.layer.token.dimensions()
    }

    /// The memory of the table.
    pub fn byte_length(&self) -> usize {
        self.layer.token.byte_length()
    }

    /// Lets the values go, also for who holds a parameter: from now on all is [`crate::Error::Retired`].
    pub fn retire(&self) {
        self.layer.token.retire();
    }

    /// The table alone.
    pub(crate) fn into_layer(self) -> Layer {
        self.layer
    }

    /// [`crate::Error::TableSize`] unless it has this size.
    pub(crate) fn check_size(&self, rows: usize, dimensions: usize) -> Result<()> {
        let (expected, actual) = ([rows, dimensions], [self.rows(), self.dimensions()]);
        if expected == actual { Ok(()) } else { Err(crate::Error::TableSize { expected, actual }) }
    }

    fn request<'a>(&self, ids: &'a [u32], shape: &'a [usize]) -> Result<Request<'a>> {
        let ids = CheckedIds::new(ids, shape, self.rows())?;
        let positions = CheckedPositions::From { offset: 0, context: ids.context() };
        Ok(Request { ids, types: None, positions, dropout: None })
    }
}

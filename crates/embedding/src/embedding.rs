//! A table of one row per id.

use candle_core::{Device, Tensor};

use crate::ids::CheckedIds;
use crate::init::initial_values;
use crate::lookup::Lookup;
use crate::{Error, Init, Result, Source, memory};

/// A `[rows, dimensions]` table of `f32`; row `i` is the embedding of id `i`.
#[derive(Clone, Debug)]
pub struct Embedding {
    table: Tensor,
    rows: usize,
    dimensions: usize,
}

impl Embedding {
    /// A table of initial values. `padding` is a row that is zero instead.
    ///
    /// # Errors
    /// As [`Embedding::from_values`], and [`Error::IdOutOfRange`] when there is no row `padding`.
    pub fn new(
        rows: usize,
        dimensions: usize,
        init: Init,
        source: Source,
        padding: Option<u32>,
        device: &Device,
    ) -> Result<Self> {
        let mut values = initial_values(Self::checked_size(rows, dimensions)?, init, source)?;
        if let Some(id) = padding {
            CheckedIds::new(&[id], &[1], rows)?;
            values[id as usize * dimensions..][..dimensions].fill(0.0);
        }
        Self::from_values(values, rows, dimensions, device)
    }

    /// The table whose rows are `values`, one after the other.
    ///
    /// # Errors
    /// [`Error::Zero`] when there is no row or no dimension, [`Error::TooManyRows`], [`Error::TooLarge`] and
    /// [`Error::OutOfMemory`] for sizes that cannot be, [`Error::LengthMismatch`] when `values` is not that large.
    pub fn from_values(values: Vec<f32>, rows: usize, dimensions: usize, device: &Device) -> Result<Self> {
        let expected = Self::checked_size(rows, dimensions)?;
        if values.len() != expected {
            return Err(Error::LengthMismatch { expected, actual: values.len() });
        }
        Ok(Self { table: Tensor::from_vec(values, (rows, dimensions), device)?, rows, dimensions })
    }

    /// [`Embedding::from_values`] of a copy of `values`.
    ///
    /// # Errors
    /// As [`Embedding::from_values`].
    pub fn from_slice(values: &[f32], rows: usize, dimensions: usize, device: &Device) -> Result<Self> {
        Self::from_values(memory::copied(values)?, rows, dimensions, device)
    }

    /// The rows of `ids`: `shape`, then `dimensions`.
    ///
    /// # Errors
    /// [`Error::IdOutOfRange`] names the first id that is not a row; [`Error::ShapeMismatch`], [`Error::OutOfMemory`].
    pub fn forward(&self, ids: &[u32], shape: &[usize]) -> Result<Tensor> {
        self.lookup(ids, shape)?.run(&self.table, None)
    }

    /// [`Embedding::forward`] into `out`, which has `ids.len() * dimensions` values.
    ///
    /// # Errors
    /// Those of `forward`, and [`Error::LengthMismatch`]; `out` is then unchanged.
    pub fn forward_into(&self, ids: &[u32], shape: &[usize], out: &mut [f32]) -> Result<()> {
        self.lookup(ids, shape)?.run_into(&self.table, None, out)
    }

    fn lookup<'a>(&self, ids: &'a [u32], shape: &'a [usize]) -> Result<Lookup<'a>> {
        Ok(Lookup { ids: CheckedIds::new(ids, shape, self.rows)?, offset: 0, scale: 1.0 })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values per row.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The table as a tensor, which shares its memory.
    pub fn table(&self) -> &Tensor {
        &self.table
    }

    /// [`Error::TableSize`] unless it has this size.
    pub(crate) fn check_size(&self, rows: usize, dimensions: usize) -> Result<()> {
        let (expected, actual) = ([rows, dimensions], [self.rows, self.dimensions]);
        if expected == actual { Ok(()) } else { Err(Error::TableSize { expected, actual }) }
    }

    /// How many values a table has, when it can be.
    pub(crate) fn checked_size(rows: usize, dimensions: usize) -> Result<usize> {
        for (what, size) in [("rows", rows), ("dimensions", dimensions)] {
            if size == 0 {
                return Err(Error::Zero { what });
            }
        }
        if u32::try_from(rows - 1).is_err() {
            return Err(Error::TooManyRows { rows });
        }
        memory::checked_len(rows, dimensions)
    }
}

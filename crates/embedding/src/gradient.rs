//! The gradient of a table: rows for those ids alone that were looked up.

use std::borrow::Cow;

use candle_core::{Device, Tensor};

use crate::table::elsewhere;
use crate::{Dropout, Result, cpu, cuda, memory};

/// A sum of gradient rows.
#[derive(Debug)]
pub(crate) struct Gradient {
    dimensions: usize,
    /// Rows of the table.
    rows: usize,
    /// Which gradient row each row of the table has, `u32::MAX` for none. Empty before the first gradient.
    slots: Vec<u32>,
    /// Which row of the table each gradient row belongs to, in the order in which they came.
    ids: Vec<u32>,
    values: Rows,
    /// Whether there is a gradient, if only of no rows.
    exists: bool,
}

/// Gradient rows, where the table is.
#[derive(Debug)]
pub(crate) enum Rows {
    /// One after the other.
    Host(Vec<f32>),
    /// On a CUDA device.
    Cuda(cuda::Rows),
}

/// Rows to be added to a gradient.
#[derive(Clone, Copy)]
pub(crate) enum Grads<'a> {
    /// One after the other.
    Host(&'a [f32]),
    /// A tensor on the device of the table, and the values of it that are left out.
    Cuda(&'a Tensor, Option<Dropout>),
}

/// A row-sparse gradient: row `ids[i]` of the table has gradient row `i` of `values`, and all others have none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowGradient {
    /// Ascending.
    pub ids: Vec<u32>,
    /// As many values per row as the table has.
    pub values: Vec<f32>,
}

impl Gradient {
    /// None, of a table on `device`.
    pub(crate) fn new(rows: usize, dimensions: usize, device: &Device) -> Result<Self> {
        let values =
            if device.is_cpu() { Rows::Host(Vec::new()) } else { Rows::Cuda(cuda::Rows::new(device, dimensions)?) };
        Ok(Self { dimensions, rows, slots: Vec::new(), ids: Vec::new(), values, exists: false })
    }

    pub(crate) fn exists(&self) -> bool {
        self.exists
    }

    /// The rows of the table that have a gradient; the gradient of `ids()[i]` is row `i` of [`Gradient::values`].
    pub(crate) fn ids(&self) -> &[u32] {
        &self.ids
    }

    pub(crate) fn values(&self) -> &Rows {
        &self.values
    }

    /// For each row of the table, which gradient it has, or `u32::MAX`. Not empty where a gradient exists.
    pub(crate) fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// Adds `scale * grads[i]` to the gradient of row `ids[i]`, in the order of `i`. The row `skip` has none.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`], [`crate::Error::Threads`] and [`crate::Error::Device`]; the gradient is then as it was.
    pub(crate) fn add(&mut self, ids: &[u32], grads: Grads<'_>, scale: f32, skip: Option<u32>) -> Result<()> {
        if self.slots.is_empty() {
            self.slots = memory::filled(self.rows, u32::MAX)?;
        }
        if ids.is_empty() {
            self.exists = true;
            return Ok(());
        }
        let known = self.ids.len();
        let mut of_each = memory::reserved(ids.len())?;
        for &id in ids {
            if Some(id) == skip {
                of_each.push(u32::MAX);
                continue;
            }
            let slot = &mut self.slots[id as usize];
            if *slot == u32::MAX {
                *slot = self.ids.len() as u32;
                self.ids.push(id);
            }
            of_each.push(*slot);
        }
        let rows = self.ids.len();
        let added = match (&mut self.values, grads) {
            (Rows::Host(values), Grads::Host(grads)) => {
                cpu::scatter_more(&of_each, grads, scale, values, rows, self.dimensions)
            }
            (Rows::Cuda(values), Grads::Cuda(grads, dropout)) => (values.grow(rows))
                .and_then(|()| values.add(&cuda::Plan::new(&of_each, rows)?, grads, scale, dropout, known)),
            _ => Err(elsewhere()),
        };
        match added {
            Ok(()) => self.exists = true,
            Err(_) => self.forget_from(known),
        }
        added
    }

    fn forget_from(&mut self, known: usize) {
        for id in self.ids.drain(known..) {
            self.slots[id as usize] = u32::MAX;
        }
        match &mut self.values {
            Rows::Host(values) => values.truncate(known * self.dimensions),
            Rows::Cuda(values) => values.truncate(known),
        }
    }

    /// The sum of the squares of all values.
    ///
    /// # Errors
    /// [`crate::Error::Threads`], and those of the device.
    pub(crate) fn sum_of_squares(&self) -> Result<f64> {
        match &self.values {
            Rows::Host(values) => cpu::sum_of_squares(values),
            Rows::Cuda(values) => cpu::sum_of_squares(&values.to_vec()?),
        }
    }

    /// Multiplies all values by `factor`.
    ///
    /// # Errors
    /// [`crate::Error::Threads`], and those of the device; the gradient is then as it was.
    pub(crate) fn scale(&mut self, factor: f32) -> Result<()> {
        match &mut self.values {
            Rows::Host(values) => cpu::scale(values, factor),
            Rows::Cuda(values) => values.scale(factor),
        }
    }

    /// No gradient; the memory stays for the next.
    pub(crate) fn clear(&mut self) {
        self.forget_from(0);
        self.exists = false;
    }

    /// No gradient, and no memory for one.
    pub(crate) fn release(&mut self) {
        self.clear();
        (self.slots, self.ids) = Default::default();
        match &mut self.values {
            Rows::Host(values) => *values = Vec::new(),
            Rows::Cuda(values) => values.release(),
        }
    }

    /// A copy, by ascending ids; `None` when there is none.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`], and those of the device.
    pub(crate) fn sorted(&self) -> Result<Option<RowGradient>> {
        if !self.exists {
            return Ok(None);
        }
        let mut ids = memory::copied(&self.ids)?;
        ids.sort_unstable();
        let all = match &self.values {
            Rows::Host(values) => Cow::Borrowed(&**values),
            Rows::Cuda(values) => Cow::Owned(values.to_vec()?),
        };
        let mut values = memory::reserved(all.len())?;
        for &id in &ids {
            values.extend_from_slice(&all[self.slots[id as usize] as usize * self.dimensions..][..self.dimensions]);
        }
        Ok(Some(RowGradient { ids, values }))
    }
}

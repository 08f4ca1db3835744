//! The gradient of a table: rows for those ids alone that were looked up.

use crate::{Result, cpu, memory};

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
    values: Vec<f32>,
    /// Whether there is a gradient, if only of no rows.
    exists: bool,
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
    pub(crate) fn new(rows: usize, dimensions: usize) -> Self {
        Self { dimensions, rows, slots: Vec::new(), ids: Vec::new(), values: Vec::new(), exists: false }
    }

    pub(crate) fn exists(&self) -> bool {
        self.exists
    }

    /// The rows of the table that have a gradient; the gradient of `ids()[i]` is row `i` of [`Gradient::values`].
    pub(crate) fn ids(&self) -> &[u32] {
        &self.ids
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// For each row of the table, which gradient it has, or `u32::MAX`. Not empty where a gradient exists.
    pub(crate) fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// Adds `scale * grads[i]` to the gradient of row `ids[i]`, in the order of `i`. The row `skip` has none.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`] and [`crate::Error::Threads`]; the gradient is then as it was.
    pub(crate) fn add(&mut self, ids: &[u32], grads: &[f32], scale: f32, skip: Option<u32>) -> Result<()> {
        if self.slots.is_empty() {
            self.slots = memory::filled(self.rows, u32::MAX)?;
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
        let added = self
            .make_room(known)
            .and_then(|()| cpu::scatter(&of_each, grads, scale, &mut self.values, self.dimensions));
        match added {
            Ok(()) => self.exists = true,
            Err(_) => self.forget_from(known),
        }
        added
    }

    /// Zeros for the rows that have come since there were `known`.
    fn make_room(&mut self, known: usize) -> Result<()> {
        let more = (self.ids.len() - known) * self.dimensions;
        memory::reserve(&mut self.values, more)?;
        self.values.resize(self.values.len() + more, 0.0);
        Ok(())
    }

    fn forget_from(&mut self, known: usize) {
        for id in self.ids.drain(known..) {
            self.slots[id as usize] = u32::MAX;
        }
        self.values.truncate(known * self.dimensions);
    }

    /// No gradient; the memory stays for the next.
    pub(crate) fn clear(&mut self) {
        self.forget_from(0);
        self.exists = false;
    }

    /// A copy, by ascending ids; `None` when there is none.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`].
    pub(crate) fn sorted(&self) -> Result<Option<RowGradient>> {
        if !self.exists {
            return Ok(None);
        }
        let mut ids = memory::copied(&self.ids)?;
        ids.sort_unstable();
        let mut values = memory::reserved(self.values.len())?;
        for &id in &ids {
            values.extend_from_slice(
                &self.values[self.slots[id as usize] as usize * self.dimensions..][..self.dimensions],
            );
        }
        Ok(Some(RowGradient { ids, values }))
    }
}

//! Rows of a table that several threads change, each row by one of them.

use std::marker::PhantomData;

/// A table whose rows are handed out one by one.
pub(crate) struct MutRows<'a, T> {
    start: *mut T,
    rows: usize,
    width: usize,
    table: PhantomData<&'a mut [T]>,
}

// SAFETY: it hands out parts of what it borrows alone; who asks promises that they are apart.
unsafe impl<T: Send> Sync for MutRows<'_, T> {}

impl<'a, T> MutRows<'a, T> {
    /// The rows of `width` values of `table`; rows without values are as many as one likes.
    pub(crate) fn new(table: &'a mut [T], width: usize) -> Self {
        Self {
            start: table.as_mut_ptr(),
            rows: table.len().checked_div(width).unwrap_or(usize::MAX),
            width,
            table: PhantomData,
        }
    }

    /// Row `row`.
    ///
    /// # Safety
    /// Nobody else has this row for as long as it is used.
    ///
    /// # Panics
    /// When there is no such row.
    #[expect(clippy::mut_from_ref, reason = "the caller promises that each row is asked for once")]
    pub(crate) unsafe fn row(&self, row: usize) -> &mut [T] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the row is inside of the table, and nobody else has it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.width), self.width) }
    }

    /// Where row `row` starts, to ask for it before it is needed; `row` may be any number.
    pub(crate) fn start_of(&self, row: usize) -> *const T {
        self.start.wrapping_add(row.wrapping_mul(self.width))
    }
}

//! Sizes that come from input: checked arithmetic, and allocations that fail with an error.
//!
//! A failed `Vec::with_capacity` ends the process; these do not.

use crate::{Error, Result};

/// `rows * dimensions`, when that many `f32` have an address.
pub(crate) fn checked_len(rows: usize, dimensions: usize) -> Result<usize> {
    (rows.checked_mul(dimensions))
        .filter(|&len| len.checked_mul(size_of::<f32>()).is_some_and(|bytes| isize::try_from(bytes).is_ok()))
        .ok_or(Error::TooLarge { rows, dimensions })
}

/// [`Error::OutOfMemory`] when `rows` rows of `dimensions` values take more than `max_bytes`. Systems that promise more
/// memory than they have would allocate them, and end the process when they are written.
pub(crate) fn check_limit(rows: usize, dimensions: usize, max_bytes: usize) -> Result<()> {
    let bytes = checked_len(rows, dimensions)? * size_of::<f32>();
    if bytes > max_bytes { Err(Error::OutOfMemory { bytes }) } else { Ok(()) }
}

/// An empty vector with room for `len` values.
pub(crate) fn reserved<T>(len: usize) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    values.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes })?;
    Ok(values)
}

/// `len` zeros.
pub(crate) fn zeros(len: usize) -> Result<Vec<f32>> {
    let mut values = reserved(len)?;
    values.resize(len, 0.0);
    Ok(values)
}

/// A copy of `values`.
pub(crate) fn copied(values: &[f32]) -> Result<Vec<f32>> {
    let mut copy = reserved(values.len())?;
    copy.extend_from_slice(values);
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_has_no_address_is_an_error() {
        assert_eq!(checked_len(3, 4).ok(), Some(12));
        assert!(matches!(checked_len(usize::MAX, 2), Err(Error::TooLarge { .. })));
        assert!(matches!(checked_len(isize::MAX as usize / 4 + 1, 1), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn memory_that_is_not_there_is_an_error() {
        assert!(matches!(zeros(isize::MAX as usize / 4), Err(Error::OutOfMemory { .. })));
    }
}

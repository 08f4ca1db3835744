//! Sizes that come from input: checked arithmetic, and allocations that fail with an error.
//!
//! A failed `Vec::with_capacity` ends the process; these do not. Large ones lie on large pages where the system has them: rows
//! that are read all over a table otherwise miss the processor's table of pages, and each 4 KiB costs a page fault.

use std::alloc::{Layout, alloc_zeroed};
use std::mem::MaybeUninit;

use crate::{Error, Result};

/// `rows * dimensions`, when that many `f32` have an address.
pub(crate) fn checked_len(rows: usize, dimensions: usize) -> Result<usize> {
    (rows.checked_mul(dimensions))
        .filter(|&len| len.checked_mul(size_of::<f32>()).is_some_and(|bytes| isize::try_from(bytes).is_ok()))
        .ok_or(Error::TooLarge { rows, dimensions })
}

/// [`Error::OutOfMemory`] when so many values of `size` bytes take more than `max_bytes`. Systems that promise more memory than they have
/// would allocate them, and end the process when they are written.
pub(crate) fn check_limit(values: usize, size: usize, max_bytes: usize) -> Result<()> {
    let bytes = values.saturating_mul(size);
    if bytes > max_bytes { Err(Error::OutOfMemory { bytes }) } else { Ok(()) }
}

/// An empty vector with room for `len` values.
pub(crate) fn reserved<T>(len: usize) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    values.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes })?;
    on_large_pages(values.spare_capacity_mut());
    Ok(values)
}

/// Room for `more` values in `values`.
pub(crate) fn reserve<T>(values: &mut Vec<T>, more: usize) -> Result<()> {
    let bytes = more.saturating_mul(size_of::<T>());
    values.try_reserve(more).map_err(|_| Error::OutOfMemory { bytes })?;
    on_large_pages(values.spare_capacity_mut());
    Ok(())
}

/// `len` times `value`.
pub(crate) fn filled<T: Copy>(len: usize, value: T) -> Result<Vec<T>> {
    let mut values = reserved(len)?;
    values.resize(len, value);
    Ok(values)
}

/// `len` zeros.
pub(crate) fn zeros(len: usize) -> Result<Vec<f32>> {
    filled(len, 0.0)
}

/// `len` zeros that take memory only where they are written.
pub(crate) fn untouched_zeros(len: usize) -> Result<Vec<f32>> {
    let no_memory = || Error::OutOfMemory { bytes: len.saturating_mul(size_of::<f32>()) };
    let layout = Layout::array::<f32>(len).map_err(|_| no_memory())?;
    if layout.size() == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the layout is not empty.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return Err(no_memory());
    }
    // SAFETY: it was allocated by the global allocator for `len` values.
    let mut values: Vec<f32> = unsafe { Vec::from_raw_parts(start.cast(), 0, len) };
    on_large_pages(values.spare_capacity_mut());
    // SAFETY: all bits zero is the value 0, and so many of them are there.
    unsafe { values.set_len(len) };
    Ok(values)
}

/// A copy of `values`.
pub(crate) fn copied<T: Copy>(values: &[T]) -> Result<Vec<T>> {
    let mut copy = reserved(values.len())?;
    copy.extend_from_slice(values);
    Ok(copy)
}

/// Asks the system for large pages where `memory`, which nobody has written yet, is several of them.
#[cfg(target_os = "linux")]
fn on_large_pages<T>(memory: &mut [MaybeUninit<T>]) {
    const LARGE: usize = 2 << 20;
    let before = memory.as_ptr().addr().wrapping_neg() % LARGE;
    let bytes = size_of_val(memory).saturating_sub(before) / LARGE * LARGE;
    if bytes >= 2 * LARGE {
        let start = memory.as_mut_ptr().cast::<u8>().wrapping_add(before);
        // SAFETY: whole pages of memory that is ours. The advice is about speed: where the system does not take it there is no harm.
        unsafe { libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE) };
    }
}

/// Other systems have large pages by themselves, or for the privileged.
#[cfg(not(target_os = "linux"))]
fn on_large_pages<T>(_: &mut [MaybeUninit<T>]) {}

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
        for len in [isize::MAX as usize / 4, usize::MAX] {
            assert!(matches!(zeros(len), Err(Error::OutOfMemory { .. })));
            assert!(matches!(untouched_zeros(len), Err(Error::OutOfMemory { .. })));
            assert!(matches!(reserve(&mut vec![0f32], len), Err(Error::OutOfMemory { .. })));
        }
    }

    #[test]
    fn zeros_are_zeros_of_any_size() {
        for len in [0, 1, 1000, 5 << 20] {
            assert!(untouched_zeros(len).unwrap().iter().all(|value| value.to_bits() == 0));
            assert_eq!(untouched_zeros(len).unwrap().len(), len);
        }
        assert_eq!(filled(3 << 20, 7u32).unwrap(), vec![7; 3 << 20]);
    }
}

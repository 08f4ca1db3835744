//! Memory for the large tables, on large pages where the system has them: a table that is read all over otherwise misses the processor's
//! table of pages at almost every look, and costs a page fault for each 4 KiB when it is made.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// The size of a large page on the usual systems, in bytes.
const LARGE: usize = 2 << 20;
/// A line of the processor's caches.
const LINE: usize = 64;

/// A number that may be all zeros: what [`Pages`] start as.
pub(crate) trait Zero: Copy {}

impl Zero for u32 {}
impl Zero for u64 {}
impl<T: Zero, const N: usize> Zero for [T; N] {}

/// A slice of zeros at first, which starts with a line of the caches.
pub(crate) struct Pages<T> {
    start: NonNull<T>,
    length: usize,
}

// SAFETY: it owns its numbers, like a box.
unsafe impl<T: Send> Send for Pages<T> {}
// SAFETY: likewise.
unsafe impl<T: Sync> Sync for Pages<T> {}

impl<T: Zero> Pages<T> {
    /// `length` zeros; there is at least one.
    pub fn zeros(length: usize) -> Self {
        let layout = Self::layout(length);
        // SAFETY: the layout is not empty, as there is a number at least and no number is empty.
        let start = unsafe { alloc(layout) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
        #[cfg(target_os = "linux")]
        if layout.align() == LARGE {
            // SAFETY: these bytes were just given to us. That it may fail does no harm: it is about speed.
            unsafe { libc::madvise(start.as_ptr().cast(), layout.size(), libc::MADV_HUGEPAGE) };
        }
        // SAFETY: as many bytes as the layout has.
        unsafe { start.write_bytes(0, layout.size()) };
        Self { start: start.cast(), length }
    }

    fn layout(length: usize) -> Layout {
        let layout = Layout::array::<T>(length.max(1)).expect("a table is far smaller than the address space");
        let align = if layout.size() >= LARGE { LARGE } else { LINE };
        layout.align_to(align).expect("a power of two").pad_to_align()
    }
}

impl<T> Deref for Pages<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: so many numbers are there, initialised and ours.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl<T> DerefMut for Pages<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: so many numbers are there, initialised and ours.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl<T> Drop for Pages<T> {
    fn drop(&mut self) {
        let bytes = Layout::array::<T>(self.length.max(1)).expect("it was one before");
        let align = if bytes.size() >= LARGE { LARGE } else { LINE };
        let layout = bytes.align_to(align).expect("it was one before").pad_to_align();
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(self.start.as_ptr().cast(), layout) };
    }
}

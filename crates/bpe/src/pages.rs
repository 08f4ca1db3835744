//! Memory from the system for what is large. Tables are on large pages where it has them: a table that is read all over otherwise misses the processor's
//! table of pages at almost every look, and costs a page fault for each 4 KiB when it is made.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;

/// A line of the processor's caches.
const LINE: usize = 64;

/// What [`Pages`] are of.
///
/// # Safety
/// A value may be all zeros.
pub(crate) unsafe trait Zero: Copy {}

// SAFETY: any bits are a number.
unsafe impl Zero for u16 {}
// SAFETY: as above.
unsafe impl Zero for u32 {}
// SAFETY: as above.
unsafe impl Zero for u64 {}
// SAFETY: it is nothing but values that may be zeros.
unsafe impl<T: Zero, const N: usize> Zero for [T; N] {}

/// A slice of zeros at first, which starts with a line of the caches.
pub(crate) struct Pages<T> {
    start: NonNull<T>,
    length: usize,
    is_mapped: bool,
}

// SAFETY: it owns its numbers, like a box.
unsafe impl<T: Send> Send for Pages<T> {}
// SAFETY: likewise.
unsafe impl<T: Sync> Sync for Pages<T> {}

impl<T: Zero> Pages<T> {
    /// None, and no memory.
    pub const fn none() -> Self {
        Self { start: NonNull::dangling(), length: 0, is_mapped: false }
    }

    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        Self::try_zeros(length).unwrap_or_else(|| handle_alloc_error(layout::<T>(length).unwrap_or(Layout::new::<T>())))
    }

    /// `length` zeros. `None`: there is not enough memory.
    pub fn try_zeros(length: usize) -> Option<Self> {
        const { assert!(size_of::<T>() > 0, "a value takes memory") };
        if length == 0 {
            return Some(Self::none());
        }
        let layout = layout::<T>(length)?;
        let mapped = large::map(layout.size()).inspect(|&start| large::prefer(start, layout.size()));
        // SAFETY: the layout is not empty, as there is a value at least and no value is empty.
        let start = mapped.or_else(|| NonNull::new(unsafe { alloc_zeroed(layout) }))?;
        Some(Self { start: start.cast(), length, is_mapped: mapped.is_some() })
    }

    /// [`Pages::try_zeros`] whose memory has been taken from the system: a page at a time, so that nothing else that the process asks of the system waits for all.
    pub fn touched(length: usize) -> Option<Self> {
        let zeros = Self::try_zeros(length)?;
        for at in (0..size_of_val(&zeros[..])).step_by(large::PAGE) {
            // SAFETY: the byte is ours, and zero already.
            unsafe { zeros.start.cast::<u8>().add(at).write_volatile(0) };
        }
        Some(zeros)
    }

    /// `length` zeros on pages as the system chooses, which take no memory until they are touched; `None` where they are less than a large page, or it has
    /// none for them.
    pub fn map(length: usize) -> Option<Self> {
        Some(Self { start: large::map(layout::<T>(length)?.size())?.cast(), length, is_mapped: true })
    }

    /// Takes memory for what will be written from the start of `range` on, by one call of the system where each page would be a fault, but for no more than
    /// [`large::STEP`] bytes. Returns up to where numbers may be written before it is asked again, which is not within `range`.
    pub fn touch(&mut self, range: Range<usize>) -> usize {
        let start = range.start * size_of::<T>() / large::STEP * large::STEP;
        let end = (start + large::STEP).min(self.length * size_of::<T>());
        if self.is_mapped && start < end {
            // SAFETY: it was mapped for these bytes.
            unsafe { large::touch(self.start.cast::<u8>().add(start).as_ptr(), end - start) };
        }
        (end / size_of::<T>()).max(range.end)
    }

    /// Takes large pages for all of it, with what is there already, where the system has them.
    pub fn collapse(&mut self) {
        if self.is_mapped {
            let bytes = size_of_val(&self[..]);
            large::prefer(self.start.cast(), bytes);
            // SAFETY: it was mapped for these bytes.
            unsafe { large::collapse(self.start.cast(), bytes) };
        }
    }

    /// Gives back the memory of the large pages that are wholly behind the first `length` numbers: they are zeros again, on Linux.
    pub fn empty_from(&mut self, length: usize) {
        let kept = (length * size_of::<T>()).next_multiple_of(large::LARGE);
        let all = layout::<T>(self.length).expect("it was allocated").size();
        if self.is_mapped && kept < all {
            // SAFETY: it was mapped for these bytes, and any numbers may change.
            unsafe { large::empty(self.start.cast().add(kept), all - kept) };
        }
    }
}

/// Takes memory for all of `place`, which will be written to, by one call of the system where each new page would be a fault.
pub fn touch<T>(place: &mut [T]) {
    let start = place.as_mut_ptr().cast::<u8>();
    // Also the first page, which others have a part of: it stays as it is.
    let before = start.addr() % large::PAGE;
    // SAFETY: from the start of a page on there are only pages that have some of `place`, and are in use. What is not of `place` is but an address to us, which is
    // why the pointer may leave it.
    unsafe { large::touch(start.wrapping_sub(before), before + size_of_val(place)) };
}

/// Of so many numbers; `None`: more than there are addresses.
fn layout<T>(length: usize) -> Option<Layout> {
    Some(Layout::array::<T>(length).ok()?.align_to(LINE).ok()?.pad_to_align())
}

/// Memory from the system, from the start of a large page on.
#[cfg(target_os = "linux")]
mod large {
    use std::ptr::{NonNull, null_mut};

    /// The size of a large page on the usual machines, in bytes.
    pub const LARGE: usize = 2 << 20;
    /// A multiple of the size of any page.
    const PAGES: usize = 64 << 10;
    /// The size of a page on the usual machines; on others pages that do not start here are not taken together.
    pub const PAGE: usize = 4 << 10;
    /// How many bytes are touched at a time: with more a fault is no cheaper, and what is not written to in the end takes memory too.
    pub const STEP: usize = PAGES;
    /// `MADV_COLLAPSE`, which the headers of musl lack.
    const COLLAPSE: libc::c_int = 25;

    /// So many zeros, when they are a large page and more, and the system has them.
    pub fn map(bytes: usize) -> Option<NonNull<u8>> {
        if bytes < LARGE {
            return None;
        }
        let bytes = bytes.next_multiple_of(PAGES);
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a mapping of its own, at a place that the system chooses.
        let mapped = unsafe { libc::mmap(null_mut(), bytes + LARGE, access, kind, -1, 0) };
        if mapped == libc::MAP_FAILED {
            return None;
        }
        let before = mapped.addr().wrapping_neg() % LARGE;
        let start = mapped.wrapping_byte_add(before);
        // SAFETY: what is given back is before and after what is wanted, and nobody knows of it.
        unsafe {
            if before > 0 {
                libc::munmap(mapped, before);
            }
            libc::munmap(start.wrapping_byte_add(bytes), LARGE - before);
        }
        NonNull::new(start.cast())
    }

    /// Asks for large pages where [`map`] gave so many bytes.
    pub fn prefer(start: NonNull<u8>, bytes: usize) {
        // SAFETY: this is about speed: where the system does not take it there is no harm.
        unsafe { libc::madvise(start.as_ptr().cast(), bytes.next_multiple_of(PAGES), libc::MADV_HUGEPAGE) };
    }

    /// Takes memory for so many bytes from `start` on, which is the start of a page. What is there stays as it is.
    ///
    /// # Safety
    /// Their pages are in use.
    pub unsafe fn touch(start: *mut u8, bytes: usize) {
        // SAFETY: the caller's promise. Where the system does not know of it, or has none, there is no harm.
        unsafe { libc::madvise(start.cast(), bytes, libc::MADV_POPULATE_WRITE) };
    }

    /// Puts so many bytes from `start` on, which is the start of a large page, on large pages.
    ///
    /// # Safety
    /// They are in use.
    pub unsafe fn collapse(start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise. Where the system does not know of it, or has none, there is no harm.
        unsafe { libc::madvise(start.as_ptr().cast(), bytes, COLLAPSE) };
    }

    /// Gives back what [`map`] gave for so many bytes.
    ///
    /// # Safety
    /// It did, and nobody uses them any more.
    pub unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { libc::munmap(start.as_ptr().cast(), bytes.next_multiple_of(PAGES)) };
    }

    /// Makes zeros of so many bytes from `start` on, which is the start of a large page of those that [`map`] gave.
    ///
    /// # Safety
    /// They are the caller's, up to the last that [`map`] gave.
    pub unsafe fn empty(start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise. Where it fails they stay as they are, which is not wrong either.
        unsafe { libc::madvise(start.as_ptr().cast(), bytes.next_multiple_of(PAGES), libc::MADV_DONTNEED) };
    }
}

/// Other systems have large pages by themselves, or for the privileged.
#[cfg(not(target_os = "linux"))]
mod large {
    use std::ptr::NonNull;

    pub const LARGE: usize = 2 << 20;
    pub const STEP: usize = 64 << 10;
    pub const PAGE: usize = 4 << 10;

    pub fn map(_: usize) -> Option<NonNull<u8>> {
        None
    }

    pub fn prefer(_: NonNull<u8>, _: usize) {}

    pub unsafe fn touch(_: *mut u8, _: usize) {}

    pub unsafe fn collapse(_: NonNull<u8>, _: usize) {}

    pub unsafe fn unmap(_: NonNull<u8>, _: usize) {}

    pub unsafe fn empty(_: NonNull<u8>, _: usize) {}
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

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pages").field("length", &self.length).finish_non_exhaustive()
    }
}

impl<T> Drop for Pages<T> {
    fn drop(&mut self) {
        if self.length == 0 {
            return;
        }
        let (start, layout) = (self.start.cast(), layout::<T>(self.length).expect("it was allocated"));
        if self.is_mapped {
            // SAFETY: it was mapped for these bytes, and goes with its owner.
            unsafe { large::unmap(start, layout.size()) };
        } else {
            // SAFETY: it was allocated with this layout.
            unsafe { dealloc(start.as_ptr(), layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;

    use super::*;

    #[test]
    fn they_are_zeros_at_the_start_of_a_line() {
        for length in [1, 7, 1000, 1 << 18, (1 << 18) + 1, 700_001] {
            let mut pages = Pages::<u64>::zeros(length);
            assert_eq!((pages.len(), pages.as_ptr().addr() % LINE), (length, 0));
            assert!(pages.iter().all(|&number| number == 0));
            pages.fill(u64::MAX);
            let other = Pages::<[u64; 4]>::zeros(length);
            assert!(other.iter().all(|&numbers| numbers == [0; 4]));
            assert!(pages.iter().all(|&number| number == u64::MAX));
            let touched = Pages::<u64>::touched(length).expect("it is small");
            assert!(touched.len() == length && touched.iter().all(|&number| number == 0));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_touched_is_in_memory() {
        let touched = Pages::<u32>::touched(1 << 20).expect("it is small");
        let bytes = size_of_val(&touched[..]);
        // SAFETY: it asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let mut pages = vec![0; bytes / page];
        // SAFETY: the start of a page, as many bytes as there are, and a byte for each page of them.
        let result = unsafe { libc::mincore(touched.as_ptr().cast_mut().cast(), bytes, pages.as_mut_ptr()) };
        assert!(result == 0 && pages.iter().all(|page| page & 1 == 1), "{pages:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_touched_stays_as_it_is() {
        const STEP: usize = large::STEP / size_of::<u32>();
        let mut pages = Pages::<u32>::map(40 * STEP + 5).expect("the system has large pages");
        for (range, next) in [
            (0..1, STEP),
            (STEP..STEP + 8, 2 * STEP),
            (2 * STEP - 1..2 * STEP, 2 * STEP),
            (2 * STEP + 3..5 * STEP, 5 * STEP),
            (5 * STEP + 7..5 * STEP + 8, 6 * STEP),
            (40 * STEP..40 * STEP + 5, 40 * STEP + 5),
        ] {
            pages[..range.start].fill(7);
            assert_eq!(pages.touch(range.clone()), next);
            assert!(pages[..range.start].iter().all(|&number| number == 7));
            assert!(pages[range.start..].iter().all(|&number| number == 0));
        }
        assert_eq!(Pages::<u32>::zeros(9).touch(3..9), 9);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_goes_to_large_pages_stays_as_it_is() {
        let mut pages = Pages::<u32>::map((1 << 20) + 5).expect("the system has large pages");
        let known = 200_000;
        pages[..known].fill(7);
        pages.collapse();
        assert!(pages[..known].iter().all(|&number| number == 7) && pages[known..].iter().all(|&number| number == 0));
        pages.fill(8);
        let mut few = Pages::<u32>::zeros(9);
        few.collapse();
        assert_eq!(few[..], [0; 9]);
    }

    #[test]
    fn memory_of_any_kind_may_be_touched() {
        let mut rng = Rng::new(1);
        let mut expected: Vec<u32> = (0..100_000).collect();
        let mut pages = Pages::<u32>::zeros(expected.len());
        pages.copy_from_slice(&expected);
        for round in 0..200 {
            let start = rng.below(expected.len());
            let end = start + rng.below(expected.len() - start);
            touch(&mut expected[start..end]);
            touch(&mut pages[start..end]);
            assert!(pages[..] == expected && expected.iter().copied().eq(0..100_000), "round {round}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn whole_large_pages_are_given_back() {
        const PAGE: usize = large::LARGE / size_of::<u32>();
        assert!(Pages::<u32>::map(PAGE - LINE).is_none());
        assert!(Pages::<u32>::map(usize::MAX / 4).is_none());
        for (length, kept) in [(0, 0), (1, PAGE), (PAGE, PAGE), (PAGE + 1, 2 * PAGE), (3 * PAGE, 3 * PAGE)] {
            let mut pages = Pages::<u32>::map(3 * PAGE + 5).expect("the system has large pages");
            pages.fill(7);
            pages.empty_from(length);
            let (before, after) = pages.split_at(kept);
            assert!(before.iter().all(|&number| number == 7) && after.iter().all(|&number| number == 0));
            pages.fill(8);
        }
    }
}

//! Copies past the caches, and requests ahead of time.

use std::mem::MaybeUninit;

/// Bytes that the caches move at once.
const LINE: usize = 64;
/// The smallest pages that systems have.
const PAGE: usize = 4096;
/// How far ahead pages are asked for that will be written, in bytes.
const PAGES_AHEAD: usize = 24 << 10;
/// Bytes that are stored at once.
const STORE: usize = 16;

/// Whether [`store`] can write `bytes` bytes at `start`, and all rows of that size after it.
pub(super) fn can_stream(start: usize, bytes: usize) -> bool {
    cfg!(target_arch = "x86_64") && start.is_multiple_of(STORE) && bytes.is_multiple_of(STORE)
}

/// Copies `from` to `to` past the caches: a large result that is written in the usual way is first read from memory, line by line, and
/// drives out of the caches what will be read again. [`end_of_stream`] makes what was written visible to other threads.
///
/// # Safety
/// `to` is as long as `from`, and [`can_stream`] says yes for it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(clippy::cast_ptr_alignment, reason = "the caller promises that it is aligned")]
pub(super) unsafe fn store<T>(to: &mut [MaybeUninit<T>], from: &[T]) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
    let (to, start) = (to.as_mut_ptr().cast::<u8>(), from.as_ptr().cast::<u8>());
    for at in (0..size_of_val(from)).step_by(STORE) {
        // SAFETY: the caller promises room and alignment.
        unsafe { _mm_stream_si128(to.add(at).cast::<__m128i>(), _mm_loadu_si128(start.add(at).cast())) };
    }
}

/// Never called: [`can_stream`] says no.
#[cfg(not(target_arch = "x86_64"))]
pub(super) unsafe fn store<T>(to: &mut [MaybeUninit<T>], from: &[T]) {
    // SAFETY: the caller promises room.
    unsafe { to.as_mut_ptr().cast::<T>().copy_from_nonoverlapping(from.as_ptr(), from.len()) };
}

/// After this, other threads see what [`store`] wrote, once this thread has told them.
pub(super) fn end_of_stream() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every processor of this kind has it.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Asks for bytes before they are needed. `start` may be any address.
#[inline(always)]
pub(super) fn prefetch_bytes(start: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(start, bytes);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, bytes);
}

/// [`prefetch_bytes`] of what will be read once: it drives nothing out of the outer caches.
#[inline(always)]
pub(super) fn prefetch_once(start: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    prefetch::<{ std::arch::x86_64::_MM_HINT_NTA }>(start, bytes);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, bytes);
}

/// Asks for a page that will be written, some pages ahead of `line`, and once for each page: a store past the caches waits until the place of
/// its page is found, and the stores after it wait with it.
#[inline(always)]
pub(super) fn prefetch_page<T>(line: &[MaybeUninit<T>]) {
    let start = line.as_ptr().cast::<u8>().wrapping_add(PAGES_AHEAD);
    if start.addr() % PAGE < size_of_val(line) {
        prefetch_once(start, 1);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch<const HINT: i32>(start: *const u8, bytes: usize) {
    for at in (0..bytes).step_by(LINE) {
        // SAFETY: prefetching any address does nothing that can be seen.
        unsafe { std::arch::x86_64::_mm_prefetch::<HINT>(start.wrapping_add(at).cast()) };
    }
}

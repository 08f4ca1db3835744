//! Copies past the caches, and requests ahead of time.

/// Bytes that the caches move at once.
const LINE: usize = 64;
/// Bytes that are stored at once.
const STORE: usize = 16;

/// Whether [`stream_copy`] can write `bytes` bytes at `start`, and all rows of that size after it.
pub(super) fn can_stream(start: usize, bytes: usize) -> bool {
    cfg!(target_arch = "x86_64") && start.is_multiple_of(STORE) && bytes.is_multiple_of(STORE)
}

/// Copies `from` to `to` past the caches: a large result that is written in the usual way is first read from memory, line by line, and
/// drives out of the caches what will be read again. While it copies, it asks for as many bytes from `next` on, which may be any address.
/// [`end_of_stream`] makes what was written visible to other threads.
///
/// # Safety
/// `to` has room for `from`, and [`can_stream`] says yes for it.
#[cfg(target_arch = "x86_64")]
#[expect(clippy::cast_ptr_alignment, reason = "the caller promises that it is aligned")]
pub(super) unsafe fn stream_copy(to: *mut u8, from: &[u8], next: *const u8) {
    use std::arch::x86_64::{__m128i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm_stream_si128};
    let (lines, rest) = from.as_chunks::<LINE>();
    let store = |at: usize, values: &[u8; STORE]| {
        // SAFETY: the caller promises room and alignment.
        unsafe { _mm_stream_si128(to.add(at).cast::<__m128i>(), _mm_loadu_si128(values.as_ptr().cast())) };
    };
    for (index, line) in lines.iter().enumerate() {
        let at = index * LINE;
        // SAFETY: prefetching any address does nothing that can be seen.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(at).cast()) };
        for (part, values) in line.as_chunks::<STORE>().0.iter().enumerate() {
            store(at + part * STORE, values);
        }
    }
    for (part, values) in rest.as_chunks::<STORE>().0.iter().enumerate() {
        store(lines.len() * LINE + part * STORE, values);
    }
}

/// Never called: [`can_stream`] says no.
#[cfg(not(target_arch = "x86_64"))]
pub(super) unsafe fn stream_copy(to: *mut u8, from: &[u8], _next: *const u8) {
    // SAFETY: the caller promises room.
    unsafe { to.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
}

/// After this, other threads see what [`stream_copy`] wrote, once this thread has told them.
pub(super) fn end_of_stream() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every processor of this kind has it.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Asks for a row before it is needed. `start` may be any address.
#[inline(always)]
pub(super) fn prefetch_row(start: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for at in (0..bytes).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching any address does nothing that can be seen.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, bytes);
}

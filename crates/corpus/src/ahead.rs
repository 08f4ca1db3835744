//! Memory that is asked for before it is read: shuffled rows lie anywhere.

/// How far ahead of the copying rows are asked for, in bytes: about what the memory gives in the time that it takes to answer.
const AHEAD: usize = 8 << 10;
/// The most that is asked for of a row: the processor sees by then that it is read in order.
const START: usize = 2 << 10;
const LINE: usize = 64;

/// How many rows of `bytes` ahead of the copying one is asked for, in batches of `batch` rows.
pub fn rows(bytes: usize, batch: usize) -> usize {
    AHEAD.div_ceil(bytes.clamp(1, AHEAD)).min(batch)
}

/// Item `index` of `these` and the ones after them.
pub fn row<'a, T>(these: &'a [T], next: &'a [T], index: usize) -> Option<&'a T> {
    these.get(index).or_else(|| next.get(index.checked_sub(these.len())?))
}

/// Asks for the start of the `bytes` at `row`, which may point anywhere.
#[inline(always)]
pub fn ask_for(row: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for at in (0..bytes.min(START) + LINE).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every processor has the instruction, which reads nothing that the program would see, wherever it points.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(row.wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (row, bytes, LINE, START);
}

//! What all ways to merge in turns have in common.

use super::super::pairs::{NONE, Pairs};
use super::{Job, MAX_SYMBOLS};

/// The place that holds no symbol.
pub(super) const NOWHERE: u32 = MAX_SYMBOLS as u32;
pub(super) const PLACE_BITS: u32 = 4;
const _: () = assert!(NOWHERE + 1 == 1 << PLACE_BITS);
/// A key from here on is that of no merge.
pub(super) const NO_KEY: u32 = NONE << PLACE_BITS;

/// What orders possible merges: by result, and of several with the same result the leftmost. An id has 21 bits, [`NONE`] has all.
#[inline(always)]
pub(super) fn key(result: u32, place: u32) -> u32 {
    result << PLACE_BITS | place
}

/// The symbols around a merge; [`NOWHERE`] for one that is not there.
pub(super) struct Around {
    pub(super) previous: u32,
    /// The one that is merged into the one at the place of the merge.
    pub(super) next: u32,
    pub(super) following: u32,
}

impl Around {
    /// Those around `place`, where symbols start at the bits of `starts`.
    #[inline(always)]
    pub(super) fn of(starts: u32, place: u32) -> Self {
        let behind = starts & (u32::MAX << 1 << place);
        let previous = (starts & ((1 << place) - 1) | 1).ilog2();
        Self {
            previous: if place == 0 { NOWHERE } else { previous },
            next: (behind | 1 << NOWHERE).trailing_zeros(),
            following: (behind & behind.wrapping_sub(1) | 1 << NOWHERE).trailing_zeros(),
        }
    }
}

/// A piece in the middle of its merges: a merge has been made, and what its symbol and its neighbours merge into has been asked for. Whoever has one has
/// the instructions for it.
pub(super) trait Lane: Copy {
    /// That of job `number`; of none when there are not as many.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn load(jobs: &[Job], number: usize) -> Self;

    /// Takes the results that the last merges have asked for, and makes the next ones. Returns a bit for each of `lanes` that has none left.
    fn step(lanes: &mut [Self], pairs: &Pairs) -> u32;

    fn job(&self) -> usize;

    /// Writes the symbols that are left.
    fn store(&self, job: &mut Job);
}

/// Merges each of `jobs`, `TURNS` at a time: always the pair with the smallest result, the leftmost of several.
///
/// # Safety
/// As [`Lane::load`].
#[inline(always)]
pub(super) unsafe fn in_turns<L: Lane, const TURNS: usize>(jobs: &mut [Job], pairs: &Pairs) {
    // SAFETY: the caller's promise.
    let load = |jobs: &[Job], number| unsafe { L::load(jobs, number) };
    let mut lanes: [L; TURNS] = std::array::from_fn(|number| load(jobs, number));
    let (mut active, mut next) = (TURNS.min(jobs.len()), TURNS);
    while active > 0 {
        // When a piece ends cannot be foreseen: so it is asked once for all.
        let mut done = L::step(&mut lanes[..active], pairs);
        while let Some(at) = done.checked_ilog2() {
            done ^= 1 << at;
            let lane = &mut lanes[at as usize];
            lane.store(&mut jobs[lane.job()]);
            if next < jobs.len() {
                *lane = load(jobs, next);
                next += 1;
            } else {
                active -= 1;
                lanes[at as usize] = lanes[active];
            }
        }
    }
}

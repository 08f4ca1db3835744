//! Merging several short pieces in turns.
//!
//! One merge after the other is a chain of waits: for the smallest of the results, then for what the new symbol and its neighbours
//! merge into, which is read from afar. And whether two symbols merge cannot be foreseen, so a branch on it is often guessed wrong, which
//! costs as much as a wait. Here a step has no branch but the one at the end of a piece, and what it needs from afar is asked for a round before:
//! while one piece waits the others go on. It takes AVX2 or AVX-512; other processors merge one piece after the other.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;

use super::Placed;
#[cfg(target_arch = "x86_64")]
use super::pairs::Pairs;
use super::pairs::{NO_ID, NONE};

/// The most symbols of a piece. One more place holds no symbol, always.
pub(super) const MAX_SYMBOLS: usize = 15;
const WIDTH: usize = MAX_SYMBOLS + 1;

/// A piece to merge, or merged.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Job {
    /// Its symbols, then [`NO_ID`].
    pub(super) ids: [u32; WIDTH],
    /// What each symbol and the next merge into; [`NONE`] where they do not.
    pub(super) results: [u32; WIDTH],
    /// The number of symbols.
    pub(super) count: usize,
    /// A bit for each of the first symbols: whether one starts there still.
    pub(super) starts: u16,
    /// A bit for each of the first symbols: whether it is still to be found what it and the next merge into.
    pub(super) open: u16,
}

/// The first `count` of `padded`.
pub(crate) struct SomeIds<'a> {
    pub padded: &'a [u32; WIDTH],
    pub count: usize,
}

impl Job {
    pub(super) const EMPTY: Self = Self { ids: [NO_ID; WIDTH], results: [NONE; WIDTH], count: 0, starts: 0, open: 0 };

    /// That of merging `symbols`, one at least and at most [`MAX_SYMBOLS`].
    pub(super) fn of(symbols: &[u32]) -> Self {
        let mut job = Self::EMPTY;
        job.ids[..symbols.len()].copy_from_slice(symbols);
        job.open = (1 << (symbols.len() - 1)) - 1;
        job.start(symbols.len())
    }

    /// That of merging `symbols`, at most [`MAX_SYMBOLS`], of which each and the next one merge into the one of `results`. There may be more of these.
    #[inline(always)]
    pub(super) fn known(symbols: &[u32], results: &[u32]) -> Self {
        let mut job = Self::of(symbols);
        let pairs = symbols.len() - 1;
        job.results[..pairs].copy_from_slice(&results[..pairs]);
        job.open = 0;
        job
    }

    /// [`Job::of`] the first `count` of `ids`, behind which is [`NO_ID`]. Copied whole they take no call. Of each that has no bit in `open` it is known
    /// that it and the next do not merge.
    #[inline(always)]
    pub(super) fn of_padded(ids: &[u32; WIDTH], count: usize, open: u16) -> Self {
        Self { ids: *ids, open, ..Self::EMPTY }.start(count)
    }

    /// Finds what is to be found of what two symbols merge into, by `result`.
    #[inline(always)]
    pub(super) fn pair_up(&mut self, result: impl Fn(u32, u32) -> u32) {
        while self.open != 0 {
            let place = self.open.trailing_zeros() as usize;
            self.results[place] = result(self.ids[place], self.ids[(place + 1) % WIDTH]);
            self.open &= self.open - 1;
        }
    }

    /// With that number of symbols.
    #[inline(always)]
    pub(super) fn start(mut self, count: usize) -> Self {
        self.count = count;
        self.starts = (1 << count) - 1;
        self
    }

    /// Its tokens, of which the first symbol is number `first` of the piece.
    pub(super) fn placed(&self, first: usize) -> impl Iterator<Item = Placed> {
        let mut starts = self.starts;
        self.ids[..self.count].iter().map(move |&id| {
            let start = first + starts.trailing_zeros() as usize;
            starts &= starts.wrapping_sub(1);
            Placed { start, id }
        })
    }

    /// The last of its tokens.
    #[inline(always)]
    pub(super) fn last_id(&self) -> u32 {
        self.ids[self.count - 1]
    }

    /// Its last token, of which the first symbol is number `first` of the piece.
    #[inline(always)]
    pub(super) fn last_placed(&self, first: usize) -> Placed {
        Placed { start: first + self.starts.ilog2() as usize, id: self.last_id() }
    }

    /// How many of its `symbols` at its end are whole tokens, at most `most`.
    pub(super) fn end_of(&self, most: usize, symbols: usize) -> usize {
        let from = self.starts & (u16::MAX << symbols.saturating_sub(most));
        if from == 0 { 0 } else { symbols - from.trailing_zeros() as usize }
    }

    /// How many symbols at its start are whole tokens, at most `most`; all of them when they are not more.
    pub(super) fn start_of(&self, most: usize, symbols: usize) -> usize {
        if symbols <= most {
            return symbols;
        }
        let ends = self.starts & (u16::MAX >> (15 - most));
        ends.checked_ilog2().unwrap_or(0) as usize
    }

    /// Its symbols: after merging, its tokens.
    #[inline(always)]
    pub fn symbols(&self) -> SomeIds<'_> {
        SomeIds { padded: &self.ids, count: self.count }
    }
}

/// The place that holds no symbol.
#[cfg(target_arch = "x86_64")]
const NOWHERE: u32 = MAX_SYMBOLS as u32;
#[cfg(target_arch = "x86_64")]
const PLACE_BITS: u32 = 4;
#[cfg(target_arch = "x86_64")]
const _: () = assert!(NOWHERE + 1 == 1 << PLACE_BITS);
/// A key from here on is that of no merge.
#[cfg(target_arch = "x86_64")]
const NO_KEY: u32 = NONE << PLACE_BITS;

/// What orders possible merges: by result, and of several with the same result the leftmost. An id has 21 bits, [`NONE`] has all.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn key(result: u32, place: u32) -> u32 {
    result << PLACE_BITS | place
}

/// The symbols around a merge; [`NOWHERE`] for one that is not there.
#[cfg(target_arch = "x86_64")]
struct Around {
    previous: u32,
    /// The one that is merged into the one at the place of the merge.
    next: u32,
    following: u32,
}

#[cfg(target_arch = "x86_64")]
impl Around {
    /// Those around `place`, where symbols start at the bits of `starts`.
    #[inline(always)]
    fn of(starts: u32, place: u32) -> Self {
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
#[cfg(target_arch = "x86_64")]
trait Lane: Copy {
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
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn in_turns<L: Lane, const TURNS: usize>(jobs: &mut [Job], pairs: &Pairs) {
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

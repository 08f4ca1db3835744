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
#[cfg(target_arch = "x86_64")]
mod turns;

use super::Placed;
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

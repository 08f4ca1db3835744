//! Merging several short pieces in turns.
//!
//! One merge after the other is a chain of waits: for the smallest of the results, then for what the new symbol and its neighbours
//! merge into, which is read from afar. And whether two symbols merge cannot be foreseen, so a branch on it is often guessed wrong, which
//! costs as much as a wait. Here the symbols of a piece and the results of its pairs lie in one register each, a step
//! has no branch but the one at the end of a piece, and what it needs from afar is asked for a round before: while one piece
//! waits the others go on. It takes AVX-512; other processors merge one piece after the other.

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

#[cfg(target_arch = "x86_64")]
pub(super) mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm512_loadu_si512, _mm512_mask_set1_epi32, _mm512_maskz_compress_epi32, _mm512_or_si512,
        _mm512_reduce_min_epu32, _mm512_setr_epi32, _mm512_slli_epi32, _mm512_storeu_si512,
    };

    use super::super::pairs::{Bucket, NO_ID, NONE, Pairs};
    use super::{Job, MAX_SYMBOLS, WIDTH};

    /// So many are merged in turns: more cover the waits no better, and leave the nearest cache.
    const TURNS: usize = 12;

    /// A piece in the middle of its merges: a merge has been made, and what its symbol and its neighbours merge into has been asked for.
    #[derive(Clone, Copy)]
    struct Lane {
        /// For each symbol that is left what orders its merge with the next one: see [`key`].
        keys: __m512i,
        /// A symbol stays where it was; one that is merged into the one before it is gone from `starts`.
        ids: [u32; WIDTH],
        starts: u32,
        job: usize,
        /// The last merge's place, and that of the symbol before it, [`NOWHERE`] when there is none.
        place: u32,
        previous: u32,
        before: Bucket,
        after: Bucket,
    }

    /// The place that holds no symbol.
    const NOWHERE: u32 = MAX_SYMBOLS as u32;
    const PLACE_BITS: u32 = 4;
    const _: () = assert!(NOWHERE + 1 == 1 << PLACE_BITS);
    /// A key from here on is that of no merge.
    const NO_KEY: u32 = NONE << PLACE_BITS;

    /// What orders possible merges: by result, and of several with the same result the leftmost. An id has 21 bits, [`NONE`] has all.
    #[inline(always)]
    fn key(result: u32, place: u32) -> u32 {
        result << PLACE_BITS | place
    }

    impl Lane {
        #[target_feature(enable = "avx512f")]
        #[inline]
        fn load(jobs: &[Job], number: usize) -> Self {
            let job = jobs.get(number).unwrap_or(&Job::EMPTY);
            // SAFETY: the array is as long as a vector.
            let results = unsafe { _mm512_loadu_si512(job.results.as_ptr().cast()) };
            let places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            Self {
                keys: _mm512_or_si512(_mm512_slli_epi32::<PLACE_BITS>(results), places),
                ids: job.ids,
                starts: u32::from(job.starts),
                job: number,
                place: NOWHERE,
                previous: NOWHERE,
                before: Bucket::default(),
                after: Bucket::default(),
            }
        }

        #[target_feature(enable = "avx512f,popcnt")]
        #[inline]
        fn store(&self, job: &mut Job) {
            // SAFETY: both arrays are as long as a vector.
            unsafe {
                let ids = _mm512_loadu_si512(self.ids.as_ptr().cast());
                let left = _mm512_maskz_compress_epi32(self.starts as u16, ids);
                _mm512_storeu_si512(job.ids.as_mut_ptr().cast(), left);
            }
            job.starts = self.starts as u16;
            job.count = self.starts.count_ones() as usize;
        }

        /// Takes the results that the last merge has asked for, and makes the next one; `true` when there was none.
        #[target_feature(enable = "avx512f,bmi1,bmi2,lzcnt")]
        #[inline]
        fn step(&mut self, pairs: &Pairs) -> bool {
            let set = |keys, place: u32, key: u32| _mm512_mask_set1_epi32(keys, 1 << place, key.cast_signed());
            let keys = set(self.keys, self.previous, key(pairs.get_in(self.before), self.previous));
            let keys = set(keys, self.place, key(pairs.get_in(self.after), self.place));
            // It may have been written to by a merge without a symbol before it.
            let keys = set(keys, NOWHERE, NO_KEY);
            let best = _mm512_reduce_min_epu32(keys);
            let is_done = best >= NO_KEY;
            // What is done goes on where there is no symbol, with one that merges with none.
            let (id, place) = if is_done { (NO_ID, NOWHERE) } else { (best >> PLACE_BITS, best & NOWHERE) };
            // The next symbol goes, and with it its pair.
            let behind = self.starts & (u32::MAX << 1 << place);
            let next = (behind | 1 << NOWHERE).trailing_zeros();
            self.keys = set(keys, next & NOWHERE, NO_KEY);
            self.starts &= !(1 << next);
            let following = (behind & behind.wrapping_sub(1) | 1 << NOWHERE).trailing_zeros();
            let previous = (self.starts & ((1 << place) - 1) | 1).ilog2();
            self.place = place;
            self.previous = if place == 0 { NOWHERE } else { previous };
            self.ids[place as usize] = id;
            self.before = pairs.ask_for(self.ids[(self.previous & NOWHERE) as usize], id);
            self.after = pairs.ask_for(id, self.ids[(following & NOWHERE) as usize]);
            is_done
        }
    }

    /// Merges each of `jobs`: always the pair with the smallest result, the leftmost of several.
    #[target_feature(enable = "avx512f,bmi1,bmi2,lzcnt,popcnt")]
    pub fn merge(jobs: &mut [Job], pairs: &Pairs) {
        for job in &mut *jobs {
            job.pair_up(|left, right| pairs.get_in(pairs.ask_for(left, right)));
        }
        let mut lanes: [Lane; TURNS] = std::array::from_fn(|number| Lane::load(jobs, number));
        let (mut active, mut next) = (TURNS.min(jobs.len()), TURNS);
        while active > 0 {
            // When a piece ends cannot be foreseen: so it is asked once for all.
            let mut done = 0_u32;
            for (at, lane) in lanes[..active].iter_mut().enumerate() {
                done |= u32::from(lane.step(pairs)) << at;
            }
            while let Some(at) = done.checked_ilog2() {
                done ^= 1 << at;
                let lane = &mut lanes[at as usize];
                lane.store(&mut jobs[lane.job]);
                if next < jobs.len() {
                    *lane = Lane::load(jobs, next);
                    next += 1;
                } else {
                    active -= 1;
                    lanes[at as usize] = lanes[active];
                }
            }
        }
    }
}

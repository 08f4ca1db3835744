//! Merging several short pieces in turns.
//!
//! One merge after the other is a chain of waits: for the smallest of the results, then for what the new symbol and its neighbours
//! merge into, which is read from afar. And whether two symbols merge cannot be foreseen, so a branch on it is often guessed wrong, which
//! costs as much as a wait. Here the symbols of a piece and the results of its pairs lie in one register each, a step
//! has no branch but the one at the end of a piece, and what it needs from afar is asked for a round before: while one piece
//! waits the others go on. It takes AVX-512; other processors merge one piece after the other.

use super::pairs::{NO_ID, NONE};

/// The most symbols of a piece. One more place holds no symbol, always.
pub(super) const MAX_SYMBOLS: usize = 15;
/// No piece of so many symbols is longer, in bytes.
pub(super) const LONGEST: usize = 4 * MAX_SYMBOLS;
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
    /// Whether `results` are known.
    pub(super) is_paired: bool,
}

/// The first `count` of `padded`.
pub(crate) struct SomeIds<'a> {
    pub padded: &'a [u32; WIDTH],
    pub count: usize,
}

impl Job {
    pub(super) const EMPTY: Self = Self { ids: [NO_ID; WIDTH], results: [NONE; WIDTH], count: 0, is_paired: false };

    /// Its symbols: after merging, its tokens.
    #[inline(always)]
    pub fn symbols(&self) -> SomeIds<'_> {
        SomeIds { padded: &self.ids, count: self.count }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm_cvtsi128_si32, _mm512_castsi512_si128, _mm512_cmpeq_epi32_mask, _mm512_loadu_si512,
        _mm512_mask_compress_epi32, _mm512_mask_set1_epi32, _mm512_permutexvar_epi32, _mm512_reduce_min_epu32,
        _mm512_set1_epi32, _mm512_storeu_si512,
    };

    use super::super::pairs::{Bucket, NO_ID, NONE, Pairs};
    use super::Job;

    /// So many are merged in turns: more cover the waits no better, and leave the nearest cache.
    const TURNS: usize = 12;

    /// A piece in the middle of its merges: a merge has been made, and what its symbol and its neighbours merge into has been asked for.
    #[derive(Clone, Copy)]
    struct Lane {
        ids: __m512i,
        results: __m512i,
        count: usize,
        job: usize,
        /// The bit of the last merge's place; none before the first one.
        here: u16,
        before: Bucket,
        after: Bucket,
    }

    impl Lane {
        #[target_feature(enable = "avx512f")]
        #[inline]
        fn load(jobs: &[Job], number: usize) -> Self {
            let job = jobs.get(number).unwrap_or(&Job::EMPTY);
            // SAFETY: both arrays are as long as a vector.
            let (ids, results) = unsafe {
                (_mm512_loadu_si512(job.ids.as_ptr().cast()), _mm512_loadu_si512(job.results.as_ptr().cast()))
            };
            let nothing = Bucket::default();
            Self { ids, results, count: job.count, job: number, here: 0, before: nothing, after: nothing }
        }

        #[target_feature(enable = "avx512f")]
        #[inline]
        fn store(&self, job: &mut Job) {
            // SAFETY: the array is as long as a vector.
            unsafe { _mm512_storeu_si512(job.ids.as_mut_ptr().cast(), self.ids) };
            job.count = self.count;
        }

        /// The symbol at `place`, modulo the number of places.
        #[target_feature(enable = "avx512f")]
        #[inline]
        fn id(&self, place: u32) -> u32 {
            let first = _mm512_permutexvar_epi32(_mm512_set1_epi32(place.cast_signed()), self.ids);
            _mm_cvtsi128_si32(_mm512_castsi512_si128(first)).cast_unsigned()
        }

        /// Takes the results that the last merge has asked for, and makes the next one; `false` when there is none.
        #[target_feature(enable = "avx512f,bmi1,bmi2")]
        #[inline]
        fn step(&mut self, pairs: &Pairs) -> bool {
            let (before, after) = (pairs.get_in(self.before), pairs.get_in(self.after));
            let results = _mm512_mask_set1_epi32(self.results, self.here, after.cast_signed());
            let results = _mm512_mask_set1_epi32(results, self.here >> 1, before.cast_signed());
            let best = _mm512_reduce_min_epu32(results);
            if best == NONE {
                return false;
            }
            // The leftmost of several.
            let places = _mm512_cmpeq_epi32_mask(results, _mm512_set1_epi32(best.cast_signed()));
            let place = places.trailing_zeros();
            self.here = 1 << place;
            // The next symbol goes, and with it its pair.
            let stay = !(self.here << 1);
            self.results = _mm512_mask_compress_epi32(_mm512_set1_epi32(NONE.cast_signed()), stay, results);
            let ids = _mm512_mask_compress_epi32(_mm512_set1_epi32(NO_ID.cast_signed()), stay, self.ids);
            self.ids = _mm512_mask_set1_epi32(ids, self.here, best.cast_signed());
            // Before the first place comes the last one, which holds no symbol.
            self.before = pairs.ask_for(self.id(place.wrapping_sub(1)), best);
            self.after = pairs.ask_for(best, self.id(place + 1));
            self.count -= 1;
            true
        }
    }

    /// Merges each of `jobs`: always the pair with the smallest result, the leftmost of several.
    #[target_feature(enable = "avx512f,bmi1,bmi2")]
    pub fn merge(jobs: &mut [Job], pairs: &Pairs) {
        for job in jobs.iter_mut().filter(|job| !job.is_paired) {
            for place in 1..job.count {
                job.results[place - 1] = pairs.get_in(pairs.ask_for(job.ids[place - 1], job.ids[place]));
            }
        }
        let mut lanes: [Lane; TURNS] = std::array::from_fn(|number| Lane::load(jobs, number));
        let (mut active, mut next) = (TURNS.min(jobs.len()), TURNS);
        while active > 0 {
            let mut at = 0;
            while at < active {
                let lane = &mut lanes[at];
                if lane.step(pairs) {
                    at += 1;
                    continue;
                }
                lane.store(&mut jobs[lane.job]);
                if next < jobs.len() {
                    *lane = Lane::load(jobs, next);
                    next += 1;
                    at += 1;
                } else {
                    active -= 1;
                    lanes[at] = lanes[active];
                }
            }
        }
    }
}

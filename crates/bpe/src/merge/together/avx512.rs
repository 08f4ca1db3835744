//! By vectors of AVX-512: keys stay in one.

use std::arch::x86_64::{
    __m512i, _mm512_loadu_si512, _mm512_mask_set1_epi32, _mm512_maskz_compress_epi32, _mm512_or_si512,
    _mm512_reduce_min_epu32, _mm512_setr_epi32, _mm512_slli_epi32, _mm512_storeu_si512,
};

use super::super::pairs::{Bucket, NO_ID, Pairs};
use super::turns::{Around, Lane, NO_KEY, NOWHERE, PLACE_BITS, in_turns, key};
use super::{Job, WIDTH};

/// So many are merged in turns: more cover the waits no better, and leave the nearest cache.
const TURNS: usize = 12;

/// A piece in the middle of its merges.
#[derive(Clone, Copy)]
struct Avx512 {
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

impl Avx512 {
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn load_job(jobs: &[Job], number: usize) -> Self {
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
    fn store_job(&self, job: &mut Job) {
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
    fn step_one(&mut self, pairs: &Pairs) -> bool {
        let set = |keys, place: u32, key: u32| _mm512_mask_set1_epi32(keys, 1 << place, key.cast_signed());
        let keys = set(self.keys, self.previous, key(pairs.get_in(self.before), self.previous));
        let keys = set(keys, self.place, key(pairs.get_in(self.after), self.place));
        // It may have been written to by a merge without a symbol before it.
        let keys = set(keys, NOWHERE, NO_KEY);
        let best = _mm512_reduce_min_epu32(keys);
        let is_done = best >= NO_KEY;
        // What is done goes on where there is no symbol, with one that merges with none.
        let (id, place) = if is_done { (NO_ID, NOWHERE) } else { (best >> PLACE_BITS, best & NOWHERE) };
        let Around { previous, next, following } = Around::of(self.starts, place);
        // The next symbol goes, and with it its pair.
        self.keys = set(keys, next & NOWHERE, NO_KEY);
        self.starts &= !(1 << next);
        (self.place, self.previous) = (place, previous);
        self.ids[place as usize] = id;
        self.before = pairs.ask_for(self.ids[(previous & NOWHERE) as usize], id);
        self.after = pairs.ask_for(id, self.ids[(following & NOWHERE) as usize]);
        is_done
    }
}

impl Lane for Avx512 {
    #[inline(always)]
    unsafe fn load(jobs: &[Job], number: usize) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::load_job(jobs, number) }
    }

    #[inline(always)]
    fn step(lanes: &mut [Self], pairs: &Pairs) -> u32 {
        let mut done = 0;
        for (at, lane) in lanes.iter_mut().enumerate() {
            // SAFETY: whoever has a lane has the instructions.
            done |= u32::from(unsafe { lane.step_one(pairs) }) << at;
        }
        done
    }

    #[inline(always)]
    fn job(&self) -> usize {
        self.job
    }

    #[inline(always)]
    fn store(&self, job: &mut Job) {
        // SAFETY: whoever has a lane has the instructions.
        unsafe { self.store_job(job) }
    }
}

/// Merges each of `jobs`.
#[target_feature(enable = "avx512f,bmi1,bmi2,lzcnt,popcnt")]
pub(in super::super) fn merge(jobs: &mut [Job], pairs: &Pairs) {
    for job in &mut *jobs {
        job.pair_up(|left, right| pairs.get_in(pairs.ask_for(left, right)));
    }
    // SAFETY: this function is compiled for AVX-512 F.
    unsafe { in_turns::<Avx512, TURNS>(jobs, pairs) }
}

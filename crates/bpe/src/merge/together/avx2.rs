//! By vectors of AVX2: keys lie in memory, where one can be changed by itself. They are read a while after, for a vector that is read right after one of its
//! parts was written has to wait.

use super::super::pairs::{Bucket, NO_ID, Pairs};
use super::turns::{Around, Lane, NO_KEY, NOWHERE, PLACE_BITS, in_turns, key};
use super::{Job, WIDTH};

/// So many are merged in turns.
const TURNS: usize = 12;

/// A piece in the middle of its merges.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Avx2 {
    /// For each symbol that is left what orders its merge with the next one: see [`key`].
    keys: [u32; WIDTH],
    /// A symbol stays where it was; one that is merged into the one before it is gone from `starts`.
    ids: [u32; WIDTH],
    starts: u32,
    /// The last merge's place, and that of the symbol before it, [`NOWHERE`] when there is none.
    place: u32,
    previous: u32,
    job: usize,
    before: Bucket,
    after: Bucket,
}

impl Avx2 {
    /// Takes what the last merge has asked for.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn take(&mut self, pairs: &Pairs) {
        self.keys[(self.previous & NOWHERE) as usize] = key(pairs.get_in_by_halves(self.before), self.previous);
        self.keys[(self.place & NOWHERE) as usize] = key(pairs.get_in_by_halves(self.after), self.place);
        // It may have been written to by a merge without a symbol before it.
        self.keys[NOWHERE as usize] = NO_KEY;
    }

    /// Makes the next merge; `true` when there was none.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
    #[inline]
    fn merge(&mut self, pairs: &Pairs) -> bool {
        let best = self.keys.iter().fold(u32::MAX, |least, &key| least.min(key));
        let is_done = best >= NO_KEY;
        // What is done goes on where there is no symbol, with one that merges with none.
        let (id, place) = if is_done { (NO_ID, NOWHERE) } else { (best >> PLACE_BITS, best & NOWHERE) };
        let Around { previous, next, following } = Around::of(self.starts, place);
        // The next symbol goes, and with it its pair.
        self.keys[(next & NOWHERE) as usize] = NO_KEY;
        self.starts &= !(1 << next);
        (self.place, self.previous) = (place, previous);
        self.ids[place as usize] = id;
        self.before = pairs.ask_for(self.ids[(previous & NOWHERE) as usize], id);
        self.after = pairs.ask_for(id, self.ids[(following & NOWHERE) as usize]);
        is_done
    }
}

impl Lane for Avx2 {
    #[inline(always)]
    unsafe fn load(jobs: &[Job], number: usize) -> Self {
        let job = jobs.get(number).unwrap_or(&Job::EMPTY);
        let mut keys = job.results;
        for (place, one) in (0..).zip(&mut keys) {
            *one = key(*one, place);
        }
        Self {
            keys,
            ids: job.ids,
            starts: u32::from(job.starts),
            place: NOWHERE,
            previous: NOWHERE,
            job: number,
            before: Bucket::default(),
            after: Bucket::default(),
        }
    }

    #[inline(always)]
    fn step(lanes: &mut [Self], pairs: &Pairs) -> u32 {
        for lane in &mut *lanes {
            // SAFETY: whoever has a lane has the instructions.
            unsafe { lane.take(pairs) };
        }
        let mut done = 0;
        for (at, lane) in lanes.iter_mut().enumerate() {
            // SAFETY: as above.
            done |= u32::from(unsafe { lane.merge(pairs) }) << at;
        }
        done
    }

    #[inline(always)]
    fn job(&self) -> usize {
        self.job
    }

    #[inline(always)]
    fn store(&self, job: &mut Job) {
        let mut count = 0;
        for (place, &id) in self.ids.iter().enumerate() {
            // Without a branch: it could not be foreseen.
            job.ids[count] = id;
            count += (self.starts >> place & 1) as usize;
        }
        (job.starts, job.count) = (self.starts as u16, count);
    }
}

/// Merges each of `jobs`.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(in super::super) fn merge(jobs: &mut [Job], pairs: &Pairs) {
    for job in &mut *jobs {
        job.pair_up(|left, right| pairs.get_in_by_halves(pairs.ask_for(left, right)));
    }
    // SAFETY: this function is compiled for AVX2.
    unsafe { in_turns::<Avx2, TURNS>(jobs, pairs) }
}

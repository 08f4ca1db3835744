//! Where in the ring the records of longer pieces are.

use super::next::{Next, drop_aside};
use crate::packed::prefetch;
use crate::pages::Pages;

/// Places of one hash, the newest first.
const WAYS: usize = 4;
/// A place, below the bits of the hash that are kept with it.
const PLACE_BITS: u32 = 40;

/// Places by the hash of what is there. Each is told from the others of its set by 24 bits of the hash, and the piece that is found there has
/// to be compared.
pub(super) struct Index {
    sets: Pages<[u64; WAYS]>,
    shift: u32,
    next: Next<Doubled>,
}

/// Twice as many sets.
struct Doubled {
    sets: Pages<[u64; WAYS]>,
    /// So many of them are in use.
    filled: usize,
}

impl Index {
    /// Bytes of a set.
    pub const SET: usize = size_of::<[u64; WAYS]>();

    /// One of `sets` sets, a power of two; `None`: there is not enough memory.
    pub fn new(sets: usize) -> Option<Self> {
        Some(Self { sets: Pages::try_zeros(sets)?, shift: 64 - sets.ilog2(), next: Next::None })
    }

    /// What it takes; while it grows, what it will.
    pub fn bytes(&self) -> usize {
        self.sets.len() * Self::SET * (1 + usize::from(self.is_growing()))
    }

    pub fn is_growing(&self) -> bool {
        !self.next.is_none()
    }

    /// Starts to grow to twice as many sets, where there is memory for them.
    pub fn grow(&mut self) {
        let sets = 2 * self.sets.len();
        self.next.make(move || Some(Doubled { sets: Pages::touched(sets)?, filled: 0 }));
    }

    /// Waits until there is memory to go on with.
    #[cfg(test)]
    pub fn wait(&mut self) {
        self.next.wait();
    }

    /// Goes on to grow, by `count` sets.
    pub fn go_on(&mut self, count: usize) {
        if let Some(Doubled { sets, filled }) = self.next.here() {
            let step = *filled..sets.len().min(*filled + 2 * count);
            for (set, both) in self.sets[step.start / 2..].iter().zip(sets[step.clone()].chunks_exact_mut(2)) {
                // Which of the two a place belongs to is not known any more; in the other it will not be found.
                both.fill(*set);
            }
            *filled = step.end;
            if *filled == sets.len()
                && let Some(Doubled { sets, .. }) = self.next.take()
            {
                drop_aside(std::mem::replace(&mut self.sets, sets));
                self.shift -= 1;
            }
        }
    }

    #[inline(always)]
    fn at(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// Asks for the places of this hash to be brought near.
    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        prefetch(&self.sets, self.at(hash));
    }

    /// A place that may be that of this hash; 0 when there is none.
    #[inline(always)]
    pub fn get(&self, hash: u64) -> u64 {
        let set = &self.sets[self.at(hash)];
        let is_it = |word: u64| (word ^ hash << PLACE_BITS) >> PLACE_BITS == 0;
        let mut found = 0;
        for &word in set.iter().rev() {
            found = if is_it(word) { word } else { found };
        }
        found & ((1 << PLACE_BITS) - 1)
    }

    /// Remembers `place`, if it has not too many bits: after some 4 TiB nothing new is remembered.
    pub fn insert(&mut self, hash: u64, place: u64) {
        if place >> PLACE_BITS == 0 {
            let at = self.at(hash);
            put(&mut self.sets[at], hash, place);
            if let Next::Here(Doubled { sets, filled }) = &mut self.next {
                let at = (hash >> (self.shift - 1)) as usize;
                if at < *filled {
                    put(&mut sets[at], hash, place);
                }
            }
        }
    }
}

/// Makes `place` the first of `set`.
fn put(set: &mut [u64; WAYS], hash: u64, place: u64) {
    set.copy_within(..WAYS - 1, 1);
    set[0] = hash << PLACE_BITS | place;
}

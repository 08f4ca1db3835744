//! Merging up to 64 symbols.

use super::pairs::{NONE, Pairs};

/// The most symbols that [`merge`] takes: one bit of a word for each.
pub(crate) const MAX_SYMBOLS: usize = 64;

/// A place for the symbols of one piece.
pub(crate) struct Symbols {
    ids: [u32; MAX_SYMBOLS],
    /// For each symbol that has a next one with which it merges, the result of that merge and the place: the smallest
    /// key is the merge that comes first.
    keys: [u32; MAX_SYMBOLS],
    count: usize,
}

const PLACE_BITS: u32 = 6;
const _: () = assert!(MAX_SYMBOLS == 1 << PLACE_BITS && crate::vocabulary::MAX_IDS < 1 << (32 - PLACE_BITS));

#[inline(always)]
fn key(result: u32, place: usize) -> u32 {
    if result == NONE { NONE } else { result << PLACE_BITS | place as u32 }
}

impl Symbols {
    pub fn new() -> Self {
        Self { ids: [0; MAX_SYMBOLS], keys: [NONE; MAX_SYMBOLS], count: 0 }
    }

    /// Adds a symbol; there are fewer than [`MAX_SYMBOLS`].
    #[inline(always)]
    pub fn push(&mut self, id: u32) {
        self.ids[self.count] = id;
        self.count += 1;
    }

    #[inline(always)]
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Merges the symbols: always the pair with the smallest result, the leftmost of several. Calls `emit` for each token that is
    /// left, with the number of the symbol that it starts with.
    #[inline(always)]
    pub fn merge(&mut self, pairs: &Pairs, mut emit: impl FnMut(usize, u32)) {
        let count = self.count;
        if count == 0 {
            return;
        }
        for place in 0..count - 1 {
            self.keys[place] = key(pairs.get(self.ids[place], self.ids[place + 1]), place);
        }
        // The keys are looked through in whole vectors.
        let scanned = count.next_multiple_of(8).min(MAX_SYMBOLS);
        self.keys[count - 1..scanned].fill(NONE);

        let mut alive = u64::MAX >> (MAX_SYMBOLS - count);
        loop {
            let best = smallest(&self.keys[..scanned]);
            if best == NONE {
                break;
            }
            let place = (best & (MAX_SYMBOLS as u32 - 1)) as usize;
            let id = best >> PLACE_BITS;
            self.ids[place] = id;
            // The next symbol goes; it is there, since there was a merge.
            let after = alive & (u64::MAX << place << 1);
            let next = after.trailing_zeros() as usize;
            alive &= !(1 << next);
            self.keys[next] = NONE;
            let after = after & (after - 1);
            self.keys[place] =
                if after == 0 { NONE } else { key(pairs.get(id, self.ids[after.trailing_zeros() as usize]), place) };
            let before = alive & ((1 << place) - 1);
            if before != 0 {
                let previous = before.ilog2() as usize;
                self.keys[previous] = key(pairs.get(self.ids[previous], id), previous);
            }
        }
        while alive != 0 {
            let place = alive.trailing_zeros() as usize;
            emit(place, self.ids[place]);
            alive &= alive - 1;
        }
    }
}

/// The smallest of some keys, a multiple of eight of them.
#[inline(always)]
fn smallest(keys: &[u32]) -> u32 {
    let mut least = [NONE; 8];
    for eight in keys.chunks_exact(8) {
        for (least, &key) in least.iter_mut().zip(eight) {
            *least = key.min(*least);
        }
    }
    least.into_iter().min().unwrap_or(NONE)
}

//! The pairs by descending count.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::train::pairs::{Key, Pair};

/// Pairs of fewer occurrences wait in buckets, one for each count.
const BUCKETS: usize = 1 << 12;

/// Gives pairs by descending count, and of equal counts the one with the smaller left id, then with the smaller right id, first.
///
/// Counts only fall after a pair is put in, so one that waits with an old count comes too early: it is then put where it belongs. Most pairs
/// are rare, and wait in their bucket without any order until it is their turn.
pub(crate) struct Queue {
    heap: BinaryHeap<(u64, Reverse<Key>, u32)>,
    buckets: Vec<Vec<u32>>,
    /// Pairs of at least this count are in the heap.
    level: usize,
}

impl Queue {
    pub fn new() -> Self {
        Self { heap: BinaryHeap::new(), buckets: vec![Vec::new(); BUCKETS], level: BUCKETS }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.heap.clear();
        self.buckets.iter_mut().for_each(Vec::clear);
        self.level = BUCKETS;
    }

    /// Puts in pair number `index`, whose count is not 0.
    #[inline(always)]
    pub fn push(&mut self, pair: &Pair, index: u32) {
        let bucket = usize::try_from(pair.count).ok().and_then(|count| self.buckets[..self.level].get_mut(count));
        match bucket {
            Some(bucket) => bucket.push(index),
            None => self.heap.push((pair.count, Reverse(pair.key), index)),
        }
    }

    /// Takes out the first pair that stands in the texts at least `floor` times, which is not 0.
    pub fn pop(&mut self, pairs: &[Pair], floor: u64) -> Option<u32> {
        loop {
            while let Some((count, _, index)) = self.heap.pop() {
                let pair = &pairs[index as usize];
                if pair.count == count {
                    return Some(index);
                }
                if pair.count >= floor {
                    self.push(pair, index);
                }
            }
            self.level = self.buckets[..self.level].iter().rposition(|bucket| !bucket.is_empty())?;
            for index in std::mem::take(&mut self.buckets[self.level]) {
                let pair = &pairs[index as usize];
                if pair.count >= floor {
                    self.push(pair, index);
                }
            }
        }
    }
}

//! The pairs that may be joined, how often they stand in the texts, and where.

use crate::Error;
use crate::packed::prefetch;
use crate::train::cells::reserve;

/// Two neighbours. Ordered by their ids, the left one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(u64);

impl Key {
    const NONE: Self = Self(u64::MAX);

    #[inline(always)]
    pub fn new([left, right]: [u32; 2]) -> Self {
        Self(u64::from(left) << 32 | u64::from(right))
    }

    pub fn ids(self) -> [u32; 2] {
        [(self.0 >> 32) as u32, self.0 as u32]
    }

    /// The high bits are the good ones.
    #[inline(always)]
    pub fn hash(self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// A place in the cells where a pair stood when it was noted, and the number of the count of that piece.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place {
    pub start: u32,
    pub class: u32,
}

/// What is known of a pair.
pub(crate) struct Pair {
    pub key: Key,
    /// How often it stands in the texts.
    pub count: u64,
    /// Its places are `places[first..first + length]`, ascending. Some may be gone.
    pub first: usize,
    pub length: u32,
}

/// Pairs by number, and their numbers by key.
#[derive(Default)]
pub(crate) struct Pairs {
    pub all: Vec<Pair>,
    pub places: Vec<Place>,
    table: Vec<Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    key: Key,
    index: u32,
}

const FREE: Slot = Slot { key: Key::NONE, index: 0 };
const FIRST_BITS: u32 = 12;

impl Pairs {
    #[inline(always)]
    fn home(&self, key: Key) -> usize {
        // Never taken where the table is empty: then there is nothing to look at.
        (key.hash() >> (64 - self.table.len().trailing_zeros())) as usize
    }

    /// Asks for the place of `key` to be brought near.
    #[inline(always)]
    pub fn prefetch(&self, key: Key) {
        prefetch(&self.table, self.home(key));
    }

    /// The number of `key`.
    #[inline(always)]
    pub fn find(&self, key: Key) -> Option<u32> {
        let mask = self.table.len() - 1;
        let mut at = self.home(key);
        loop {
            let slot = self.table[at & mask];
            if slot.key == key {
                return Some(slot.index);
            }
            if slot.key == Key::NONE {
                return None;
            }
            at += 1;
        }
    }

    /// Makes room for `more` pairs.
    pub fn reserve(&mut self, more: usize) -> Result<(), Error> {
        reserve(&mut self.all, more)?;
        let wanted = 2 * (self.all.len() + more);
        if wanted <= self.table.len() && !self.table.is_empty() {
            return Ok(());
        }
        self.rebuild_table(wanted)
    }

    fn rebuild_table(&mut self, wanted: usize) -> Result<(), Error> {
        let count = wanted.next_power_of_two().max(1 << FIRST_BITS);
        let mut table = std::mem::take(&mut self.table);
        table.clear();
        reserve(&mut table, count)?;
        table.resize(count, FREE);
        self.table = table;
        for index in 0..self.all.len() {
            self.insert(self.all[index].key, index as u32);
        }
        Ok(())
    }

    #[inline(always)]
    fn insert(&mut self, key: Key, index: u32) {
        let mask = self.table.len() - 1;
        let mut at = self.home(key);
        while self.table[at & mask].key != Key::NONE {
            at += 1;
        }
        self.table[at & mask] = Slot { key, index };
    }

    /// Adds a pair that is not there, for which there is room, and returns its number.
    #[inline(always)]
    pub fn add(&mut self, pair: Pair) -> u32 {
        let index = self.all.len() as u32;
        self.insert(pair.key, index);
        self.all.push(pair);
        index
    }

    /// Counts a pair `count` times more, at one place more. There is room for a pair.
    #[inline(always)]
    pub fn count(&mut self, key: Key, count: u64) {
        if let Some(index) = self.find(key) {
            let pair = &mut self.all[index as usize];
            pair.count += count;
            pair.length += 1;
        } else {
            self.add(Pair { key, count, first: 0, length: 1 });
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.all.clear();
        self.places.clear();
        self.table.clear();
    }

    /// Forgets the pairs that stand in the texts less than `floor` times, and makes room for the places of the others.
    pub fn keep_from(&mut self, floor: u64) -> Result<(), Error> {
        self.all.retain(|pair| pair.count >= floor);
        let mut total = 0;
        for pair in &mut self.all {
            pair.first = total;
            total += pair.length as usize;
            pair.length = 0;
        }
        self.places.clear();
        reserve(&mut self.places, total)?;
        self.places.resize(total, Place::default());
        self.rebuild_table(2 * self.all.len())
    }

    /// Notes a place of a pair that was kept.
    #[inline(always)]
    pub fn note(&mut self, key: Key, place: Place) {
        if let Some(index) = self.find(key) {
            let pair = &mut self.all[index as usize];
            self.places[pair.first + pair.length as usize] = place;
            pair.length += 1;
        }
    }
}

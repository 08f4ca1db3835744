//! Counts of pieces of up to 12 bytes, which are nearly all: the bytes are in the table.

use crate::Error;
use crate::packed::prefetch;
use crate::words::Short;

/// Two words of a [`Short`], and its count.
type Slot = [u64; 3];

const FREE: Slot = [0; 3];
/// The size of a table at first, as a power of 2.
const FIRST_BITS: u32 = 12;

/// A piece and where to look for it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Found {
    words: [u64; 2],
    home: usize,
}

/// A table with open addressing, at most half full. Counts are added with saturation.
pub(crate) struct ShortPieces {
    slots: Vec<Slot>,
    used: usize,
    seed: [u64; 2],
}

impl ShortPieces {
    pub fn new(seed: [u64; 2]) -> Self {
        Self { slots: Vec::new(), used: 0, seed }
    }

    pub fn len(&self) -> usize {
        self.used
    }

    pub fn memory(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
    }

    pub fn clear(&mut self) {
        (self.slots, self.used) = (Vec::new(), 0);
    }

    /// The pieces and their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Short, u64)> {
        self.slots.iter().map(|slot| (Short::from_words(slot), slot[2])).filter(|(piece, _)| !piece.is_empty())
    }

    /// The pieces and their counts by ascending bytes. They cannot be found any more: [`ShortPieces::clear`] comes next.
    pub fn sorted(&mut self) -> impl Iterator<Item = (Short, u64)> {
        self.slots.retain(|&slot| slot != FREE);
        // Bytes that are not there are zeros; of two pieces of which one is the start of the other, zeros follow, and the length decides.
        self.slots.sort_unstable_by_key(|&[first, last, _]| {
            [first.swap_bytes(), u64::from((last as u32).swap_bytes()) << 32 | last >> 32]
        });
        self.slots.iter().map(|slot| (Short::from_words(slot), slot[2]))
    }

    /// The memory that there is at once when there is room for `more` pieces, in bytes.
    pub fn memory_for(&self, more: usize) -> usize {
        if 2 * (self.used + more) <= self.slots.len() {
            return self.memory();
        }
        self.memory() + self.count_for(more) * size_of::<Slot>()
    }

    /// The size of the next table.
    fn count_for(&self, more: usize) -> usize {
        (2 * (self.used + more)).next_power_of_two().max(1 << FIRST_BITS)
    }

    /// Makes room for `more` pieces.
    pub fn reserve(&mut self, more: usize) -> Result<(), Error> {
        if 2 * (self.used + more) <= self.slots.len() {
            return Ok(());
        }
        let count = self.count_for(more);
        let mut slots = Vec::new();
        let bytes = count.saturating_mul(size_of::<Slot>());
        slots.try_reserve_exact(count).map_err(|_| Error::OutOfMemory { bytes })?;
        slots.resize(count, FREE);
        let old = std::mem::replace(&mut self.slots, slots);
        self.used = 0;
        for slot in old.into_iter().filter(|&slot| slot != FREE) {
            let found = self.ask_for(Short::from_words(&slot));
            self.add(found, slot[2]);
        }
        Ok(())
    }

    /// Where to look for `piece`, which is asked to be brought near. There is room for a piece.
    #[inline(always)]
    pub fn ask_for(&self, piece: Short) -> Found {
        let mut words = [0; 2];
        piece.to_words(&mut words);
        let product = u128::from(words[0] ^ self.seed[0]) * u128::from(words[1] ^ self.seed[1]);
        let home = (product as u64 ^ (product >> 64) as u64) as usize & (self.slots.len() - 1);
        prefetch(&self.slots, home);
        Found { words, home }
    }

    /// Counts a piece `count` times more, for which there is room.
    #[inline(always)]
    pub fn add(&mut self, piece: Found, count: u64) {
        let mask = self.slots.len() - 1;
        let mut at = piece.home;
        loop {
            let slot = &mut self.slots[at & mask];
            if slot[..2] == piece.words {
                slot[2] = slot[2].saturating_add(count);
                return;
            }
            if *slot == FREE {
                *slot = [piece.words[0], piece.words[1], count];
                self.used += 1;
                return;
            }
            at += 1;
        }
    }
}

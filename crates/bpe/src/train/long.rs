//! Counts of pieces of more than 12 bytes.

use crate::Error;

/// A piece in the bytes of all, and its count.
struct Entry {
    start: usize,
    length: usize,
    count: u64,
}

/// The place of a piece among the entries, in the low half, and the high half of its hash; 0: none.
type Place = u64;

const FIRST_BITS: u32 = 10;

/// A table of places with open addressing, at most half full; entries and bytes are in the order of their first coming.
pub(crate) struct LongPieces {
    places: Vec<Place>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    seed: [u64; 2],
}

impl LongPieces {
    pub fn new(seed: [u64; 2]) -> Self {
        Self { places: Vec::new(), entries: Vec::new(), bytes: Vec::new(), seed }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn memory(&self) -> usize {
        self.places.capacity() * size_of::<Place>()
            + self.entries.capacity() * size_of::<Entry>()
            + self.bytes.capacity()
    }

    pub fn clear(&mut self) {
        *self = Self::new(self.seed);
    }

    /// The pieces and their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.entries.iter().map(|entry| (&self.bytes[entry.start..entry.start + entry.length], entry.count))
    }

    /// The pieces and their counts by ascending bytes. They cannot be found any more: [`LongPieces::clear`] comes next.
    pub fn sorted(&mut self) -> impl Iterator<Item = (&[u8], u64)> {
        self.places = Vec::new();
        let Self { entries, bytes, .. } = self;
        let piece = |entry: &Entry| &bytes[entry.start..entry.start + entry.length];
        entries.sort_unstable_by(|left, right| piece(left).cmp(piece(right)));
        self.iter()
    }

    /// The memory that there is at once when there is room for `more` short pieces, in bytes.
    pub fn memory_for(&self, more: usize) -> usize {
        let grows = |length: usize, capacity: usize, more: usize, size: usize| {
            if length + more > capacity { 3 * capacity * size } else { capacity * size }
        };
        let entries = self.entries.len();
        grows(2 * entries, self.places.len(), 2 * more, size_of::<Place>())
            + grows(entries, self.entries.capacity(), more, size_of::<Entry>())
            + grows(self.bytes.len(), self.bytes.capacity(), 64 * more, 1)
    }

    /// Counts `piece` `count` times more.
    pub fn add(&mut self, piece: &[u8], count: u64) -> Result<(), Error> {
        self.reserve(piece.len())?;
        let hash = self.hash(piece);
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let place = self.places[at];
            if place == 0 {
                self.places[at] = hash >> 32 << 32 | (self.entries.len() as u64 + 1);
                self.entries.push(Entry { start: self.bytes.len(), length: piece.len(), count });
                self.bytes.extend_from_slice(piece);
                return Ok(());
            }
            if place >> 32 == hash >> 32 {
                let entry = &mut self.entries[(place as u32 - 1) as usize];
                if self.bytes[entry.start..entry.start + entry.length] == *piece {
                    entry.count = entry.count.saturating_add(count);
                    return Ok(());
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Makes room for a piece of `length` bytes.
    #[inline(always)]
    fn reserve(&mut self, length: usize) -> Result<(), Error> {
        let out_of_memory = |bytes| move |_| Error::OutOfMemory { bytes };
        self.bytes.try_reserve(length).map_err(out_of_memory(self.bytes.len().saturating_add(length)))?;
        if 2 * (self.entries.len() + 1) > self.places.len() {
            self.grow()?;
        }
        Ok(())
    }

    #[cold]
    fn grow(&mut self) -> Result<(), Error> {
        let count = (2 * self.places.len()).max(1 << FIRST_BITS);
        // The places of entries have 32 bits, and none is 0.
        if count > 1 << 32 {
            return Err(Error::OutOfMemory { bytes: usize::MAX });
        }
        let bytes = count * size_of::<Place>();
        let mut places: Vec<Place> = Vec::new();
        places.try_reserve_exact(count).map_err(|_| Error::OutOfMemory { bytes })?;
        self.entries
            .try_reserve_exact(count / 2 - self.entries.len())
            .map_err(|_| Error::OutOfMemory { bytes: count / 2 * size_of::<Entry>() })?;
        places.resize(count, 0);
        let mask = count - 1;
        for (index, (piece, _)) in self.iter().enumerate() {
            let hash = self.hash(piece);
            let mut at = hash as usize & mask;
            while places[at] != 0 {
                at = (at + 1) & mask;
            }
            places[at] = hash >> 32 << 32 | (index as u64 + 1);
        }
        self.places = places;
        Ok(())
    }

    /// Wide products folded, 16 bytes at a time; the last 16 may overlap those before. `piece` has more than 12 bytes.
    #[inline(always)]
    fn hash(&self, piece: &[u8]) -> u64 {
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        let fold = |hash: u64, first: u64, second: u64| {
            let product = u128::from(first ^ self.seed[0]) * u128::from(second ^ self.seed[1] ^ hash);
            product as u64 ^ (product >> 64) as u64 ^ hash.rotate_left(23)
        };
        let mut hash = piece.len() as u64;
        for block in piece.chunks_exact(16) {
            hash = fold(hash, word(block), word(&block[8..]));
        }
        let last = &piece[piece.len() - 8..];
        fold(hash, word(&piece[piece.len().saturating_sub(16)..]), word(last))
    }
}

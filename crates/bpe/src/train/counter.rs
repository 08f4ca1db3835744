//! How often each piece of a text stands in it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::pretokenize::BLOCK;
use crate::train::long::LongPieces;
use crate::train::short::{Found, ShortPieces};
use crate::words::Short;
use crate::{Error, Level, Pattern};

/// The most pieces that are looked up together.
const BATCH: usize = 256 + BLOCK;

/// Splits texts into pieces and counts them: what one thread needs. Memory grows with the number of distinct pieces, not with the texts.
pub struct PieceCounter {
    pattern: Pattern,
    level: Level,
    pub(crate) short: ShortPieces,
    pub(crate) long: LongPieces,
    ends: Box<[usize; BATCH]>,
    found: Box<[Found; BATCH]>,
}

impl fmt::Debug for PieceCounter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PieceCounter")
            .field("pattern", &self.pattern)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl PieceCounter {
    /// One that knows no piece yet.
    pub fn new(pattern: Pattern) -> Self {
        // Text can be made whose pieces meet in one place of a table, but not without knowing these.
        let random = RandomState::new();
        let seed = [random.hash_one(0) | 1, random.hash_one(1) | 1];
        Self {
            pattern,
            level: Level::best(),
            short: ShortPieces::new(seed),
            long: LongPieces::new(seed),
            ends: Box::new([0; BATCH]),
            found: Box::new([Found::default(); BATCH]),
        }
    }

    /// The same counter with other instructions; it counts the same pieces.
    #[must_use]
    pub fn with_level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// How many distinct pieces it knows.
    pub fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory that its pieces take, in bytes.
    pub fn memory(&self) -> usize {
        self.short.memory() + self.long.memory()
    }

    /// Counts the pieces of `text`. Two calls count those of two texts: no piece goes from one into the other.
    ///
    /// # Errors
    /// [`Error::Cancelled`] soon after `cancel` is set, [`Error::OutOfMemory`]: a part of the text is then counted.
    pub fn add_text(&mut self, text: &str, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        let bytes = text.as_bytes();
        let mut start = 0;
        while start < text.len() {
            if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
                return Err(Error::Cancelled);
            }
            let count = self.pattern.scan(self.level, text, start, &mut self.ends[..]);
            let ends = &self.ends[..count];
            self.short.reserve(count)?;
            let mut from = start;
            for (&end, found) in ends.iter().zip(self.found.iter_mut()) {
                *found = self.short.ask_for(Short::of(bytes, from, end));
                from = end;
            }
            from = start;
            for (&end, &found) in ends.iter().zip(self.found.iter()) {
                if end - from <= Short::MAX {
                    self.short.add(found, 1);
                } else {
                    self.long.add(&bytes[from..end], 1)?;
                }
                from = end;
            }
            start = from;
        }
        Ok(())
    }

    /// Counts `piece` another `count` times, as one that `add_text` would have split off. An empty one is not counted.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn add_piece(&mut self, piece: &[u8], count: u64) -> Result<(), Error> {
        if piece.is_empty() || count == 0 {
            return Ok(());
        }
        if piece.len() > Short::MAX {
            return self.long.add(piece, count);
        }
        self.short.reserve(1)?;
        let found = self.short.ask_for(Short::of(piece, 0, piece.len()));
        self.short.add(found, count);
        Ok(())
    }

    /// Counts what `other` has counted as well.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]: a part of it is then counted.
    pub fn add_counter(&mut self, other: &Self) -> Result<(), Error> {
        for (piece, count) in other.short.iter() {
            self.short.reserve(1)?;
            let found = self.short.ask_for(piece);
            self.short.add(found, count);
        }
        other.long.iter().try_for_each(|(piece, count)| self.long.add(piece, count))
    }

    /// Gives each piece and its count to `visit`, by ascending bytes, and forgets them all: so that a caller can bound the memory, keep
    /// sorted runs elsewhere, and hand their sums to [`PieceCounter::add_piece`] at the end.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]: nothing is then visited or forgotten.
    pub fn drain(&mut self, mut visit: impl FnMut(&[u8], u64)) -> Result<(), Error> {
        let out_of_memory = |bytes| Error::OutOfMemory { bytes };
        let count = self.len();
        let mut short = Vec::new();
        let mut long = Vec::new();
        short
            .try_reserve_exact(self.short.len())
            .and_then(|()| long.try_reserve_exact(self.long.len()))
            .map_err(|_| out_of_memory(count.saturating_mul(24)))?;
        short.extend(self.short.iter().map(|(piece, count)| (bytes_of(piece), count)));
        long.extend(self.long.iter());
        short.sort_unstable_by(|((left, length), _), ((right, other), _)| left[..*length].cmp(&right[..*other]));
        long.sort_unstable();
        let mut long = long.into_iter().peekable();
        for ((bytes, length), count) in &short {
            let piece = &bytes[..*length];
            while let Some((piece, count)) = long.next_if(|&(before, _)| before < piece) {
                visit(piece, count);
            }
            visit(piece, *count);
        }
        long.for_each(|(piece, count)| visit(piece, count));
        self.short.clear();
        self.long.clear();
        Ok(())
    }
}

/// The bytes of a short piece, and how many they are.
pub(crate) fn bytes_of(piece: Short) -> ([u8; 16], usize) {
    let mut words = [0; 2];
    piece.to_words(&mut words);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&words[0].to_le_bytes());
    bytes[8..].copy_from_slice(&words[1].to_le_bytes());
    (bytes, piece.length())
}

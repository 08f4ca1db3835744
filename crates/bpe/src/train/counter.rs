//! How often each piece of a text stands in it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::pretokenize::{BLOCK, Scan};
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
    pub(crate) counts: Counts,
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
            counts: Counts { short: ShortPieces::new(seed), long: LongPieces::new(seed) },
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
        self.counts.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory that its pieces take, in bytes.
    pub fn memory(&self) -> usize {
        self.counts.memory()
    }

    /// Counts the pieces of `text`. Two calls count those of two texts: no piece goes from one into the other.
    ///
    /// # Errors
    /// [`Error::Cancelled`] soon after `cancel` is set, [`Error::OutOfMemory`], [`Error::PatternLimit`]: a part of the text is then counted.
    pub fn add_text(&mut self, text: &str, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        self.add_text_within(text, usize::MAX, |_| Ok(()), cancel)
    }

    /// [`PieceCounter::add_text`] in `most` bytes of memory: `give_up` empties the counts that would take more.
    pub(crate) fn add_text_within(
        &mut self,
        text: &str,
        most: usize,
        mut give_up: impl FnMut(&mut Counts) -> Result<(), Error>,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        let bytes = text.as_bytes();
        let mut scan = Scan::new(&self.pattern, self.level, text);
        while !scan.is_done() {
            if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
                return Err(Error::Cancelled);
            }
            if self.counts.memory_for(BATCH) > most && !self.counts.is_empty() {
                give_up(&mut self.counts)?;
            }
            let start = scan.at();
            let count = scan.next(&mut self.ends[..])?;
            let ends = &self.ends[..count];
            let Counts { short, long } = &mut self.counts;
            short.reserve(count)?;
            let mut from = start;
            for (&end, found) in ends.iter().zip(self.found.iter_mut()) {
                *found = short.ask_for(Short::of(bytes, from, end));
                from = end;
            }
            from = start;
            for (&end, &found) in ends.iter().zip(self.found.iter()) {
                if end - from <= Short::MAX {
                    short.add(found, 1);
                } else {
                    long.add(&bytes[from..end], 1)?;
                }
                from = end;
            }
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
        let Counts { short, long } = &mut self.counts;
        if piece.len() > Short::MAX {
            return long.add(piece, count);
        }
        short.reserve(1)?;
        let found = short.ask_for(Short::of(piece, 0, piece.len()));
        short.add(found, count);
        Ok(())
    }

    /// Counts what `other` has counted as well.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]: a part of it is then counted.
    pub fn add_counter(&mut self, other: &Self) -> Result<(), Error> {
        let Counts { short, long } = &mut self.counts;
        let (mut pieces, mut asked) = (other.counts.short.iter(), Vec::with_capacity(BATCH));
        loop {
            short.reserve(BATCH)?;
            asked.extend(pieces.by_ref().take(BATCH).map(|(piece, count)| (short.ask_for(piece), count)));
            if asked.is_empty() {
                break;
            }
            asked.drain(..).for_each(|(found, count)| short.add(found, count));
        }
        other.counts.long.iter().try_for_each(|(piece, count)| long.add(piece, count))
    }

    /// Gives each piece and its count to `visit`, by ascending bytes, and forgets them all. They are sorted where they are: that takes no
    /// more memory.
    pub fn drain(&mut self, visit: impl FnMut(&[u8], u64)) {
        self.counts.drain(visit);
    }
}

/// Pieces and how often each was met.
pub(crate) struct Counts {
    pub short: ShortPieces,
    pub long: LongPieces,
}

impl Counts {
    pub fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory that they take, in bytes.
    pub fn memory(&self) -> usize {
        self.short.memory() + self.long.memory()
    }

    /// The memory that they take at once when there is room for `more` pieces that are not long, in bytes.
    fn memory_for(&self, more: usize) -> usize {
        self.short.memory_for(more) + self.long.memory_for(more)
    }

    /// The pieces and their counts, in any order.
    pub fn for_each<E>(&self, mut visit: impl FnMut(&[u8], u64) -> Result<(), E>) -> Result<(), E> {
        for (piece, count) in self.short.iter() {
            let (bytes, length) = bytes_of(piece);
            visit(&bytes[..length], count)?;
        }
        self.long.iter().try_for_each(|(piece, count)| visit(piece, count))
    }

    /// [`PieceCounter::drain`].
    pub fn drain(&mut self, mut visit: impl FnMut(&[u8], u64)) {
        let mut long = self.long.sorted().peekable();
        for (piece, count) in self.short.sorted() {
            let (bytes, length) = bytes_of(piece);
            let piece = &bytes[..length];
            while let Some((piece, count)) = long.next_if(|&(before, _)| before < piece) {
                visit(piece, count);
            }
            visit(piece, count);
        }
        long.for_each(|(piece, count)| visit(piece, count));
        self.short.clear();
        self.long.clear();
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

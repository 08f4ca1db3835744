//! The distinct pieces of a training, as symbols that are joined in place.

use std::cmp::Reverse;
use std::sync::atomic::AtomicBool;

use rustc_hash::FxHashMap;

use crate::Error;
use crate::train::counter::{Counts, bytes_of};
use crate::train::store::{Store, Symbol, occurrences};
use crate::words::Short;

/// Stands before the first piece, between two, and after the last.
pub(crate) const EDGE: u32 = u32::MAX;
/// In a cell that was the start of a symbol which is now the right part of another.
const INNER: u32 = u32::MAX - 1;

/// One cell for each byte of the pieces, or for each symbol that they were when they came in, and an edge around each piece. The first and the last cell of a symbol hold its id; so from its
/// start the next symbol is found by its length, and the one before it by the cell before. What the other cells hold is of no meaning,
/// but no cell that is not the start of a symbol any more holds the id that it had when it was: it is overwritten when that symbol is
/// joined, and ids do not come back, because what holds them grows. So a place and two ids tell whether a pair is still there.
pub(crate) struct Cells {
    pub symbols: Vec<u32>,
    pub words: Vec<Word>,
    /// The counts that pieces have, each once. Kept by number, since there are few: the sum of `n` different ones is at least `n²/2`.
    pub counts: Vec<u64>,
    /// The length of each symbol in cells, by id.
    pub lengths: Vec<u16>,
}

/// A piece: where its first symbol is, and the number of its count.
#[derive(Clone, Copy)]
pub(crate) struct Word {
    pub start: u32,
    pub class: u32,
}

/// A pair that was joined at a place: what stood around it.
pub(crate) struct Joined {
    pub before: u32,
    pub after: u32,
}

impl Cells {
    /// The pieces of `counts` that have two bytes at least, by descending count: those that are read most are near each other. Byte `b`
    /// has the id `ids[b]`.
    pub fn new(counts: &Counts, ids: &[u32; 256]) -> Result<Self, Error> {
        let mut pieces: Vec<(u64, Piece)> = Vec::new();
        reserve(&mut pieces, counts.len())?;
        pieces.extend(
            counts.short.iter().filter(|(piece, _)| piece.length() > 1).map(|(p, count)| (count, Piece::Short(p))),
        );
        pieces.extend(counts.long.iter().map(|(piece, count)| (count, Piece::Long(piece))));
        pieces.sort_unstable_by_key(|&(count, _)| Reverse(count));

        let total: usize = pieces.iter().map(|(_, piece)| piece.length() + 1).sum::<usize>() + 1;
        check_places(total as u64)?;
        pieces.iter().try_fold(0, |sum, (count, piece)| occurrences(sum, piece.length(), *count))?;
        let (mut symbols, mut words, mut classes) = (Vec::new(), Vec::new(), Vec::new());
        reserve(&mut symbols, total)?;
        reserve(&mut words, pieces.len())?;
        symbols.push(EDGE);
        for (count, piece) in pieces {
            if classes.last() != Some(&count) {
                classes.push(count);
            }
            words.push(Word { start: symbols.len() as u32, class: classes.len() as u32 - 1 });
            match piece {
                Piece::Short(piece) => {
                    let (bytes, length) = bytes_of(piece);
                    symbols.extend(bytes[..length].iter().map(|&byte| ids[usize::from(byte)]));
                }
                Piece::Long(bytes) => symbols.extend(bytes.iter().map(|&byte| ids[usize::from(byte)])),
            }
            symbols.push(EDGE);
        }
        let holes = ids.iter().min().copied().unwrap_or_default() as usize;
        Ok(Self { symbols, words, counts: classes, lengths: vec![1; holes + ids.len()] })
    }

    /// The pieces of `store`, whose symbols have ids below `ids`.
    pub fn from_store<S: Symbol>(mut store: Store, ids: usize, cancel: Option<&AtomicBool>) -> Result<Self, Error> {
        let [pieces, total] = store.size();
        check_places(pieces + total + 1)?;
        let (mut symbols, mut words, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        reserve(&mut symbols, (pieces + total) as usize + 1)?;
        reserve(&mut words, pieces as usize)?;
        symbols.push(EDGE);
        let mut class_of: FxHashMap<u64, u32> = FxHashMap::default();
        for lane in &mut store.lanes {
            lane.for_each::<S>(cancel, |piece, count| {
                let class = *class_of.entry(count).or_insert(counts.len() as u32);
                if class as usize == counts.len() {
                    counts.push(count);
                }
                words.push(Word { start: symbols.len() as u32, class });
                symbols.extend(piece.iter().map(|symbol| symbol.id()));
                symbols.push(EDGE);
                Ok(())
            })?;
        }
        Ok(Self { symbols, words, counts, lengths: vec![1; ids] })
    }

    /// Joins `left` and `right` at `place` to `joined`, when they are still there.
    #[inline(always)]
    pub fn join(&mut self, place: u32, [left, right]: [u32; 2], joined: u32) -> Option<Joined> {
        let start = place as usize;
        if self.symbols[start] != left {
            return None;
        }
        let middle = start + usize::from(self.lengths[left as usize]);
        if self.symbols[middle] != right {
            return None;
        }
        let end = middle + usize::from(self.lengths[right as usize]);
        self.symbols[middle] = INNER;
        self.symbols[end - 1] = joined;
        self.symbols[start] = joined;
        Some(Joined { before: self.symbols[start - 1], after: self.symbols[end] })
    }

    /// Calls `visit` with each two neighbours, where they start, and the number of the count of their piece.
    #[inline(always)]
    pub fn for_each_pair<E>(&self, mut visit: impl FnMut([u32; 2], u32, u32) -> Result<(), E>) -> Result<(), E> {
        for word in &self.words {
            let mut place = word.start as usize;
            let mut left = self.symbols[place];
            loop {
                let next = place + usize::from(self.lengths[left as usize]);
                let right = self.symbols[next];
                if right == EDGE {
                    break;
                }
                visit([left, right], place as u32, word.class)?;
                (place, left) = (next, right);
            }
        }
        Ok(())
    }

    /// Forgets the pieces that are one symbol.
    pub fn forget_whole(&mut self) {
        let Self { symbols, words, lengths, .. } = self;
        words.retain(|word| {
            let start = word.start as usize;
            symbols[start + usize::from(lengths[symbols[start] as usize])] != EDGE
        });
    }
}

enum Piece<'a> {
    Short(Short),
    Long(&'a [u8]),
}

impl Piece<'_> {
    fn length(&self) -> usize {
        match self {
            Self::Short(piece) => piece.length(),
            Self::Long(piece) => piece.len(),
        }
    }
}

/// Places have 32 bits.
fn check_places(total: u64) -> Result<(), Error> {
    if u32::try_from(total).is_ok() {
        return Ok(());
    }
    Err(Error::OutOfMemory { bytes: usize::try_from(total).unwrap_or(usize::MAX).saturating_mul(size_of::<u32>()) })
}

/// Makes room for `more` items.
pub(crate) fn reserve<T>(items: &mut Vec<T>, more: usize) -> Result<(), Error> {
    items.try_reserve(more).map_err(|_| Error::OutOfMemory { bytes: more.saturating_mul(size_of::<T>()) })
}

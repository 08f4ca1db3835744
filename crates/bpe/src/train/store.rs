//! Pieces outside the memory, as the symbols that they are at the moment.

use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;
use crate::train::spill::{Budget, Scratch};

/// How a symbol is written: two bytes where all ids fit them, else four. The two highest numbers end a piece.
pub(crate) trait Symbol: Copy + Eq + Send + Sync {
    /// After a piece that stands in the texts once.
    const ONCE: Self;
    /// After any other piece; its count follows, in as many symbols as 8 bytes are.
    const COUNTED: Self;
    /// The bytes of a symbol.
    const BYTES: usize;

    fn of(id: u32) -> Self;
    fn id(self) -> u32;
    fn ends(self) -> bool;
    fn push(symbols: &mut Vec<u8>, symbol: Self);
    fn read(bytes: &[u8]) -> Self;
    fn write(self, bytes: &mut [u8]);
}

macro_rules! symbol {
    ($type:ty) => {
        impl Symbol for $type {
            const ONCE: Self = Self::MAX;
            const COUNTED: Self = Self::MAX - 1;
            const BYTES: usize = size_of::<Self>();

            #[inline(always)]
            fn of(id: u32) -> Self {
                id as Self
            }

            #[inline(always)]
            fn id(self) -> u32 {
                self.into()
            }

            #[inline(always)]
            fn ends(self) -> bool {
                self >= Self::COUNTED
            }

            #[inline(always)]
            fn push(symbols: &mut Vec<u8>, symbol: Self) {
                symbols.extend_from_slice(&symbol.to_le_bytes());
            }

            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("as many bytes as it has"))
            }

            #[inline(always)]
            fn write(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }
        }
    };
}

symbol!(u16);
symbol!(u32);

/// Whether the ids of a vocabulary of `size` fit two bytes.
pub(crate) fn is_narrow(size: usize) -> bool {
    size <= usize::from(u16::COUNTED)
}

/// Files of about the same size, so that threads share the work.
const LANES: usize = 16;
/// What is read or written at a time, in bytes.
const BUFFER: usize = 256 << 10;

/// Pieces of two symbols at least, and their counts.
pub(crate) struct Store {
    pub lanes: Vec<Lane>,
}

/// A part of the pieces in a file of its own.
pub(crate) struct Lane {
    file: Box<dyn Scratch>,
    /// How much of the file is in use, in bytes.
    length: u64,
    pub pieces: u64,
    pub symbols: u64,
}

impl Store {
    /// How many pieces and symbols there are.
    pub fn size(&self) -> [u64; 2] {
        [self.lanes.iter().map(|lane| lane.pieces).sum(), self.lanes.iter().map(|lane| lane.symbols).sum()]
    }
}

/// Writes a [`Store`].
pub(crate) struct StoreWriter<'i> {
    ids: &'i [u32; 256],
    lanes: Vec<(BufWriter<Box<dyn Scratch>>, Extent)>,
    turn: usize,
    buffer: Vec<u8>,
    /// All bytes of the texts in pieces of two at least.
    occurrences: u64,
}

/// What is known of a lane while it is written.
#[derive(Default)]
struct Extent {
    length: u64,
    pieces: u64,
    symbols: u64,
}

impl<'i> StoreWriter<'i> {
    /// Byte `b` has the id `ids[b]`.
    pub fn new(ids: &'i [u32; 256], budget: &Budget) -> Result<Self, Error> {
        let lane = |_| Ok((BufWriter::with_capacity(BUFFER / 4, budget.file()?), Extent::default()));
        let lanes = (0..LANES).map(lane).collect::<Result<_, Error>>()?;
        Ok(Self { ids, lanes, turn: 0, buffer: Vec::new(), occurrences: 0 })
    }

    /// Takes a piece. One of a single byte is of no use.
    pub fn add<S: Symbol>(&mut self, piece: &[u8], count: u64) -> Result<(), Error> {
        if piece.len() < 2 {
            return Ok(());
        }
        self.occurrences = occurrences(self.occurrences, piece.len(), count)?;
        self.buffer.clear();
        for &byte in piece {
            S::push(&mut self.buffer, S::of(self.ids[usize::from(byte)]));
        }
        push_end::<S>(&mut self.buffer, count);
        // Pieces that follow one another go to different lanes, so that all grow alike.
        self.turn = (self.turn + 1) % LANES;
        let (file, lane) = &mut self.lanes[self.turn];
        file.write_all(&self.buffer).map_err(Error::Scratch)?;
        lane.length += self.buffer.len() as u64;
        lane.pieces += 1;
        lane.symbols += piece.len() as u64;
        Ok(())
    }

    pub fn finish(self) -> Result<Store, Error> {
        let lane = |(file, lane): (BufWriter<Box<dyn Scratch>>, Extent)| {
            let file = file.into_inner().map_err(|error| Error::Scratch(error.into_error()))?;
            Ok(Lane { file, length: lane.length, pieces: lane.pieces, symbols: lane.symbols })
        };
        Ok(Store { lanes: self.lanes.into_iter().map(lane).collect::<Result<_, Error>>()? })
    }
}

/// `before` and the bytes of `count` pieces of `length`.
pub(crate) fn occurrences(before: u64, length: usize, count: u64) -> Result<u64, Error> {
    let sum = count.checked_mul(length as u64).and_then(|bytes| before.checked_add(bytes));
    // Differences of counts are signed.
    sum.filter(|sum| i64::try_from(*sum).is_ok())
        .ok_or_else(|| Error::InvalidTraining { reason: "the pieces have 2^63 bytes or more together".to_owned() })
}

fn push_end<S: Symbol>(buffer: &mut Vec<u8>, count: u64) {
    if count == 1 {
        S::push(buffer, S::ONCE);
    } else {
        S::push(buffer, S::COUNTED);
        buffer.extend_from_slice(&count.to_le_bytes());
    }
}

impl Lane {
    /// Gives each piece and its count to `visit`.
    pub fn for_each<S: Symbol>(
        &mut self,
        cancel: Option<&AtomicBool>,
        mut visit: impl FnMut(&[S], u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.pass::<S>(cancel, None, |(piece, _), count, _| visit(piece, count))
    }

    /// Replaces each piece of which `change` says so by what that made of it, which is not longer.
    pub fn rewrite<S: Symbol>(
        &mut self,
        cancel: Option<&AtomicBool>,
        mut change: impl FnMut(&[S], u64, &mut Vec<S>) -> bool,
    ) -> Result<(), Error> {
        let mut written = Written { symbols: Vec::new(), end: 0, pieces: 0, length: 0 };
        let mut changed = Vec::new();
        self.pass::<S>(cancel, Some(&mut written), |(piece, ending), count, written| {
            changed.clear();
            let piece = if change(piece, count, &mut changed) { &changed[..] } else { piece };
            if let Some(written) = written
                && piece.len() > 1
            {
                written.symbols.extend_from_slice(piece);
                written.symbols.extend_from_slice(ending);
                written.pieces += 1;
                written.length += piece.len() as u64;
            }
            Ok(())
        })?;
        (self.length, self.pieces, self.symbols) = (written.end, written.pieces, written.length);
        Ok(())
    }

    /// Reads all pieces, each of which comes with what ends it. What is in `written` after a part is written behind what was written before: never further than what is read.
    fn pass<S: Symbol>(
        &mut self,
        cancel: Option<&AtomicBool>,
        mut written: Option<&mut Written<S>>,
        mut visit: impl FnMut((&[S], &[S]), u64, Option<&mut Written<S>>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut bytes, mut symbols, mut place) = (vec![0; BUFFER], Vec::<S>::new(), 0);
        while place < self.length {
            if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
                return Err(Error::Cancelled);
            }
            let part = &mut bytes[..BUFFER.min(usize::try_from(self.length - place).unwrap_or(BUFFER))];
            self.file.seek(SeekFrom::Start(place)).map_err(Error::Scratch)?;
            self.file.read_exact(part).map_err(Error::Scratch)?;
            place += part.len() as u64;
            // What is left of the part before is the start of a piece.
            symbols.try_reserve(part.len() / S::BYTES).map_err(|_| Error::OutOfMemory { bytes: part.len() })?;
            symbols.extend(part.chunks_exact(S::BYTES).map(S::read));
            let mut start = 0;
            while let Some(length) = symbols[start..].iter().position(|symbol| symbol.ends()) {
                let end = start + length;
                let Some((count, next)) = end_of::<S>(&symbols, end) else { break };
                visit((&symbols[start..end], &symbols[end..next]), count, written.as_deref_mut())?;
                start = next;
            }
            symbols.drain(..start);
            if let Some(written) = &mut written {
                // What was read is not needed any more. A piece that is longer than a part comes in several.
                bytes.resize(BUFFER.max(written.symbols.len() * S::BYTES), 0);
                let part = &mut bytes[..written.symbols.len() * S::BYTES];
                for (bytes, symbol) in part.chunks_exact_mut(S::BYTES).zip(written.symbols.drain(..)) {
                    symbol.write(bytes);
                }
                self.file.seek(SeekFrom::Start(written.end)).map_err(Error::Scratch)?;
                self.file.write_all(part).map_err(Error::Scratch)?;
                written.end += part.len() as u64;
            }
        }
        Ok(())
    }
}

/// What takes the place of pieces.
struct Written<S> {
    /// Those that are not in the file yet, with the ends of their pieces.
    symbols: Vec<S>,
    /// Where they go.
    end: u64,
    pieces: u64,
    /// The symbols of all pieces.
    length: u64,
}

/// The count that the symbol at `end` says, and where the next piece starts; `None` where the count is not all there.
#[inline(always)]
fn end_of<S: Symbol>(symbols: &[S], end: usize) -> Option<(u64, usize)> {
    if symbols[end] == S::ONCE {
        return Some((1, end + 1));
    }
    let next = end + 1 + 8 / S::BYTES;
    let count = symbols.get(end + 1..next)?;
    let count = count.iter().rev().fold(0, |count, &symbol| count << (8 * S::BYTES) | u64::from(symbol.id()));
    Some((count, next))
}

//! Counts that do not fit the memory: sorted runs in files that the caller hands over.

use std::fmt;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;
use crate::train::counter::Counts;

/// A file of the caller's, empty at first, which is its own to remove: at best it has no name any more.
pub trait Scratch: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Scratch for T {}

/// How much memory a training may take, and where what does not fit it goes.
#[derive(Clone)]
pub struct Budget {
    /// Bytes, for all threads together. Texts are not in them, nor the vocabulary.
    pub bytes: usize,
    /// Makes a file.
    pub scratch: Arc<dyn Fn() -> io::Result<Box<dyn Scratch>> + Send + Sync>,
}

impl fmt::Debug for Budget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Budget").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Budget {
    /// A new file.
    pub(crate) fn file(&self) -> Result<Box<dyn Scratch>, Error> {
        (self.scratch)().map_err(Error::Scratch)
    }
}

/// Runs are merged when there are this many of one age: so few files are open, and a count is written once for each power of it.
const FAN_IN: usize = 16;
/// What is read or written at a time of each file.
const BUFFER: usize = 64 << 10;

/// Pieces and their counts in sorted runs.
#[derive(Default)]
pub(crate) struct Runs {
    /// By age: a run of age `n` was merged `n` times.
    ages: Vec<Vec<Box<dyn Scratch>>>,
}

impl Runs {
    pub fn is_empty(&self) -> bool {
        self.ages.iter().all(Vec::is_empty)
    }

    /// Moves `counts` to a new run.
    pub fn take(&mut self, counts: &mut Counts, budget: &Budget) -> Result<(), Error> {
        let mut run = RunWriter::new(budget.file()?);
        counts.drain(|piece, count| run.write(piece, count));
        self.add(0, run.finish()?, budget)
    }

    fn add(&mut self, age: usize, run: Box<dyn Scratch>, budget: &Budget) -> Result<(), Error> {
        if self.ages.len() == age {
            self.ages.push(Vec::new());
        }
        self.ages[age].push(run);
        if self.ages[age].len() < FAN_IN {
            return Ok(());
        }
        let runs = std::mem::take(&mut self.ages[age]);
        let mut merged = RunWriter::new(budget.file()?);
        merge(runs, None, |piece, count| {
            merged.write(piece, count);
            Ok(())
        })?;
        self.add(age + 1, merged.finish()?, budget)
    }

    /// Gives each piece and its count in all runs to `visit`, by ascending bytes.
    pub fn merge(
        self,
        cancel: Option<&AtomicBool>,
        visit: impl FnMut(&[u8], u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        merge(self.ages.into_iter().flatten().collect(), cancel, visit)
    }
}

/// Writes a run: of each piece how many bytes it shares with the one before it, how many others it has, those, and its count.
struct RunWriter {
    file: BufWriter<Box<dyn Scratch>>,
    before: Vec<u8>,
    failed: io::Result<()>,
}

impl RunWriter {
    fn new(file: Box<dyn Scratch>) -> Self {
        Self { file: BufWriter::with_capacity(BUFFER, file), before: Vec::new(), failed: Ok(()) }
    }

    /// An error is kept for [`RunWriter::finish`].
    fn write(&mut self, piece: &[u8], count: u64) {
        if self.failed.is_ok() {
            self.failed = self.try_write(piece, count);
        }
    }

    fn try_write(&mut self, piece: &[u8], count: u64) -> io::Result<()> {
        let shared = self.before.iter().zip(piece).take_while(|(left, right)| left == right).count();
        write_number(&mut self.file, shared as u64)?;
        write_number(&mut self.file, (piece.len() - shared) as u64)?;
        self.file.write_all(&piece[shared..])?;
        write_number(&mut self.file, count)?;
        self.before.truncate(shared);
        self.before.extend_from_slice(&piece[shared..]);
        Ok(())
    }

    /// The file, to be read from its start.
    fn finish(self) -> Result<Box<dyn Scratch>, Error> {
        self.failed.map_err(Error::Scratch)?;
        let mut file = self.file.into_inner().map_err(|error| Error::Scratch(error.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(Error::Scratch)?;
        Ok(file)
    }
}

/// A run that is read: its next piece.
struct RunReader {
    file: BufReader<Box<dyn Scratch>>,
    piece: Vec<u8>,
    count: u64,
    /// The first eight bytes, zeros where it is shorter: mostly they tell which of two pieces is first.
    key: u64,
}

impl RunReader {
    fn next(&mut self) -> io::Result<bool> {
        let Some(shared) = read_number(&mut self.file)? else { return Ok(false) };
        let more = read_needed(&mut self.file)? as usize;
        self.piece.truncate(shared as usize);
        let end = self.piece.len();
        self.piece.try_reserve(more).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.piece.resize(end + more, 0);
        self.file.read_exact(&mut self.piece[end..])?;
        self.count = read_needed(&mut self.file)?;
        let mut key = [0; 8];
        let length = self.piece.len().min(8);
        key[..length].copy_from_slice(&self.piece[..length]);
        self.key = u64::from_be_bytes(key);
        Ok(true)
    }
}

fn merge(
    files: Vec<Box<dyn Scratch>>,
    cancel: Option<&AtomicBool>,
    mut visit: impl FnMut(&[u8], u64) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut runs: Vec<RunReader> = Vec::new();
    for file in files {
        let file = BufReader::with_capacity(BUFFER, file);
        let mut run = RunReader { file, piece: Vec::new(), count: 0, key: 0 };
        if run.next().map_err(Error::Scratch)? {
            runs.push(run);
        }
    }
    let (mut piece, mut count, mut seen) = (Vec::new(), 0_u64, 0_usize);
    while let Some(first) = (0..runs.len())
        .min_by(|&left, &right| (runs[left].key, &runs[left].piece).cmp(&(runs[right].key, &runs[right].piece)))
    {
        seen = seen.wrapping_add(1);
        if seen.is_multiple_of(1 << 16) && cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Err(Error::Cancelled);
        }
        let run = &mut runs[first];
        if count > 0 && run.piece == piece {
            count = count.saturating_add(run.count);
        } else {
            if count > 0 {
                visit(&piece, count)?;
            }
            piece.clone_from(&run.piece);
            count = run.count;
        }
        if !run.next().map_err(Error::Scratch)? {
            runs.swap_remove(first);
        }
    }
    if count > 0 { visit(&piece, count) } else { Ok(()) }
}

/// Seven bits a byte, the low ones first.
fn write_number(file: &mut impl Write, mut number: u64) -> io::Result<()> {
    let (mut bytes, mut length) = ([0; 10], 0);
    loop {
        bytes[length] = number as u8 & 0x7f | u8::from(number > 0x7f) << 7;
        length += 1;
        number >>= 7;
        if number == 0 {
            return file.write_all(&bytes[..length]);
        }
    }
}

/// `None` where the file ends.
fn read_number(file: &mut impl Read) -> io::Result<Option<u64>> {
    let (mut number, mut shift) = (0_u64, 0);
    loop {
        let mut byte = [0];
        if file.read(&mut byte)? == 0 {
            return if shift == 0 { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        number |= u64::from(byte[0] & 0x7f).checked_shl(shift).unwrap_or_default();
        if byte[0] < 0x80 {
            return Ok(Some(number));
        }
        shift += 7;
    }
}

fn read_needed(file: &mut impl Read) -> io::Result<u64> {
    read_number(file)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

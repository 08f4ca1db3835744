//! Finished datasets and files of ids, read at any place.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;
use rayon::prelude::*;

use crate::ahead::{self, ask_for};
use crate::dtype::DType;
use crate::manifest::{FileFacts, Manifest};
use crate::positioned::read_exact_at;
use crate::{Error, options_error};

/// How the files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Mapped into memory: the fastest. A file that somebody truncates while it is mapped ends the process (`SIGBUS`).
    Map,
    /// Read by position: a truncated file is an error.
    Read,
}

/// Ids in one or more files, as if they were one row; nothing of them is in the memory of the process.
pub struct Store {
    dtype: DType,
    shards: Vec<Data>,
    /// Where each shard starts, and at last the number of ids.
    starts: Vec<u64>,
    /// Where each document starts.
    documents: Option<Data>,
    document_count: u64,
}

/// Gathers of fewer ids are done by the calling thread.
const PARALLEL: usize = 1 << 16;
/// The ids that are read at a time, when they are read by position.
const READ: usize = 1 << 14;
/// Ids are below it: as targets they have a sign, and -100 is one that is ignored.
const END_OF_IDS: u32 = 1 << 31;

impl Store {
    /// The ids of `split` of the dataset whose manifest is in `folder`.
    ///
    /// # Errors
    /// [`Error::CorruptDataset`] when a file is not there or does not have the length that the manifest says.
    pub fn open(folder: &Path, split: &str, mode: Mode) -> Result<(Self, Manifest), Error> {
        let manifest = Manifest::read(folder)?;
        let Some(facts) = manifest.splits.get(split) else {
            let names: Vec<_> = manifest.splits.keys().map(String::as_str).collect();
            return options_error(format!("expected one of the splits {}, received {split:?}", names.join(", ")));
        };
        if facts.shards.is_empty() && facts.tokens > 0 {
            return options_error(format!("{} has no raw shards: prepare it with the format raw", folder.display()));
        }
        let width = manifest.dtype.width() as u64;
        let mut store = Self::empty(manifest.dtype);
        for shard in &facts.shards {
            let data = Data::open(&folder.join(&shard.file), Some(shard.tokens * width), mode)?;
            store.push(data, shard.tokens);
        }
        let FileFacts { file, bytes, .. } = &facts.document_starts;
        store.documents = Some(Data::open(&folder.join(file), Some(*bytes), mode)?);
        store.document_count = facts.documents;
        Ok((store, manifest))
    }

    /// The ids of one file without a header.
    ///
    /// # Errors
    /// [`Error::CorruptDataset`] when its length is not that of whole ids.
    pub fn open_file(path: &Path, dtype: DType, mode: Mode) -> Result<Self, Error> {
        let data = Data::open(path, None, mode)?;
        let bytes = data.len();
        if bytes % dtype.width() as u64 != 0 {
            let reason = format!("expected whole ids of {} bytes, received {bytes} bytes", dtype.width());
            return Err(Error::CorruptDataset { path: path.display().to_string(), reason });
        }
        let mut store = Self::empty(dtype);
        store.push(data, bytes / dtype.width() as u64);
        Ok(store)
    }

    fn empty(dtype: DType) -> Self {
        Self { dtype, shards: Vec::new(), starts: vec![0], documents: None, document_count: 0 }
    }

    fn push(&mut self, data: Data, tokens: u64) {
        self.shards.push(data);
        self.starts.push(self.len() + tokens);
    }

    /// The number of ids.
    pub fn len(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the files hold an id.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The number of documents; none when the files do not tell.
    pub fn document_count(&self) -> Option<u64> {
        self.documents.as_ref().map(|_| self.document_count)
    }

    /// Writes the ids from `start` on to `out`, as many as it is long.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], and then `out` is unchanged; what the system says, in [`Mode::Read`].
    pub fn copy(&self, start: u64, out: &mut [u32]) -> Result<(), Error> {
        self.check(start, out.len())?;
        self.copy_checked(start, out)
    }

    /// Writes the ids of all windows, which start at `starts` and are `length` long, to `out`, row after row; large ones on all threads of the
    /// current rayon pool.
    ///
    /// # Errors
    /// As [`Store::copy`], for the first window that has one.
    pub fn gather(&self, starts: &[u64], length: usize, out: &mut [u32]) -> Result<(), Error> {
        let expected = starts.len().checked_mul(length);
        if expected != Some(out.len()) {
            let (rows, found) = (starts.len(), out.len());
            return Err(Error::OutOfRange(format!(
                "expected room for {rows} windows of {length} ids, received {found}"
            )));
        }
        for &start in starts {
            self.check(start, length)?;
        }
        if length == 0 {
            return Ok(());
        }
        if out.len() < PARALLEL {
            return starts
                .iter()
                .zip(out.chunks_exact_mut(length))
                .try_for_each(|(&start, row)| self.copy_checked(start, row));
        }
        let rows = (PARALLEL / 4).div_ceil(length);
        let windows = starts.par_chunks(rows).zip(out.par_chunks_mut(rows * length));
        windows.try_for_each(|(starts, out)| {
            starts.iter().zip(out.chunks_exact_mut(length)).try_for_each(|(&start, row)| self.copy_checked(start, row))
        })
    }

    /// Writes windows of `columns` inputs: row `r` of `inputs` becomes the ids from `starts[r]` on, of `targets` those from one id later; large
    /// batches on all threads of the current rayon pool. `next` are the starts of windows that will be asked for soon, which makes that faster.
    ///
    /// # Errors
    /// As [`Store::copy`], for the first window that has one; [`Error::OutOfRange`] for an id of 2^31 or more, which as a target would be one below 0.
    pub fn windows(
        &self,
        starts: &[u64],
        next: &[u64],
        columns: usize,
        inputs: &mut [u32],
        targets: &mut [u32],
    ) -> Result<(), Error> {
        let expected = starts.len().checked_mul(columns);
        if expected != Some(inputs.len()) || expected != Some(targets.len()) {
            let (rows, room) = (starts.len(), (inputs.len(), targets.len()));
            return Err(Error::OutOfRange(format!(
                "expected room for {rows} windows of {columns} inputs and targets, received {room:?}"
            )));
        }
        for &start in starts {
            self.check(start, columns.saturating_add(1))?;
        }
        if columns == 0 {
            return Ok(());
        }
        if inputs.len() < PARALLEL {
            return self.windows_checked(starts, next, columns, inputs, targets);
        }
        let rows = (PARALLEL / 4).div_ceil(columns);
        let ids = rows * columns;
        let parts = starts.par_chunks(rows).zip(inputs.par_chunks_mut(ids)).zip(targets.par_chunks_mut(ids));
        parts.try_for_each(|((starts, inputs), targets)| self.windows_checked(starts, &[], columns, inputs, targets))
    }

    fn windows_checked(
        &self,
        starts: &[u64],
        next: &[u64],
        columns: usize,
        inputs: &mut [u32],
        targets: &mut [u32],
    ) -> Result<(), Error> {
        let bytes = (columns + 1) * self.dtype.width();
        let ahead = ahead::rows(bytes, starts.len());
        let rows = inputs.chunks_exact_mut(columns).zip(targets.chunks_exact_mut(columns));
        for ((row, &start), (inputs, targets)) in starts.iter().enumerate().zip(rows) {
            if let Some(&later) = ahead::row(starts, next, row + ahead)
                && let Some(later) = self.mapped(later, bytes)
            {
                ask_for(later.as_ptr(), bytes);
            }
            if let Some(ids) = self.mapped(start, bytes) {
                self.dtype.widen(&ids[..bytes - self.dtype.width()], inputs);
                self.dtype.widen(&ids[self.dtype.width()..], targets);
            } else {
                self.copy_checked(start, inputs)?;
                targets[..columns - 1].copy_from_slice(&inputs[1..]);
                self.copy_checked(start + columns as u64, &mut targets[columns - 1..])?;
            }
            if self.dtype == DType::U32 {
                check_targets(inputs[0], targets)?;
            }
        }
        Ok(())
    }

    /// The `bytes` from id `start` on, when they are in memory side by side.
    fn mapped(&self, start: u64, bytes: usize) -> Option<&[u8]> {
        let index = self.starts.partition_point(|&first| first <= start).checked_sub(1)?;
        let Data::Map { map, .. } = self.shards.get(index)? else { return None };
        let from = (start - self.starts[index]) as usize * self.dtype.width();
        map.get(from..from.checked_add(bytes)?)
    }

    fn check(&self, start: u64, length: usize) -> Result<(), Error> {
        if start.checked_add(length as u64).is_some_and(|end| end <= self.len()) {
            return Ok(());
        }
        let all = self.len();
        Err(Error::OutOfRange(format!("expected ids below {all}, received {length} ids from {start} on")))
    }

    /// Has the ids of windows of `length` from each of `starts` on in the memory of the system, so that reading them waits for no disk.
    ///
    /// # Errors
    /// As [`Store::copy`].
    pub fn read_ahead(&self, starts: &[u64], length: usize) -> Result<(), Error> {
        let mut scratch = Vec::new();
        for &start in starts {
            self.check(start, length)?;
            for (data, from, count) in self.parts(start, length) {
                data.touch(from, count * self.dtype.width(), &mut scratch)?;
            }
        }
        Ok(())
    }

    fn copy_checked(&self, start: u64, mut out: &mut [u32]) -> Result<(), Error> {
        for (data, from, count) in self.parts(start, out.len()) {
            let (now, later) = std::mem::take(&mut out).split_at_mut(count);
            data.widen(self.dtype, from, now)?;
            out = later;
        }
        Ok(())
    }

    /// Where `count` ids from `start` on lie: the shard, the byte in it, and how many.
    fn parts(&self, start: u64, count: usize) -> impl Iterator<Item = (&Data, u64, usize)> {
        // The last shard that starts there or before; empty ones end where they start.
        let first = self.starts.partition_point(|&first| first <= start).saturating_sub(1);
        let (mut start, mut left) = (start, count as u64);
        self.shards.iter().zip(self.starts.windows(2)).skip(first).map_while(move |(data, bounds)| {
            let count = left.min(bounds[1] - start);
            let from = (start - bounds[0]) * self.dtype.width() as u64;
            start += count;
            left -= count;
            (count > 0 || left > 0).then_some((data, from, count as usize))
        })
    }

    /// The id at which document `index` starts.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when there is none; [`Error::CorruptDataset`] when the index says what cannot be.
    pub fn document_start(&self, index: u64) -> Result<u64, Error> {
        let mut start = [0];
        self.document_starts(index, &mut start)?;
        Ok(start[0])
    }

    /// Writes the starts of the documents from `first` on to `out`, as many as it is long.
    ///
    /// # Errors
    /// As [`Store::document_start`].
    pub fn document_starts(&self, first: u64, out: &mut [u64]) -> Result<(), Error> {
        let count = out.len();
        let Some(data) = self.documents.as_ref() else {
            return Err(Error::OutOfRange(
                "expected a dataset with an index of documents, received a file of ids".to_owned(),
            ));
        };
        if first.checked_add(count as u64).is_none_or(|end| end > self.document_count) {
            let all = self.document_count;
            return Err(Error::OutOfRange(format!("expected documents below {all}, received {count} from {first} on")));
        }
        let mut bytes = [0; 8 * 512];
        for (part, out) in out.chunks_mut(512).enumerate() {
            let bytes = &mut bytes[..8 * out.len()];
            data.read(8 * (first + 512 * part as u64), bytes)?;
            for (start, &bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
                *start = u64::from_le_bytes(bytes);
                if *start > self.len() {
                    let reason = format!("the start {start} of a document is past the {} ids", self.len());
                    return Err(Error::CorruptDataset { path: data.path().to_owned(), reason });
                }
            }
        }
        Ok(())
    }

    /// The document that id `at` belongs to.
    ///
    /// # Errors
    /// As [`Store::document_start`].
    pub fn document_at(&self, at: u64) -> Result<u64, Error> {
        self.check(at, 1)?;
        // The last that starts there or before.
        let (mut low, mut high) = (0, self.document_count);
        while low < high {
            let middle = low.midpoint(high);
            if self.document_start(middle)? <= at { low = middle + 1 } else { high = middle }
        }
        low.checked_sub(1).ok_or_else(|| Error::OutOfRange(format!("no document starts at or before the id {at}")))
    }
}

enum Data {
    /// A file without bytes cannot be mapped.
    Empty(String),
    Map {
        map: Mmap,
        path: String,
    },
    File {
        file: File,
        length: u64,
        path: String,
    },
}

impl Data {
    /// The file of a dataset that has `expected` bytes, or else one that somebody names.
    fn open(path: &Path, expected: Option<u64>, mode: Mode) -> Result<Self, Error> {
        let name = path.display().to_string();
        let failed = |error| match expected {
            Some(_) => Error::of_dataset(path, error),
            None => Error::io("read", path.display(), error),
        };
        // Before it is opened: opening a pipe would wait for somebody to write into it.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(Error::CorruptDataset { path: name, reason: "expected a file".to_owned() });
        }
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        if let Some(expected) = expected
            && length != expected
        {
            let reason = format!("expected {expected} bytes, as the manifest says, received {length}");
            return Err(Error::CorruptDataset { path: name, reason });
        }
        Ok(match mode {
            _ if length == 0 => Self::Empty(name),
            Mode::Read => Self::File { file, length, path: name },
            // SAFETY: nobody is given a reference into the mapping: what it holds is copied out. That a file changes under it cannot be ruled out; any
            // bytes are ids, and truncation is what `Mode::Read` is for.
            Mode::Map => Self::Map { map: unsafe { Mmap::map(&file) }.map_err(failed)?, path: name },
        })
    }

    fn len(&self) -> u64 {
        match self {
            Self::Empty(_) => 0,
            Self::Map { map, .. } => map.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    fn path(&self) -> &str {
        match self {
            Self::Empty(path) | Self::Map { path, .. } | Self::File { path, .. } => path,
        }
    }

    /// Writes the ids from byte `at` on to `out`.
    fn widen(&self, dtype: DType, at: u64, out: &mut [u32]) -> Result<(), Error> {
        let width = dtype.width();
        if let Self::Map { map, .. } = self {
            let bytes = map.get(at as usize..at as usize + out.len() * width).ok_or_else(|| self.too_short())?;
            dtype.widen(bytes, out);
            return Ok(());
        }
        let mut buffer = vec![0; out.len().min(READ) * width];
        for (part, out) in out.chunks_mut(READ).enumerate() {
            let bytes = &mut buffer[..out.len() * width];
            self.read(at + (part * READ * width) as u64, bytes)?;
            dtype.widen(bytes, out);
        }
        Ok(())
    }

    /// Reads `bytes` bytes from byte `at` on, so that the system has them.
    fn touch(&self, at: u64, bytes: usize, scratch: &mut Vec<u8>) -> Result<(), Error> {
        const PAGE: usize = 4096;
        if let Self::Map { map, .. } = self {
            let bytes = map.get(at as usize..at as usize + bytes).ok_or_else(|| self.too_short())?;
            for byte in bytes.iter().step_by(PAGE).chain(bytes.last()) {
                std::hint::black_box(*byte);
            }
            return Ok(());
        }
        scratch.resize(bytes.min(16 * PAGE), 0);
        for start in (0..bytes).step_by(16 * PAGE) {
            let length = scratch.len().min(bytes - start);
            self.read(at + start as u64, &mut scratch[..length])?;
        }
        Ok(())
    }

    /// Fills `out` from byte `at` on.
    fn read(&self, at: u64, out: &mut [u8]) -> Result<(), Error> {
        match self {
            Self::Empty(_) if out.is_empty() => Ok(()),
            Self::Empty(_) => Err(self.too_short()),
            Self::Map { map, .. } => {
                let bytes = map.get(at as usize..at as usize + out.len()).ok_or_else(|| self.too_short())?;
                out.copy_from_slice(bytes);
                Ok(())
            }
            Self::File { file, path, .. } => read_exact_at(file, out, at).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => self.too_short(),
                _ => Error::io("read", path, error),
            }),
        }
    }

    fn too_short(&self) -> Error {
        let reason = format!("the file is shorter than its {} bytes when it was opened", self.len());
        Error::CorruptDataset { path: self.path().to_owned(), reason }
    }
}

/// Whether all ids of a window can be targets.
fn check_targets(first: u32, targets: &[u32]) -> Result<(), Error> {
    // One pass without a branch for each id.
    if targets.iter().fold(first, |bits, id| bits | id) < END_OF_IDS {
        return Ok(());
    }
    let id = targets.iter().find(|&&id| id >= END_OF_IDS).unwrap_or(&first);
    Err(Error::OutOfRange(format!("expected ids below {END_OF_IDS}, received {id}")))
}

//! A stream of bytes, cut into blocks of whole documents.

use std::io::Read;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use crate::options::Format;
use crate::{Error, Fault};

/// Blocks are at least this long, but the last, in bytes.
pub const BLOCK: usize = 1 << 20;

/// Whole documents of one input.
pub struct Block {
    pub bytes: Vec<u8>,
    /// Where it starts in the decompressed input, in bytes.
    pub offset: u64,
    /// The line that it starts in, from 1.
    pub line: u64,
    /// What came before it and is no document, with its line.
    pub faults: Vec<(u64, Fault)>,
}

/// Where documents end.
enum End {
    Line,
    Separator(Vec<u8>),
    /// At the end of the input.
    Never,
}

pub struct Blocks {
    name: String,
    source: Box<dyn Read + Send>,
    end: End,
    most: usize,
    /// Read, but not yet in a block.
    rest: Vec<u8>,
    offset: u64,
    line: u64,
    is_done: bool,
}

impl Blocks {
    /// Those of `source`, which starts at byte `offset`, in `line`.
    pub fn new(name: &str, source: Box<dyn Read + Send>, format: &Format, most: usize, offset: u64, line: u64) -> Self {
        let end = match format {
            Format::Lines | Format::Jsonl => End::Line,
            Format::Separated(separator) => End::Separator(separator.as_bytes().to_vec()),
            _ => End::Never,
        };
        Self { name: name.to_owned(), source, end, most, rest: Vec::new(), offset, line, is_done: false }
    }

    /// The next block; none at the end. Never holds more than the most bytes of a document and some blocks.
    pub fn next(&mut self) -> Result<Option<Block>, Error> {
        if self.is_done {
            return Ok(None);
        }
        let mut faults = Vec::new();
        let mut bytes = std::mem::take(&mut self.rest);
        let is_start = self.offset == 0 && bytes.is_empty();
        let mut searched = 0;
        let mut first = is_start;
        let end = loop {
            let damaged = self.read(&mut bytes)?;
            if std::mem::take(&mut first) {
                self.check_start(&mut bytes)?;
            }
            if let Some(reason) = damaged {
                // What was read before is still good as far as documents are whole.
                self.is_done = true;
                let end = self.last_end(&bytes, 0).unwrap_or(0);
                let line = self.line + lines(&bytes[..end]);
                faults.push((line, Fault::Malformed(format!("the compressed data is damaged: {reason}"))));
                break end;
            }
            if self.is_done {
                break bytes.len();
            }
            if let Some(end) = self.last_end(&bytes, searched) {
                break end;
            }
            if bytes.len() > self.most {
                faults.push((self.line, Fault::TooLarge(self.most)));
                bytes = self.skip_document(bytes)?;
                searched = 0;
                if self.is_done {
                    break bytes.len();
                }
                continue;
            }
            searched = bytes.len();
        };
        self.rest = bytes.split_off_fallibly(end)?;
        if bytes.is_empty() && faults.is_empty() && !(is_start && matches!(self.end, End::Never)) {
            return Ok(None);
        }
        let block = Block { offset: self.offset, line: self.line, faults, bytes };
        self.offset += block.bytes.len() as u64;
        self.line += lines(&block.bytes);
        Ok(Some(block))
    }

    /// The offset and line of what comes next; none at the end.
    pub fn place(&self) -> Option<(u64, u64)> {
        (!self.is_done).then_some((self.offset, self.line))
    }

    /// Appends a block's length of bytes, or what is left; why there are no more when they are damaged.
    fn read(&mut self, bytes: &mut Vec<u8>) -> Result<Option<String>, Error> {
        let before = bytes.len();
        // Documents of many blocks would be copied again and again, did the room not grow by shares.
        bytes.try_reserve(BLOCK).map_err(|_| no_memory(before + BLOCK))?;
        match (&mut self.source).take(BLOCK as u64).read_to_end(bytes) {
            Ok(length) => {
                self.is_done = length < BLOCK;
                Ok(None)
            }
            // Decoders have no number of an error of the system.
            Err(error) if error.raw_os_error().is_none() => Ok(Some(error.to_string())),
            Err(error) => Err(Error::io("read", &self.name, error)),
        }
    }

    /// Drops one byte order mark at the start of the input.
    fn check_start(&mut self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
            self.offset = 3;
        }
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            let reason = "expected UTF-8, received a byte order mark of UTF-16".to_owned();
            return Err(Error::InvalidInput { path: self.name.clone(), reason });
        }
        Ok(())
    }

    /// Where the last whole document ends; none ends before `searched`.
    fn last_end(&self, bytes: &[u8], searched: usize) -> Option<usize> {
        match &self.end {
            End::Line => memrchr(b'\n', &bytes[searched..]).map(|at| searched + at + 1),
            End::Separator(separator) => {
                let from = searched.saturating_sub(separator.len() - 1);
                memmem::rfind(&bytes[from..], separator).map(|at| from + at + separator.len())
            }
            End::Never => None,
        }
    }

    /// Drops the document that `bytes` starts with and does not end in them; returns what was read after it.
    fn skip_document(&mut self, mut bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        loop {
            let (keep, step) = match &self.end {
                End::Line => (0, 1),
                End::Separator(separator) => (separator.len() - 1, separator.len()),
                End::Never => (0, 0),
            };
            let gone = bytes.len() - keep.min(bytes.len());
            self.pass(&bytes[..gone]);
            bytes.drain(..gone);
            bytes.shrink_to(2 * BLOCK);
            if self.read(&mut bytes)?.is_some() {
                // The end of what can be read is reported with the block.
                self.is_done = true;
                self.pass(&bytes);
                bytes.clear();
            }
            let end = match &self.end {
                End::Line => memchr(b'\n', &bytes),
                End::Separator(separator) => memmem::find(&bytes, separator),
                End::Never => None,
            };
            if let Some(end) = end {
                self.pass(&bytes[..end + step]);
                bytes.drain(..end + step);
                return Ok(bytes);
            }
            if self.is_done {
                self.pass(&bytes);
                bytes.clear();
                return Ok(bytes);
            }
        }
    }

    /// Counts bytes that are in no block.
    fn pass(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.line += lines(bytes);
    }
}

fn lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

pub fn no_memory(bytes: usize) -> Error {
    Error::Limit(format!("there is not enough memory for {bytes} bytes"))
}

trait SplitOff: Sized {
    fn split_off_fallibly(&mut self, at: usize) -> Result<Self, Error>;
}

impl SplitOff for Vec<u8> {
    fn split_off_fallibly(&mut self, at: usize) -> Result<Self, Error> {
        let mut rest = Self::new();
        // Room for the next read as well.
        let length = self.len() - at;
        rest.try_reserve_exact(length + BLOCK).map_err(|_| no_memory(length + BLOCK))?;
        rest.extend_from_slice(&self[at..]);
        self.truncate(at);
        Ok(rest)
    }
}

//! A stream of bytes, cut into blocks of whole documents.

use std::io::Read;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use crate::bytes::{Stream, damage};
use crate::options::{Format, OnFault, ReadOptions};
use crate::pipeline::Position;
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
    /// The hash of what is before it, where it is asked for.
    pub digest: Option<[u8; 32]>,
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

impl End {
    /// The most bytes after a document that may be of its end before that is found.
    fn most_of_its_start(&self) -> usize {
        match self {
            // A carriage return.
            Self::Line => 1,
            Self::Separator(separator) => separator.len() - 1,
            Self::Never => 0,
        }
    }
}

pub struct Blocks {
    name: String,
    source: Box<dyn Read + Send>,
    /// Of all before `offset`, where it is asked for.
    hasher: Option<blake3::Hasher>,
    end: End,
    most: usize,
    too_large: OnFault,
    /// Read, but not yet in a block.
    rest: Vec<u8>,
    /// What is read at a time: [`BLOCK`], but in tests.
    step: usize,
    offset: u64,
    line: u64,
    is_done: bool,
}

impl Blocks {
    /// Those of `stream`, which starts at `position`.
    pub fn new(name: &str, stream: Stream, format: &Format, options: &ReadOptions, position: &Position) -> Self {
        let end = match format {
            Format::Lines | Format::Jsonl => End::Line,
            Format::Separated(separator) => End::Separator(separator.as_bytes().to_vec()),
            _ => End::Never,
        };
        Self {
            name: name.to_owned(),
            source: stream.bytes,
            hasher: stream.hasher,
            end,
            most: options.max_document_bytes,
            too_large: options.too_large,
            rest: Vec::new(),
            step: BLOCK,
            offset: position.offset,
            line: position.line.max(1),
            is_done: false,
        }
    }

    /// The next block; none at the end. Never holds more than the most bytes of a document and some blocks.
    pub fn next(&mut self) -> Result<Option<Block>, Error> {
        if self.is_done {
            return Ok(None);
        }
        let mut faults = Vec::new();
        let mut bytes = std::mem::take(&mut self.rest);
        let is_start = self.offset == 0 && bytes.is_empty();
        let mut damaged = self.read(&mut bytes)?;
        if is_start {
            self.check_start(&mut bytes)?;
        }
        let mut searched = 0;
        let end = loop {
            if let Some(reason) = damaged {
                // What was read before is still good as far as documents are whole.
                self.is_done = true;
                let end = self.last_end(&bytes, 0).unwrap_or(0);
                let line = self.line + lines(&bytes[..end]);
                faults.push((line, Fault::Malformed(reason)));
                break end;
            }
            if self.is_done {
                break bytes.len();
            }
            if let Some(end) = self.last_end(&bytes, searched) {
                break end;
            }
            if bytes.len() > self.most.saturating_add(self.end.most_of_its_start()) {
                faults.push((self.line, Fault::TooLarge(self.most)));
                if self.too_large == OnFault::Fail {
                    // It is the error of this input, whatever its end is.
                    self.is_done = true;
                    bytes.clear();
                    break 0;
                }
                damaged = self.skip_document(&mut bytes)?;
                searched = 0;
            } else {
                searched = bytes.len();
                damaged = self.read(&mut bytes)?;
            }
        };
        self.rest = bytes.split_off_fallibly(end)?;
        if bytes.is_empty() && faults.is_empty() && !(is_start && matches!(self.end, End::Never)) {
            return Ok(None);
        }
        let (offset, line, digest) = (self.offset, self.line, self.digest());
        self.count(&bytes);
        Ok(Some(Block { bytes, offset, line, digest, faults }))
    }

    /// The offset and line of what comes next; none at the end.
    pub fn place(&self) -> Option<(u64, u64)> {
        (!self.is_done).then_some((self.offset, self.line))
    }

    /// The hash of all before that place, where there is one.
    pub fn digest(&self) -> Option<[u8; 32]> {
        self.hasher.as_ref().map(|hasher| hasher.finalize().into())
    }

    /// Appends a block's length of bytes, or what is left; why there are no more when they are damaged.
    fn read(&mut self, bytes: &mut Vec<u8>) -> Result<Option<String>, Error> {
        let before = bytes.len();
        // Documents of many blocks would be copied again and again, did the room not grow by shares.
        bytes.try_reserve(self.step).map_err(|_| no_memory(before + self.step))?;
        match (&mut self.source).take(self.step as u64).read_to_end(bytes) {
            Ok(length) => {
                self.is_done = length < self.step;
                Ok(None)
            }
            Err(error) => damage(&self.name, error).map(Some),
        }
    }

    /// Drops one byte order mark at the start of the input.
    fn check_start(&mut self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        if bytes.starts_with(b"\xef\xbb\xbf") {
            self.pass(bytes, 3);
        }
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            let reason = "expected UTF-8, received a byte order mark of UTF-16".to_owned();
            return Err(Error::InvalidInput { path: self.name.clone(), reason });
        }
        Ok(())
    }

    /// Where the last whole document ends; none ends before `searched`. Separators are found from the start of the first document on, as documents are
    /// told apart: one that overlaps itself lies elsewhere for who looks from the end.
    fn last_end(&self, bytes: &[u8], searched: usize) -> Option<usize> {
        match &self.end {
            End::Line => memrchr(b'\n', &bytes[searched..]).map(|at| searched + at + 1),
            End::Separator(separator) => {
                let from = searched.saturating_sub(separator.len() - 1);
                memmem::find_iter(&bytes[from..], separator).last().map(|at| from + at + separator.len())
            }
            End::Never => None,
        }
    }

    /// Drops the document that `bytes` starts with and does not end in them, and reads on for its end; why there is none when the data are damaged.
    fn skip_document(&mut self, bytes: &mut Vec<u8>) -> Result<Option<String>, Error> {
        let (keep, step) = match &self.end {
            End::Line => (0, 1),
            End::Separator(separator) => (separator.len() - 1, separator.len()),
            End::Never => (0, 0),
        };
        loop {
            self.pass(bytes, bytes.len() - keep.min(bytes.len()));
            bytes.shrink_to(2 * BLOCK);
            let damaged = self.read(bytes)?;
            let end = match &self.end {
                End::Line => memchr(b'\n', bytes),
                End::Separator(separator) => memmem::find(bytes, separator),
                End::Never => None,
            };
            if let Some(end) = end {
                self.pass(bytes, end + step);
                return Ok(damaged);
            }
            if self.is_done || damaged.is_some() {
                self.pass(bytes, bytes.len());
                return Ok(damaged);
            }
        }
    }

    /// Drops the first `count` bytes, which are in no block.
    fn pass(&mut self, bytes: &mut Vec<u8>, count: usize) {
        self.count(&bytes[..count]);
        bytes.drain(..count);
    }

    /// The place is now behind `bytes`.
    fn count(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.line += lines(bytes);
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]

    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::documents::of_block;

    /// The documents with their lines, and the lines of those that are too large.
    type Found = (Vec<(String, u64)>, Vec<u64>);

    fn split(text: &str, separator: &str, most: usize) -> Found {
        let (mut found, mut line) = (Found::default(), 1);
        let mut documents: Vec<&str> = text.split(separator).collect();
        documents.pop_if(|last| last.is_empty());
        for document in documents {
            let document = if separator == "\n" { document.strip_suffix('\r').unwrap_or(document) } else { document };
            if document.len() > most {
                found.1.push(line);
            } else {
                found.0.push((document.to_owned(), line));
            }
            line += lines(document.as_bytes()) + lines(separator.as_bytes());
        }
        found
    }

    fn read(text: &str, options: &ReadOptions, step: usize) -> Found {
        let mut found = Found::default();
        let mut position = Position::default();
        // From each place between two blocks anew, as an interrupted preparation does.
        loop {
            let bytes = Box::new(Cursor::new(text.as_bytes()[position.offset as usize..].to_vec()));
            let stream = Stream { bytes, hasher: None };
            let mut blocks = Blocks::new("text", stream, &options.format, options, &position);
            blocks.step = step;
            let Some(block) = blocks.next().unwrap() else { return found };
            let documents = of_block(block, &options.format, options, "text").unwrap();
            found.0.extend(documents.texts().into_iter().map(str::to_owned).zip(documents.lines()));
            found.1.extend(documents.faults.iter().map(|(line, _)| *line));
            let Some((offset, line)) = blocks.place() else { return found };
            position = Position { offset, line, ..position };
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn documents_are_those_of_the_whole_text_however_long_blocks_are(
            text in "[a\n]{0,40}|[ab\r\n]{0,40}",
            separator in "\n\n|aa|aba|a\n|a\na|\n",
            step in 1_usize..12,
            most in 0_usize..30,
        ) {
            let is_line = separator == "\n";
            let format = if is_line { Format::Lines } else { Format::Separated(separator.clone()) };
            let options = ReadOptions {
                format, max_document_bytes: most, too_large: OnFault::Skip, ..ReadOptions::default()
            };
            prop_assert_eq!(read(&text, &options, step), split(&text, &separator, most));
        }
    }
}

//! The documents of a block.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem};

use crate::blocks::Block;
use crate::json;
use crate::options::{Format, OnFault, OnInvalidUtf8, ReadOptions};
use crate::parquet::Values;
use crate::{Error, Fault, Unit};

/// Some documents of one input, in its order.
#[derive(Debug, Default)]
pub struct Documents {
    /// The input, as it was named.
    pub path: String,
    bytes: Vec<u8>,
    places: Vec<Place>,
    /// What they are counted by, where they are found.
    pub unit: Unit,
    /// The places of documents that were left out, with their lines or rows, in order.
    pub faults: Vec<(u64, Fault)>,
}

#[derive(Debug)]
struct Place {
    line: u64,
    text: Text,
}

#[derive(Debug)]
enum Text {
    /// These bytes are UTF-8.
    Range(Range<usize>),
    /// What bytes that are not came to.
    Replaced(String),
}

impl Documents {
    /// The number of documents.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The documents.
    pub fn texts(&self) -> Vec<&str> {
        self.places.iter().map(|place| self.text(place)).collect()
    }

    /// The line that each document starts in, from 1; in a Parquet file its row.
    pub fn lines(&self) -> impl Iterator<Item = u64> {
        self.places.iter().map(|place| place.line)
    }

    fn text<'a>(&'a self, place: &'a Place) -> &'a str {
        match &place.text {
            // SAFETY: `Reading::add` checked that they are UTF-8, and they have not been written to since.
            Text::Range(range) => unsafe { str::from_utf8_unchecked(&self.bytes[range.clone()]) },
            Text::Replaced(text) => text,
        }
    }
}

/// The documents of `block`, which is one of `path`.
///
/// # Errors
/// That of the first document that is not as it should be, where `options` say so.
pub fn of_block(block: Block, format: &Format, options: &ReadOptions, path: &str) -> Result<Documents, Error> {
    let Block { bytes, line, faults, .. } = block;
    let is_utf8 = str::from_utf8(&bytes).is_ok();
    let no_text = *format == Format::Text && !faults.is_empty();
    let documents = Documents { path: path.to_owned(), bytes, ..Documents::default() };
    let mut reading = Reading { documents, options, is_utf8 };
    // A block's own faults come before what is in it, but for the end of damaged data.
    let (before, after): (Vec<_>, Vec<_>) = faults.into_iter().partition(|(at, _)| *at <= line);
    for (line, fault) in before {
        reading.fault(line, fault)?;
    }
    match format {
        Format::Jsonl => reading.lines(line, Reading::add_json)?,
        Format::Lines => reading.lines(line, |reading, line, range| {
            let is_crlf = reading.documents.bytes[range.clone()].last() == Some(&b'\r');
            reading.add(line, range.start..range.end - usize::from(is_crlf))
        })?,
        Format::Separated(separator) => reading.separated(line, separator.as_bytes())?,
        _ if no_text => {}
        _ => reading.add(1, 0..reading.documents.bytes.len())?,
    }
    for (line, fault) in after {
        reading.fault(line, fault)?;
    }
    Ok(reading.documents)
}

/// The documents of some values of a column.
///
/// # Errors
/// As [`of_block`].
pub fn of_values(values: Values, options: &ReadOptions, path: &str) -> Result<Documents, Error> {
    let Values { bytes, rows, number, fault, .. } = values;
    let documents = Documents { path: path.to_owned(), bytes, unit: Unit::Row, ..Documents::default() };
    let mut reading = Reading { documents, options, is_utf8: false };
    let mut start = 0;
    let count = rows.len() as u64;
    for (row, end) in (number..).zip(rows) {
        match end {
            Ok(end) => {
                reading.add(row, start..end)?;
                start = end;
            }
            Err(fault) => reading.fault(row, fault)?,
        }
    }
    if let Some(reason) = fault {
        reading.fault(number + count, Fault::Malformed(reason))?;
    }
    Ok(reading.documents)
}

struct Reading<'a> {
    documents: Documents,
    options: &'a ReadOptions,
    /// Whether all bytes are, and so every line.
    is_utf8: bool,
}

impl Reading<'_> {
    /// Calls `add` with the number and range of each line.
    fn lines(
        &mut self,
        mut line: u64,
        mut add: impl FnMut(&mut Self, u64, Range<usize>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut start = 0;
        while start < self.documents.bytes.len() {
            let rest = &self.documents.bytes[start..];
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            add(self, line, start..start + length)?;
            start += length + 1;
            line += 1;
        }
        Ok(())
    }

    fn separated(&mut self, mut line: u64, separator: &[u8]) -> Result<(), Error> {
        let mut start = 0;
        while start < self.documents.bytes.len() {
            let rest = &self.documents.bytes[start..];
            let found = memmem::find(rest, separator);
            let (length, next) = found.map_or((rest.len(), rest.len()), |at| (at, at + separator.len()));
            let lines = memchr_iter(b'\n', &rest[..next]).count() as u64;
            self.add(line, start..start + length)?;
            start += next;
            line += lines;
        }
        Ok(())
    }

    fn add_json(&mut self, line: u64, range: Range<usize>) -> Result<(), Error> {
        if self.documents.bytes[range.clone()].iter().all(json::is_space) {
            return Ok(());
        }
        if range.len() > self.options.max_document_bytes {
            return self.fault(line, Fault::TooLarge(self.options.max_document_bytes));
        }
        let field = &self.options.field;
        match self.utf8_error(&range) {
            None => match json::string_field(&mut self.documents.bytes[range.clone()], field) {
                Ok(found) => {
                    let text = Text::Range(range.start + found.start..range.start + found.end);
                    self.documents.places.push(Place { line, text });
                    Ok(())
                }
                Err(invalid) => self.fault(line, Fault::Malformed(invalid.reason)),
            },
            Some(_) if self.options.invalid_utf8 == OnInvalidUtf8::Replace => {
                let mut bytes = String::from_utf8_lossy(&self.documents.bytes[range]).into_owned().into_bytes();
                match json::string_field(&mut bytes, field) {
                    Ok(found) => {
                        let text = String::from_utf8_lossy(&bytes[found]).into_owned();
                        self.documents.places.push(Place { line, text: Text::Replaced(text) });
                        Ok(())
                    }
                    Err(invalid) => self.fault(line, Fault::Malformed(invalid.reason)),
                }
            }
            Some(at) => self.fault(line, Fault::InvalidUtf8(at)),
        }
    }

    fn add(&mut self, line: u64, range: Range<usize>) -> Result<(), Error> {
        if range.len() > self.options.max_document_bytes {
            return self.fault(line, Fault::TooLarge(self.options.max_document_bytes));
        }
        let text = match self.utf8_error(&range) {
            None => Text::Range(range),
            Some(_) if self.options.invalid_utf8 == OnInvalidUtf8::Replace => {
                Text::Replaced(String::from_utf8_lossy(&self.documents.bytes[range]).into_owned())
            }
            Some(at) => return self.fault(line, Fault::InvalidUtf8(at)),
        };
        self.documents.places.push(Place { line, text });
        Ok(())
    }

    /// Where `range` stops to be UTF-8. A document that is one on its own: a separator may be cut out of the middle of nothing else.
    fn utf8_error(&self, range: &Range<usize>) -> Option<usize> {
        if self.is_utf8 {
            return None;
        }
        str::from_utf8(&self.documents.bytes[range.clone()]).err().map(|error| error.valid_up_to())
    }

    fn fault(&mut self, line: u64, fault: Fault) -> Result<(), Error> {
        let is_fatal = match fault {
            Fault::Malformed(_) => self.options.malformed == OnFault::Fail,
            Fault::InvalidUtf8(_) => self.options.invalid_utf8 == OnInvalidUtf8::Fail,
            Fault::TooLarge(_) => self.options.too_large == OnFault::Fail,
            Fault::Refused(_) => true,
        };
        if is_fatal {
            let Documents { path, unit, .. } = &self.documents;
            return Err(Error::Document { path: path.clone(), unit: *unit, number: line, fault });
        }
        self.documents.faults.push((line, fault));
        Ok(())
    }
}

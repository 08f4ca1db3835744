//! Text that comes in chunks of strings and bytes, as far as it is kept.

use crate::Error;
use crate::places::utf16_length;
use crate::sink::reserve;
use crate::to_utf8::Utf16Tail;
use crate::utf8::{REPLACED, Stretch, Utf8Tail};

/// Memory of a text that is gone is kept up to so many bytes.
const KEPT: usize = 1 << 20;

/// The kept text of a stream.
#[derive(Debug, Default)]
pub struct Incoming {
    text: String,
    is_strict: bool,
    /// Whether it is asked where text comes from.
    is_asked: bool,
    tail: Utf8Tail,
    half: Utf16Tail,
    places: Places,
}

impl Incoming {
    /// `is_strict`: bytes that are not UTF-8 are an error; else each maximal invalid part is U+FFFD. `is_asked`: [`Incoming::check`] may find something.
    pub(super) fn new(is_strict: bool, is_asked: bool) -> Self {
        Self { is_strict, is_asked, ..Self::default() }
    }

    /// What is kept.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many bytes are kept, those of a character that is not complete among them.
    pub(super) fn held_bytes(&self) -> usize {
        self.text.len() + self.tail.len()
    }

    /// Takes a chunk.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; [`Error::InvalidUtf8`] when bytes before it end inside a character.
    pub(super) fn push(&mut self, text: &str) -> Result<(), Error> {
        self.end()?;
        self.append(text, Unit::Utf16)
    }

    /// Takes a chunk of UTF-16, in which lone surrogates are U+FFFD.
    ///
    /// # Errors
    /// Those of [`Incoming::push`].
    pub(super) fn push_utf16(&mut self, units: &[u16]) -> Result<(), Error> {
        self.end_of_bytes()?;
        let start = self.text.len();
        self.half.push(&mut self.text, units)?;
        self.places.add(start, &self.text[start..], Unit::Utf16, self.is_asked)
    }

    /// Takes a chunk of bytes.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; [`Error::InvalidUtf8`].
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.end_of_units()?;
        let mut tail = self.tail;
        tail.read(bytes, |stretch| match stretch {
            Stretch::Text(text) => self.append(text, Unit::Byte),
            Stretch::Invalid(length) => self.append_invalid(length),
        })?;
        self.tail = tail;
        Ok(())
    }

    /// What has come of a character that is not complete stays so.
    ///
    /// # Errors
    /// Those of [`Incoming::push_bytes`].
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.end_of_bytes()?;
        self.end_of_units()
    }

    /// How many bytes at the start hold whole tokens: one of at most `longest` bytes that starts before this is there to its end, and so is any longer one
    /// that starts with it.
    pub fn sure(&self, longest: usize, is_end: bool) -> usize {
        let length = self.text.len();
        if is_end { length } else { (length + 1).saturating_sub(longest.max(1)) }
    }

    /// Looks for a disallowed token that starts from `checked` on before `sure`, by what gives the `next` one from a place on. Returns up to where none
    /// starts; places before are not asked for any more.
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`]; those of `next`.
    pub fn check<'t>(
        &mut self,
        checked: usize,
        sure: usize,
        next: impl FnOnce(&str, usize) -> Result<Option<(usize, &'t str)>, Error>,
    ) -> Result<usize, Error> {
        if checked >= sure {
            return Ok(checked);
        }
        if let Some((at, token)) = next(&self.text, checked)?.filter(|&(at, _)| at < sure) {
            return Err(Error::DisallowedSpecialToken { token: token.to_owned(), at: self.index_of(at) });
        }
        self.places.forget_all_but_last_before(sure);
        Ok(sure)
    }

    /// The index in the stream of byte `at` of the kept text, which is not before what was checked. It counts UTF-16 code units of
    /// chunks that are strings, and bytes of those that are bytes.
    fn index_of(&self, at: usize) -> usize {
        self.places.index_of(&self.text, at)
    }

    /// Lets the first `length` bytes go.
    pub(super) fn forget(&mut self, length: usize) {
        self.places.forget(&self.text, length);
        self.text.drain(..length);
        self.text.shrink_to(KEPT);
    }

    fn end_of_bytes(&mut self) -> Result<(), Error> {
        self.tail.end().map_or(Ok(()), |length| self.append_invalid(length))
    }

    /// No second half of a surrogate pair comes.
    fn end_of_units(&mut self) -> Result<(), Error> {
        if self.half.end() { self.append(REPLACED, Unit::Utf16) } else { Ok(()) }
    }

    fn append_invalid(&mut self, length: usize) -> Result<(), Error> {
        if self.is_strict {
            return Err(Error::InvalidUtf8 { at: self.places.index });
        }
        self.append(REPLACED, Unit::Invalid(length))
    }

    fn append(&mut self, text: &str, unit: Unit) -> Result<(), Error> {
        self.text.try_reserve(text.len()).map_err(|_| Error::OutOfMemory { bytes: text.len() })?;
        self.places.add(self.text.len(), text, unit, self.is_asked)?;
        self.text.push_str(text);
        Ok(())
    }
}

/// What a stretch of the kept text was read from, and so what its indices count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A string, in UTF-16 code units.
    Utf16,
    /// Bytes, which it is.
    Byte,
    /// So many bytes, in whose place it stands.
    Invalid(usize),
}

/// Where the kept text comes from. Only of what is not yet checked for disallowed tokens, which is little.
#[derive(Debug, Default)]
struct Places {
    /// The index in the stream of the end of the kept text.
    index: usize,
    /// The starts of stretches of one kind, ascending.
    starts: Vec<Place>,
    last: Option<Unit>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// In the kept text, in bytes.
    at: usize,
    /// In the stream.
    index: usize,
    unit: Unit,
}

impl Places {
    /// `text` comes to stand at `at`. Where it came from is written down when `is_asked`.
    fn add(&mut self, at: usize, text: &str, unit: Unit, is_asked: bool) -> Result<(), Error> {
        // Each invalid part is a stretch of its own.
        if is_asked && (self.last != Some(unit) || matches!(unit, Unit::Invalid(_))) {
            reserve(&mut self.starts, 1)?;
            self.starts.push(Place { at, index: self.index, unit });
            self.last = Some(unit);
        }
        self.index += match unit {
            Unit::Utf16 => utf16_length(text),
            Unit::Byte => text.len(),
            Unit::Invalid(length) => length,
        };
        Ok(())
    }

    /// The index in the stream of place `at` of the kept text `text`.
    fn index_of(&self, text: &str, at: usize) -> usize {
        let number = self.starts.partition_point(|start| start.at <= at);
        let Some(start) = number.checked_sub(1).map(|before| self.starts[before]) else { return self.index };
        start.index
            + match start.unit {
                Unit::Utf16 => utf16_length(&text[start.at..at]),
                _ => at - start.at,
            }
    }

    /// Indices of places before `at` are not asked for any more.
    fn forget_all_but_last_before(&mut self, at: usize) {
        let gone = self.starts.partition_point(|start| start.at <= at).saturating_sub(1);
        self.starts.drain(..gone);
    }

    /// The first `length` bytes of the kept text `text` go away.
    fn forget(&mut self, text: &str, length: usize) {
        self.forget_all_but_last_before(length);
        if let Some(first) = self.starts.first().filter(|first| first.at < length) {
            let index = self.index_of(text, length);
            self.starts[0] = Place { at: length, index, unit: first.unit };
        }
        for start in &mut self.starts {
            start.at -= length;
        }
    }
}

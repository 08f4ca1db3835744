//! Text that comes in chunks, and ids that do.
//!
//! What has come is kept until its ids are sure: up to the last allowed special token, and from there to the last place where
//! [`Pattern::split_before`](crate::Pattern::split_before) allows a cut. Every place is looked at once, when it has come: however small the
//! chunks are and however long no place comes, the work is linear in the text.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::places::utf16_length;
use crate::sink::{Sink, reserve};
use crate::to_utf8::Utf16Tail;
use crate::utf8::{REPLACED, Stretch, Utf8Tail};
use crate::{Error, SpecialPolicy, Tokenizer};

/// Long chunks are taken in parts of so many bytes, so that no more than that is kept beside a piece.
const PART: usize = 64 << 10;
/// Memory of a piece that is gone is kept up to so many bytes.
const KEPT: usize = 1 << 20;

/// Encodes text in chunks: all ids that it gives are those of [`Tokenizer::encode`] of the joined text.
///
/// Chunks are strings, in UTF-8 or UTF-16, or bytes. A character may be cut between two chunks of bytes, or of UTF-16; between others it is cut for good,
/// and U+FFFD. Indices in errors count UTF-16 code units of chunks that are strings, and bytes of those that are bytes, from the start of the stream.
/// After an error the stream is of no more use.
pub struct EncodeStream {
    tokenizer: Arc<Tokenizer>,
    policy: Arc<SpecialPolicy>,
    max_piece: usize,
    is_strict: bool,
    /// What no ids were given for.
    text: String,
    /// How many bytes of text ids were given for.
    given: usize,
    /// Where a piece starts whatever follows, the last such place that is known.
    ready: usize,
    /// From `ready` to here there is neither a place for a cut nor the start of an allowed special token.
    searched: usize,
    /// No disallowed special token starts before this.
    checked: usize,
    tail: Utf8Tail,
    half: Utf16Tail,
    places: Places,
}

impl EncodeStream {
    /// One of `tokenizer`, which made `policy`. More than `max_piece` bytes of text without a place where it can be cut are an error.
    /// `is_strict`: so are bytes that are not UTF-8; else each maximal invalid part is U+FFFD.
    pub fn new(tokenizer: Arc<Tokenizer>, policy: Arc<SpecialPolicy>, max_piece: usize, is_strict: bool) -> Self {
        Self {
            tokenizer,
            policy,
            max_piece,
            is_strict,
            text: String::new(),
            given: 0,
            ready: 0,
            searched: 0,
            checked: 0,
            tail: Utf8Tail::default(),
            half: Utf16Tail::default(),
            places: Places::default(),
        }
    }

    /// Takes a chunk and gives `sink` the ids that are sure. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// Those of [`EncodeStream::push`] and [`EncodeStream::encode_ready`].
    pub fn encode(&mut self, mut text: &str, sink: &mut impl Sink, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        while !text.is_empty() {
            let (part, rest) = text.split_at(text.floor_char_boundary(PART));
            self.push(part)?;
            self.encode_ready(sink, cancel)?;
            text = rest;
        }
        Ok(())
    }

    /// [`EncodeStream::encode`] of UTF-16.
    ///
    /// # Errors
    /// Those of [`EncodeStream::push_utf16`] and [`EncodeStream::encode_ready`].
    pub fn encode_utf16(
        &mut self,
        units: &[u16],
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        for part in units.chunks(PART / 2) {
            self.push_utf16(part)?;
            self.encode_ready(sink, cancel)?;
        }
        Ok(())
    }

    /// [`EncodeStream::encode`] of bytes.
    ///
    /// # Errors
    /// Those of [`EncodeStream::push_bytes`] and [`EncodeStream::encode_ready`].
    pub fn encode_bytes(
        &mut self,
        bytes: &[u8],
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        for part in bytes.chunks(PART) {
            self.push_bytes(part)?;
            self.encode_ready(sink, cancel)?;
        }
        Ok(())
    }

    /// Takes a chunk, without encoding it. One of more than some 64 KiB is better given to [`EncodeStream::encode`].
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`], [`Error::PieceTooLong`], [`Error::OutOfMemory`]; [`Error::InvalidUtf8`] when bytes before it end inside a
    /// character.
    pub fn push(&mut self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        self.end_of_bytes()?;
        self.end_of_units()?;
        self.append(text, Unit::Utf16)?;
        self.look(false)
    }

    /// Takes a chunk of UTF-16, in which lone surrogates are U+FFFD, without encoding it. One of more than some 64 KiB is better given to
    /// [`EncodeStream::encode_utf16`].
    ///
    /// # Errors
    /// Those of [`EncodeStream::push`].
    pub fn push_utf16(&mut self, units: &[u16]) -> Result<(), Error> {
        if units.is_empty() {
            return Ok(());
        }
        self.end_of_bytes()?;
        let start = self.text.len();
        self.half.push(&mut self.text, units)?;
        self.places.add(start, &self.text[start..], Unit::Utf16, self.policy.refuses())?;
        self.look(false)
    }

    /// Takes a chunk of bytes, without encoding it. One of more than some 64 KiB is better given to [`EncodeStream::encode_bytes`].
    ///
    /// # Errors
    /// Those of [`EncodeStream::push`]; [`Error::InvalidUtf8`].
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.end_of_units()?;
        let mut tail = self.tail;
        tail.read(bytes, |stretch| match stretch {
            Stretch::Text(text) => self.append(text, Unit::Byte),
            Stretch::Invalid(length) => self.append_invalid(length),
        })?;
        self.tail = tail;
        self.look(false)
    }

    /// No more chunks come: all ids are sure.
    ///
    /// # Errors
    /// Those of [`EncodeStream::push`].
    pub fn end(&mut self) -> Result<(), Error> {
        self.end_of_bytes()?;
        self.end_of_units()?;
        self.look(true)
    }

    /// How many bytes of text have sure ids that [`EncodeStream::encode_ready`] has not given yet.
    pub fn ready_bytes(&self) -> usize {
        self.ready
    }

    /// How many bytes of text are kept.
    pub fn held_bytes(&self) -> usize {
        self.text.len() + self.tail.len()
    }

    /// Gives all sure ids to `sink`, which must not be full before its time. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// [`Error::Cancelled`]; [`Error::OutOfMemory`]; [`Error::PatternLimit`], which counts bytes of UTF-8 from the start of the stream.
    pub fn encode_ready(&mut self, sink: &mut impl Sink, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        if self.ready == 0 {
            return Ok(());
        }
        {
            let Self { tokenizer, policy, text, ready, given, .. } = &*self;
            let in_stream = |error: Error| error.after(*given);
            let (text, mut worker, mut start) = (&text[..*ready], tokenizer.idle_worker(), 0);
            // Disallowed ones are not in it: they were looked for before it was ready.
            while let Some(special) = policy.next_allowed(text, start, cancel)? {
                tokenizer.encode_part(text, start..special.start, &mut worker, sink, cancel).map_err(in_stream)?;
                sink.reserve(1)?;
                sink.push(special.id);
                start = special.end;
            }
            tokenizer.encode_part(text, start..*ready, &mut worker, sink, cancel).map_err(in_stream)?;
        }
        self.places.forget(&self.text, self.ready);
        self.text.drain(..self.ready);
        self.given += self.ready;
        self.text.shrink_to(KEPT);
        self.searched -= self.ready;
        self.checked -= self.ready;
        self.ready = 0;
        Ok(())
    }

    /// The bytes so far end here, and with them a character that was not complete.
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
        self.places.add(self.text.len(), text, unit, self.policy.refuses())?;
        self.text.push_str(text);
        Ok(())
    }

    /// Looks for special tokens and for places to cut in what was not looked at yet.
    fn look(&mut self, is_end: bool) -> Result<(), Error> {
        let length = self.text.len();
        // A special token that starts before this is there to its end, and so is any longer one that starts with it.
        let sure = if is_end { length } else { (length + 1).saturating_sub(self.policy.longest().max(1)) };
        if self.checked < sure {
            if let Some((at, token)) = self.policy.next_disallowed(&self.text, self.checked, None)?
                && at < sure
            {
                return Err(Error::DisallowedSpecialToken {
                    token: token.to_owned(),
                    at: self.places.index_of(&self.text, at),
                });
            }
            self.checked = sure;
            self.places.forget_all_but_last_before(sure);
        }
        while let Some(special) = self.policy.next_allowed(&self.text, self.searched, None)?
            && special.start < sure
        {
            // Where a disallowed one may still overlap it, it waits; it is then found again.
            if special.end > self.checked && self.policy.refuses() {
                (self.ready, self.searched) = (special.start, special.start);
                return self.check_length();
            }
            (self.ready, self.searched) = (special.end, special.end);
            self.checked = self.checked.max(special.end);
        }
        if is_end {
            self.ready = length;
            (self.searched, self.checked) = (length, length);
            return Ok(());
        }
        let to = sure.min(length.saturating_sub(1));
        if self.searched < to {
            let rest = &self.text[self.ready..];
            let pattern = self.tokenizer.pattern();
            if let Some(cut) = pattern.split_before(rest, self.searched - self.ready, to - self.ready) {
                self.ready += cut;
            }
            self.searched = to;
        }
        self.check_length()
    }

    fn check_length(&self) -> Result<(), Error> {
        // The start of a special token may be kept beside the piece.
        if self.text.len() - self.ready > self.max_piece.saturating_add(self.policy.longest()) {
            return Err(Error::PieceTooLong { limit: self.max_piece });
        }
        Ok(())
    }
}

impl std::fmt::Debug for EncodeStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EncodeStream").field("held_bytes", &self.held_bytes()).finish_non_exhaustive()
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

/// Decodes ids in chunks: all text that it gives is that of the joined bytes, and no character is cut.
pub struct DecodeStream {
    tokenizer: Arc<Tokenizer>,
    is_strict: bool,
    skips_special: bool,
    tail: Utf8Tail,
    /// How many ids and bytes have come.
    ids: usize,
    bytes: usize,
}

impl DecodeStream {
    /// One of `tokenizer`. `is_strict`: bytes that are not UTF-8 are an error; else each maximal invalid part is U+FFFD. `skips_special`:
    /// special tokens are left out.
    pub fn new(tokenizer: Arc<Tokenizer>, is_strict: bool, skips_special: bool) -> Self {
        Self { tokenizer, is_strict, skips_special, tail: Utf8Tail::default(), ids: 0, bytes: 0 }
    }

    /// The text of `ids` and of what was kept before, up to the last complete character.
    ///
    /// # Errors
    /// [`Error::UnknownId`], whose index counts all ids of the stream; [`Error::InvalidUtf8`], whose index counts all bytes;
    /// [`Error::OutOfMemory`].
    pub fn decode(&mut self, ids: &[u32]) -> Result<String, Error> {
        let Self { tokenizer, is_strict, .. } = &*self;
        let is_strict = *is_strict;
        let bytes =
            if self.skips_special { tokenizer.decode_bytes_without_special(ids) } else { tokenizer.decode_bytes(ids) };
        let bytes = bytes.map_err(|error| match error {
            Error::UnknownId { id, index, largest } => Error::UnknownId { id, index: self.ids + index, largest },
            error => error,
        })?;
        self.ids += ids.len();
        // Most chunks are whole characters: then the bytes are the text.
        let bytes = if self.tail.len() == 0 {
            match String::from_utf8(bytes) {
                Ok(text) => {
                    self.bytes += text.len();
                    return Ok(text);
                }
                Err(error) => error.into_bytes(),
            }
        } else {
            bytes
        };
        let mut text = String::new();
        let Self { tail, bytes: done, .. } = self;
        tail.read(&bytes, |stretch| {
            let (read, length) = match stretch {
                Stretch::Text(read) => (read, read.len()),
                Stretch::Invalid(_) if is_strict => return Err(Error::InvalidUtf8 { at: *done }),
                Stretch::Invalid(length) => (REPLACED, length),
            };
            *done += length;
            text.try_reserve(read.len()).map_err(|_| Error::OutOfMemory { bytes: read.len() })?;
            text.push_str(read);
            Ok(())
        })?;
        Ok(text)
    }

    /// No more ids come: what is left of the text, U+FFFD or nothing.
    ///
    /// # Errors
    /// [`Error::InvalidUtf8`].
    pub fn end(&mut self) -> Result<&'static str, Error> {
        match self.tail.end() {
            None => Ok(""),
            Some(_) if self.is_strict => Err(Error::InvalidUtf8 { at: self.bytes }),
            Some(_) => Ok(REPLACED),
        }
    }
}

impl std::fmt::Debug for DecodeStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DecodeStream").finish_non_exhaustive()
    }
}

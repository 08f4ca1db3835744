//! Where in a text each token is.

use std::borrow::Cow;
use std::iter;
use std::sync::atomic::AtomicBool;

use crate::Error;
use crate::marks::Marks;
use crate::origin::{read_utf8, to_places_before_reading};
use crate::sink::reserve;
use crate::special::SpecialPolicy;
use crate::tokenizer::Tokenizer;
use crate::worker::Worker;

/// What places in a text are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of UTF-8.
    Byte,
    /// UTF-16 code units.
    Utf16,
}

impl Unit {
    /// How many of them the character has whose UTF-8 starts with `first`; 0 when it starts with no such byte.
    #[inline(always)]
    fn of_character(self, first: u8) -> u32 {
        match (self, first) {
            (_, 0x80..0xc0) => 0,
            (_, 0..0x80) | (Self::Utf16, ..0xf0) => 1,
            (Self::Utf16, _) | (Self::Byte, ..0xe0) => 2,
            (Self::Byte, 0xe0..0xf0) => 3,
            (Self::Byte, _) => 4,
        }
    }
}

/// Ids and where their tokens are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    /// The ids.
    pub ids: Vec<u32>,
    /// For each id the start of the character in which its token starts; at last the length of the text.
    pub offsets: Vec<u32>,
    /// For each id the end of the last character of which its token has a part.
    pub ends: Vec<u32>,
    /// For each id the byte of the text where its token ends, be it inside a character.
    pub byte_ends: Vec<u32>,
    /// Where it was asked for: for each id the number, from 0 on, of its piece among all pieces of the text. A special token is a piece.
    pub words: Vec<u32>,
}

/// Writes [`Offsets`] while a text is encoded.
struct Writer<'t> {
    text: &'t [u8],
    unit: Unit,
    /// Then a byte is a unit, and `byte_ends` are `ends` too.
    is_ascii: bool,
    out: Offsets,
    /// The end of the last token, in bytes; and in units that of its last character.
    at: usize,
    units: u32,
    /// The start, in units, of the character that byte `at` is of.
    floor: u32,
    with_words: bool,
    /// The number of the next piece.
    word: u32,
}

impl Writer<'_> {
    /// The tokens that are in no piece yet are those of a piece that ends at byte `end`.
    fn end_word(&mut self, end: usize) {
        let Offsets { byte_ends, words, .. } = &mut self.out;
        let of_word = byte_ends[words.len()..].iter().take_while(|&&token_end| token_end as usize <= end).count();
        words.extend(iter::repeat_n(self.word, of_word));
        self.word += 1;
    }
}

impl Marks for Writer<'_> {
    fn reserve(&mut self, tokens: usize) -> Result<(), Error> {
        let Offsets { ids, offsets, ends, byte_ends, words } = &mut self.out;
        [ids, offsets, byte_ends].into_iter().try_for_each(|numbers| reserve(numbers, tokens))?;
        if self.with_words {
            reserve(words, tokens)?;
        }
        if self.is_ascii { Ok(()) } else { reserve(ends, tokens) }
    }

    #[inline(always)]
    fn token(&mut self, id: u32, end: usize) {
        if self.is_ascii {
            self.out.ids.push(id);
            self.out.offsets.push(self.at as u32);
            self.out.byte_ends.push(end as u32);
            (self.at, self.units) = (end, end as u32);
            return;
        }
        let mut last = 0;
        for &byte in &self.text[self.at..end] {
            let width = self.unit.of_character(byte);
            self.units += width;
            last = if width == 0 { last } else { width };
        }
        self.at = end;
        self.out.ids.push(id);
        self.out.offsets.push(self.floor);
        self.out.ends.push(self.units);
        self.out.byte_ends.push(end as u32);
        let is_inside = self.text.get(end).is_some_and(|byte| byte & 0xc0 == 0x80);
        if !is_inside {
            self.floor = self.units;
        } else if last != 0 {
            self.floor = self.units - last;
        }
    }

    fn piece(&mut self, end: usize) {
        if self.with_words {
            self.end_word(end);
        }
    }

    fn special(&mut self, id: u32, _: usize, end: usize) -> Result<(), Error> {
        self.reserve(1)?;
        self.token(id, end);
        self.piece(end);
        Ok(())
    }
}

impl Tokenizer {
    /// The ids of [`Tokenizer::encode`] and where their tokens are, in `unit`s; `with_words` also of which pieces.
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`]; [`Error::OutOfMemory`], also for a text of 4 GiB or more; [`Error::PatternLimit`], for a pattern of
    /// regular expressions; [`Error::Cancelled`].
    pub fn encode_with_offsets(
        &self,
        text: &str,
        unit: Unit,
        with_words: bool,
        policy: &SpecialPolicy,
        worker: &mut Worker,
        cancel: Option<&AtomicBool>,
    ) -> Result<Offsets, Error> {
        within_u32(text)?;
        let mut writer = Writer {
            text: text.as_bytes(),
            unit,
            is_ascii: text.is_ascii(),
            out: Offsets::default(),
            at: 0,
            units: 0,
            floor: 0,
            with_words,
            word: 0,
        };
        self.encode_marked(text, policy, worker, &mut writer, cancel)?;
        let Writer { mut out, units, is_ascii, .. } = writer;
        if is_ascii {
            reserve(&mut out.ends, out.byte_ends.len())?;
            out.ends.extend_from_slice(&out.byte_ends);
        }
        reserve(&mut out.offsets, 1)?;
        out.offsets.push(units);
        Ok(out)
    }
}

impl Tokenizer {
    /// [`Tokenizer::encode_with_offsets`] of the text of `bytes`, [read](read_utf8) `strict`ly or not. `offsets` and `ends` are in `bytes`; `byte_ends` are
    /// in the text, as is the place in an [`Error::DisallowedSpecialToken`].
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode_with_offsets`]; [`Error::InvalidUtf8`].
    pub fn encode_bytes_with_offsets(
        &self,
        bytes: &[u8],
        strict: bool,
        with_words: bool,
        policy: &SpecialPolicy,
        worker: &mut Worker,
        cancel: Option<&AtomicBool>,
    ) -> Result<Offsets, Error> {
        let text = read_utf8(bytes, strict)?;
        let mut offsets = self.encode_with_offsets(&text, Unit::Byte, with_words, policy, worker, cancel)?;
        if matches!(text, Cow::Owned(_)) {
            to_places_before_reading(bytes, &mut offsets.offsets);
            to_places_before_reading(bytes, &mut offsets.ends);
        }
        Ok(offsets)
    }
}

/// Places of a text are `u32`.
pub(crate) fn within_u32(text: &str) -> Result<(), Error> {
    if u32::try_from(text.len()).is_ok() { Ok(()) } else { Err(Error::OutOfMemory { bytes: text.len() }) }
}

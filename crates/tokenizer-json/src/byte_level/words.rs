//! Files whose ids are in another order than their merges, or whose added tokens take white space: those of `RoBERTa`, BART, `ModernBERT` and their like.
//! What is between added tokens goes to the engine of `crates/bpe`, which numbers tokens by their merges.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;
use tokenmill_bpe::{Error as TextError, Sink, SpecialPolicy, Tokenizer};

use super::ranked::Ranked;
use super::{Before, before};
use crate::aligned::{Aligned, place};
use crate::error::{EncodeError, Error};
use crate::memory::{not_enough, with_room};
use crate::model::Visible;
use crate::nfc::NFC;
use crate::placed::Placed;
use crate::words::{Ended, Start, Until};

/// Ids of texts by the engine.
pub(crate) struct ByteWords {
    tokenizer: Tokenizer,
    /// By the number of a token.
    ids: Box<[u32]>,
    /// Whether texts come to normal form C.
    nfc: bool,
    /// Whether a space is put before a stretch of text that does not start with one.
    prefix: bool,
    nothing: SpecialPolicy,
}

impl ByteWords {
    /// `None` when the file has another model, or other steps before it, or the engine would give other ids.
    pub fn new(model: Visible, normalizer: &Value, pre_tokenizer: &Value) -> Option<Self> {
        let Before { nfc, pattern, prefix } = before(normalizer, pre_tokenizer)?;
        let Ranked { vocabulary, ids } = Ranked::new(model)?;
        let tokenizer = Tokenizer::new(vocabulary, pattern, []).ok()?;
        let tokenizer = if nfc { tokenizer.with_normalizer(NFC) } else { tokenizer };
        Some(Self { tokenizer, ids, nfc, prefix, nothing: SpecialPolicy::of_nothing() })
    }

    /// The last place in `from + 1..=to` where `text` can be cut.
    pub fn cut_before(&self, text: &str, from: usize, to: usize) -> Option<usize> {
        self.tokenizer.split_before(text, from, to)
    }

    /// See [`crate::by_words::ByWords::are_parts_of_crate`].
    pub fn are_parts_of_crate(&self) -> bool {
        !self.prefix
    }

    /// Whether `text` gets a space.
    fn is_prefixed(&self, text: &str, start: Start) -> bool {
        self.prefix && start != Start::AtCut && !text.is_empty() && !text.starts_with(' ')
    }

    /// See [`crate::by_words::ByWords::place`].
    pub fn place(&self, (text, base): (&str, usize), start: Start, placed: &mut Placed) -> Result<bool, Error> {
        let mut aligned = || {
            let aligned = Aligned::of(text, self.nfc, self.is_prefixed(text, start))?;
            place((&self.tokenizer, &self.nothing), (&aligned, base), |number| self.ids[number as usize], placed)
        };
        match aligned() {
            Ok(()) => Ok(true),
            Err(EncodeError::Ids(error)) => Err(error),
            Err(EncodeError::Text(TextError::OutOfMemory { bytes })) => Err(not_enough(bytes)),
            Err(EncodeError::Text(_)) => Ok(false),
        }
    }

    /// Adds the ids of `text`, a stretch between added tokens, to `ids`; of those that were added none counts when it ends in another way.
    pub fn encode(&self, text: &str, start: Start, ids: &mut Vec<u32>, until: Until) -> Ended {
        let text = if self.is_prefixed(text, start) {
            let length = 1 + text.len();
            let Ok(mut prefixed) = with_room(length) else { return Ended::TooLarge(length) };
            prefixed.push(' ');
            prefixed.push_str(text);
            Cow::Owned(prefixed)
        } else {
            Cow::Borrowed(text)
        };
        let before = ids.len();
        let mut sink = UpTo { ids, most: until.most };
        let mut worker = self.tokenizer.idle_worker();
        let done = self.tokenizer.encode_to(&text, &self.nothing, &mut worker, &mut sink, until.cancel);
        for id in &mut ids[before..] {
            *id = self.ids[*id as usize];
        }
        match done {
            Ok(()) if ids.len() > until.most => Ended::WithMore,
            Ok(()) => Ended::WithIds,
            Err(TextError::Cancelled) => Ended::Cancelled,
            Err(TextError::OutOfMemory { bytes }) => Ended::TooLarge(bytes),
            Err(_) => Ended::Untold,
        }
    }
}

/// Takes ids up to some more than `most`.
struct UpTo<'a> {
    ids: &'a mut Vec<u32>,
    most: usize,
}

impl Sink for UpTo<'_> {
    #[inline(always)]
    fn is_full(&self) -> bool {
        self.ids.len() > self.most
    }

    fn reserve(&mut self, ids: usize) -> Result<(), TextError> {
        Sink::reserve(self.ids, ids)
    }

    #[inline(always)]
    fn push(&mut self, id: u32) {
        Sink::push(self.ids, id);
    }

    #[inline(always)]
    fn extend(&mut self, ids: &[u32]) {
        Sink::extend(self.ids, ids);
    }

    #[inline(always)]
    fn extend_run(&mut self, ids: &[u32], run: Range<usize>) {
        self.ids.extend_run(ids, run);
    }

    #[inline(always)]
    fn extend_some(&mut self, ids: &[u32; 8], count: usize) {
        self.ids.extend_some(ids, count);
    }
}

#[cfg(test)]
pub(crate) mod tests;

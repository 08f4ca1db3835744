//! Files whose ids are in another order than their merges, or whose added tokens take white space: those of `RoBERTa`, BART, `ModernBERT` and their like.
//! What is between added tokens goes to the engine of `crates/bpe`, which numbers tokens by their merges.

use serde_json::Value;
use tokenmill_bpe::{Error as TextError, Tokenizer};

use super::{Before, before, bytes_of, is_byte};
use crate::aligned::Aligned;
use crate::error::{EncodeError, Error};
use crate::memory::{not_enough, with_room};
use crate::model::Visible;
use crate::nfc::NFC;
use crate::numbered::{Ids, Numbered};
use crate::placed::Placed;
use crate::ranked::{Forms, Ranked};
use crate::words::{Ended, Start, Until};

/// Ids of texts by the engine.
pub(crate) struct ByteWords {
    engine: Numbered,
    /// Whether texts come to normal form C.
    nfc: bool,
    /// Whether a space is put before a stretch of text that does not start with one.
    prefix: bool,
}

impl ByteWords {
    /// `None` when the file has another model, or other steps before it, or the engine would give other ids.
    pub fn new(model: Visible, normalizer: &Value, pre_tokenizer: &Value) -> Option<Self> {
        let Before { nfc, pattern, prefix } = before(normalizer, pre_tokenizer)?;
        let forms = Forms { bytes_of: &bytes_of, is_first: is_byte, more: Vec::new() };
        let Ranked { vocabulary, places } = Ranked::new(model, forms)?;
        let ids = places.into_iter().flatten().map(|place| Ids::One(model.model.tokens.id(place)));
        let tokenizer = Tokenizer::new(vocabulary, pattern, []).ok()?;
        let tokenizer = if nfc { tokenizer.with_normalizer(NFC) } else { tokenizer };
        Some(Self { engine: Numbered::new(tokenizer, ids)?, nfc, prefix })
    }

    /// The last place in `from + 1..=to` where `text` can be cut.
    pub fn cut_before(&self, text: &str, from: usize, to: usize) -> Option<usize> {
        self.engine.tokenizer.split_before(text, from, to)
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
            self.engine.place((&aligned, base), placed)
        };
        match aligned() {
            Ok(()) => Ok(true),
            Err(EncodeError::Ids(error)) => Err(error),
            Err(EncodeError::Text(TextError::OutOfMemory { bytes })) => Err(not_enough(bytes)),
            Err(EncodeError::Text(TextError::Cancelled)) => Err(Error::Cancelled),
            Err(EncodeError::Text(_)) => Ok(false),
        }
    }

    /// Adds the ids of `text`, a stretch between added tokens, to `ids`; of those that were added none counts when it ends in another way.
    pub fn encode(&self, text: &str, start: Start, ids: &mut Vec<u32>, until: Until) -> Ended {
        if self.is_prefixed(text, start) {
            let length = 1 + text.len();
            let Ok(mut prefixed) = with_room(length) else { return Ended::TooLarge(length) };
            prefixed.push(' ');
            prefixed.push_str(text);
            self.engine.encode(&prefixed, ids, until)
        } else {
            self.engine.encode(text, ids, until)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

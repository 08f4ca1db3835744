//! Ids of texts without the `tokenizers` crate, by the words in them.

use serde_json::Value;

use crate::error::Result;
use crate::model::Visible;
use crate::placed::Placed;
use crate::sentence_piece::SentencePiece;
use crate::word_piece::WordPiece;
use crate::words::{Ended, Start, Until};

/// For files like some that are much used.
pub(crate) enum ByWords {
    WordPiece(Box<WordPiece>),
    SentencePiece(Box<SentencePiece>),
}

impl ByWords {
    /// Whether the ids of a text are those of its parts, wherever it is cut before a space or the end of a line.
    pub fn are_of_parts(&self) -> bool {
        matches!(self, Self::WordPiece(_))
    }

    /// `None` for other files.
    pub fn new(model: Visible, normalizer: &Value, pre_tokenizer: &Value) -> Option<Self> {
        if let Some(words) = WordPiece::new(model, normalizer, pre_tokenizer) {
            return Some(Self::WordPiece(Box::new(words)));
        }
        SentencePiece::new(model, normalizer, pre_tokenizer).map(|words| Self::SentencePiece(Box::new(words)))
    }

    /// The last place in `from + 1..=to`, which are inside of `text`, where it can be cut, whatever it goes on with: its ids are those of what is before
    /// the place, and then those of the rest, as [`Start::AtCut`]. No white space ends there. `None` when there is none.
    pub fn cut_before(&self, text: &str, from: usize, to: usize) -> Option<usize> {
        let mut at = text.floor_char_boundary(to);
        while at > from {
            let is_cut = match self {
                Self::WordPiece(_) => WordPiece::is_cut(text, at),
                Self::SentencePiece(words) => words.is_cut(text, at),
            };
            if is_cut && !text[..at].ends_with(char::is_whitespace) {
                return Some(at);
            }
            at = text.floor_char_boundary(at - 1);
        }
        None
    }

    /// Whether the `tokenizers` crate makes the same of parts that were so cut.
    pub fn are_parts_of_crate(&self) -> bool {
        match self {
            Self::WordPiece(_) => true,
            Self::SentencePiece(words) => words.are_parts_of_crate(),
        }
    }

    /// Adds the ids of `text`, a stretch between added tokens that is at `base` in the whole text, and where they are from. `characters` tells how many
    /// a token has. `false` where the `tokenizers` crate has to be asked.
    ///
    /// # Errors
    /// [`crate::Error::Limit`] when there is not enough memory.
    pub fn place(
        &self,
        (text, base): (&str, usize),
        start: Start,
        characters: impl Fn(u32) -> usize,
        placed: &mut Placed,
    ) -> Result<bool> {
        match self {
            Self::WordPiece(words) => words.place(text, base, placed),
            Self::SentencePiece(words) => words.place((text, base), start, characters, placed),
        }
    }

    /// Adds the ids of `text`, a stretch between added tokens, to `ids`; of those that were added none counts when it ends in another way.
    pub fn encode(&self, text: &str, start: Start, ids: &mut Vec<u32>, until: Until) -> Ended {
        match self {
            Self::WordPiece(words) => words.encode(text, ids, until),
            Self::SentencePiece(words) => words.encode(text, start, ids, until),
        }
    }
}

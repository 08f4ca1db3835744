//! Ids of texts without the `tokenizers` crate, by the words in them.

use serde_json::Value;

use crate::model::Visible;
use crate::sentence_piece::SentencePiece;
use crate::word_piece::WordPiece;
use crate::words::{Ended, Until};

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

    /// Adds the ids of `text`, a stretch between added tokens and the first one or not, to `ids`; of those that were added none counts when it ends in
    /// another way.
    pub fn encode(&self, text: &str, is_first: bool, ids: &mut Vec<u32>, until: Until) -> Ended {
        match self {
            Self::WordPiece(words) => words.encode(text, ids, until),
            Self::SentencePiece(words) => words.encode(text, is_first, ids, until),
        }
    }
}

//! Ids of texts without the `tokenizers` crate, by the words in them.

use serde_json::Value;

use crate::byte_level::ByteWords;
use crate::end_of_word::EndOfWord;
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
    Bytes(Box<ByteWords>),
    EndOfWord(Box<EndOfWord>),
}

impl ByWords {
    /// Whether the ids of a text are those of its parts, wherever it is cut before a space or the end of a line.
    pub fn are_of_parts(&self) -> bool {
        matches!(self, Self::WordPiece(_))
    }

    /// Whether the ids of a text say where white space is, beside words.
    pub fn keeps_spaces(&self) -> bool {
        match self {
            Self::WordPiece(_) | Self::EndOfWord(_) | Self::Bytes(_) => true,
            Self::SentencePiece(words) => words.keeps_spaces(),
        }
    }

    /// `None` for other files.
    pub fn new(model: Visible, normalizer: &Value, pre_tokenizer: &Value) -> Option<Self> {
        if let Some(words) = WordPiece::new(model, normalizer, pre_tokenizer) {
            return Some(Self::WordPiece(Box::new(words)));
        }
        if let Some(words) = SentencePiece::new(model, normalizer, pre_tokenizer) {
            return Some(Self::SentencePiece(Box::new(words)));
        }
        if let Some(words) = ByteWords::new(model, normalizer, pre_tokenizer) {
            return Some(Self::Bytes(Box::new(words)));
        }
        EndOfWord::new(model, normalizer, pre_tokenizer).map(|words| Self::EndOfWord(Box::new(words)))
    }

    /// The last place in `from + 1..=to`, which are inside of `text`, where it can be cut, whatever it goes on with: its ids are those of what is before
    /// the place, and then those of the rest, as [`Start::AtCut`]. No white space ends there. `None` when there is none.
    pub fn cut_before(&self, text: &str, from: usize, mut to: usize) -> Option<usize> {
        loop {
            let at = match self {
                Self::WordPiece(_) => last_cut(text, from, to, WordPiece::is_cut),
                Self::SentencePiece(words) => last_cut(text, from, to, |text, at| words.is_cut(text, at)),
                Self::Bytes(words) => words.cut_before(text, from, to),
                Self::EndOfWord(_) => last_cut(text, from, to, EndOfWord::is_cut),
            }?;
            if !text[..at].ends_with(char::is_whitespace) {
                return Some(at);
            }
            to = at - 1;
        }
    }

    /// Whether the `tokenizers` crate makes the same of parts that were so cut.
    pub fn are_parts_of_crate(&self) -> bool {
        match self {
            Self::WordPiece(_) | Self::EndOfWord(_) => true,
            Self::SentencePiece(words) => words.are_parts_of_crate(),
            Self::Bytes(words) => words.are_parts_of_crate(),
        }
    }

    /// Adds the ids of `text`, a stretch between added tokens that is at `base` in the whole text, and where they are from. `characters` tells how many
    /// a token has. `false` where the `tokenizers` crate has to be asked.
    ///
    /// # Errors
    /// [`crate::Error::Limit`] when there is not enough memory; [`crate::Error::Cancelled`].
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
            Self::Bytes(words) => words.place((text, base), start, placed),
            Self::EndOfWord(_) => Ok(false),
        }
    }

    /// Adds the ids of `text`, a stretch between added tokens, to `ids`; of those that were added none counts when it ends in another way.
    pub fn encode(&self, text: &str, start: Start, ids: &mut Vec<u32>, until: Until) -> Ended {
        match self {
            Self::WordPiece(words) => words.encode(text, ids, until),
            Self::SentencePiece(words) => words.encode(text, start, ids, until),
            Self::Bytes(words) => words.encode(text, start, ids, until),
            Self::EndOfWord(words) => words.encode(text, ids, until),
        }
    }
}

/// The last place in `from + 1..=to` of which `is_cut` says so.
fn last_cut(text: &str, from: usize, to: usize, is_cut: impl Fn(&str, usize) -> bool) -> Option<usize> {
    let mut at = text.floor_char_boundary(to);
    while at > from {
        if is_cut(text, at) {
            return Some(at);
        }
        at = text.floor_char_boundary(at - 1);
    }
    None
}

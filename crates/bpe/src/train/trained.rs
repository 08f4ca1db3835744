//! What a training has made.

use crate::train::alphabet;
use crate::{Error, Pattern, Tokenizer, Vocabulary};

/// The result of a training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trained {
    pattern: Pattern,
    special_tokens: Vec<(String, u32)>,
    merges: Vec<[u32; 2]>,
    vocabulary: Vocabulary,
    wanted: usize,
    pieces: u64,
}

impl Trained {
    pub(crate) fn new(
        pattern: Pattern,
        special_tokens: Vec<(String, u32)>,
        merges: Vec<[u32; 2]>,
        wanted: usize,
        pieces: u64,
    ) -> Result<Self, Error> {
        let vocabulary = Vocabulary::from_merges(special_tokens.len() as u32, &alphabet::BYTES, &merges)?;
        Ok(Self { pattern, special_tokens, merges, vocabulary, wanted, pieces })
    }

    /// Its tokens, without the special ones, whose ids are holes.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The special tokens and their ids.
    pub fn special_tokens(&self) -> &[(String, u32)] {
        &self.special_tokens
    }

    /// The ids of the two parts of each merge, in the order in which they were made. The token that they make has the next id after those
    /// before it: the last ones of the vocabulary.
    pub fn merges(&self) -> &[[u32; 2]] {
        &self.merges
    }

    /// The bytes of all tokens but the special ones, by ascending id.
    pub fn tokens(&self) -> impl Iterator<Item = &[u8]> {
        self.vocabulary.tokens().map(|(_, token)| token)
    }

    /// How many tokens there are, special ones too.
    pub fn vocab_size(&self) -> usize {
        self.vocabulary.len()
    }

    /// How many tokens fewer there are than were wanted, because no pair was left that was frequent enough.
    pub fn missing(&self) -> usize {
        self.wanted - self.vocab_size()
    }

    /// How many distinct pieces the texts had.
    pub fn pieces(&self) -> u64 {
        self.pieces
    }

    /// The tokenizer of this vocabulary.
    ///
    /// # Errors
    /// None that a training leaves possible.
    pub fn into_tokenizer(self) -> Result<Tokenizer, Error> {
        Tokenizer::new(self.vocabulary, self.pattern, self.special_tokens)
    }
}

//! A whole encoding, as its definition says it.

use crate::bpe::{Ranks, encode_long_piece, encode_piece};
use crate::pattern::{LinearSplitter, Pattern, Splitter};

/// Encodes by regular expression and naive merges.
#[derive(Debug)]
pub struct Reference {
    ranks: Ranks,
    splitter: Splitter,
    linear: LinearSplitter,
}

impl Reference {
    /// The reference for a pattern and ranks.
    pub fn new(pattern: &Pattern, ranks: Ranks) -> Self {
        Self { ranks, splitter: pattern.splitter(), linear: pattern.linear_splitter() }
    }

    /// The ids of `text`: by tiktoken's own pattern and the quadratic merges, both only for what is short enough for them.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let pieces: Vec<&str> = if text.len() < 100_000 {
            self.splitter.pieces(text).collect()
        } else {
            self.linear.pieces(text).collect()
        };
        (pieces.into_iter().map(str::as_bytes))
            .flat_map(|piece| match piece.len() {
                0..1000 => encode_piece(&self.ranks, piece),
                _ => encode_long_piece(&self.ranks, piece),
            })
            .collect()
    }
}

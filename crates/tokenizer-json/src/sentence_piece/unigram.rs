//! A Unigram model: of all ways to cut a word into tokens the one whose scores have the largest sum.
//!
//! The algorithm of Viterbi (1967), in the order of the `tokenizers` crate: scores are added from left to right in 64 bits, and of equal sums the one
//! found first stays, so that rounding decides as it does there.

use super::bytes::ByteTokens;
use crate::trie::Trie;
use crate::words::Model;

/// The best way to a place.
#[derive(Clone, Copy)]
struct Best {
    sum: f64,
    /// Where its last token starts.
    start: u32,
    id: u32,
}

impl Best {
    const NONE: Self = Self { sum: f64::NEG_INFINITY, start: u32::MAX, id: 0 };

    fn is_none(&self) -> bool {
        self.start == u32::MAX
    }

    #[inline(always)]
    fn offer(&mut self, sum: f64, start: usize, id: u32) -> bool {
        let is_better = self.is_none() || sum > self.sum;
        if is_better {
            *self = Self { sum, start: start as u32, id };
        }
        is_better
    }
}

/// A vocabulary of tokens with scores.
pub(super) struct Unigram {
    tokens: Trie,
    /// By id.
    scores: Box<[f64]>,
    unknown: Option<u32>,
    /// Of a character that no token is.
    unknown_score: f64,
    bytes: Option<ByteTokens>,
}

impl Unigram {
    /// `scores` are those of all ids, also of such that no text has and that are not among `tokens`.
    pub fn new(tokens: Vec<(&[u8], u32)>, scores: &[f64], unknown: Option<u32>, bytes: Option<ByteTokens>) -> Self {
        /// What a score is lower than the lowest.
        const PENALTY: f64 = 10.0;
        let lowest = scores.iter().fold(f64::INFINITY, |lowest, &score| if score < lowest { score } else { lowest });
        Self { tokens: Trie::new(tokens), scores: scores.into(), unknown, unknown_score: lowest - PENALTY, bytes }
    }

    /// Calls `push` with the ids of `word`, last one first, and where their parts of it start and end; with room for the best ways to all places of `word` and
    /// to its end. `false` when it is unknown and there is no token for that.
    #[inline(always)]
    fn add_with(&self, word: &[u8], best: &mut [Best], mut push: impl FnMut(u32, usize, usize)) -> bool {
        best[0].sum = 0.0;
        let mut at = 0;
        while at < word.len() {
            let sum = best[at].sum;
            let length = length_of(word[at]);
            let mut is_token = false;
            for (token, token_length) in self.tokens.starts(&word[at..]) {
                best[at + token_length].offer(sum + self.scores[token as usize], at, token);
                is_token |= token_length == length;
            }
            // An id without a token of its own is given where it is the best.
            if !is_token
                && best[at + length].offer(sum + self.unknown_score, at, self.unknown.unwrap_or_default())
                && self.unknown.is_none()
            {
                return false;
            }
            at += length;
        }

        let mut unknown_end = None;
        let mut end = word.len();
        while end > 0 {
            let Best { start, id, .. } = best[end];
            if Some(id) == self.unknown {
                unknown_end.get_or_insert(end);
            } else {
                if let Some(unknown_end) = unknown_end.take() {
                    self.unknown_ids(&word[end..unknown_end]).for_each(|id| push(id, end, unknown_end));
                }
                push(id, start as usize, end);
            }
            end = start as usize;
        }
        if let Some(unknown_end) = unknown_end {
            self.unknown_ids(&word[..unknown_end]).for_each(|id| push(id, 0, unknown_end));
        }
        true
    }

    /// The ids of neighbours that are unknown, last one first.
    #[cold]
    fn unknown_ids(&self, part: &[u8]) -> impl Iterator<Item = u32> {
        let mut ids = Vec::new();
        // Together they may be a token, one with a low score.
        if let Some(id) = self.tokens.token(part) {
            ids.push(id);
        } else if !self.bytes.as_ref().is_some_and(|bytes| bytes.add(part, &mut ids)) {
            ids.extend(self.unknown);
        }
        ids.into_iter().rev()
    }

    /// Calls `push` with the ids of `word`, first one first, and where their parts of it start and end; `false` as [`Model::add`].
    pub fn each(&self, word: &[u8], mut push: impl FnMut(u32, usize, usize)) -> bool {
        let mut parts = Vec::new();
        let is_known =
            self.add_with(word, &mut vec![Best::NONE; word.len() + 1], |id, start, end| parts.push((id, start, end)));
        parts.into_iter().rev().for_each(|(id, start, end)| push(id, start, end));
        is_known
    }
}

impl Model for Unigram {
    fn add(&self, word: &[u8], ids: &mut Vec<u32>) -> bool {
        /// Longer words take memory of their own.
        const SHORT: usize = 32;
        let before = ids.len();
        let push = |id, _, _| ids.push(id);
        let is_known = if word.len() < SHORT {
            self.add_with(word, &mut [Best::NONE; SHORT][..=word.len()], push)
        } else {
            self.add_with(word, &mut vec![Best::NONE; word.len() + 1], push)
        };
        ids[before..].reverse();
        is_known
    }
}

/// The bytes of the character that starts with `first`.
#[inline(always)]
fn length_of(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    }
}

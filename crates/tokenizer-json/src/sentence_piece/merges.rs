//! A BPE model whose merges start from characters: they are made in the order of their list, of equal ones the leftmost first.

use super::alphabet::Alphabet;
use super::bytes::MARK;
use crate::model::Visible;
use crate::pairs::Pairs;
use crate::words::Model;

/// A vocabulary and its merges.
pub(super) struct Merges {
    pub alphabet: Alphabet,
    pairs: Pairs,
}

impl Merges {
    pub fn new(model: Visible, alphabet: Alphabet) -> Self {
        let (tokens, mut pairs) = (&model.model.tokens, Pairs::default());
        pairs.reserve(model.merges().size_hint().1.unwrap_or_default());
        for (rank, merge) in model.merges() {
            pairs.insert(tokens.id(merge.left), tokens.id(merge.right), rank, tokens.id(merge.made));
        }
        Self { alphabet, pairs }
    }
}

impl Model for Merges {
    fn add(&self, word: &[u8], ids: &mut Vec<u32>) -> bool {
        let Ok(word) = str::from_utf8(word) else { return false };
        // The mark of a space comes to three tokens where it is none itself.
        let longest =
            if self.alphabet.character(' ').is_some() { Pairs::SHORT } else { Pairs::SHORT / MARK.len_utf8() };
        if word.len() <= longest {
            self.pairs.add_short(|few| self.alphabet.for_each_character(word, |id| few.push(id)), ids);
        } else {
            let mut tokens = Vec::with_capacity(word.len());
            self.alphabet.for_each_character(word, |id| tokens.push(id));
            self.pairs.add_long(tokens, ids);
        }
        true
    }

    fn each_part(&self, word: &[u8], mut add: impl FnMut(&[u8]) -> bool) -> bool {
        let Ok(mut rest) = str::from_utf8(word) else { return add(word) };
        while !rest.is_empty() {
            let (part, after) = rest.split_at(self.alphabet.word_at(rest, None).end);
            if !add(part.as_bytes()) {
                return false;
            }
            rest = after;
        }
        true
    }
}

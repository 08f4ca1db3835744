//! Characters of four bytes that merge two bytes at a time or not at all.
//!
//! Most code points outside the first plane are in no text that a vocabulary was made from: no token holds three bytes of them. What such a
//! character merges into is told by its three pairs of bytes. That is worked out each time, which takes less than to look for it and to remember it.

use super::pairs::{NO_ID, NONE, Pairs};
use crate::vocabulary::Vocabulary;

/// A bit for the first two bytes of each character of four, which 4,096 have in common: whether some token has more than two of the bytes of one
/// of them. All emoji are told by one bit: they come again, and are remembered, whichever way they merge.
pub(super) struct FourBytes {
    merge_further: [u64; 8],
}

/// The first `count` of `padded`.
pub(crate) struct UpToFour {
    pub padded: [u32; 4],
    pub count: usize,
    /// A bit for each of the first three: whether it and the next may merge.
    pub open: u64,
}

impl UpToFour {
    #[inline(always)]
    pub fn one(id: u32) -> Self {
        Self { padded: [id, NO_ID, NO_ID, NO_ID], count: 1, open: 0 }
    }

    #[inline(always)]
    pub fn ids(&self) -> &[u32] {
        &self.padded[..self.count]
    }
}

impl FourBytes {
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let mut merge_further = [0; 8];
        for (_, token) in vocabulary.tokens() {
            match *token {
                [first @ 0xf0..=0xff, second, _] | [first @ 0xf0..=0xff, second, _, _] => {
                    merge_further[row(first)] |= 1 << low(second);
                }
                // The last three.
                [second @ 0x80..0xc0, 0x80..0xc0, 0x80..0xc0] => {
                    for row in &mut merge_further {
                        *row |= 1 << low(second);
                    }
                }
                _ => {}
            }
        }
        Self { merge_further }
    }

    /// The tokens of `character`; `None` when one may be of more than two bytes. `bytes` are the tokens of bytes.
    #[inline(never)]
    pub fn merge(&self, character: [u8; 4], pairs: &Pairs, bytes: &[u32; 256]) -> Option<UpToFour> {
        let [first, second, third, fourth] = character;
        if self.merge_further[row(first)] >> low(second) & 1 != 0 {
            return None;
        }
        let (left, middle, right) =
            (pairs.of_bytes(first, second), pairs.of_bytes(second, third), pairs.of_bytes(third, fourth));
        // The smallest first, of two that are alike the left one: after the middle one there is no other.
        let has_middle = middle != NONE && middle < left && middle <= right;
        let (has_left, has_right) = (left != NONE && !has_middle, right != NONE && !has_middle);
        let [first, second, third, fourth] = character.map(|byte| bytes[usize::from(byte)]);
        // Each place is written over by the next token where a byte is in the one before. Without a branch: it could not be foreseen.
        let mut padded = [if has_left { left } else { first }; 4];
        let mut count = 1;
        padded[count] = if has_middle { middle } else { second };
        count += usize::from(!has_left);
        padded[count] = if has_right { right } else { third };
        count += usize::from(!has_middle);
        padded[count] = fourth;
        count += usize::from(!has_right);
        Some(UpToFour { padded, count, open: 0 })
    }
}

/// The number of a first byte of four.
#[inline(always)]
fn row(first: u8) -> usize {
    usize::from(first & 7)
}

/// The bits of the code point that a byte after the first one has.
#[inline(always)]
fn low(byte: u8) -> usize {
    usize::from(byte & 0x3f)
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::bpe::{Ranks, encode_piece};
    use tokenmill_testkit::cases;
    use tokenmill_testkit::rng::{Rng, share};

    use super::*;
    use crate::Encoding;
    use crate::merge::Merger;

    /// How many of `characters` are merged at once, all of them as by definition.
    fn merged_at_once(vocabulary: &Vocabulary, characters: impl Iterator<Item = char>) -> usize {
        let ranks: Ranks = vocabulary.tokens().map(|(id, token)| (token.to_vec(), id)).collect();
        let merger = Merger::new(vocabulary);
        let merged = characters.filter(|character| {
            let piece = character.to_string();
            let Some(merged) = merger.merge_at_once(piece.as_bytes()) else { return false };
            assert_eq!(merged.padded[..merged.count], encode_piece(&ranks, piece.as_bytes()), "{character:?}");
            true
        });
        merged.count()
    }

    #[test]
    fn every_character_of_published_vocabularies() {
        for (encoding, expected) in
            [(Encoding::R50kBase, 1_044_480), (Encoding::Cl100kBase, 1_044_480), (Encoding::O200kBase, 1_028_096)]
        {
            let file = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
            let vocabulary = Vocabulary::from_compact(file).expect("well-formed");
            assert_eq!(merged_at_once(&vocabulary, '\u{10000}'..=char::MAX), expected, "{encoding:?}");
        }
    }

    #[test]
    fn tokens_of_any_bytes_of_a_character() {
        let mut rng = Rng::new(1);
        let mut some = 0;
        for _ in 0..share(2_000) {
            // Few different bytes, so that pairs of them are alike.
            let characters: Vec<char> = ('\u{10000}'..='\u{1ffff}')
                .filter(|&character| (character as u32) & 0x3f < 2 && (character as u32) >> 6 & 0x3f < 2)
                .filter(|&character| (character as u32) >> 12 & 0x3f < 18)
                .collect();
            let mut tokens: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
            for _ in 0..rng.below(12) {
                let bytes = rng.choose(&characters).to_string().into_bytes();
                let start = rng.below(3);
                let token = bytes[start..start + 2 + rng.below(3 - start)].to_vec();
                if !tokens.contains(&token) {
                    tokens.push(token);
                }
            }
            let vocabulary = Vocabulary::from_tokens(tokens.iter().map(Vec::as_slice).zip(0..)).expect("all differ");
            some += merged_at_once(&vocabulary, characters.into_iter());
        }
        assert!(some as u64 > share(2_000) * 2, "{some} characters");
    }
}

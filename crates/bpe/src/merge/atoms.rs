//! Characters whose bytes need not be merged one by one.
//!
//! A character outside ASCII starts as two to four bytes, and most of the work of merging Chinese or Russian text would be to
//! put its characters together. An *atom* is a character that is one token and may start as that token.
//!
//! When is that exact? Call a boundary between two characters *dangerous* when some token reaches over it and holds only part
//! of the character on one of its sides. If neither boundary of a character is dangerous, every token that is ever made and
//! touches the character either lies inside it or holds all of it; so its bytes merge among themselves until it is one
//! token, and only then with what is around it. Making it first changes nothing where the parts of every token have smaller
//! ids than the token: then merging in the order of ids is merging each id's pairs after all smaller ids are done.
//!
//! Which boundaries are dangerous is told by the last byte before and the first byte after: a table of 256 × 256 bits, set for
//! each token that begins or ends inside a character, at its outermost boundary there.

use super::pairs::NONE;
use crate::vocabulary::Vocabulary;

pub(crate) struct Atoms {
    /// The token of each character of two or three bytes, by code point.
    ids: Box<[u32; 1 << 16]>,
    dangerous: Box<[[u64; 4]; 256]>,
}

impl Atoms {
    /// The atoms of a vocabulary; `None` where a token has a part with a larger id.
    pub fn new(vocabulary: &Vocabulary) -> Option<Self> {
        let mut atoms =
            Self { ids: vec![NONE; 1 << 16].into_boxed_slice().try_into().ok()?, dangerous: Box::new([[0; 4]; 256]) };
        for (id, token) in vocabulary.tokens() {
            if let Some((left, right)) = vocabulary.parts(id) {
                if left.max(right) > id {
                    return None;
                }
                if let Some(code) = single_wide_character(token) {
                    atoms.ids[code] = id;
                }
            }
            atoms.mark_boundaries(token);
        }
        Some(atoms)
    }

    fn mark_boundaries(&mut self, token: &[u8]) {
        let Some(first) = token.iter().position(|&byte| !is_continuation(byte)) else { return };
        if first > 0 {
            self.mark(token[first - 1], token[first]);
        }
        let last = token.iter().rposition(|&byte| !is_continuation(byte)).unwrap_or(first);
        if last > 0 && last + length_of(token[last]) > token.len() {
            self.mark(token[last - 1], token[last]);
        }
    }

    fn mark(&mut self, before: u8, after: u8) {
        self.dangerous[usize::from(before)][usize::from(after / 64)] |= 1 << (after % 64);
    }

    /// Whether the boundary between these two bytes is dangerous.
    #[inline(always)]
    pub fn is_dangerous(&self, before: u8, after: u8) -> bool {
        self.dangerous[usize::from(before)][usize::from(after / 64)] >> (after % 64) & 1 == 1
    }

    /// The token of the character in these two or three bytes, or [`NONE`].
    #[inline(always)]
    pub fn get(&self, character: &[u8]) -> u32 {
        match *character {
            [first, second] => self.ids[usize::from(first & 0x1f) << 6 | usize::from(second & 0x3f)],
            [first, second, third] => {
                self.ids[usize::from(first & 0x0f) << 12 | usize::from(second & 0x3f) << 6 | usize::from(third & 0x3f)]
            }
            _ => NONE,
        }
    }
}

/// The code point of a token that is one character of two or three bytes.
fn single_wide_character(token: &[u8]) -> Option<usize> {
    if !(2..=3).contains(&token.len()) {
        return None;
    }
    let mut characters = str::from_utf8(token).ok()?.chars();
    let code = characters.next()? as usize;
    characters.next().is_none().then_some(code)
}

#[inline(always)]
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// How many bytes the character that starts with `first` has.
#[inline(always)]
pub(crate) fn length_of(first: u8) -> usize {
    match first {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    }
}

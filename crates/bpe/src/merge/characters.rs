//! Characters whose bytes need not be merged one by one.
//!
//! A character outside ASCII starts as two to four bytes, and most of the work of merging Chinese or Russian text would be to
//! put its characters together, the same way again and again. Here each character is merged once, on its own, and then starts as what
//! that gave: mostly one token, sometimes two.
//!
//! When is that exact? Merging a character on its own takes merges up to some largest id, its *cost*. Take a token that reaches over
//! one of the character's two boundaries and holds only a part of the character. If all such tokens have larger ids than the cost,
//! none of them is made before the character has been merged as on its own, since of two possible merges the one with the
//! smaller id comes first. And doing those merges at the very start changes nothing else, where the parts of every token
//! have smaller ids than the token: then merging goes through the ids in ascending order, and what holds the merged character has
//! larger ids than it.
//!
//! Whether there is such a token is told by the last byte before a boundary and the first byte after it: for each two bytes the
//! smallest id is kept of the tokens that have them next to each other, at their outermost boundary, and begin or end inside a
//! character.

use std::sync::atomic::{AtomicU64, Ordering};

use super::pairs::{NONE, Pairs};
use crate::vocabulary::Vocabulary;

/// Characters from here on are merged byte by byte. Emoji are below, and all scripts in daily use.
const CODES: usize = 0x20000;

pub(crate) struct Characters {
    /// By code point, below [`CODES`]. Each is computed when it is first met, by whichever thread that is; all get the same.
    merged: Box<[AtomicU64]>,
    /// `[last byte before][first byte & 0x3f]`: the smallest id of a token that ends inside the character.
    before: Box<[[u32; 64]]>,
    /// `[last byte & 0x3f][first byte after]`: the smallest id of a token that begins inside the character.
    after: Box<[[u32; 256]]>,
}

/// A character merged on its own: its tokens and the largest id among its merges, 21 bits each.
#[derive(Clone, Copy)]
pub(crate) struct Merged(u64);

impl Merged {
    /// Not computed yet. No character of two tokens or one has all of these bits.
    const UNKNOWN: u64 = 0;
    /// More than two tokens.
    const MANY: u64 = u64::MAX;
    const BITS: u32 = 21;
    /// In place of the second token.
    const NO_SECOND: u64 = (1 << Self::BITS) - 1;
    /// Set in all that is computed.
    const KNOWN: u64 = 1 << 63;

    fn new(first: u32, second: Option<u32>, cost: u32) -> Self {
        let second = second.map_or(Self::NO_SECOND, u64::from);
        Self(Self::KNOWN | u64::from(cost) << (2 * Self::BITS) | second << Self::BITS | u64::from(first))
    }

    #[inline(always)]
    fn field(self, index: u32) -> u64 {
        self.0 >> (index * Self::BITS) & Self::NO_SECOND
    }

    #[inline(always)]
    pub fn first(self) -> u32 {
        self.field(0) as u32
    }

    #[inline(always)]
    pub fn second(self) -> Option<u32> {
        (self.field(1) != Self::NO_SECOND).then_some(self.field(1) as u32)
    }

    #[inline(always)]
    fn cost(self) -> u32 {
        self.field(2) as u32
    }
}

impl Characters {
    /// The characters of a vocabulary; `None` where a token has a part with a larger id.
    pub fn new(vocabulary: &Vocabulary) -> Option<Self> {
        let mut characters = Self {
            // SAFETY: zero is a number, and that of what is not known yet.
            merged: unsafe { Box::new_zeroed_slice(CODES).assume_init() },
            before: vec![[NONE; 64]; 256].into(),
            after: vec![[NONE; 256]; 64].into(),
        };
        for (id, token) in vocabulary.tokens() {
            if vocabulary.parts(id).is_some_and(|(left, right)| left.max(right) > id) {
                return None;
            }
            characters.mark_boundaries(id, token);
        }
        Some(characters)
    }

    fn mark_boundaries(&mut self, id: u32, token: &[u8]) {
        let Some(first) = token.iter().position(|&byte| !is_continuation(byte)) else { return };
        if first > 0 {
            let least = &mut self.after[usize::from(token[first - 1] & 0x3f)][usize::from(token[first])];
            *least = id.min(*least);
        }
        let last = token.iter().rposition(|&byte| !is_continuation(byte)).unwrap_or(first);
        if last > 0 && last + length_of(token[last]) > token.len() {
            let least = &mut self.before[usize::from(token[last - 1])][usize::from(token[last] & 0x3f)];
            *least = id.min(*least);
        }
    }

    /// What the character in `piece[start..end]` may start as; `None`: its bytes.
    #[inline(always)]
    pub fn get(
        &self,
        piece: &[u8],
        start: usize,
        end: usize,
        merge: impl Fn(&[u8]) -> Option<(u32, Option<u32>, u32)>,
    ) -> Option<Merged> {
        let character = &piece[start..end];
        let code = match *character {
            [first, second] => usize::from(first & 0x1f) << 6 | usize::from(second & 0x3f),
            [first, second, third] => {
                usize::from(first & 0x0f) << 12 | usize::from(second & 0x3f) << 6 | usize::from(third & 0x3f)
            }
            [first, second, third, fourth] => {
                usize::from(first & 0x07) << 18
                    | usize::from(second & 0x3f) << 12
                    | usize::from(third & 0x3f) << 6
                    | usize::from(fourth & 0x3f)
            }
            _ => return None,
        };
        if code >= CODES {
            return None;
        }
        let mut merged = self.merged[code].load(Ordering::Relaxed);
        if merged == Merged::UNKNOWN {
            merged = merge(character).map_or(Merged::MANY, |(first, second, cost)| Merged::new(first, second, cost).0);
            self.merged[code].store(merged, Ordering::Relaxed);
        }
        if merged == Merged::MANY {
            return None;
        }
        let merged = Merged(merged);
        let before = if start == 0 {
            NONE
        } else {
            self.before[usize::from(piece[start - 1])][usize::from(piece[start] & 0x3f)]
        };
        let after =
            piece.get(end).map_or(NONE, |&next| self.after[usize::from(piece[end - 1] & 0x3f)][usize::from(next)]);
        (merged.cost() < before.min(after)).then_some(merged)
    }
}

/// Merges `symbols`, the bytes of one character: its tokens, at most two, and the largest id among the merges. `None` when
/// more than two are left.
pub(crate) fn merge_character(symbols: &mut Vec<u32>, pairs: &Pairs) -> Option<(u32, Option<u32>, u32)> {
    let mut cost = 0;
    while let Some((result, place)) = (symbols.windows(2).enumerate())
        .map(|(place, pair)| (pairs.get(pair[0], pair[1]), place))
        .min()
        .filter(|&(result, _)| result != NONE)
    {
        symbols[place] = result;
        symbols.remove(place + 1);
        cost = result.max(cost);
    }
    match symbols[..] {
        [first] => Some((first, None, cost)),
        [first, second] => Some((first, Some(second), cost)),
        _ => None,
    }
}

#[inline(always)]
pub(crate) fn is_continuation(byte: u8) -> bool {
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

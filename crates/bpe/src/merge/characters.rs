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
//! larger ids than it. It is enough if that is so of tokens with ids up to the largest cost: then all merges up to that come first, in this order.
//!
//! Whether there is such a token is told by the last byte before a boundary and the first byte after it: for each two bytes the
//! smallest id is kept of the tokens that have them next to each other, at their outermost boundary, and begin or end inside a
//! character.

use std::sync::atomic::{AtomicU64, Ordering};

use super::four_bytes::UpToFour;
use super::pairs::{NO_ID, NONE, Pairs};
use crate::vocabulary::Vocabulary;

/// Characters from here on are merged byte by byte. Emoji are below, and all scripts in daily use.
const CODES: usize = 0x20000;

/// In place of the byte before a piece: no text has it.
const AT_START: u8 = 0xff;
/// In place of the byte after a piece: no character starts with it.
const AT_END: u8 = 0x80;

pub(crate) struct Characters {
    /// By code point, below [`CODES`], and then one for all others. Each is computed when it is first met, by whichever thread that is; all get the
    /// same.
    merged: Box<[AtomicU64]>,
    /// `[last byte before][first byte & 0x3f]`: the smallest id of a token that ends inside the character.
    before: Box<[[u32; 64]]>,
    /// `[last byte & 0x3f][first byte after]`: the smallest id of a token that begins inside the character.
    after: Box<[[u32; 256]]>,
}

/// A character merged on its own: its tokens, 21 bits each, and the largest id among its merges, 22 bits.
#[derive(Clone, Copy)]
struct Merged(u64);

impl Merged {
    /// Not computed yet: no character is twice the token 0.
    const UNKNOWN: u64 = 0;
    /// More than two tokens: it costs more than any token.
    const MANY: u64 = u64::MAX;
    /// That of `MANY`, and larger than all others.
    const NO_COST: u32 = (1 << 22) - 1;
    const BITS: u32 = 21;
    const MASK: u64 = (1 << Self::BITS) - 1;

    fn new(first: u32, second: Option<u32>, cost: u32) -> Self {
        let second = second.unwrap_or(NO_ID);
        Self(u64::from(cost) << (2 * Self::BITS) | u64::from(second) << Self::BITS | u64::from(first))
    }

    #[inline(always)]
    fn first(self) -> u32 {
        (self.0 & Self::MASK) as u32
    }

    /// [`NO_ID`] when there is no second token.
    #[inline(always)]
    fn second(self) -> u32 {
        (self.0 >> Self::BITS & Self::MASK) as u32
    }

    #[inline(always)]
    fn cost(self) -> u32 {
        (self.0 >> (2 * Self::BITS)) as u32
    }
}

impl Characters {
    /// The characters of a vocabulary, of which `first_descending` is the first token with a part that has a larger id; `None` where its merge may come before
    /// those of a character.
    pub fn new(vocabulary: &Vocabulary, first_descending: Option<u32>) -> Option<Self> {
        let mut characters = Self {
            // SAFETY: zero is a number, and that of what is not known yet.
            merged: unsafe { Box::new_zeroed_slice(CODES + 1).assume_init() },
            before: vec![[Merged::NO_COST; 64]; 256].into(),
            after: vec![[Merged::NO_COST; 256]; 64].into(),
        };
        characters.merged[CODES] = AtomicU64::new(Merged::MANY);
        let mut largest_cost = 0;
        for (id, token) in vocabulary.tokens() {
            if token.len() > 1 && token[1..].iter().all(|&byte| is_continuation(byte)) {
                largest_cost = id;
            }
            characters.mark_boundaries(id, token);
        }
        first_descending.is_none_or(|first| largest_cost < first).then_some(characters)
    }

    fn mark_boundaries(&mut self, id: u32, token: &[u8]) {
        let Some(first) = token.iter().position(|&byte| !is_continuation(byte)) else { return };
        if first > 0 {
            let least = &mut self.after[usize::from(token[first - 1] & 0x3f)][usize::from(token[first])];
            *least = id.min(*least);
        }
        let last = token.iter().rposition(|&byte| !is_continuation(byte)).unwrap_or(first);
        if last > 0 && last + length_of(token[last]) > token.len() && token[last - 1] != AT_START {
            let least = &mut self.before[usize::from(token[last - 1])][usize::from(token[last] & 0x3f)];
            *least = id.min(*least);
        }
    }

    /// The symbols that the character of `N` bytes at `piece[start..]` starts as; `byte` tells those of bytes. No branch asks whether they are its bytes or
    /// what these merge into, nor how many: in Arabic and Hindi it could not be foreseen.
    #[inline(always)]
    pub fn symbols<const N: usize>(
        &self,
        piece: &[u8],
        start: usize,
        byte: impl Fn(u8) -> u32,
        merge: impl Fn(&[u8]) -> Option<(u32, Option<u32>, u32)>,
    ) -> UpToFour {
        let character: &[u8; N] = piece[start..start + N].as_array().expect("they are as many");
        let lead = usize::from(character[0] & (0xff >> (N + 1)));
        let code = character[1..].iter().fold(lead, |code, &byte| code << 6 | usize::from(byte & 0x3f));
        let mut merged = self.merged[code.min(CODES)].load(Ordering::Relaxed);
        if merged == Merged::UNKNOWN {
            merged = self.meet(code, merge(character));
        }
        let before = if start == 0 { AT_START } else { piece[start - 1] };
        let after = piece.get(start + N).copied().unwrap_or(AT_END);
        let before = self.before[usize::from(before)][usize::from(character[0] & 0x3f)];
        let after = self.after[usize::from(character[N - 1] & 0x3f)][usize::from(after)];
        let merged = Merged(merged);
        let is_merged = merged.cost() < before.min(after);
        let mut padded = [NO_ID; 4];
        for (id, &one) in padded.iter_mut().zip(character) {
            *id = if is_merged { NO_ID } else { byte(one) };
        }
        padded[0] = if is_merged { merged.first() } else { padded[0] };
        padded[1] = if is_merged { merged.second() } else { padded[1] };
        UpToFour {
            padded,
            count: if is_merged { 1 + usize::from(merged.second() != NO_ID) } else { N },
            open: if is_merged { 0 } else { (1 << (N - 1)) - 1 },
        }
    }

    /// Notes what the bytes of the character with this code merge into: [`merge_character`] told it.
    #[cold]
    fn meet(&self, code: usize, symbols: Option<(u32, Option<u32>, u32)>) -> u64 {
        let merged = symbols.map_or(Merged::MANY, |(first, second, cost)| Merged::new(first, second, cost).0);
        if let Some(known) = self.merged[..CODES].get(code) {
            known.store(merged, Ordering::Relaxed);
        }
        merged
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

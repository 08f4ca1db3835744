//! The characters of a BPE model whose merges start from them, and which of them a merge joins.
//!
//! None ever joins two characters of which no merge of the list joins the ends of its tokens, so that a word may be cut between such
//! ([`Alphabet::is_cut`]). It need not be.

use std::collections::{HashMap, HashSet};

use ahash::RandomState;

use super::bytes::{ByteTokens, MARK, spaced};
use crate::model::Visible;

/// A word of a text.
pub(super) struct Word {
    pub end: usize,
    /// Whether there are marks of spaces in it, as text.
    pub has_marks: bool,
}

/// What a character of a text is before merges.
pub(super) enum Tokens {
    /// A token, which may be merged.
    One,
    /// So many tokens, one for each byte.
    Bytes(usize),
    /// The unknown token, perhaps one for all that stand side by side.
    Unknown { fuses: bool },
}

/// What a character that is no token comes to.
enum Unknown {
    Bytes(Box<[u32; 256]>),
    /// With `true` one for all that stand side by side.
    Token(u32, bool),
}

/// What a text is before its merges. Of hash maps each has a secret: files can be made whose tokens meet in one place.
pub(super) struct Alphabet {
    ascii: [Option<u32>; 128],
    characters: HashMap<char, u32, RandomState>,
    /// The characters of ASCII that a merge joins.
    ascii_joined: [[bool; 128]; 128],
    joined: Joined,
    unknown: Unknown,
}

impl Alphabet {
    /// `None` when what is unknown comes to something that is not known here.
    pub fn new(model: Visible, fuse: bool) -> Option<Self> {
        let unknown = if model.model.byte_fallback {
            // Of characters of ASCII that are tokens none is asked for.
            let is_token =
                |byte: u8| byte == b' ' || byte.is_ascii() && model.id(&char::from(byte).to_string()).is_some();
            Unknown::Bytes(Box::new(ByteTokens::new(|token| model.id(token)).all_but(is_token)?))
        } else {
            Unknown::Token(model.id(model.model.unknown.as_deref()?)?, fuse)
        };
        let mut made = Self {
            ascii: [None; 128],
            characters: HashMap::default(),
            ascii_joined: [[false; 128]; 128],
            joined: Joined::new(model.model.tokens.len()),
            unknown,
        };
        for (token, id) in model.tokens() {
            let mut characters = token.chars();
            if let (Some(one), None) = (characters.next(), characters.next())
                && one != ' '
            {
                match made.ascii.get_mut(spaced(one) as usize) {
                    Some(place) => *place = Some(id),
                    None => _ = made.characters.insert(one, id),
                }
            }
        }
        let unknown: HashSet<u32> = match &made.unknown {
            Unknown::Bytes(bytes) => bytes.iter().copied().collect(),
            &Unknown::Token(unknown, _) => HashSet::from([unknown]),
        };
        let tokens = &model.model.tokens;
        for (_, merge) in model.merges() {
            let (one, other) = (tokens.id(merge.left), tokens.id(merge.right));
            // What is unknown would be joined to what is beside it.
            if unknown.contains(&one) || unknown.contains(&other) {
                return None;
            }
            let last = tokens.text(merge.left).chars().next_back()?;
            let first = tokens.text(merge.right).chars().next()?;
            let (last, first) = (spaced(last), spaced(first));
            if last.is_ascii() && first.is_ascii() {
                made.ascii_joined[last as usize][first as usize] = true;
            } else {
                made.joined.add(last, first);
            }
        }
        for left in 0..128_u8 {
            for right in 0..128_u8 {
                if made.fuses(left.into(), right.into()) {
                    made.ascii_joined[usize::from(left)][usize::from(right)] = true;
                }
            }
        }
        Some(made)
    }

    /// Whether a token may hold `left` and `right` side by side, so that no word ends between them.
    #[inline(always)]
    fn may_join(&self, left: char, right: char) -> bool {
        if left.is_ascii() && right.is_ascii() {
            return self.ascii_joined[left as usize][right as usize];
        }
        self.joined.may_have(left, right) || self.fuses(left, right)
    }

    /// Whether `text` can be cut at `at`: between two characters that are in no token side by side.
    pub fn is_cut(&self, text: &str, at: usize) -> bool {
        let (before, after) = (text[..at].chars().next_back(), text[at..].chars().next());
        before.zip(after).is_some_and(|(before, after)| !self.may_join(spaced(before), spaced(after)))
    }

    /// The word that starts with `before`, if there is one, and `text`.
    #[inline(always)]
    pub fn word_at(&self, text: &str, before: Option<char>) -> Word {
        let (mut last, mut word) = (before, Word { end: 0, has_marks: false });
        while let Some(&next) = text.as_bytes().get(word.end) {
            if next.is_ascii() {
                if last.is_some_and(|last| !self.may_join(last, next.into())) {
                    break;
                }
                word.end += 1;
                // Between small letters words are hardly ever cut, and are not here.
                word.end += if next.is_ascii_lowercase() { small_letters(&text.as_bytes()[word.end..]) } else { 0 };
                last = Some(text.as_bytes()[word.end - 1].into());
            } else if let Some(next) = text[word.end..].chars().next() {
                let spaced = spaced(next);
                if last.is_some_and(|last| !self.may_join(last, spaced)) {
                    break;
                }
                last = Some(spaced);
                word.has_marks |= next == MARK;
                word.end += next.len_utf8();
            }
        }
        word
    }

    pub fn is_known(&self, character: char) -> bool {
        self.character(character).is_some()
    }

    /// What `character` is, a space for a mark.
    pub fn tokens_of(&self, character: char) -> Tokens {
        match &self.unknown {
            _ if self.is_known(character) => Tokens::One,
            Unknown::Bytes(_) => Tokens::Bytes(if character == ' ' { MARK } else { character }.len_utf8()),
            &Unknown::Token(_, fuses) => Tokens::Unknown { fuses },
        }
    }

    #[inline(always)]
    fn fuses(&self, left: char, right: char) -> bool {
        matches!(self.unknown, Unknown::Token(_, true))
            && self.character(left).is_none()
            && self.character(right).is_none()
    }

    #[inline(always)]
    pub fn character(&self, character: char) -> Option<u32> {
        match self.ascii.get(character as usize) {
            Some(&id) => id,
            None => self.characters.get(&character).copied(),
        }
    }

    /// The ids of what is unknown, by bytes, if it comes to these: anything for bytes that are tokens.
    pub fn bytes(&self) -> Option<&[u32; 256]> {
        match &self.unknown {
            Unknown::Bytes(bytes) => Some(bytes),
            Unknown::Token(..) => None,
        }
    }

    /// Calls `each` with the ids of the characters of `word`.
    #[inline(always)]
    pub fn for_each_character(&self, word: &str, mut each: impl FnMut(u32)) {
        let mut after_unknown = false;
        for character in word.chars() {
            let id = self.character(character);
            match (id, &self.unknown) {
                (Some(id), _) => each(id),
                (None, Unknown::Bytes(bytes)) => {
                    let mut four = [0; 4];
                    let character = if character == ' ' { MARK } else { character };
                    for byte in character.encode_utf8(&mut four).bytes() {
                        each(bytes[usize::from(byte)]);
                    }
                }
                (None, &Unknown::Token(unknown, fuse)) => {
                    if !(fuse && after_unknown) {
                        each(unknown);
                    }
                }
            }
            after_unknown = id.is_none();
        }
    }
}

/// Pairs of characters, by a bit for many: what has none is not there.
struct Joined {
    bits: Box<[u64]>,
    shift: u32,
}

impl Joined {
    /// For the pairs of so many tokens.
    fn new(tokens: usize) -> Self {
        // Eight for each token: of pairs that are not there few are said to be.
        let bits = (8 * tokens).next_power_of_two().max(64);
        Self { bits: vec![0; bits / 64].into(), shift: u64::BITS - bits.trailing_zeros() }
    }

    #[inline(always)]
    fn place(&self, left: char, right: char) -> (usize, u64) {
        let place = (u64::from(left) << 32 | u64::from(right)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift;
        ((place / 64) as usize, 1 << (place % 64))
    }

    fn add(&mut self, left: char, right: char) {
        let (at, bit) = self.place(left, right);
        self.bits[at] |= bit;
    }

    #[inline(always)]
    fn may_have(&self, left: char, right: char) -> bool {
        let (at, bit) = self.place(left, right);
        self.bits[at] & bit != 0
    }
}

/// How many bytes `bytes` start with that are small letters of ASCII.
#[inline(always)]
fn small_letters(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    let mut count = 0;
    while let Some(eight) = bytes[count..].first_chunk() {
        let eight = u64::from_le_bytes(*eight);
        // The highest bit of each byte is set where it is at least `a`, and where it is above `z`, if it is of ASCII.
        let low = eight & (ONES * 0x7f);
        let from_a = low + ONES * (0x80 - u64::from(b'a'));
        let above_z = low + ONES * (0x7f - u64::from(b'z'));
        let others = (eight | !from_a | above_z) & (ONES << 7);
        count += others.trailing_zeros() as usize / 8;
        if others != 0 {
            return count;
        }
    }
    count + bytes[count..].iter().take_while(|byte| byte.is_ascii_lowercase()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_letters_are_counted_up_to_the_first_other_byte() {
        for other in (0..=255_u8).filter(|byte| !byte.is_ascii_lowercase()) {
            for length in 0..20 {
                let letters: Vec<u8> = (b'a'..=b'z').rev().cycle().take(length).collect();
                for rest in [&[][..], &[other], &[other, b'a', b'z', b'm', other, b'a', b'a', b'a', b'a']] {
                    assert_eq!(small_letters(&[&letters, rest].concat()), length, "{other}");
                }
            }
        }
    }
}

//! Where no token can reach from one character into the next.
//!
//! A merge makes a token, so what is merged at one side of such a place has nothing to do with what is at the other: the ids of a piece are those of
//! its parts between such places, one after the other. The parts come again where the pieces do not: a sentence of Chinese is one piece, and mostly
//! a new one, its parts are words.
//!
//! A token that reaches from one character into the next holds each of the two whole or in part. Those that hold both whole are told by the two
//! characters, the others by the two bytes that meet. It is enough to be right when the answer is that no token does: two characters of words
//! between spaces are not looked at, as pieces of these are not cut.

use crate::merge::{is_continuation, length_of};
use crate::pages::Pages;
use crate::vocabulary::Vocabulary;

/// A long piece is cut a part at a time, of so many bytes, so that nobody waits long.
const WINDOW: usize = 1 << 16;

/// For any two characters whether a token may reach from the one into the other.
pub(crate) struct Crossings {
    whole: CharacterPairs,
    /// A bit for the last byte of one character and the first byte of the next.
    partly: Box<[[u64; 4]; 256]>,
}

/// Two characters each, by a bit for the hash of the two: of those that are not there some have one, too.
pub(crate) struct CharacterPairs {
    bits: Pages<u64>,
    shift: u32,
}

impl CharacterPairs {
    /// Bits for each pair: one in so many pairs that are not there has one by chance.
    const SPARSE: usize = 16;

    pub fn new(pairs: &[(Character, Character)]) -> Self {
        let bits = (Self::SPARSE * pairs.len()).next_power_of_two().ilog2().max(15);
        let mut all = Self { bits: Pages::zeros(1 << (bits - 6)), shift: 64 - bits };
        for &(left, right) in pairs {
            let bit = hash(left.before(right)) >> all.shift;
            all.bits[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        all
    }

    #[inline(always)]
    pub fn may_have(&self, left: Character, right: Character) -> bool {
        let bit = hash(left.before(right)) >> self.shift;
        // SAFETY: `bit` has as many bits as the numbers have together, so that the number is one of them.
        unsafe { *self.bits.get_unchecked((bit / 64) as usize) >> (bit % 64) & 1 != 0 }
    }
}

/// A character as its bytes, the first one lowest.
#[derive(Clone, Copy)]
pub(crate) struct Character(u32);

impl Character {
    /// The one that `bytes[at..]` starts with, and where it ends.
    #[inline(always)]
    pub fn at(bytes: &[u8], at: usize) -> (Self, usize) {
        let length = length_of(bytes[at]);
        let four = if let Some(four) = bytes.get(at..at + 4) {
            u32::from_le_bytes(four.try_into().expect("four bytes"))
        } else {
            let (mut four, rest) = ([0; 4], &bytes[at..]);
            four[..rest.len()].copy_from_slice(rest);
            u32::from_le_bytes(four)
        };
        (Self(four & u32::MAX >> (32 - 8 * length)), at + length)
    }

    /// That of the lowest three bytes of `four`.
    #[inline(always)]
    pub fn of_three_bytes(four: u32) -> Self {
        Self(four & 0x00ff_ffff)
    }

    /// Whether it is [of no word](Crossings::is_of_no_word), or punctuation that may stand beside such a character.
    #[inline(always)]
    fn may_be_told(self) -> bool {
        self.first_byte() == 0xe2 || Crossings::is_of_no_word(self.first_byte())
    }

    #[inline(always)]
    fn first_byte(self) -> u8 {
        self.0 as u8
    }

    /// It and the next one in one number.
    #[inline(always)]
    fn before(self, next: Self) -> u64 {
        u64::from(self.0) << 32 | u64::from(next.0)
    }
}

impl Crossings {
    /// Those of `vocabulary`; `None` when it has a token of whole characters that merging does not make: it stands for a piece, but not for a part
    /// of one.
    pub fn new(vocabulary: &Vocabulary) -> Option<Self> {
        let (mut pairs, mut partly) = (Vec::new(), Box::new([[0; 4]; 256]));
        for (id, token) in vocabulary.tokens() {
            if token.len() > 1 && vocabulary.parts(id).is_none() && str::from_utf8(token).is_ok() {
                return None;
            }
            if !token.is_ascii() {
                each_border(token, |before, at| {
                    let (left, right) = (&token[before..at], &token[at..]);
                    let left_is_whole = !is_continuation(left[0]) && length_of(left[0]) == left.len();
                    if left_is_whole && length_of(right[0]) <= right.len() {
                        let [left, right] = [before, at].map(|at| Character::at(token, at).0);
                        if left.may_be_told() || right.may_be_told() {
                            pairs.push((left, right));
                        }
                    } else {
                        let [last, first] = [token[at - 1], token[at]].map(usize::from);
                        partly[last][first / 64] |= 1 << (first % 64);
                    }
                });
            }
        }
        Some(Self { whole: CharacterPairs::new(&pairs), partly })
    }

    /// Whether it is worth it to [cut](Self::cut) the piece `text[start..end]`: one that starts, but for a space, with a character of Chinese or
    /// Japanese, or an emoji. Words between spaces come again whole, and are then found faster than their parts.
    #[inline(always)]
    pub fn may_cut(text: &[u8], start: usize, end: usize) -> bool {
        let is_after_one = text[start] < 0x80 && end - start > 1;
        Self::is_of_no_word(text[start + usize::from(is_after_one)])
    }

    /// Whether a character that starts with `first` is written without words, or an emoji: from U+3000 on, without Hangul.
    #[inline(always)]
    pub const fn is_of_no_word(first: u8) -> bool {
        matches!(first, 0xe3..=0xe9 | 0xef..)
    }

    /// Writes the ends of the parts of the piece `text[start..end]` to `ends`, of a long one or where there is no room only the first ones, and returns
    /// how many were written. `text` is valid UTF-8; there is room for two.
    pub fn cut(&self, text: &[u8], start: usize, end: usize, ends: &mut [usize]) -> usize {
        let (mut count, most, enough) = (0, ends.len() - 1, start + WINDOW);
        let (mut before, mut at) = Character::at(text, start);
        while at < end {
            let (character, next) = Character::at(text, at);
            ends[count] = at;
            // Without a branch: it could not be foreseen.
            count += usize::from(!self.is_crossed(before, text[at - 1], character));
            if count == most || count > 0 && at > enough {
                return count;
            }
            (before, at) = (character, next);
        }
        ends[count] = end;
        count + 1
    }

    /// Whether a token may reach from `left`, the last byte of which is `last`, into `right`.
    #[inline(always)]
    pub fn is_crossed(&self, left: Character, last: u8, right: Character) -> bool {
        self.may_reach(left, last, right) || !(left.may_be_told() | right.may_be_told())
    }

    /// [`Crossings::is_crossed`] where both are characters of three bytes, and one is of no word.
    #[inline(always)]
    pub fn is_crossed_of_three_bytes(&self, left: Character, right: Character) -> bool {
        self.may_reach(left, (left.0 >> 16) as u8, right)
    }

    #[inline(always)]
    fn may_reach(&self, left: Character, last: u8, right: Character) -> bool {
        let first = right.first_byte();
        let partly = self.partly[usize::from(last)][usize::from(first / 64)] >> (first % 64);
        (partly & 1 != 0) | self.whole.may_have(left, right)
    }
}

/// Calls `border` for each place in `token` where a character begins after another one, with the place where that one begins: it may be the rest of
/// a character, at the start of the token.
pub(crate) fn each_border(token: &[u8], mut border: impl FnMut(usize, usize)) {
    let mut before = 0;
    for (at, &byte) in token.iter().enumerate().skip(1) {
        if !is_continuation(byte) {
            border(before, at);
            before = at;
        }
    }
}

/// The high bits are the good ones.
#[inline(always)]
fn hash(pair: u64) -> u64 {
    (pair ^ pair >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tokenmill_testkit::cases;
    use tokenmill_testkit::rng::{Rng, share};
    use tokenmill_testkit::strings::Strings;

    use super::*;
    use crate::{Encoding, Pattern, Tokenizer};

    fn vocabulary(encoding: Encoding) -> Vocabulary {
        let file = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        Vocabulary::from_compact(file).expect("well-formed")
    }

    /// The ends of the parts of `text`, as one piece, of which `room` are asked for at a time.
    fn cut(crossings: &Crossings, text: &str, room: usize) -> Vec<usize> {
        let (mut all, mut ends, mut start) = (Vec::new(), vec![0; room], 0);
        while start < text.len() {
            let count = crossings.cut(text.as_bytes(), start, text.len(), &mut ends);
            all.extend(&ends[..count]);
            start = ends[count - 1];
        }
        all
    }

    #[test]
    fn no_token_reaches_over_a_cut() {
        let strings = Strings::new();
        for encoding in [Encoding::R50kBase, Encoding::Cl100kBase, Encoding::O200kBase] {
            let vocabulary = vocabulary(encoding);
            let crossings = Crossings::new(&vocabulary).expect("merging makes every token");
            let tokens: HashSet<&[u8]> = vocabulary.tokens().map(|(_, token)| token).collect();
            let longest = tokens.iter().map(|token| token.len()).max().expect("it has some");
            let mut places = 0;
            for index in 0..share(300) {
                let text = strings.string(7, index);
                for at in cut(&crossings, &text, 64).into_iter().filter(|&at| at < text.len()) {
                    for start in at.saturating_sub(longest)..at {
                        for end in at + 1..=text.len().min(start + longest) {
                            let token = &text.as_bytes()[start..end];
                            assert!(!tokens.contains(token), "{token:?} reaches over {at} of {text:?}");
                        }
                    }
                    places += 1;
                }
            }
            assert!(places as u64 > share(300), "{places} places");
        }
    }

    #[test]
    fn ids_are_those_of_whole_pieces_for_any_vocabulary() {
        let mut rng = Rng::new(3);
        let text = |rng: &mut Rng, length| -> String {
            (0..length).map(|_| *rng.choose(&['a', 'é', 'ж', '中', '文', '😀'])).collect()
        };
        let mut cuts = 0;
        for _ in 0..share(40) {
            let mut tokens: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
            let tokenizer = |tokens: &[Vec<u8>]| {
                let vocabulary =
                    Vocabulary::from_tokens(tokens.iter().map(Vec::as_slice).zip(0..)).expect("all differ");
                let one_piece = Pattern::from_splits::<&str>(&[]).expect("no expression is one");
                Tokenizer::new(vocabulary, one_piece, []).expect("no special tokens")
            };
            // Two tokens that stand side by side become one, so that merging makes it.
            for _ in 0..rng.below(60) {
                let ids = tokenizer(&tokens).encode_ordinary(&text(&mut rng, 8));
                let at = rng.below(ids.len() - 1);
                tokens.push([&tokens[ids[at] as usize][..], &tokens[ids[at + 1] as usize]].concat());
            }
            let with_cuts = tokenizer(&tokens).with_level(crate::Level::best());
            let crossings = &Crossings::new(with_cuts.vocabulary()).expect("merging makes every token");
            for _ in 0..50 {
                let text = text(&mut rng, 30);
                let mut whole = Vec::new();
                with_cuts.few().encode(text.as_bytes(), 0, &[text.len()], &mut whole);
                assert_eq!(with_cuts.encode_ordinary(&text), whole, "{text:?}");
                cuts += cut(crossings, &text, 64).len() - 1;
            }
        }
        assert!(cuts as u64 > share(40) * 50, "{cuts} cuts");
    }

    #[test]
    fn a_long_piece_is_cut_at_the_same_places_a_part_at_a_time() {
        let crossings = Crossings::new(&vocabulary(Encoding::R50kBase)).expect("merging makes every token");
        let text = "文字列と中国语не".repeat(3 * WINDOW / 40);
        let ends = cut(&crossings, &text, text.len());
        assert_eq!(ends.last(), Some(&text.len()));
        for room in [2, 3, 64, 320] {
            assert_eq!(cut(&crossings, &text, room), ends);
        }
        let mut first = vec![0; text.len()];
        let count = crossings.cut(text.as_bytes(), 0, text.len(), &mut first);
        assert!((WINDOW..WINDOW + 64).contains(&first[count - 1]));
    }

    #[test]
    fn pieces_without_words_are_cut() {
        let may_cut = |piece: &&str| Crossings::may_cut(piece.as_bytes(), 0, piece.len());
        assert!(["中", " 中", "かな", "，", "😀", " 😀a"].iter().all(may_cut));
        assert!(!["a", " ", " a", "  中", "щ", " щ", "हिन्दी", "한국어"].iter().any(may_cut));
    }

    #[test]
    fn a_token_that_merging_does_not_make_forbids_cuts() {
        let bytes: Vec<[u8; 1]> = (0..=u8::MAX).map(|byte| [byte]).collect();
        let has_cuts = |token: &[u8]| {
            let tokens = bytes.iter().map(<[u8; 1]>::as_slice).chain([token]);
            Crossings::new(&Vocabulary::from_tokens(tokens.zip(0..)).expect("all differ")).is_some()
        };
        assert!(has_cuts("é".as_bytes()) && has_cuts(&[0xb8, 0xad, b'a']));
        assert!(!has_cuts("中".as_bytes()) && !has_cuts(b"abc"));
    }
}

//! Where a text without a pattern may be cut: between two characters that no token joins.
//!
//! Without a pattern a text is one piece, which is slow to merge and never comes again. But a merge makes a token: where no token has two characters
//! side by side, nothing is merged over the place between them, and the ids of the text are those of its parts. Vocabularies that `sentencepiece` made
//! have many such places: no token of theirs goes on behind a word, or joins letters with punctuation.
//!
//! Places are told by kinds of characters, a block at a time, where those on both sides are of ASCII or letters of other alphabets, and else by the two
//! characters. It is enough to be right where the answer is that no token joins them.

use super::class::{Class, class_at};
use super::masks::Masks;
use super::rules::{Letters, Rules};
use super::runs::{ascii_letters, skip_ascii};
use super::scan::Scanner;
use crate::crossings::{Character, CharacterPairs, Crossings, each_border};
use crate::merge::{is_continuation, length_of};
use crate::vocabulary::Vocabulary;

/// What a character is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `[A-Za-z]`
    Letter,
    /// `[0-9]`
    Digit,
    Space,
    /// `[\r\n]`
    Newline,
    /// `[\t\x0b\x0c]`
    Tab,
    /// All else of ASCII.
    Other,
    /// A letter or a mark outside ASCII, of an alphabet with words.
    Wide,
}

const KINDS: usize = 7;

/// For any two characters whether a token may join them.
pub(crate) struct Unjoined {
    /// All ones where no token has one of the first kind and then one of the second, else zero.
    apart: [[u64; KINDS]; KINDS],
    /// What tokens join, where one of the two is of no kind.
    joined: CharacterPairs,
}

/// The kind of the character that starts at `at`, and where the next one starts.
#[inline(always)]
fn kind_at(text: &[u8], at: usize) -> (Option<Kind>, usize) {
    static ASCII: [Kind; 128] = {
        let mut kinds = [Kind::Other; 128];
        let mut code = 0;
        while code < 128 {
            kinds[code] = match code as u8 {
                b'a'..=b'z' | b'A'..=b'Z' => Kind::Letter,
                b'0'..=b'9' => Kind::Digit,
                b' ' => Kind::Space,
                b'\r' | b'\n' => Kind::Newline,
                b'\t' | 0x0b | 0x0c => Kind::Tab,
                _ => Kind::Other,
            };
            code += 1;
        }
        kinds
    };
    let first = text[at];
    if let Some(&kind) = ASCII.get(usize::from(first)) {
        return (Some(kind), at + 1);
    }
    if Crossings::is_of_no_word(first) {
        return (None, at + length_of(first));
    }
    let (class, next) = class_at(text, at);
    ((class.is_letter() || class == Class::Mark).then_some(Kind::Wide), next)
}

impl Unjoined {
    /// Those of `vocabulary`; `None` where a token has a part of a character beside another one, or is one that merging does not make: it stands for a
    /// text, but not for a part of one.
    pub fn new(vocabulary: &Vocabulary) -> Option<Self> {
        let (mut apart, mut pairs, mut are_whole) = ([[u64::MAX; KINDS]; KINDS], Vec::new(), true);
        for (id, token) in vocabulary.tokens() {
            if token.len() > 1 && vocabulary.parts(id).is_none() {
                return None;
            }
            each_border(token, |before, at| {
                let is_whole =
                    |start: usize, end: usize| !is_continuation(token[start]) && length_of(token[start]) == end - start;
                let next = at + length_of(token[at]);
                if next > token.len() || !is_whole(before, at) || !is_whole(at, next) {
                    are_whole = false;
                    return;
                }
                match (kind_at(token, before).0, kind_at(token, at).0) {
                    (Some(left), Some(right)) => apart[left as usize][right as usize] = 0,
                    _ => pairs.push((Character::at(token, before).0, Character::at(token, at).0)),
                }
            });
        }
        // Words are not cut.
        apart[Kind::Wide as usize][Kind::Wide as usize] = 0;
        are_whole.then(|| Self { apart, joined: CharacterPairs::new(&pairs) })
    }

    /// Whether no token joins the two characters that start at `before` and at `at`.
    #[inline(always)]
    fn are_apart(&self, text: &[u8], before: usize, at: usize) -> bool {
        match (kind_at(text, before).0, kind_at(text, at).0) {
            (Some(left), Some(right)) => self.apart[left as usize][right as usize] != 0,
            _ => !self.joined.may_have(Character::at(text, before).0, Character::at(text, at).0),
        }
    }
}

impl Scanner for &Unjoined {
    #[inline(always)]
    fn piece_end(self, text: &[u8], start: usize) -> usize {
        let (mut before, (mut kind, mut at)) = (start, kind_at(text, start));
        let letters_join = self.apart[Kind::Letter as usize][Kind::Letter as usize] == 0;
        while at < text.len() {
            if letters_join && kind == Some(Kind::Letter) {
                at = skip_ascii(text, at, ascii_letters);
                before = at - 1;
                if at == text.len() {
                    break;
                }
            }
            let (right, next) = kind_at(text, at);
            let are_apart = match (kind, right) {
                (Some(left), Some(right)) => self.apart[left as usize][right as usize] != 0,
                _ => !self.joined.may_have(Character::at(text, before).0, Character::at(text, at).0),
            };
            if are_apart {
                return at;
            }
            (before, kind, at) = (at, right, next);
        }
        at
    }

    #[inline(always)]
    fn unspaced(self, text: &[u8], start: usize, ends: &mut [usize]) -> usize {
        let three_bytes_at = |at: usize| {
            let four = u32::from_le_bytes(text.get(at..at + 4)?.try_into().expect("four bytes"));
            // U+3000 to U+9FFF, and from U+F000 on: of no kind.
            matches!(four as u8, 0xe3..=0xe9 | 0xef).then(|| Character::of_three_bytes(four))
        };
        let (mut count, mut at) = (0, start + 3);
        let Some(mut before) = three_bytes_at(start) else { return 0 };
        while count < ends.len()
            && let Some(now) = three_bytes_at(at)
        {
            ends[count] = at;
            // Without a branch: it could not be foreseen.
            count += usize::from(!self.joined.may_have(before, now));
            (before, at) = (now, at + 3);
        }
        count
    }

    #[inline(always)]
    fn starts(self, text: &[u8], start: usize, masks: &Masks) -> u64 {
        let told = if masks.high == 0 { u64::MAX } else { (1 << masks.high.trailing_zeros()) - 1 };
        let (leads, ascii) = (!masks.rest, told & !masks.wide);
        let white = masks.space | masks.newline | masks.tab;
        let wide = masks.letter & masks.wide & told;
        let kinds = [
            masks.letter & ascii,
            masks.digit & ascii,
            masks.space & ascii,
            masks.newline & ascii,
            masks.tab & ascii,
            ascii & !(masks.letter | masks.digit | white),
            wide,
        ];
        let mut starts = 0;
        for (right, here) in kinds.into_iter().enumerate() {
            let apart = (0..KINDS).fold(0, |apart, left| apart | kinds[left] & self.apart[left][right]);
            starts |= apart << 1 & here & leads;
        }
        // Those beside one that is of no kind.
        let none = told & masks.wide & !wide;
        let mut borders = (none | none << 1) & leads & told & !1;
        while borders != 0 {
            let at = start + borders.trailing_zeros() as usize;
            let before = (start..at).rev().find(|&before| !is_continuation(text[before])).unwrap_or(start);
            starts |= u64::from(self.are_apart(text, before, at)) << (at - start);
            borders &= borders - 1;
        }
        starts & told | 1
    }

    #[inline(always)]
    fn letters(self) -> Option<Letters> {
        Some(Letters::Marked)
    }

    #[inline(always)]
    fn words(self) -> Option<Rules> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokenmill_testkit::rng::{Rng, share};
    use tokenmill_testkit::strings::Strings;

    use super::*;
    use crate::pretokenize::scan::{Parts, Scan};
    use crate::pretokenize::{BLOCK, Pattern};
    use crate::{Level, Tokenizer};

    fn one_piece() -> Pattern {
        Pattern::from_splits::<&str>(&[]).expect("no expression is one")
    }

    fn vocabulary(tokens: &[Vec<u8>]) -> Vocabulary {
        Vocabulary::from_tokens(tokens.iter().map(Vec::as_slice).zip(0..)).expect("all differ")
    }

    /// Bytes, characters of `texts`, and what merges of two tokens that stand side by side in them come to; some of these in another order, where `swaps` is set.
    fn random_vocabulary(rng: &mut Rng, texts: &[String], swaps: bool) -> Vocabulary {
        let mut tokens: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
        let mut of_characters = BTreeSet::new();
        for character in texts.iter().flat_map(|text| text.chars()) {
            let mut four = [0; 4];
            let bytes = character.encode_utf8(&mut four).as_bytes();
            if rng.below(4) > 0 {
                of_characters.extend((2..=bytes.len()).map(|length| (length, bytes[..length].to_vec())));
            }
        }
        tokens.extend(of_characters.into_iter().map(|(_, bytes)| bytes));
        let first = tokens.len();
        for _ in 0..rng.below(40) {
            let ids = Tokenizer::new(vocabulary(&tokens), one_piece(), []).expect("no special tokens");
            let ids = ids.encode_ordinary(&texts[rng.below(texts.len())]);
            if ids.len() < 2 {
                continue;
            }
            let at = rng.below(ids.len() - 1);
            let made = [&tokens[ids[at] as usize][..], &tokens[ids[at + 1] as usize]].concat();
            if str::from_utf8(&made).is_ok() {
                tokens.push(made);
            }
        }
        // Parts with larger ids, or none.
        for _ in 0..if swaps { 1 + rng.below(2) } else { 0 } {
            if tokens.len() > first {
                let [one, other] = [0; 2].map(|_| first + rng.below(tokens.len() - first));
                tokens.swap(one, other);
            }
        }
        vocabulary(&tokens)
    }

    fn random_texts(rng: &mut Rng, strings: &Strings, seed: u64) -> Vec<String> {
        const SOME: [&str; 24] = [
            "a", "Bc", " ", "  ", "\n", "\r\n", "\t", "1", "23", ".", ",", "'", "é", "ж", "»", "“", "”", "中", "。",
            "😀", "\u{301}", "\u{200c}", "\u{a0}", "²",
        ];
        let kinds = 2 + rng.below(SOME.len() - 1);
        let some = |rng: &mut Rng| (0..rng.below(200)).map(|_| SOME[rng.below(kinds)]).collect();
        (0..6).map(|index| if index % 3 == 0 { strings.string(seed, index) } else { some(rng) }).collect()
    }

    /// The ends of parts by the instructions of `level`.
    fn ends(unjoined: &Unjoined, level: Level, text: &str) -> Vec<usize> {
        let (pattern, mut all, mut ends) = (one_piece(), Vec::new(), [0; 2 * BLOCK]);
        let mut scan = Scan::new(&pattern, level, text);
        while !scan.is_done() {
            let count = scan.next_parts(&mut ends, Parts::Unjoined(unjoined)).expect("no limits");
            all.extend(&ends[..count]);
        }
        all
    }

    #[test]
    fn ids_are_those_of_the_whole_text_for_any_vocabulary() {
        let (mut rng, strings, mut parts) = (Rng::new(21), Strings::new(), 0);
        for round in 0..share(60) {
            let texts = random_texts(&mut rng, &strings, round);
            let vocabulary = random_vocabulary(&mut rng, &texts, round % 3 == 2);
            let unjoined = Unjoined::new(&vocabulary);
            let tokens: Vec<(Vec<u8>, u32)> = vocabulary.tokens().map(|(id, token)| (token.to_vec(), id)).collect();
            for level in Level::available() {
                let tokenizer = Tokenizer::new(
                    Vocabulary::from_tokens(tokens.iter().map(|(token, id)| (&token[..], *id))).expect("all differ"),
                    one_piece(),
                    [],
                );
                let tokenizer = tokenizer.expect("no special tokens").with_level(level);
                for text in texts.iter().chain(&random_texts(&mut rng, &strings, round + 1)) {
                    let mut whole = Vec::new();
                    if !text.is_empty() {
                        tokenizer.few().encode(text.as_bytes(), 0, &[text.len()], &mut whole);
                    }
                    assert_eq!(tokenizer.encode_ordinary(text), whole, "{level:?} {text:?}");
                    parts += unjoined.as_ref().map_or(0, |unjoined| ends(unjoined, level, text).len());
                }
            }
        }
        assert!(parts as u64 > share(60) * 500, "{parts} parts");
    }

    #[test]
    fn blocks_cut_where_single_characters_are_apart() {
        let (mut rng, strings) = (Rng::new(22), Strings::new());
        for round in 0..share(60) {
            let texts = random_texts(&mut rng, &strings, round);
            let vocabulary = random_vocabulary(&mut rng, &texts, false);
            let unjoined = Unjoined::new(&vocabulary).expect("merging makes every token");
            for text in &texts {
                let (mut expected, mut at) = (Vec::new(), 0);
                while at < text.len() {
                    at = (&unjoined).piece_end(text.as_bytes(), at);
                    expected.push(at);
                }
                for level in Level::available() {
                    assert_eq!(ends(&unjoined, level, text), expected, "{level:?} {text:?}");
                }
            }
        }
    }

    #[test]
    fn parts_of_characters_beside_others_forbid_cuts() {
        let bytes: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
        let with = |token: &[u8]| Unjoined::new(&vocabulary(&[&bytes[..], &[token.to_vec()]].concat())).is_some();
        assert!(with(b"ab") && with("é".as_bytes()) && with(&[0xe4, 0xb8]) && with(&[0xb8, 0xad]));
        assert!(!with(&[b'a', 0xc3]) && !with(&[0xa9, b'a']) && !with(b"abc"));
    }
}

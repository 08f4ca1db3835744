//! What is written without words, Chinese and Japanese: pieces and their parts in one walk.
//!
//! A sentence of these is letters and punctuation of three bytes each. A piece of letters may be begun anew at each of them: what is after it is the
//! same. So where no token crosses from one letter into the next a part ends, and the walk may be left there and go on later; it ends with
//! the first character that is neither; what is before that is a part where it is ASCII, and says so.

use super::class::{Class, class_at};
use super::class_table::{BLOCKS, INDEX};
use super::rules::{Contractions, Prefix, Rules, Tail};
use crate::crossings::{Character, Crossings};

/// For each 64 code points of characters of three bytes a bit for each that is such a letter, and one for each that is punctuation.
static KINDS: [[u64; 2]; 1024] = {
    let mut of_block = [[0; 2]; BLOCKS.len()];
    let mut at = 0;
    while at < 64 * BLOCKS.len() {
        let class = Class::ALL[BLOCKS[at / 64][at % 64] as usize] as u8;
        of_block[at / 64][0] |= ((class == Class::Caseless as u8) as u64) << (at % 64);
        of_block[at / 64][1] |= ((class == Class::Other as u8) as u64) << (at % 64);
        at += 1;
    }
    let mut kinds = [[0; 2]; 1024];
    let mut block = 0;
    while block < 1024 {
        let [letters, others] = of_block[INDEX[block] as usize];
        kinds[block] = [if Crossings::is_of_no_word(0xe0 | (block >> 6) as u8) { letters } else { 0 }, others];
        block += 1;
    }
    kinds
};

/// A letter or punctuation.
#[derive(Clone, Copy)]
struct Told {
    character: Character,
    is_letter: bool,
}

impl Told {
    /// The one that starts at `at`.
    #[inline(always)]
    fn at(text: &[u8], at: usize) -> Option<Self> {
        let four = u32::from_le_bytes(text.get(at..at + 4)?.try_into().expect("four bytes"));
        let (block, low) = ((four & 0x0f) << 6 | four >> 8 & 0x3f, four >> 16 & 0x3f);
        let [is_letter, is_other] = KINDS[block as usize].map(|kind| kind >> low & 1 != 0);
        // One test: which of them it is cannot be foreseen.
        let (has_three_bytes, is_either) = (four & 0xf0 == 0xe0, is_letter | is_other);
        (has_three_bytes & is_either).then_some(Self { character: Character::of_three_bytes(four), is_letter })
    }

    /// Whether a part ends after it, where an ASCII character is at `at`.
    #[inline(always)]
    fn ends_before_ascii(self, text: &[u8], at: usize, rules: Rules, crossings: &Crossings) -> bool {
        if text.get(at).is_none_or(|next| !next.is_ascii()) {
            return false;
        }
        match class_at(text, at).0 {
            Class::Number | Class::Space => true,
            Class::Newline => self.is_letter || rules.tail == Tail::None,
            class if class.is_letter() => {
                let starts_word = !self.is_letter && rules.prefix == Prefix::Space;
                starts_word || !crossings.is_crossed(self.character, text[at - 1], Character::at(text, at).0)
            }
            _ => self.is_letter && (text[at] != b'\'' || rules.contractions != Contractions::OfWord),
        }
    }
}

/// Whether it is worth it to look for [`ends`] at `start`: before such a letter, or its punctuation.
#[inline(always)]
pub(super) fn may_start(text: &[u8], start: usize) -> bool {
    let is_near = |at: usize| matches!(text.get(at), Some(0xe3..=0xe9 | 0xef));
    is_near(start) || text[start] == 0xe2 && is_near(start + 3)
}

/// The same for a space before such a character.
#[inline(always)]
pub(super) fn may_start_at_space(text: &[u8], start: usize) -> bool {
    matches!(text[start..], [b' ', next, ..] if Crossings::is_of_no_word(next))
}

/// Writes the ends of the parts of pieces from `start` on, where a piece starts or such a letter of one that has no other letters before, to `ends`, as
/// many as there are or is room for, and returns how many. A piece may be begun anew at each of them. `text` is valid UTF-8.
#[inline(always)]
pub(super) fn ends(text: &[u8], start: usize, rules: Rules, crossings: &Crossings, ends: &mut [usize]) -> usize {
    let is_after_space = text[start] == b' ';
    let first = start + usize::from(is_after_space);
    let Some(mut before) = Told::at(text, first) else { return 0 };
    let (mut count, mut at) = (0, first + 3);
    if is_after_space {
        let (space, _) = Character::at(text, start);
        ends[count] = first;
        count += usize::from(before.is_letter && !crossings.is_crossed(space, b' ', before.character));
    }
    // Whether `before` is punctuation that the character before it is joined with.
    let mut is_second = is_after_space && !before.is_letter;
    while count < ends.len() {
        let Some(now) = Told::at(text, at) else {
            ends[count] = at;
            count += usize::from(before.ends_before_ascii(text, at, rules, crossings));
            break;
        };
        // A letter after punctuation: one such character belongs to the word, where any may.
        let starts_word = !before.is_letter && (is_second || rules.prefix == Prefix::Space);
        let starts_part = starts_word | !crossings.is_crossed_of_three_bytes(before.character, now.character);
        ends[count] = at;
        // Without a branch: it could not be foreseen.
        count += usize::from(if now.is_letter { starts_part } else { before.is_letter });
        is_second = !(before.is_letter | now.is_letter);
        (before, at) = (now, at + 3);
    }
    count
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::{Rng, share};

    use super::{Class, Told};
    use crate::crossings::{Character, Crossings};
    use crate::pretokenize::class::class_at;
    use crate::pretokenize::scan::{Parts, Scan};
    use crate::pretokenize::{BLOCK, Pattern};
    use crate::{Level, Vocabulary};

    const PATTERNS: [Pattern; 6] =
        [Pattern::R50k, Pattern::Cl100k, Pattern::O200k, Pattern::Qwen35, Pattern::Tekken, Pattern::KimiK2];

    /// Letters and punctuation of Chinese and Japanese, and now and then whatever else may stand between them.
    fn text(rng: &mut Rng) -> String {
        const OFTEN: [&str; 16] =
            ["中", "文", "的", "国", "、", "。", "，", "“", "”", "—", "…", "あ", "の", "ー", "ア", "々"];
        const ELSE: [&str; 24] = [
            "a", "B", "ab", "Ab", "1", " ", "  ", "\n", "\r\n", "'", "'s", "!", "/", "Ａ", "ａ", "\u{3000}", "〇", "①",
            "한", "\u{301}", "\u{3099}", "é", "😀", "\u{feff}",
        ];
        let often = 1 + rng.below(20);
        (0..rng.below(300))
            .map(|_| if rng.below(often) > 0 { *rng.choose(&OFTEN) } else { *rng.choose(&ELSE) })
            .collect()
    }

    #[test]
    fn letters_and_punctuation_are_told_by_their_classes() {
        for character in '\0'..=char::MAX {
            let text = format!("{character}...");
            let (class, end) = class_at(text.as_bytes(), 0);
            let is_letter = class == Class::Caseless && Crossings::is_of_no_word(text.as_bytes()[0]);
            let expected = (end == 3 && (is_letter || class == Class::Other)).then_some(is_letter);
            assert_eq!(Told::at(text.as_bytes(), 0).map(|told| told.is_letter), expected, "{character:?}");
        }
    }

    #[test]
    fn parts_are_those_of_pieces_and_end_where_no_token_crosses() {
        // Letters after letters and after punctuation, and how merging comes to them.
        let bytes = (0..=u8::MAX).map(|byte| vec![byte]);
        let words = ["。中", "，的", "“文", "ーあ", "あの", "のア", "国文"].map(str::as_bytes);
        let starts = words.iter().flat_map(|word| (2..=word.len()).map(|length| word[..length].to_vec()));
        let mut tokens: Vec<_> = bytes.chain(starts).collect();
        tokens.sort_by_key(Vec::len);
        tokens.dedup();
        let vocabulary = Vocabulary::from_tokens(tokens.iter().map(Vec::as_slice).zip(0..)).expect("they all differ");
        let crossings = Crossings::new(&vocabulary).expect("merging makes every token");
        let mut inside = 0;
        for seed in 0..share(3_000) {
            let mut rng = Rng::new(seed);
            let text = text(&mut rng);
            for pattern in &PATTERNS {
                let mut pieces = vec![0];
                pieces.extend(pattern.pieces(&text).scan(0, |end, piece| {
                    *end += piece.len();
                    Some(*end)
                }));
                for level in Level::available() {
                    // Of few places the walk is left, and goes on, at many.
                    let mut ends = vec![0; BLOCK + rng.below(BLOCK)];
                    let (mut scan, mut parts) = (Scan::new(pattern, level, &text), vec![0]);
                    while !scan.is_done() {
                        let count = scan.next_parts(&mut ends, Parts::Crossings(&crossings)).expect("no limits");
                        parts.extend(&ends[..count]);
                    }
                    assert!(parts.is_sorted_by(|before, after| before < after), "{pattern:?}, {level:?}: {text:?}");
                    for end in &pieces {
                        assert!(parts.contains(end), "{pattern:?}, {level:?}: no part ends at {end} of {text:?}");
                    }
                    for &end in parts.iter().filter(|end| !pieces.contains(end)) {
                        let before = text.floor_char_boundary(end - 1);
                        let [left, right] = [before, end].map(|at| Character::at(text.as_bytes(), at).0);
                        let is_crossed = crossings.is_crossed(left, text.as_bytes()[end - 1], right);
                        assert!(!is_crossed, "{pattern:?}, {level:?}: a token crosses {end} of {text:?}");
                        inside += 1;
                    }
                }
            }
        }
        assert!(inside > 100 * share(3_000), "{inside} ends inside of pieces");
    }
}

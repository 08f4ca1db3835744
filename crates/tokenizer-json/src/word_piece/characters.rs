//! What BERT's normalizer and pre-tokenizer make of a character.
//!
//! The normalizer drops characters, puts others for them, and takes accents away by way of normal form D. All of that is done to one character after the
//! other but for the order of the marks in normal form D: where a character leaves a mark that is ordered among others, what a text comes to is not told
//! here. The rest is the crate's functions, called once for each character and remembered.

use tokenizers::normalizers::BertNormalizer;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::char::{canonical_combining_class, decompose_canonical};

use crate::learned::Learned;

/// What a character comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Nothing,
    /// The end of a word.
    Space,
    /// A punctuation mark: a word of its own.
    Mark(char),
    /// A character of a word.
    Letter(char),
    /// A word of its own between spaces.
    Alone(char),
    /// Several of these.
    Several,
    /// Something that depends on what is beside it.
    Untold,
}

impl Form {
    /// The number, not 0, that [`Form::unpacked`] makes this of.
    fn packed(self) -> u32 {
        let (kind, character) = match self {
            Self::Nothing => (1, '\0'),
            Self::Space => (2, '\0'),
            Self::Mark(character) => (3, character),
            Self::Letter(character) => (4, character),
            Self::Alone(character) => (5, character),
            Self::Several => (6, '\0'),
            Self::Untold => (7, '\0'),
        };
        kind << 21 | u32::from(character)
    }

    #[inline(always)]
    fn unpacked(number: u32) -> Self {
        let character = char::from_u32(number & 0x1f_ffff).unwrap_or_default();
        match number >> 21 {
            1 => Self::Nothing,
            2 => Self::Space,
            3 => Self::Mark(character),
            4 => Self::Letter(character),
            5 => Self::Alone(character),
            6 => Self::Several,
            _ => Self::Untold,
        }
    }

    /// That of a character which the normalizer has put.
    fn of_normalized(character: char) -> Self {
        if character.is_whitespace() {
            Self::Space
        } else if character.is_ascii_punctuation() || character.is_punctuation() {
            Self::Mark(character)
        } else {
            Self::Letter(character)
        }
    }
}

/// The forms of all characters.
pub(super) struct Characters {
    normalizer: Option<BertNormalizer>,
    learned: Learned,
}

impl Characters {
    pub fn new(normalizer: Option<BertNormalizer>) -> Self {
        Self { normalizer, learned: Learned::new() }
    }

    /// What `character` comes to.
    #[inline(always)]
    pub fn form(&self, character: char) -> Form {
        Form::unpacked(self.learned.number(character, || self.made(character).packed()))
    }

    /// The forms of a character that comes to several.
    pub fn forms(&self, character: char) -> impl Iterator<Item = Form> {
        let (normalized, _) = self.normalized(character);
        normalized.into_iter().map(Form::of_normalized)
    }

    #[cold]
    fn made(&self, character: char) -> Form {
        let (normalized, is_told) = self.normalized(character);
        match normalized[..] {
            _ if !is_told => Form::Untold,
            [] => Form::Nothing,
            [one] => Form::of_normalized(one),
            [' ', one, ' '] => match Form::of_normalized(one) {
                Form::Letter(one) => Form::Alone(one),
                _ => Form::Several,
            },
            _ => Form::Several,
        }
    }

    /// What the normalizer makes of a text that is `character`, and whether it makes the same of it in all texts.
    fn normalized(&self, character: char) -> (Vec<char>, bool) {
        let Some(normalizer) = self.normalizer else { return (vec![character], true) };
        let mut character = character;
        if normalizer.clean_text {
            let is_white = character.is_whitespace();
            if matches!(character, '\0' | '\u{fffd}') || !is_white_control(character) && character.is_other() {
                return (Vec::new(), true);
            }
            if is_white {
                character = ' ';
            }
        }
        let mut characters = if normalizer.handle_chinese_chars && is_chinese(character) {
            vec![' ', character, ' ']
        } else {
            vec![character]
        };
        let mut is_told = true;
        if normalizer.strip_accents.unwrap_or(normalizer.lowercase) {
            let mut bare = Vec::new();
            for character in characters {
                decompose_canonical(character, |part| bare.push(part));
            }
            bare.retain(|part| !part.is_mark_nonspacing());
            is_told = bare.iter().all(|&part| canonical_combining_class(part) == 0);
            characters = bare;
        }
        if normalizer.lowercase {
            characters = characters.into_iter().flat_map(char::to_lowercase).collect();
        }
        (characters, is_told)
    }
}

/// Control characters that are white space to BERT.
fn is_white_control(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r')
}

/// What BERT takes for a Chinese character, as the crate has it.
fn is_chinese(character: char) -> bool {
    matches!(
        u32::from(character),
        0x4e00..=0x9fff
            | 0x3400..=0x4dbf
            | 0x2_0000..=0x2_a6df
            | 0x2_a700..=0x2_b73f
            | 0x2_b740..=0x2_b81f
            | 0x2_b920..=0x2_ceaf
            | 0xf900..=0xfaff
            | 0x2_f800..=0x2_fa1f
    )
}

#[cfg(test)]
mod tests {
    use tokenizers::{NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    use super::*;

    /// The words of `text` by the crate.
    fn words(normalizer: Option<BertNormalizer>, text: &str) -> Vec<String> {
        let mut text = NormalizedString::from(text);
        if let Some(normalizer) = normalizer {
            normalizer.normalize(&mut text).expect("never fails");
        }
        let mut pieces = PreTokenizedString::from(text);
        tokenizers::pre_tokenizers::bert::BertPreTokenizer.pre_tokenize(&mut pieces).expect("never fails");
        let splits = pieces.get_splits(OffsetReferential::Normalized, OffsetType::None);
        splits.into_iter().map(|(word, ..)| word.to_owned()).collect()
    }

    /// The words of `text` by forms; `None` where they are not told.
    fn by_forms(characters: &Characters, text: &str) -> Option<Vec<String>> {
        let (mut words, mut word) = (Vec::new(), String::new());
        let mut each = |form| {
            match form {
                Form::Nothing => {}
                Form::Letter(letter) => word.push(letter),
                Form::Space => words.push(std::mem::take(&mut word)),
                Form::Mark(alone) | Form::Alone(alone) => {
                    words.push(std::mem::take(&mut word));
                    words.push(alone.to_string());
                }
                Form::Several | Form::Untold => return None,
            }
            Some(())
        };
        for character in text.chars() {
            match characters.form(character) {
                Form::Several => characters.forms(character).try_for_each(&mut each)?,
                form => each(form)?,
            }
        }
        words.push(word);
        words.retain(|word| !word.is_empty());
        Some(words)
    }

    fn normalizers() -> Vec<Option<BertNormalizer>> {
        let flags = |bits: u32| [1, 2, 4].map(|bit| bits & bit != 0);
        let of = |(bits, strips)| {
            let [clean, chinese, lowercase] = flags(bits);
            Some(BertNormalizer::new(clean, chinese, strips, lowercase))
        };
        let strips = [None, Some(false), Some(true)];
        [None].into_iter().chain((0..8).flat_map(|bits| strips.map(|strips| (bits, strips))).map(of)).collect()
    }

    #[test]
    fn every_character_alone_and_in_a_word_comes_to_what_the_crate_says() {
        for normalizer in
            [None, Some(BertNormalizer::default()), Some(BertNormalizer::new(true, false, Some(true), false))]
        {
            let characters = Characters::new(normalizer);
            let mut untold = 0;
            // Beyond are planes of which nothing is assigned.
            for character in ('\0'..='\u{3ffff}').chain('\u{e0000}'..='\u{e01ff}').chain('\u{10fffe}'..=char::MAX) {
                let text = format!("a{character}b");
                match by_forms(&characters, &text) {
                    Some(found) => assert_eq!(found, words(normalizer, &text), "{character:?} {normalizer:?}"),
                    None => untold += 1,
                }
            }
            assert!(untold < 100, "{untold}");
        }
    }

    #[test]
    fn characters_beside_each_other_come_to_what_the_crate_says() {
        let mut rng = tokenmill_testkit::rng::Rng::new(11);
        let some = [
            'a',
            'Z',
            '9',
            ' ',
            '\u{b}',
            '\u{7f}',
            '.',
            '$',
            '\u{a0}',
            '\u{ad}',
            'é',
            'İ',
            'ß',
            '\u{301}',
            '\u{323}',
            '\u{5b0}',
            'ж',
            'Й',
            '한',
            '中',
            '\u{f900}',
            '\u{302e}',
            '\u{1d165}',
            '\u{1d16e}',
            '😀',
            '\u{200d}',
            '\u{fffd}',
            'ि',
            '्',
            '。',
            '¿',
            '\u{3099}',
            'が',
            'ﬁ',
            '\u{e000}',
            '\u{378}',
            '\u{1e00}',
            '\u{0344}',
        ];
        for normalizer in normalizers() {
            let characters = Characters::new(normalizer);
            let mut told = 0;
            for _ in 0..400 {
                let length = 1 + rng.below(12);
                let text: String = (0..length)
                    .map(|_| match rng.below(8) {
                        0 => char::from_u32(rng.below(0x3_0000) as u32).unwrap_or('x'),
                        _ => *rng.choose(&some),
                    })
                    .collect();
                if let Some(found) = by_forms(&characters, &text) {
                    assert_eq!(found, words(normalizer, &text), "{text:?} {normalizer:?}");
                    told += 1;
                }
            }
            assert!(told > 100, "{told}");
        }
    }
}

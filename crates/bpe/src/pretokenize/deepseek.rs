//! The sequence of `DeepSeek` V3 and R1: three splits, each of the pieces of the one before.
//!
//! ```text
//! \p{N}{1,3}
//! [一-龥぀-ゟ゠-ヿ]+
//! [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//! ```
//!
//! The last one splits what the others have split off as well: numbers stay as they are, CJK is split into words and others. It does not
//! match everything: controls that stand before no word are between its matches.

use super::block;
use super::class::{Class, class_at};
use super::masks::Masks;
use super::rules::{Contractions, Letters, Rules};
use super::runs::{WhiteRun, ascii_letters, numbers_end, run_end, skip_ascii};
use super::scan::Scanner;

#[derive(Clone, Copy)]
pub(super) struct V3;

impl Scanner for V3 {
    #[inline(always)]
    fn piece_end(self, text: &[u8], start: usize) -> usize {
        let (class, next) = class_at(text, start);
        if class == Class::Number {
            return numbers_end(text, start, 3);
        }
        // No piece goes from CJK to others.
        let cjk = is_cjk(text, start);
        if is_of_word(class) {
            return word_end(text, next, cjk);
        }
        if class == Class::Other && text[start] < 0x80 && text.get(next).is_some_and(u8::is_ascii_alphabetic) {
            return skip_ascii(text, next, ascii_letters);
        }
        if matches!(class, Class::Space | Class::Control) && next < text.len() {
            if starts_word(text, next, cjk) {
                return word_end(text, next, cjk);
            }
            if text[start] == b' ' && is_punctuation(text, next, cjk) {
                return punctuation_end(text, next, cjk);
            }
        }
        match class {
            Class::Other => punctuation_end(text, next, cjk),
            Class::Control => between_end(text, next, cjk),
            _ => {
                let ends = |end| class_at(text, end).0 == Class::Number || is_cjk(text, end);
                WhiteRun::before(text, start, ends).line_or_piece_end(start)
            }
        }
    }

    #[inline(always)]
    fn starts(self, text: &[u8], start: usize, masks: &Masks) -> u64 {
        // A word after punctuation is a word after its prefix in ASCII; controls are not told.
        const ASCII: Rules = Rules { contractions: Contractions::None, numbers_first: true, ..Rules::LLAMA3 };
        block::starts(ASCII, text, start, &Masks { high: masks.high | masks.control, ..*masks })
    }

    #[inline(always)]
    fn letters(self) -> Option<Letters> {
        None
    }

    #[inline(always)]
    fn words(self) -> Option<Rules> {
        None
    }
}

/// Whether the character at `at` is one of `[一-龥぀-ゟ゠-ヿ]`.
#[inline(always)]
pub(super) fn is_cjk(text: &[u8], at: usize) -> bool {
    let first = text[at];
    if !(0xe3..=0xe9).contains(&first) {
        return false;
    }
    let code = u32::from(first & 0x0f) << 12 | u32::from(text[at + 1] & 0x3f) << 6 | u32::from(text[at + 2] & 0x3f);
    matches!(code, 0x4e00..=0x9fa5 | 0x3040..=0x30ff)
}

#[inline(always)]
fn is_of_word(class: Class) -> bool {
    class.is_letter() || class == Class::Mark
}

#[inline(always)]
fn starts_word(text: &[u8], at: usize, cjk: bool) -> bool {
    is_of_word(class_at(text, at).0) && is_cjk(text, at) == cjk
}

#[inline(always)]
fn is_punctuation(text: &[u8], at: usize, cjk: bool) -> bool {
    class_at(text, at).0 == Class::Other && is_cjk(text, at) == cjk
}

/// The end of `[\p{L}\p{M}]*` from `at` on.
#[inline(always)]
fn word_end(text: &[u8], mut at: usize, cjk: bool) -> usize {
    loop {
        if !cjk {
            at = skip_ascii(text, at, ascii_letters);
        }
        if at == text.len() || text[at] < 0x80 || !starts_word(text, at, cjk) {
            return at;
        }
        at = class_at(text, at).1;
    }
}

/// The end of `[\p{P}\p{S}]*[\r\n]*` from `at` on.
#[inline(always)]
fn punctuation_end(text: &[u8], mut at: usize, cjk: bool) -> usize {
    while at < text.len() && is_punctuation(text, at, cjk) {
        at = class_at(text, at).1;
    }
    if cjk { at } else { run_end(text, at, |class| class == Class::Newline) }
}

/// The end of what is between two matches, of which the first character, a control, ends at `at`.
#[inline(always)]
fn between_end(text: &[u8], mut at: usize, cjk: bool) -> usize {
    while at < text.len() {
        let (class, next) = class_at(text, at);
        // A control before a word is the first character of the next match.
        if class != Class::Control || is_cjk(text, at) != cjk || next < text.len() && starts_word(text, next, cjk) {
            break;
        }
        at = next;
    }
    at
}

//! The pattern of o200k:
//!
//! ```text
//! [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//! |[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//! |\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
//! ```

use super::Scan;
use super::block::Rules;
use super::class::{Class, class_at};
use super::runs::{White, ascii_lower, contraction_end_any_case, run_end, skip_ascii, three_numbers_end};

pub(super) struct O200k;

impl Scan for O200k {
    #[inline(always)]
    fn piece_end(text: &[u8], start: usize) -> usize {
        let (class, next) = class_at(text, start);
        // A mark could be the character before the word as well as the word's first: both readings end at the same place.
        if class.is_letter() || class == Class::Mark {
            return word_end(text, start);
        }
        if class == Class::Number {
            return three_numbers_end(text, start);
        }
        if class.is_prefix() && next < text.len() {
            let (second, after) = class_at(text, next);
            if second.is_letter() || second == Class::Mark {
                return word_end(text, next);
            }
            if text[start] == b' ' && second.is_other() {
                return punctuation_end(text, after);
            }
        }
        if class.is_other() {
            return punctuation_end(text, next);
        }
        White::at(text, start).line_or_piece_end(text, start)
    }
}

impl Rules for O200k {
    const NEWER: bool = true;
    const CASED: bool = true;

    #[inline(always)]
    fn contraction_end(text: &[u8], at: usize) -> Option<usize> {
        contraction_end_any_case(text, at)
    }
}

/// The end of a word that starts at `start`, where a letter or mark is, with its contraction: the first alternative
/// without its optional first character, else the second.
#[inline(always)]
fn word_end(text: &[u8], start: usize) -> usize {
    let end = letters_end(text, start);
    if end < text.len() && text[end] == b'\'' { contraction_end_any_case(text, end).unwrap_or(end) } else { end }
}

/// `[Upper Caseless Mark]*[Lower Caseless Mark]+`, else `[Upper Caseless Mark]+`, matched as a backtracking engine would.
#[inline(always)]
fn letters_end(text: &[u8], start: usize) -> usize {
    let mut at = start;
    // Characters without case are in both sets: where no lower-case letter ends the first run, it gives back what stands
    // after the last of them.
    let mut after_caseless = None;
    while at < text.len() {
        let (class, next) = class_at(text, at);
        match class {
            Class::Upper => {}
            Class::Caseless | Class::Mark => after_caseless = Some(next),
            Class::Lower => return lower_end(text, next),
            _ => break,
        }
        at = next;
    }
    after_caseless.unwrap_or(at)
}

/// The end of `[Lower Caseless Mark]*` from `at` on.
#[inline(always)]
fn lower_end(text: &[u8], mut at: usize) -> usize {
    loop {
        at = skip_ascii(text, at, ascii_lower);
        if at == text.len() || text[at] < 0x80 {
            return at;
        }
        let (class, next) = class_at(text, at);
        if !matches!(class, Class::Lower | Class::Caseless | Class::Mark) {
            return at;
        }
        at = next;
    }
}

/// The end of `[^\s\p{L}\p{N}]*[\r\n/]*` from `at` on.
#[inline(always)]
fn punctuation_end(text: &[u8], at: usize) -> usize {
    let mut end = run_end(text, at, Class::is_other);
    while end < text.len() && matches!(text[end], b'\r' | b'\n' | b'/') {
        end += 1;
    }
    end
}

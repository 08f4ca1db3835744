//! The pattern of cl100k:
//!
//! ```text
//! '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s
//! ```

use super::Scan;
use super::block::Rules;
use super::class::{Class, class_at};
use super::runs::{White, contraction_end_any_case, letters_end, run_end, three_numbers_end};

pub(super) struct Cl100k;

impl Scan for Cl100k {
    #[inline(always)]
    fn piece_end(text: &[u8], start: usize) -> usize {
        let first = text[start];
        if first == b'\''
            && let Some(end) = contraction_end_any_case(text, start)
        {
            return end;
        }
        let (class, next) = class_at(text, start);
        if class.is_letter() {
            return letters_end(text, next);
        }
        if class == Class::Number {
            return three_numbers_end(text, start);
        }
        if class.is_prefix() && next < text.len() {
            let (second, after) = class_at(text, next);
            if second.is_letter() {
                return letters_end(text, after);
            }
            if first == b' ' && second.is_other() {
                return punctuation_end(text, after);
            }
        }
        if class.is_other() {
            return punctuation_end(text, next);
        }
        White::at(text, start).piece_end_or_line(text, start)
    }
}

impl Rules for Cl100k {
    const NEWER: bool = true;
    const CASED: bool = false;

    #[inline(always)]
    fn contraction_end(text: &[u8], at: usize) -> Option<usize> {
        contraction_end_any_case(text, at)
    }
}

/// The end of `[^\s\p{L}\p{N}]*[\r\n]*` from `at` on.
#[inline(always)]
fn punctuation_end(text: &[u8], at: usize) -> usize {
    let mut end = run_end(text, at, Class::is_other);
    while end < text.len() && matches!(text[end], b'\r' | b'\n') {
        end += 1;
    }
    end
}

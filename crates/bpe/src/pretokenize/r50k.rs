//! The pattern of GPT-2, r50k and p50k:
//!
//! ```text
//! '(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s
//! ```

use super::Scan;
use super::block::Rules;
use super::class::{Class, class_at};
use super::runs::{White, contraction_end, letters_end, run_end};

pub(super) struct R50k;

impl Scan for R50k {
    #[inline(always)]
    fn piece_end(text: &[u8], start: usize) -> usize {
        let first = text[start];
        if first == b'\''
            && let Some(end) = contraction_end(text, start)
        {
            return end;
        }
        let body = start + usize::from(first == b' ');
        if body < text.len() {
            let (class, next) = class_at(text, body);
            if class.is_letter() {
                return letters_end(text, next);
            }
            if class == Class::Number {
                return run_end(text, next, |class| class == Class::Number);
            }
            if class.is_other() {
                return run_end(text, next, Class::is_other);
            }
        }
        White::at(text, start).piece_end(text, start)
    }
}

impl Rules for R50k {
    const NEWER: bool = false;
    const CASED: bool = false;

    #[inline(always)]
    fn contraction_end(text: &[u8], at: usize) -> Option<usize> {
        contraction_end(text, at)
    }
}

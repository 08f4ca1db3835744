//! Where runs of characters end, and the two things that all patterns share: contractions and white space.

use super::class::{Class, class_at, skip_three_bytes};

/// The end of the run of characters from `at` on whose class fits.
#[inline(always)]
pub(super) fn run_end(text: &[u8], mut at: usize, fits: impl Fn(Class) -> bool) -> usize {
    while at < text.len() {
        let (class, next) = class_at(text, at);
        if !fits(class) {
            break;
        }
        at = next;
    }
    at
}

/// The end of `\p{L}*` from `at` on.
#[inline(always)]
pub(super) fn letters_end(text: &[u8], mut at: usize) -> usize {
    loop {
        at = skip_three_bytes(text, at, Class::is_letter);
        at = skip_ascii(text, at, ascii_letters);
        if at == text.len() || text[at] < 0x80 {
            return at;
        }
        let (class, next) = class_at(text, at);
        if !class.is_letter() {
            return at;
        }
        at = next;
    }
}

/// Skips the characters outside ASCII from `at` on of which `length` knows the length by their first two bytes; it says 0 of others.
#[inline(always)]
pub(super) fn skip_common(text: &[u8], mut at: usize, length: impl Fn(u8, u8) -> usize) -> usize {
    // The first byte of a character outside ASCII is not the last of the text.
    while at + 1 < text.len() {
        let skip = length(text[at], text[at + 1]);
        if skip == 0 {
            break;
        }
        at += skip;
    }
    at
}

/// The end of `\p{N}{0,most}` from `at` on.
#[inline(always)]
pub(super) fn numbers_end(text: &[u8], mut at: usize, most: u8) -> usize {
    for _ in 0..most {
        if at == text.len() {
            break;
        }
        let (class, next) = class_at(text, at);
        if class != Class::Number {
            break;
        }
        at = next;
    }
    at
}

/// Skips the ASCII bytes from `at` on that `select` marks, eight at a time: it gets eight bytes and sets the high bit of
/// those that fit.
#[inline(always)]
pub(super) fn skip_ascii(text: &[u8], mut at: usize, select: impl Fn(u64) -> u64) -> usize {
    while let Some(eight) = text.get(at..at + 8) {
        let misfits = !select(u64::from_le_bytes(eight.try_into().expect("eight bytes"))) & HIGH;
        if misfits != 0 {
            return at + misfits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while at < text.len() && select(u64::from(text[at])) & 0x80 != 0 {
        at += 1;
    }
    at
}

pub(super) const HIGH: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte of `eight` that is `from..=to` (both ASCII).
#[inline(always)]
pub(super) fn in_range(eight: u64, from: u8, to: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let low = eight & !HIGH;
    let at_least = low + ONES * u64::from(0x80 - from);
    let above = low + ONES * u64::from(0x7f - to);
    at_least & !above & !eight
}

/// `[A-Za-z]`
#[inline(always)]
pub(super) fn ascii_letters(eight: u64) -> u64 {
    in_range(eight | 0x2020_2020_2020_2020, b'a', b'z')
}

/// `[a-z]`
#[inline(always)]
pub(super) fn ascii_lower(eight: u64) -> u64 {
    in_range(eight, b'a', b'z')
}

/// The end of `'(?:[sdmt]|ll|ve|re)` at `at`, where the apostrophe is.
#[inline(always)]
pub(super) fn contraction_end(text: &[u8], at: usize) -> Option<usize> {
    match text[at + 1..] {
        [b's' | b'd' | b'm' | b't', ..] => Some(at + 2),
        [b'l', b'l', ..] | [b'v' | b'r', b'e', ..] => Some(at + 3),
        _ => None,
    }
}

/// The end of `'(?i:[sdmt]|ll|ve|re)` at `at`, where the apostrophe is. Of these letters only `s` has a third form under
/// Unicode's simple case folding, `ſ` (U+017F).
#[inline(always)]
pub(super) fn contraction_end_any_case(text: &[u8], at: usize) -> Option<usize> {
    match text[at + 1..] {
        [b's' | b'S' | b'd' | b'D' | b'm' | b'M' | b't' | b'T', ..] => Some(at + 2),
        // The last one is ſ.
        [b'l' | b'L', b'l' | b'L', ..] | [b'v' | b'V' | b'r' | b'R', b'e' | b'E', ..] | [0xc5, 0xbf, ..] => {
            Some(at + 3)
        }
        _ => None,
    }
}

/// A run of white space.
pub(super) struct WhiteRun {
    /// Where the last line break in it ends, if there is one.
    after_newline: Option<usize>,
    /// Where its last character starts.
    last: usize,
    end: usize,
    /// Whether the text ends after it, or may be taken to.
    is_last: bool,
}

impl WhiteRun {
    /// The run that starts at `start`, where white space is. Before a character for which `ends` is true it is as at the end of the text.
    #[inline(always)]
    pub fn before(text: &[u8], start: usize, ends: impl Fn(usize) -> bool) -> Self {
        let mut run = Self { after_newline: None, last: start, end: start, is_last: false };
        while run.end < text.len() {
            let (class, next) = class_at(text, run.end);
            match class {
                Class::Space => {}
                Class::Newline => run.after_newline = Some(next),
                _ => break,
            }
            (run.last, run.end) = (run.end, next);
        }
        run.is_last = run.end == text.len() || ends(run.end);
        run
    }

    /// `\s++$|\s+(?!\S)|\s`
    #[inline(always)]
    pub fn piece_end(&self, start: usize) -> usize {
        // Where text follows, the last character stays for the next piece, unless it is the only one.
        if self.is_last || self.last == start { self.end } else { self.last }
    }

    /// `\s++$|\s*[\r\n]|\s+(?!\S)|\s`
    #[inline(always)]
    pub fn piece_end_or_line(&self, start: usize) -> usize {
        if self.is_last { self.end } else { self.line_or_piece_end(start) }
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+`
    #[inline(always)]
    pub fn line_or_piece_end(&self, start: usize) -> usize {
        self.after_newline.unwrap_or_else(|| self.piece_end(start))
    }
}

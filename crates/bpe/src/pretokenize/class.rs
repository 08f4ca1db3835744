//! What a pattern asks of a character: its class.

use super::class_table::{BLOCKS, INDEX};

/// The general categories and properties that the patterns tell apart. Every code point is in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    // In an order in which the sets that are asked for lie together: each is one comparison.
    /// `\p{Lu}` and `\p{Lt}`.
    Upper,
    /// `\p{Ll}`.
    Lower,
    /// `\p{Lm}` and `\p{Lo}`: letters without case.
    Caseless,
    /// `\p{M}`: part of a word for o200k, not a letter for r50k and cl100k.
    Mark,
    /// `\p{P}` and `\p{S}`: punctuation and symbols.
    Other,
    /// `\p{C}` but for white space: controls, format and private-use characters, unassigned code points.
    Control,
    /// `\s` (the property `White_Space`) but for `\r` and `\n`.
    Space,
    /// `\r` and `\n`.
    Newline,
    /// `\p{N}`.
    Number,
}

impl Class {
    /// In the order of the numbers of the table.
    pub const ALL: [Self; 9] = [
        Self::Other,
        Self::Upper,
        Self::Lower,
        Self::Caseless,
        Self::Mark,
        Self::Number,
        Self::Space,
        Self::Newline,
        Self::Control,
    ];

    /// `\p{L}`.
    #[inline(always)]
    pub fn is_letter(self) -> bool {
        matches!(self, Self::Upper | Self::Lower | Self::Caseless)
    }

    /// `[^\s\p{L}\p{N}]`.
    #[inline(always)]
    pub fn is_other(self) -> bool {
        matches!(self, Self::Other | Self::Mark | Self::Control)
    }

    /// `[^\r\n\p{L}\p{N}]`: what may stand before the letters of a word in cl100k and o200k.
    #[inline(always)]
    pub fn is_prefix(self) -> bool {
        matches!(self, Self::Other | Self::Mark | Self::Space | Self::Control)
    }
}

/// [`BLOCKS`] as classes: no look-up tells what a number means.
static CLASSES: [[Class; 64]; BLOCKS.len()] = {
    let mut classes = [[Class::Other; 64]; BLOCKS.len()];
    let mut at = 0;
    while at < 64 * BLOCKS.len() {
        classes[at / 64][at % 64] = Class::ALL[BLOCKS[at / 64][at % 64] as usize];
        at += 1;
    }
    classes
};

static ASCII: [Class; 128] = {
    let mut classes = [Class::Other; 128];
    let mut code = 0;
    while code < 128 {
        classes[code] = Class::ALL[BLOCKS[INDEX[code / 64] as usize][code % 64] as usize];
        code += 1;
    }
    classes
};

/// The class of the character that starts at `at`, and where the next one starts. `text` is valid UTF-8 and `at` is the
/// start of a character in it.
#[inline(always)]
pub(super) fn class_at(text: &[u8], at: usize) -> (Class, usize) {
    let first = text[at];
    if first < 0x80 { (ASCII[first as usize], at + 1) } else { wide_class_at(text, at, first) }
}

/// The end of the run of characters of three bytes from `at` on whose class fits: what [`class_at`] finds too, with one test for the length.
#[inline(always)]
pub(super) fn skip_three_bytes(text: &[u8], mut at: usize, fits: impl Fn(Class) -> bool) -> usize {
    while let Some((_, class)) = three_bytes_at(text, at)
        && fits(class)
    {
        at += 3;
    }
    at
}

/// The character of three bytes that starts at `at`, with a byte more, the first one lowest, and its class; `None` of another one, and of the last.
#[inline(always)]
pub(super) fn three_bytes_at(text: &[u8], at: usize) -> Option<(u32, Class)> {
    let four = u32::from_le_bytes(text.get(at..at + 4)?.try_into().expect("four bytes"));
    let (block, low) = ((four & 0x0f) << 6 | four >> 8 & 0x3f, four >> 16 & 0x3f);
    (four & 0xf0 == 0xe0).then(|| (four, CLASSES[INDEX[block as usize] as usize][low as usize]))
}

#[inline(always)]
fn wide_class_at(text: &[u8], at: usize, first: u8) -> (Class, usize) {
    let byte = |offset: usize| (text[at + offset] & 0x3f) as usize;
    let first = first as usize;
    // The block is the code point without its last six bits, which are the last byte.
    let (block, length) = if first < 0xe0 {
        (first & 0x1f, 2)
    } else if first < 0xf0 {
        ((first & 0x0f) << 6 | byte(1), 3)
    } else {
        ((first & 0x07) << 12 | byte(1) << 6 | byte(2), 4)
    };
    let class = CLASSES[INDEX[block] as usize][byte(length - 1)];
    (class, at + length)
}

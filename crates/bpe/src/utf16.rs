//! Ids to UTF-16, in which some languages hold text, without the bytes between.

use std::ops::Range;

use crate::Tokenizer;
use crate::vocabulary::Vocabulary;

/// Tokens up to this length are copied as so many units at once, of which the rest is written over by the next token.
const FEW: usize = 8;
/// For fewer ids [`Units`] are not made.
const MANY: usize = 4096;

/// The tokens that are whole characters, in UTF-16.
pub(crate) struct Units {
    /// Those of all tokens, and [`FEW`] more.
    units: Vec<u16>,
    /// Those of token `id` are from `starts[id]` to `starts[id + 1]`: none where it is not whole characters.
    starts: Vec<u32>,
}

impl Units {
    fn new(vocabulary: &Vocabulary) -> Self {
        let mut units = Vec::with_capacity(vocabulary.bytes().len());
        let mut starts = Vec::with_capacity(vocabulary.len() + 1);
        for id in 0..vocabulary.len() as u32 {
            starts.push(units.len() as u32);
            if let Ok(token) = str::from_utf8(&vocabulary.bytes()[vocabulary.range(id)]) {
                units.extend(token.encode_utf16());
            }
        }
        starts.push(units.len() as u32);
        units.resize(units.len() + FEW, 0);
        Self { units, starts }
    }

    /// Where the units of `id` are; empty where it has none, or is not there.
    #[inline(always)]
    fn range(&self, id: u32) -> Range<usize> {
        match self.starts.get(id as usize..) {
            Some(&[start, end, ..]) => start as usize..end as usize,
            _ => 0..0,
        }
    }

    /// Appends the units at `range` to `text`; `None` when there is no memory for them.
    #[inline(always)]
    fn push(&self, range: Range<usize>, text: &mut Vec<u16>) -> Option<()> {
        let length = range.len();
        if text.capacity() - text.len() < length.max(FEW) {
            text.try_reserve(length.max(FEW)).ok()?;
        }
        // SAFETY: there is room for the units of the token, and for `FEW`; so many are then written as are said to be there.
        unsafe {
            let place = text.as_mut_ptr().add(text.len());
            match self.units[range.start..].first_chunk::<FEW>() {
                Some(few) if length <= FEW => place.cast::<[u16; FEW]>().write_unaligned(*few),
                _ => place.copy_from_nonoverlapping(self.units[range].as_ptr(), length),
            }
            text.set_len(text.len() + length);
        }
        Some(())
    }
}

impl Tokenizer {
    /// The text of `ids` in UTF-16, with special tokens or without. `None` where [`Tokenizer::decode_bytes`] has to be asked: when there are
    /// few ids, for which this is not the faster way; when the bytes are not UTF-8; when there is no such id, or not enough memory.
    pub fn decode_utf16(&self, ids: &[u32], skip_special: bool) -> Option<Vec<u16>> {
        if ids.len() < MANY && self.units.get().is_none() {
            return None;
        }
        let units = self.units.get_or_init(|| Units::new(self.vocabulary()));
        let mut text = Vec::new();
        // Of most texts this is more than enough; of others the memory grows as it is used.
        text.try_reserve(ids.len().saturating_mul(5)).ok()?;
        let mut open = Open::default();
        for &id in ids {
            if skip_special && self.is_special(id) {
                continue;
            }
            let range = units.range(id);
            if range.is_empty() {
                // A special token, or one that is not whole characters.
                open.push(self.token_bytes(id)?, &mut text)?;
            } else if open.missing == 0 {
                units.push(range, &mut text)?;
            } else {
                return None;
            }
        }
        (open.missing == 0).then_some(text)
    }
}

/// A character of which the bytes come from several tokens.
#[derive(Default)]
struct Open {
    /// The bits of the bytes that have come.
    code: u32,
    /// How many bytes are to come.
    missing: u32,
    /// The least code point that takes so many bytes.
    least: u32,
}

impl Open {
    /// Appends what is whole with `bytes` to `text`; `None` when they are not UTF-8, or there is no memory.
    #[inline]
    fn push(&mut self, bytes: &[u8], text: &mut Vec<u16>) -> Option<()> {
        text.try_reserve(bytes.len() + 1).ok()?;
        for &byte in bytes {
            if self.missing > 0 {
                (self.code, self.missing) = (self.code << 6 | u32::from(byte & 0x3f), self.missing - 1);
                if byte & 0xc0 != 0x80 {
                    return None;
                }
            } else {
                (self.code, self.missing, self.least) = match byte {
                    0..0x80 => (u32::from(byte), 0, 0),
                    0xc0..0xe0 => (u32::from(byte & 0x1f), 1, 0x80),
                    0xe0..0xf0 => (u32::from(byte & 0x0f), 2, 0x800),
                    0xf0..0xf8 => (u32::from(byte & 0x07), 3, 0x1_0000),
                    _ => return None,
                };
            }
            if self.missing == 0 {
                let character = char::from_u32(self.code).filter(|_| self.code >= self.least)?;
                text.extend_from_slice(character.encode_utf16(&mut [0; 2]));
            }
        }
        Some(())
    }
}

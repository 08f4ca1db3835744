//! Ids to UTF-16, in which some languages hold text, without the bytes between.

use std::ops::Range;

use crate::Tokenizer;
use crate::vocabulary::Vocabulary;

/// Tokens up to this length are copied as so many units at once, of which the rest is written over by the next token.
const FEW: usize = 8;
/// So many bytes of tokens that are not whole characters are turned into UTF-16 at once.
const OPEN: usize = 256;
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
        // The bytes of the last tokens, where they are not whole characters.
        let mut open = Vec::new();
        for &id in ids {
            let range = units.range(id);
            if range.is_empty() || skip_special && self.is_special(id) {
                self.push_other(id, skip_special, &mut open, &mut text)?;
                continue;
            }
            if !open.is_empty() {
                close(&mut open, &mut text)?;
            }
            units.push(range, &mut text)?;
        }
        close(&mut open, &mut text)?;
        Some(text)
    }

    /// Takes a special token, or one that is not whole characters.
    fn push_other(&self, id: u32, skip_special: bool, open: &mut Vec<u8>, text: &mut Vec<u16>) -> Option<()> {
        if skip_special && self.is_special(id) {
            return Some(());
        }
        let token = self.token_bytes(id)?;
        open.try_reserve(token.len()).ok()?;
        open.extend_from_slice(token);
        if open.len() < OPEN {
            return Some(());
        }
        // So a long run of such tokens takes no memory of its own.
        let whole = match str::from_utf8(open) {
            Ok(_) => open.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return None,
        };
        let after = open.split_off(whole);
        close(open, text)?;
        open.extend_from_slice(&after);
        Some(())
    }
}

/// Moves what is in `open` to `text`; `None` when it is not UTF-8. What is before and after is whole characters, so it is then as a whole not
/// UTF-8 either.
fn close(open: &mut Vec<u8>, text: &mut Vec<u16>) -> Option<()> {
    let closed = str::from_utf8(open).ok()?;
    text.try_reserve(closed.len()).ok()?;
    text.extend(closed.encode_utf16());
    open.clear();
    Some(())
}

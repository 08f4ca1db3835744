//! Ids to UTF-16, in which some languages hold text, without the bytes between.

use std::ops::Range;

use crate::Tokenizer;
use crate::copies::Copies;
use crate::transcode::push_utf8;
use crate::units::Utf16;
use crate::vocabulary::Vocabulary;

/// For fewer ids [`Units`] are not made.
const MANY: usize = 4096;

/// The tokens that are whole characters, in UTF-16.
pub(crate) struct Units {
    /// Those of all tokens, and a few more, so that those of the last ones are copied as those of others.
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
        units.resize(units.len() + Copies::<u16>::FEW, 0);
        Self { units, starts }
    }

    fn copies(&self) -> Copies<'_, u16> {
        Copies::new(&self.units, &self.starts)
    }

    /// Whether `id` is whole characters.
    #[inline(always)]
    fn has(&self, id: u32) -> bool {
        !self.range(id).is_empty()
    }

    /// The units of `id`; none where it is not whole characters.
    fn of(&self, id: u32) -> &[u16] {
        &self.units[self.range(id)]
    }

    #[inline(always)]
    fn range(&self, id: u32) -> Range<usize> {
        match self.starts.get(id as usize..) {
            Some(&[start, end, ..]) => start as usize..end as usize,
            _ => 0..0,
        }
    }
}

impl Tokenizer {
    /// Writes the text of `ids`, with special tokens or without, to `text`, which it replaces. `None`, and any text, where [`Tokenizer::decode_bytes`]
    /// has to be asked: when there are few ids, for which this is not the faster way; when the bytes are not UTF-8; when there is no such id, or not
    /// enough memory.
    pub fn decode_utf16(&self, ids: &[u32], skip_special: bool, text: &mut Utf16) -> Option<()> {
        text.clear();
        if ids.len() < MANY && self.units.get().is_none() {
            return None;
        }
        let units = self.units.get_or_init(|| Units::new(self.vocabulary()));
        let whole = units.copies();
        let is_skipped = |id| skip_special && self.is_special(id);
        // Of most texts this is more than enough; of others the memory grows as it is used.
        text.reserve(ids.len().saturating_mul(5).max(Copies::<u16>::room(ids.len()))).ok()?;
        let mut parts = Parts { tokenizer: self, units, skip_special, bytes: Vec::new(), at_once: 0, left: ids.len() };
        let mut rest = ids;
        loop {
            rest = &rest[whole.push_few(rest, text, is_skipped).ok()?..];
            let Some((&id, after)) = rest.split_first() else { return Some(()) };
            if is_skipped(id) {
                rest = after;
            } else if units.has(id) {
                text.extend(units.of(id)).ok()?;
                rest = after;
            } else {
                rest = parts.push_some(rest, text)?;
            }
        }
    }
}

/// The way of tokens that are no whole characters: by their bytes. Where they come often, so do those after them, whatever they are, since which of them
/// are whole characters cannot be foreseen.
struct Parts<'a> {
    tokenizer: &'a Tokenizer,
    units: &'a Units,
    skip_special: bool,
    bytes: Vec<u8>,
    /// How many ids go this way at once; 0: up to the next one that is whole characters.
    at_once: usize,
    /// How many ids were left when some had gone this way.
    left: usize,
}

impl Parts<'_> {
    /// Where no more whole characters than these are between two of the others, these are often.
    const OFTEN: usize = 16;
    const MOST: usize = 512;

    /// Appends the first of `ids`, which is no whole character, and those after it up to the end of a character to `text`, and returns the rest. `None`
    /// where [`Tokenizer::decode_utf16`] has none.
    fn push_some<'i>(&mut self, ids: &'i [u32], text: &mut Utf16) -> Option<&'i [u32]> {
        let are_often = self.left - ids.len() <= Self::OFTEN;
        self.at_once = if are_often { (2 * self.at_once).clamp(16, Self::MOST) } else { 0 };
        self.bytes.clear();
        let mut rest = ids;
        loop {
            let count = match self.at_once {
                0 => rest.iter().position(|&id| self.units.has(id)).unwrap_or(rest.len()),
                at_once => rest.len().min(at_once),
            };
            // At least one, where a character goes on in a token that is whole ones: they are not UTF-8 then.
            let (some, after) = rest.split_at_checked(count.max(1))?;
            if self.skip_special {
                self.tokenizer.decode_to::<true>(some, &mut self.bytes).ok()?;
            } else {
                self.tokenizer.decode_to::<false>(some, &mut self.bytes).ok()?;
            }
            rest = after;
            let done = push_utf8(self.tokenizer.level, &self.bytes, text)?;
            if done == self.bytes.len() {
                self.left = rest.len();
                return Some(rest);
            }
            self.bytes.drain(..done);
        }
    }
}

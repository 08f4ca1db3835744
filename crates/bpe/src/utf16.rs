//! Ids to UTF-16, in which some languages hold text, without the bytes between.

use std::ops::Range;

use crate::Tokenizer;
use crate::copies::Copies;
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
    /// Writes the text of `ids`, with special tokens or without, to `text`, which it replaces. `None`, and no text, where [`Tokenizer::decode_bytes`] has to be asked: when there are
    /// few ids, for which this is not the faster way; when the bytes are not UTF-8; when there is no such id, or not enough memory.
    pub fn decode_utf16(&self, ids: &[u32], skip_special: bool, text: &mut Utf16) -> Option<()> {
        text.clear();
        if ids.len() < MANY && self.units.get().is_none() {
            return None;
        }
        let units = self.units.get_or_init(|| Units::new(self.vocabulary()));
        let (whole, parts) = (units.copies(), self.vocabulary().copies());
        let is_skipped = |id| skip_special && self.is_special(id);
        let mut bytes = Vec::new();
        // Of most texts this is more than enough; of others the memory grows as it is used.
        text.reserve(ids.len().saturating_mul(5).max(Copies::<u16>::room(ids.len()))).ok()?;
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
                // Characters of which the bytes come from several tokens, up to a token that is whole ones; or a special token.
                bytes.clear();
                loop {
                    let stops = |id| is_skipped(id) || units.has(id);
                    rest = &rest[parts.push_few(rest, &mut bytes, stops).ok()?..];
                    let Some((&id, after)) = rest.split_first().filter(|&(&id, _)| is_skipped(id) || !units.has(id))
                    else {
                        break;
                    };
                    if !is_skipped(id) {
                        let token = self.token_bytes(id)?;
                        bytes.try_reserve(token.len()).ok()?;
                        bytes.extend_from_slice(token);
                    }
                    rest = after;
                }
                push_utf8(&bytes, text)?;
            }
        }
    }
}

/// Appends `bytes` to `text`; `None` when they are not UTF-8, or there is no memory.
fn push_utf8(bytes: &[u8], text: &mut Utf16) -> Option<()> {
    // No byte becomes more than one unit.
    let places = text.room(bytes.len()).ok()?;
    let mut count = 0;
    let tail = |byte: u8| u32::from(byte & 0x3f);
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = match *rest {
            [first @ 0..0x80, ..] => {
                places[count] = u16::from(first);
                count += 1;
                1
            }
            [first @ 0xc2..0xe0, second @ 0x80..0xc0, ..] => {
                places[count] = (u32::from(first & 0x1f) << 6 | tail(second)) as u16;
                count += 1;
                2
            }
            [first @ 0xe0..0xf0, second @ 0x80..0xc0, third @ 0x80..0xc0, ..] => {
                let code = u32::from(first & 0x0f) << 12 | tail(second) << 6 | tail(third);
                if code < 0x800 || (0xd800..0xe000).contains(&code) {
                    return None;
                }
                places[count] = code as u16;
                count += 1;
                3
            }
            [first @ 0xf0..0xf5, second @ 0x80..0xc0, third @ 0x80..0xc0, fourth @ 0x80..0xc0, ..] => {
                let code = u32::from(first & 0x07) << 18 | tail(second) << 12 | tail(third) << 6 | tail(fourth);
                let character = char::from_u32(code).filter(|_| code >= 0x1_0000)?;
                count += character.encode_utf16(&mut places[count..]).len();
                4
            }
            _ => return None,
        };
        rest = &rest[length..];
    }
    text.add(count);
    Some(())
}

//! Places in a text, in bytes, as places in UTF-16, and back.

use crate::Error;
use crate::sink::reserve;

/// The number of UTF-16 code units of `text`.
pub fn utf16_length(text: &str) -> usize {
    // In blocks whose counts fit a byte, which the compiler counts many at a time.
    text.as_bytes()
        .chunks(64)
        .map(|block| {
            let count = |fits: fn(u8) -> bool| block.iter().fold(0_u8, |count, &byte| count + u8::from(fits(byte)));
            usize::from(count(|byte| byte & 0xc0 != 0x80)) + usize::from(count(|byte| byte >= 0xf0))
        })
        .sum()
}

/// Turns ascending places in a text from bytes to UTF-16 code units: all of them in one pass over the text.
#[derive(Clone, Debug)]
pub struct Places<'t> {
    text: &'t str,
    byte: usize,
    unit: usize,
}

impl<'t> Places<'t> {
    /// Those of `text`.
    pub fn of(text: &'t str) -> Self {
        Self { text, byte: 0, unit: 0 }
    }

    /// The unit of byte `at`, which is not before that of the last call.
    ///
    /// # Panics
    /// When it is before that, inside a character or behind the text.
    pub fn units(&mut self, at: usize) -> usize {
        self.unit += utf16_length(&self.text[self.byte..at]);
        self.byte = at;
        self.unit
    }
}

/// Turns places in one text from UTF-16 code units to bytes, in any order, without a walk through the text.
#[derive(Clone, Debug)]
pub struct UnitIndex {
    /// Starts of characters about [`STEP`] code units apart, in code units and in bytes; none for ASCII, where both are the same.
    steps: Vec<(u32, u32)>,
}

/// Code units from one known place to the next.
const STEP: usize = 256;

impl UnitIndex {
    /// That of `text`, which is below 4 GiB.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn of(text: &str) -> Result<Self, Error> {
        let (mut steps, mut units, mut next) = (Vec::new(), 0, 0);
        if !text.is_ascii() {
            for (at, character) in text.char_indices() {
                if units >= next {
                    reserve(&mut steps, 1)?;
                    steps.push((units as u32, at as u32));
                    next += STEP;
                }
                units += character.len_utf16();
            }
        }
        Ok(Self { steps })
    }

    /// The byte of code unit `unit` of `text`, which is that of [`UnitIndex::of`]: where its character starts; behind the last one the end.
    pub fn byte(&self, text: &str, unit: usize) -> usize {
        let after = self.steps.partition_point(|&(units, _)| units as usize <= unit);
        let Some(&(units, bytes)) = after.checked_sub(1).and_then(|last| self.steps.get(last)) else {
            return unit.min(text.len());
        };
        let (mut units, bytes) = (units as usize, bytes as usize);
        let behind = |character: char| {
            units += character.len_utf16();
            units > unit
        };
        text[bytes..].find(behind).map_or(text.len(), |length| bytes + length)
    }

    /// The bytes that it takes.
    pub fn memory(&self) -> usize {
        size_of_val(&self.steps[..])
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;

    use super::*;

    /// Texts of characters of all lengths, of every length up to a few blocks.
    fn texts() -> impl Iterator<Item = String> {
        let mut rng = Rng::new(1);
        let alphabets = ["a", "aé", "中文я", "a𝄞", "🧑я中a", "\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}"];
        (0..900).map(move |length| {
            let characters: Vec<char> = alphabets[length % alphabets.len()].chars().collect();
            (0..length).map(|_| *rng.choose(&characters)).collect()
        })
    }

    #[test]
    fn lengths_and_ascending_places_are_those_of_utf_16() {
        for text in texts() {
            assert_eq!(utf16_length(&text), text.encode_utf16().count());
            let mut places = Places::of(&text);
            for (at, _) in text.char_indices().step_by(3).chain([(text.len(), ' ')]) {
                assert_eq!(places.units(at), text[..at].encode_utf16().count());
                assert_eq!(places.units(at), text[..at].encode_utf16().count(), "the same again");
            }
        }
        // Blocks whose bytes all count, twice where that is possible.
        assert_eq!(utf16_length(&"\u{10ffff}".repeat(100)), 200);
        assert_eq!(utf16_length(&"a".repeat(1_000)), 1_000);
    }

    #[test]
    fn bytes_of_units_are_where_their_characters_start() {
        for text in texts().step_by(7) {
            let index = UnitIndex::of(&text).expect("there is memory");
            let mut unit = 0;
            for (at, character) in text.char_indices() {
                for _ in 0..character.len_utf16() {
                    assert_eq!(index.byte(&text, unit), at);
                    unit += 1;
                }
            }
            for behind in [unit, unit + 1, usize::MAX] {
                assert_eq!(index.byte(&text, behind), text.len());
            }
        }
    }
}

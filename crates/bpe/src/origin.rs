//! What a text was read from: bytes that need not be UTF-8, or a string in UTF-16; and where its places are there.

use std::borrow::Cow;
use std::iter;

use crate::Error;
use crate::places::utf16_length;
use crate::sink::reserve;
use crate::utf8::REPLACED;

/// `bytes` as text: where they are not UTF-8 an error when `strict`, else U+FFFD for each maximal invalid part.
///
/// # Errors
/// [`Error::InvalidUtf8`], [`Error::OutOfMemory`].
pub fn read_utf8(bytes: &[u8], strict: bool) -> Result<Cow<'_, str>, Error> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) if strict => Err(Error::InvalidUtf8 { at: error.valid_up_to() }),
        Err(_) => lossy(bytes).map(Cow::Owned),
    }
}

fn lossy(bytes: &[u8]) -> Result<String, Error> {
    let invalid = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
    let longest = bytes.len().saturating_add(invalid.saturating_mul(REPLACED.len()));
    let mut text = String::new();
    text.try_reserve_exact(longest).map_err(|_| Error::OutOfMemory { bytes: longest })?;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push_str(REPLACED);
        }
    }
    Ok(text)
}

/// What a text was read from, and so what a place in it is for the one who gave it.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// A string, whose places are UTF-16 code units: this text.
    Utf16(&'a str),
    /// These bytes, which were [read](read_utf8).
    Bytes(&'a [u8]),
}

impl Origin<'_> {
    /// Where byte `at` of the text was, which is the start of a character or the end.
    pub fn place(self, at: usize) -> usize {
        match self {
            Self::Utf16(text) => utf16_length(&text[..at]),
            Self::Bytes(bytes) => {
                let (mut place, mut read) = (0, 0);
                for chunk in bytes.utf8_chunks() {
                    if at <= read + chunk.valid().len() {
                        break;
                    }
                    place += chunk.valid().len() + chunk.invalid().len();
                    read += chunk.valid().len() + REPLACED.len();
                }
                place + (at - read)
            }
        }
    }

    /// Where each byte of the text, and its end, was: that of its character.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], also where a place is not below 4 GiB.
    pub fn places(self) -> Result<Vec<u32>, Error> {
        let mut places = Vec::new();
        let mut place = 0;
        let mut push = |bytes: usize, length: usize| {
            reserve(&mut places, bytes)?;
            let at = u32::try_from(place).map_err(|_| Error::OutOfMemory { bytes: place })?;
            places.extend(iter::repeat_n(at, bytes));
            place += length;
            Ok(())
        };
        match self {
            Self::Utf16(text) => {
                text.chars().try_for_each(|character| push(character.len_utf8(), character.len_utf16()))?;
            }
            Self::Bytes(bytes) => {
                for chunk in bytes.utf8_chunks() {
                    chunk.valid().chars().try_for_each(|character| push(character.len_utf8(), character.len_utf8()))?;
                    if !chunk.invalid().is_empty() {
                        push(REPLACED.len(), chunk.invalid().len())?;
                    }
                }
            }
        }
        push(1, 0)?;
        Ok(places)
    }
}

/// Makes of ascending `places` in the text of `bytes`, which are starts of characters or its end, those in `bytes`.
pub(crate) fn to_places_before_reading(bytes: &[u8], places: &mut [u32]) {
    let (mut before, mut after, mut next) = (0, 0, 0);
    for chunk in bytes.utf8_chunks() {
        let valid_end = after + chunk.valid().len();
        while let Some(place) = places.get_mut(next).filter(|place| **place as usize <= valid_end) {
            *place = (before + (*place as usize - after)) as u32;
            next += 1;
        }
        before += chunk.valid().len() + chunk.invalid().len();
        after = valid_end + REPLACED.len();
    }
    // The end of what is not UTF-8 at the end of all.
    for place in &mut places[next..] {
        *place = before as u32;
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;

    use super::*;

    /// Bytes of all kinds, mostly text.
    fn bytes(rng: &mut Rng) -> Vec<u8> {
        let kinds: [&[u8]; 14] = [
            b"a",
            "é".as_bytes(),
            "中".as_bytes(),
            "𝄞".as_bytes(),
            "\u{fffd}".as_bytes(),
            b"\x80",
            b"\xc0",
            b"\xe4\xb8",
            b"\xed\xa0\x80",
            b"\xf0\x9f",
            b"\xf0\x9f\xa7",
            b"\xf4\x90",
            b"\xff",
            b"\xc3",
        ];
        let is_text = rng.below(4) == 0;
        (0..rng.below(40)).flat_map(|_| *rng.choose(if is_text { &kinds[..5] } else { &kinds[..] })).copied().collect()
    }

    #[test]
    fn bytes_are_read_as_the_standard_library_does() {
        let mut rng = Rng::new(1);
        for _ in 0..20_000 {
            let bytes = bytes(&mut rng);
            assert_eq!(read_utf8(&bytes, false).expect("it is lossy"), String::from_utf8_lossy(&bytes));
            match (read_utf8(&bytes, true), str::from_utf8(&bytes)) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected),
                (Err(Error::InvalidUtf8 { at }), Err(expected)) => assert_eq!(at, expected.valid_up_to()),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The starts of the characters of `text`, which was read from `bytes`, and its end: each with the longest start of `bytes` that is read as what is
    /// before it.
    fn expected(bytes: &[u8], text: &str) -> Vec<(usize, usize)> {
        let starts = (0..=bytes.len()).rev().map(|end| (String::from_utf8_lossy(&bytes[..end]), end));
        let starts: Vec<_> = starts.collect();
        let place = |at: usize| starts.iter().find(|(start, _)| *start == text[..at]).expect("there is one").1;
        (0..=text.len()).filter(|&at| text.is_char_boundary(at)).map(|at| (at, place(at))).collect()
    }

    #[test]
    fn places_are_those_before_reading() {
        let mut rng = Rng::new(2);
        for _ in 0..5_000 {
            let bytes = bytes(&mut rng);
            let text = read_utf8(&bytes, false).expect("it is lossy");
            let expected = expected(&bytes, &text);
            let origin = Origin::Bytes(&bytes);
            let table = origin.places().expect("there is memory");
            assert_eq!(table.len(), text.len() + 1);
            for &(at, place) in &expected {
                assert_eq!((origin.place(at), table[at] as usize), (place, place), "{at} of {bytes:x?}");
            }
            assert!((0..text.len()).all(|at| table[at] == table[text.floor_char_boundary(at)]));
            // Some of them, some more than once.
            let some: Vec<_> = expected.iter().filter(|_| rng.below(3) > 0).flat_map(|both| [both, both]).collect();
            let mut places: Vec<u32> = some.iter().map(|&&(at, _)| at as u32).collect();
            to_places_before_reading(&bytes, &mut places);
            assert!(places.iter().map(|&place| place as usize).eq(some.iter().map(|&&(_, place)| place)), "{bytes:x?}");
        }
    }

    #[test]
    fn places_in_a_string_are_code_units() {
        let text = "aé中𝄞b";
        let places = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 5, 6];
        assert_eq!(Origin::Utf16(text).places().expect("there is memory"), places);
        for (at, _) in text.char_indices() {
            assert_eq!(Origin::Utf16(text).place(at), places[at] as usize);
        }
        assert_eq!(Origin::Utf16("").places().expect("there is memory"), [0]);
    }
}

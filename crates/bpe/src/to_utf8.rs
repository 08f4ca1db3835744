//! UTF-16 to UTF-8: a string of a language that holds UTF-16 is copied at the speed of memory, and turned into UTF-8 here, on any thread.

use std::hint::select_unpredictable;
use std::mem::MaybeUninit;

use crate::Error;

/// Units that are looked at together.
const BLOCK: usize = 32;

/// Appends `units` to `text`, with U+FFFD for each lone surrogate.
///
/// # Errors
/// [`Error::OutOfMemory`]; `text` is then what it was.
pub fn push_utf16(text: &mut String, units: &[u16]) -> Result<(), Error> {
    // No unit becomes more than three bytes, and four are written for the last one.
    let most =
        units.len().checked_mul(3).and_then(|most| most.checked_add(1)).filter(|&most| text.try_reserve(most).is_ok());
    if most.is_none() {
        return Err(Error::OutOfMemory { bytes: units.len().saturating_mul(3) });
    }
    // SAFETY: nothing but UTF-8 is made part of it.
    let bytes = unsafe { text.as_mut_vec() };
    let before = bytes.len();
    let mut writer = Writer { bytes: bytes.spare_capacity_mut(), length: 0 };
    let mut rest = units;
    while let Some((block, after)) = rest.split_first_chunk::<BLOCK>() {
        let all = block.iter().fold(0, |all, unit| all | unit);
        if all < 0x80 {
            writer.push_ascii(block);
            rest = after;
        } else if block.iter().fold(0, |has, unit| has | u16::from(unit & 0xf800 == 0xd800)) == 0 {
            if all < 0x800 {
                writer.push_block::<2>(block);
            } else {
                writer.push_block::<3>(block);
            }
            rest = after;
        } else {
            // As many as a block has, before the next look at one.
            let mut used = 0;
            while used < rest.len().min(BLOCK) {
                used += writer.push_character(&rest[used..]);
            }
            rest = &rest[used..];
        }
    }
    while !rest.is_empty() {
        rest = &rest[writer.push_character(rest)..];
    }
    let length = before + writer.length;
    // SAFETY: so many bytes have been written: whole characters.
    unsafe { bytes.set_len(length) };
    Ok(())
}

/// Writes into memory that has three bytes for each unit that is still to come, and one more.
struct Writer<'a> {
    bytes: &'a mut [MaybeUninit<u8>],
    length: usize,
}

impl Writer<'_> {
    #[inline(always)]
    fn push_ascii(&mut self, block: &[u16; BLOCK]) {
        for (byte, &unit) in self.bytes[self.length..][..BLOCK].iter_mut().zip(block) {
            byte.write(unit as u8);
        }
        self.length += BLOCK;
    }

    /// Writes units that are characters of at most `LONGEST` bytes, two or three, without a branch for each of them.
    #[inline(always)]
    fn push_block<const LONGEST: usize>(&mut self, block: &[u16; BLOCK]) {
        let places = self.bytes[self.length..].first_chunk_mut::<{ 3 * BLOCK + 1 }>().expect("there is room for them");
        let (start, mut length) = (places.as_mut_ptr().cast::<u8>(), 0);
        for &unit in block {
            let unit = u32::from(unit);
            let tail = |shift: u32| 0x80 | (unit >> shift & 0x3f);
            let two = select_unpredictable(unit >= 0x80, 0xc0 | unit >> 6 | tail(0) << 8, unit);
            let three = 0xe0 | unit >> 12 | tail(6) << 8 | tail(0) << 16;
            let is_three = LONGEST == 3 && unit >= 0x800;
            let bytes = select_unpredictable(is_three, three, two);
            // SAFETY: there is room for three bytes of each unit and one more, and no unit before this one was given more.
            unsafe { start.add(length).cast::<[u8; 4]>().write(bytes.to_le_bytes()) };
            length += 1 + usize::from(unit >= 0x80) + usize::from(is_three);
        }
        self.length += length;
    }

    /// Writes the first character of `units`, which are not empty, and returns how many units it has.
    #[inline(always)]
    fn push_character(&mut self, units: &[u16]) -> usize {
        let unit = u32::from(units[0]);
        let tail = |code: u32, shift: u32| 0x80 | (code >> shift & 0x3f);
        let (bytes, length, used) = match unit {
            0..0x80 => (unit, 1, 1),
            0x80..0x800 => (0xc0 | unit >> 6 | tail(unit, 0) << 8, 2, 1),
            0xd800..0xe000 => match units {
                [0xd800..0xdc00, low @ 0xdc00..0xe000, ..] => {
                    let code = 0x1_0000 + ((unit & 0x3ff) << 10 | u32::from(*low) & 0x3ff);
                    (0xf0 | code >> 18 | tail(code, 12) << 8 | tail(code, 6) << 16 | tail(code, 0) << 24, 4, 2)
                }
                // U+FFFD
                _ => (0xbd_bfef, 3, 1),
            },
            _ => (0xe0 | unit >> 12 | tail(unit, 6) << 8 | tail(unit, 0) << 16, 3, 1),
        };
        let four = self.bytes[self.length..].first_chunk_mut::<4>().expect("there is room for four bytes");
        four.write_copy_of_slice(&bytes.to_le_bytes());
        self.length += length;
        used
    }
}

/// Strings that come in parts: the first half of a surrogate pair at the end of one waits for the second at the start of the next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Utf16Tail(Option<u16>);

impl Utf16Tail {
    /// Appends to `text` what has come up to the end of `units`, but for a half that waits.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; nothing has come then.
    pub fn push(&mut self, text: &mut String, units: &[u16]) -> Result<(), Error> {
        let (before, is_high) = (*self, |unit: &u16| unit & 0xfc00 == 0xd800);
        let Some(&last) = units.last() else { return Ok(()) };
        let mut rest = units;
        let length = text.len();
        if let Some(half) = before.0 {
            // It is a pair, or half is alone, and so is the other if it is one.
            let is_pair = units[0] & 0xfc00 == 0xdc00;
            rest = &units[usize::from(is_pair)..];
            push_utf16(text, &[half, units[0]][..=usize::from(is_pair)])?;
        }
        let whole = &rest[..rest.len() - usize::from(is_high(&last))];
        push_utf16(text, whole).inspect_err(|_| text.truncate(length))?;
        self.0 = Some(last).filter(is_high);
        Ok(())
    }

    /// Whether a half waits: no other comes now.
    pub fn end(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;

    use super::*;

    /// Units next to every border that the transcoder knows.
    const EDGES: [u16; 14] =
        [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xfffd, 0xfffe, 0xffff];

    fn transcoded(units: &[u16]) -> String {
        // What was there stays, and room is not what stops it.
        let mut text = "é".to_owned();
        push_utf16(&mut text, units).expect("there is memory");
        text.strip_prefix('é').expect("it was there").to_owned()
    }

    #[test]
    fn any_pair_of_edges_at_any_place_of_any_length() {
        for length in 2..=3 * BLOCK + 2 {
            for (first, second) in EDGES.into_iter().flat_map(|first| EDGES.map(|second| (first, second))) {
                // All of one kind, but for two: blocks of ASCII, of two bytes, of three.
                for filler in [0x41, 0xe9, 0x4e2d] {
                    let mut units = vec![filler; length];
                    for at in [0, length / 2 - 1, length - 2].into_iter().chain((BLOCK - 1..length - 1).step_by(BLOCK))
                    {
                        units[at..at + 2].copy_from_slice(&[first, second]);
                        assert_eq!(transcoded(&units), String::from_utf16_lossy(&units), "{at} of {units:x?}");
                        units[at..at + 2].fill(filler);
                    }
                }
            }
        }
        assert_eq!(transcoded(&[]), "");
    }

    #[test]
    fn any_units() {
        let mut rng = Rng::new(1);
        for round in 0..20_000 {
            let mut any = || match round % 4 {
                0 => rng.below(1 << 16) as u16,
                1 => *rng.choose(&EDGES),
                2 => rng.below(0x800) as u16,
                // Pairs and halves.
                _ => [0xd800, 0xdc00, 0x61][rng.below(3)] + rng.below(0x400) as u16,
            };
            let units: Vec<u16> = (0..round % 300).map(|_| any()).collect();
            assert_eq!(transcoded(&units), String::from_utf16_lossy(&units), "{units:x?}");
        }
    }

    #[test]
    fn parts_are_read_as_the_whole_wherever_they_are_cut() {
        let mut rng = Rng::new(2);
        for _ in 0..20_000 {
            let units: Vec<u16> = (0..rng.below(12)).map(|_| *rng.choose(&EDGES)).collect();
            let (mut tail, mut text, mut rest) = (Utf16Tail::default(), String::new(), &units[..]);
            while !rest.is_empty() {
                let (part, after) = rest.split_at(rng.below(rest.len().min(4) + 1));
                tail.push(&mut text, part).expect("there is memory");
                rest = after;
            }
            if tail.end() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            assert!(!tail.end(), "it is told once");
            assert_eq!(text, String::from_utf16_lossy(&units), "{units:x?}");
        }
    }
}

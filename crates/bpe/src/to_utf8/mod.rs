//! UTF-16 to UTF-8: a string of a language that holds UTF-16 is copied at the speed of memory, and turned into UTF-8 here, on any thread.

#[cfg(target_arch = "x86_64")]
mod x86;

use std::hint::select_unpredictable;
use std::mem::MaybeUninit;

use crate::{Error, Level};

/// Units that are looked at together.
const BLOCK: usize = 32;
/// No unit becomes more than three bytes, and up to four more are written behind the last one.
const BEHIND: usize = 4;
/// The places for the bytes of a block.
const ROOM: usize = 3 * BLOCK + BEHIND;

/// Appends `units` to `text`, with U+FFFD for each lone surrogate.
///
/// # Errors
/// [`Error::OutOfMemory`]; `text` is then what it was.
pub fn push_utf16(text: &mut String, units: &[u16]) -> Result<(), Error> {
    push_at(Level::best(), text, units)
}

fn push_at(level: Level, text: &mut String, units: &[u16]) -> Result<(), Error> {
    let most = units.len().checked_mul(3).and_then(|most| most.checked_add(BEHIND));
    if most.is_none_or(|most| text.try_reserve(most).is_err()) {
        return Err(Error::OutOfMemory { bytes: units.len().saturating_mul(3) });
    }
    // SAFETY: nothing but UTF-8 is made part of it.
    let bytes = unsafe { text.as_mut_vec() };
    let places = bytes.spare_capacity_mut();
    let count = match level {
        // SAFETY: there is a level only where the processor has its instructions.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => unsafe { x86::fill_avx2(units, places) },
        _ => fill(units, places, Portable),
    };
    // SAFETY: so many bytes have been written: whole characters.
    unsafe { bytes.set_len(bytes.len() + count) };
    Ok(())
}

/// Writes the characters of `units` to `bytes`, which have room for three of each unit and [`BEHIND`] more, and returns how many bytes they are.
#[inline(always)]
fn fill(units: &[u16], bytes: &mut [MaybeUninit<u8>], blocks: impl Blocks) -> usize {
    let (mut rest, mut length) = (units, 0);
    while let Some((block, after)) = rest.split_first_chunk::<BLOCK>() {
        let places = bytes[length..].first_chunk_mut().expect("there is room for a block");
        let count = match blocks.longest(block) {
            Some(1) => blocks.push_ascii(block, places),
            Some(2) => blocks.push_of_two(block, places),
            Some(_) => blocks.push_of_three(block, places),
            None => {
                // As many as a block has, before the next look at one.
                let mut used = 0;
                while used < rest.len().min(BLOCK) {
                    used += push_character(&rest[used..], bytes, &mut length);
                }
                rest = &rest[used..];
                continue;
            }
        };
        length += count;
        rest = after;
    }
    while !rest.is_empty() {
        rest = &rest[push_character(rest, bytes, &mut length)..];
    }
    length
}

/// Reads blocks of units, and writes those without surrogates.
trait Blocks: Copy {
    /// The most bytes that a unit becomes; `None` where there are surrogates.
    fn longest(self, block: &[u16; BLOCK]) -> Option<u8>;
    /// Writes characters of one byte, and returns how many bytes they are.
    fn push_ascii(self, block: &[u16; BLOCK], places: &mut [MaybeUninit<u8>; ROOM]) -> usize;
    /// The same of one and two bytes.
    fn push_of_two(self, block: &[u16; BLOCK], places: &mut [MaybeUninit<u8>; ROOM]) -> usize;
    /// The same of one to three bytes.
    fn push_of_three(self, block: &[u16; BLOCK], places: &mut [MaybeUninit<u8>; ROOM]) -> usize;
}

/// A unit at a time, without a branch for each of them.
#[derive(Clone, Copy)]
struct Portable;

impl Blocks for Portable {
    #[inline(always)]
    fn longest(self, block: &[u16; BLOCK]) -> Option<u8> {
        let all = block.iter().fold(0, |all, unit| all | unit);
        if all < 0x80 {
            return Some(1);
        }
        let has_surrogates = block.iter().fold(0, |has, unit| has | u16::from(unit & 0xf800 == 0xd800)) != 0;
        (!has_surrogates).then_some(if all < 0x800 { 2 } else { 3 })
    }

    #[inline(always)]
    fn push_ascii(self, block: &[u16; BLOCK], places: &mut [MaybeUninit<u8>; ROOM]) -> usize {
        for (byte, &unit) in places.iter_mut().zip(block) {
            byte.write(unit as u8);
        }
        BLOCK
    }

    #[inline(always)]
    fn push_of_two(self, block: &[u16; BLOCK], places: &mut [MaybeUninit<u8>; ROOM]) -> usize {
        push_block::<2>(block, places)
    }

    #[inline(always)]
    fn push_of_three(self, block: &[u16; BLOCK], places: &mut [MaybeUninit<u8>; ROOM]) -> usize {
        push_block::<3>(block, places)
    }
}

/// Characters of at most `LONGEST` bytes.
#[inline(always)]
fn push_block<const LONGEST: usize>(block: &[u16; BLOCK], places: &mut [MaybeUninit<u8>; ROOM]) -> usize {
    let (start, mut length) = (places.as_mut_ptr().cast::<u8>(), 0);
    for &unit in block {
        let unit = u32::from(unit);
        let tail = |shift: u32| 0x80 | (unit >> shift & 0x3f);
        let two = select_unpredictable(unit >= 0x80, 0xc0 | unit >> 6 | tail(0) << 8, unit);
        let three = 0xe0 | unit >> 12 | tail(6) << 8 | tail(0) << 16;
        let is_three = LONGEST == 3 && unit >= 0x800;
        let bytes = select_unpredictable(is_three, three, two);
        // SAFETY: there is room for three bytes of each unit and some more, and no unit before this one was given more.
        unsafe { start.add(length).cast::<[u8; 4]>().write(bytes.to_le_bytes()) };
        length += 1 + usize::from(unit >= 0x80) + usize::from(is_three);
    }
    length
}

/// Writes the first character of `units`, which are not empty, behind the first `length` of `bytes`, and returns how many units it has.
#[inline(always)]
fn push_character(units: &[u16], bytes: &mut [MaybeUninit<u8>], length: &mut usize) -> usize {
    let unit = u32::from(units[0]);
    let tail = |code: u32, shift: u32| 0x80 | (code >> shift & 0x3f);
    let (character, count, used) = match unit {
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
    let four = bytes[*length..].first_chunk_mut::<4>().expect("there is room for four bytes");
    four.write_copy_of_slice(&character.to_le_bytes());
    *length += count;
    used
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

    fn transcoded(level: Level, units: &[u16]) -> String {
        // What was there stays, and room is not what stops it.
        let mut text = "é".to_owned();
        push_at(level, &mut text, units).expect("there is memory");
        text.strip_prefix('é').expect("it was there").to_owned()
    }

    fn check(units: &[u16]) {
        let expected = String::from_utf16_lossy(units);
        for level in Level::available() {
            assert_eq!(transcoded(level, units), expected, "{level:?}: {units:x?}");
        }
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
                        check(&units);
                        units[at..at + 2].fill(filler);
                    }
                }
            }
        }
        check(&[]);
    }

    #[test]
    fn any_units() {
        let mut rng = Rng::new(1);
        for round in 0..20_000 {
            let mut any = || match round % 5 {
                0 => rng.below(1 << 16) as u16,
                1 => *rng.choose(&EDGES),
                2 => rng.below(0x800) as u16,
                // No surrogates: blocks of one to three bytes.
                3 => [0x41, 0xe9, 0x4e2d][rng.below(3)],
                // Pairs and halves.
                _ => [0xd800, 0xdc00, 0x61][rng.below(3)] + rng.below(0x400) as u16,
            };
            let units: Vec<u16> = (0..round % 300).map(|_| any()).collect();
            check(&units);
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

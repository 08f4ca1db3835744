//! UTF-8 to UTF-16, 64 bytes at a time: where characters start is told of all at once, so that no branch depends on how long each of them is, which in
//! most alphabets cannot be foreseen.

use crate::Level;
use crate::units::Utf16;

const BLOCK: usize = 64;
/// With the bytes of a character that starts with the last one of a block.
const READ: usize = BLOCK + 3;
/// The units of a block, at most one more than bytes, and no fewer than a look at them takes.
const ROOM: usize = 2 * BLOCK;

/// Appends `bytes` to `text`, but for a last character of which there may be bytes to come, and returns how many bytes that were. `None` when they are
/// not UTF-8 whatever comes, or there is not enough memory.
pub(crate) fn push_utf8(level: Level, bytes: &[u8], text: &mut Utf16) -> Option<usize> {
    let whole = &bytes[..whole_characters(bytes)];
    if whole.len() < BLOCK / 2 {
        push_short(str::from_utf8(whole).ok()?, text)?;
    } else {
        push_by::<false>(level, whole, text)?;
    }
    Some(whole.len())
}

/// Appends `new` to `text`. `None`: there is not enough memory.
pub(crate) fn push_str(level: Level, new: &str, text: &mut Utf16) -> Option<()> {
    if new.len() < BLOCK { push_short(new, text) } else { push_by::<true>(level, new.as_bytes(), text) }
}

fn push_short(new: &str, text: &mut Utf16) -> Option<()> {
    let (units, mut count) = (text.room(new.len()).ok()?, 0);
    for character in new.chars() {
        count += character.encode_utf16(&mut units[count..]).len();
    }
    text.add(count);
    Some(())
}

/// Appends `bytes`, which are known to be UTF-8 when `IS_TEXT`.
fn push_by<const IS_TEXT: bool>(level: Level, bytes: &[u8], text: &mut Utf16) -> Option<()> {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => {
            // SAFETY: there is a level only where the processor has its instructions.
            unsafe { push_avx2::<IS_TEXT>(bytes, text) }
        }
        _ => push::<IS_TEXT>(bytes, text, bits_of),
    }
}

/// Up to where `bytes` have all bytes of their characters, if they are UTF-8.
fn whole_characters(bytes: &[u8]) -> usize {
    let last = bytes.iter().rposition(|&byte| byte & 0xc0 != 0x80);
    let is_cut = |&first: &usize| first + bytes[first].leading_ones().min(4) as usize > bytes.len();
    last.filter(is_cut).unwrap_or(bytes.len())
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn push_avx2<const IS_TEXT: bool>(bytes: &[u8], text: &mut Utf16) -> Option<()> {
    push::<IS_TEXT>(bytes, text, |character, mask| std::arch::x86_64::_pext_u32(character, mask))
}

/// The bits of `character` that are set in `mask`, side by side; it is one of `BITS`.
#[inline(always)]
fn bits_of(character: u32, mask: u32) -> u32 {
    let byte = |shift: u32| character >> shift & 0x3f;
    // As if it were of four bytes, without those that are not there.
    let all = (character & mask) >> 24 << 18 | byte(16) << 12 | byte(8) << 6 | byte(0);
    all >> (mask.trailing_zeros() / 8 * 6)
}

/// Appends `bytes`; `bits` is what [`bits_of`] is.
#[inline(always)]
fn push<const IS_TEXT: bool>(bytes: &[u8], text: &mut Utf16, bits: impl Fn(u32, u32) -> u32) -> Option<()> {
    // No byte becomes more than one unit.
    let mut places = text.room(bytes.len().checked_add(ROOM)?).ok()?;
    let (mut rest, mut count, mut tails) = (bytes, 0, 0);
    while !rest.is_empty() {
        let (length, mut last) = (rest.len().min(BLOCK), [0; READ]);
        let block = rest.first_chunk().unwrap_or_else(|| {
            last[..rest.len().min(READ)].copy_from_slice(rest);
            &last
        });
        let units = places.first_chunk_mut::<ROOM>()?;
        let written = if tails == 0 && block[..BLOCK].is_ascii() {
            for at in 0..BLOCK {
                units[at] = block[at].into();
            }
            length
        } else {
            push_block::<IS_TEXT>(block, length, &mut tails, units, &bits)?
        };
        places = &mut places[written..];
        count += written;
        rest = &rest[length..];
    }
    text.add(count);
    Some(())
}

/// Writes the characters that start in the first `length` bytes of `block`, and returns how many units they are. `tails`: which of its first bytes have
/// to go on a character of the block before, and then which of the next block.
#[inline(always)]
fn push_block<const IS_TEXT: bool>(
    block: &[u8; READ],
    length: usize,
    tails: &mut u64,
    units: &mut [u16; ROOM],
    bits: impl Fn(u32, u32) -> u32,
) -> Option<usize> {
    let starts = Starts::of(block);
    let wanted = *tails | starts.of_many << 1 | starts.of_three << 2 | starts.of_four << 3;
    *tails = starts.of_many >> 63 | starts.of_three >> 62 | starts.of_four >> 61;
    let are_tails = starts.not_ascii & !starts.of_many;
    // Of two bytes that start no character, or of more than four.
    let wrong = |byte: u8| u8::from(byte & 0xfe == 0xc0) | u8::from(byte >= 0xf5);
    let are_wrong = block[..BLOCK].iter().fold(0, |are, &byte| are | wrong(byte)) != 0;
    if !IS_TEXT && (wanted != are_tails || (length < BLOCK && *tails != 0) || are_wrong) {
        return None;
    }
    let (mut firsts, mut is_less, mut count) = (!are_tails & (!0 >> (BLOCK - length)), 0, 0);
    if starts.of_four == 0 {
        count = firsts.count_ones() as usize;
        for unit in &mut units[..count] {
            let (code, least) = character(block, firsts, &bits);
            // The first bit of a negative number.
            is_less |= code.wrapping_sub(least);
            *unit = code as u16;
            firsts &= firsts - 1;
        }
        let is_surrogate = |unit: u16| u16::from(unit & 0xf800 == 0xd800);
        let have_surrogates = units[..count].iter().fold(0, |have, &unit| have | is_surrogate(unit)) != 0;
        return (IS_TEXT || is_less >> 31 == 0 && !have_surrogates).then_some(count);
    }
    while firsts != 0 {
        let (code, least) = character(block, firsts, &bits);
        let character = char::from_u32(code).filter(|_| IS_TEXT || code >= least)?;
        count += character.encode_utf16(&mut units[count..]).len();
        firsts &= firsts - 1;
    }
    Some(count)
}

/// The character that starts at the first of `firsts`, and the least one that has as many bytes.
#[inline(always)]
fn character(block: &[u8; READ], firsts: u64, bits: impl Fn(u32, u32) -> u32) -> (u32, u32) {
    let at = firsts.trailing_zeros() as usize % BLOCK;
    let four = u32::from_be_bytes(*block[at..].first_chunk().expect("four bytes"));
    let kind = (four >> 28) as usize;
    (bits(four, BITS[kind]), LEAST[kind])
}

/// Of four bytes, which bits are of the character that the first one starts, by the first four bits of that.
const BITS: [u32; 16] = {
    let (one, two, three, four) = (0x7f00_0000, 0x1f3f_0000, 0x0f3f_3f00, 0x073f_3f3f);
    [one, one, one, one, one, one, one, one, one, one, one, one, two, two, three, four]
};
/// The least character of as many bytes.
const LEAST: [u32; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x80, 0x800, 0x1_0000];

/// Where in a block what starts, a bit for each byte.
#[derive(Default)]
struct Starts {
    /// Or goes on: all bytes of characters that are not ASCII.
    not_ascii: u64,
    /// Characters of two bytes or more, of three or more, of four.
    of_many: u64,
    of_three: u64,
    of_four: u64,
}

impl Starts {
    #[inline(always)]
    fn of(block: &[u8; READ]) -> Self {
        let mut starts = Self::default();
        for (index, bytes) in block[..BLOCK].as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*bytes);
            // A bit at the first place of each byte, where the bits before it are set too.
            let not_ascii = word & 0x8080_8080_8080_8080;
            let of_many = not_ascii & word << 1;
            let of_three = of_many & word << 2;
            let of_four = of_three & word << 3;
            // The first bits of eight bytes, side by side.
            let put = |bits: u64| ((bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * index);
            starts.not_ascii |= put(not_ascii);
            starts.of_many |= put(of_many);
            starts.of_three |= put(of_three);
            starts.of_four |= put(of_four);
        }
        starts
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;

    use super::*;

    /// Up to a last character that may go on, and what is left of the bytes.
    fn expected(bytes: &[u8]) -> Option<(Vec<u16>, usize)> {
        let whole = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
            Err(_) => return None,
        };
        Some((whole.encode_utf16().collect(), whole.len()))
    }

    fn assert_as_expected(bytes: &[u8]) {
        for level in Level::available() {
            let mut text = Utf16::new();
            text.extend(&[7]).expect("there is memory");
            let done = push_utf8(level, bytes, &mut text);
            match (expected(bytes), done) {
                (Some((units, length)), Some(done)) => {
                    assert!(text[0] == 7 && text[1..] == units && done == length, "{level:?} {bytes:x?}");
                    // What is known to be UTF-8 is not looked at for that.
                    let whole = str::from_utf8(&bytes[..length]).expect("it was read");
                    push_str(level, whole, &mut text).expect("there is memory");
                    assert!(text[1..] == [&units[..], &units].concat(), "{level:?} {bytes:x?}");
                }
                // Bytes that are not UTF-8 may be seen to be so when others come.
                (None, Some(done)) => assert!(done + 3 >= bytes.len(), "{level:?} {bytes:x?}"),
                (expected, done) => assert!(expected.is_none() && done.is_none(), "{level:?} {bytes:x?}"),
            }
        }
    }

    #[test]
    fn any_characters_anywhere_in_a_block() {
        let mut rng = Rng::new(1);
        let alphabets = [
            "a",
            "aé",
            "aя7",
            "中a文",
            "中文я",
            "a𝄞",
            "🧑я中a",
            "\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}",
        ];
        for round in 0..4_000 {
            let characters: Vec<char> = alphabets[round % alphabets.len()].chars().collect();
            let text: String = (0..rng.below(300)).map(|_| *rng.choose(&characters)).collect();
            assert_as_expected(text.as_bytes());
            // Cut, in a character too.
            assert_as_expected(&text.as_bytes()[..rng.below(text.len() + 1)]);
        }
    }

    #[test]
    fn bytes_that_are_no_text_anywhere_in_a_block() {
        let mut rng = Rng::new(2);
        // Of every class of bytes that UTF-8 tells apart.
        let kinds = [
            0x41, 0x80, 0x90, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xee, 0xf0, 0xf1, 0xf4, 0xf5, 0xf8,
            0xff,
        ];
        let characters: Vec<char> = "aя中𝄞".chars().collect();
        for _ in 0..20_000 {
            let mut bytes = Vec::new();
            while bytes.len() < 40 + rng.below(120) {
                bytes.extend(rng.choose(&characters).to_string().bytes());
            }
            for _ in 0..=rng.below(3) {
                let at = rng.below(bytes.len());
                bytes[at] = *rng.choose(&kinds);
            }
            assert_as_expected(&bytes);
        }
    }
}

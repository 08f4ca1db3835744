//! UTF-16 to UTF-8 and back. A JavaScript string is copied out as UTF-16 at the speed of memory, and turned into UTF-8 on any thread; the
//! engine's own way to UTF-8 is some ten times slower than that copy, and can only be gone on the main thread.

use std::hint::select_unpredictable;
use std::mem::MaybeUninit;
use std::slice;

/// Units that are looked at together.
const BLOCK: usize = 32;

/// Appends `units` to `bytes` as UTF-8, with U+FFFD for each lone surrogate. `None`: there is not enough memory.
pub fn append_utf8(units: &[u16], bytes: &mut Vec<u8>) -> Option<()> {
    // No unit becomes more than three bytes, and four are written for the last one.
    bytes.try_reserve(units.len().checked_mul(3)?.checked_add(1)?).ok()?;
    let mut writer = Writer { end: bytes.len(), bytes: bytes.spare_capacity_mut(), length: 0 };
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
    let length = writer.end + writer.length;
    // SAFETY: so many bytes have been written.
    unsafe { bytes.set_len(length) };
    Some(())
}

/// `text` as UTF-16, and whether every unit is below 256. `None`: there is not enough memory.
pub fn to_utf16(text: &str) -> Option<(Vec<u16>, bool)> {
    let mut units: Vec<u16> = Vec::new();
    // No byte becomes more than one unit.
    units.try_reserve_exact(text.len()).ok()?;
    let places = units.spare_capacity_mut();
    let bytes = text.as_bytes();
    let (mut at, mut length, mut all) = (0, 0, 0);
    while at < bytes.len() {
        if let Some(block) = bytes[at..].first_chunk::<BLOCK>()
            && block.is_ascii()
        {
            for (place, &byte) in places[length..][..BLOCK].iter_mut().zip(block) {
                place.write(u16::from(byte));
            }
            at += BLOCK;
            length += BLOCK;
            continue;
        }
        // As many as a block has, before the next look at one.
        let end = bytes.len().min(at + BLOCK);
        while at < end {
            let tail = |offset: usize| u32::from(bytes[at + offset] & 0x3f);
            let first = u32::from(bytes[at]);
            let (code, used) = match first {
                0..0x80 => (first, 1),
                0x80..0xe0 => ((first & 0x1f) << 6 | tail(1), 2),
                0xe0..0xf0 => ((first & 0x0f) << 12 | tail(1) << 6 | tail(2), 3),
                _ => ((first & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4),
            };
            all |= code;
            if code < 0x1_0000 {
                places[length].write(code as u16);
                length += 1;
            } else {
                let code = code - 0x1_0000;
                places[length].write((0xd800 | code >> 10) as u16);
                places[length + 1].write((0xdc00 | code & 0x3ff) as u16);
                length += 2;
            }
            at += used;
        }
    }
    // SAFETY: so many units have been written.
    unsafe { units.set_len(length) };
    Some((units, all < 0x100))
}

/// `units`, each of which is below 256, as bytes, in the first half of their memory.
pub fn to_latin1(units: &mut [u16]) -> &[u8] {
    let (length, units) = (units.len(), units.as_mut_ptr());
    let bytes = units.cast::<u8>();
    let mut done = 0;
    while done + BLOCK <= length {
        // SAFETY: so many units are there from `done` on, and as many bytes, up to `done + BLOCK`, in the memory of units that were read.
        unsafe {
            let block = units.add(done).cast::<[u16; BLOCK]>().read();
            bytes.add(done).cast::<[u8; BLOCK]>().write(narrowed(&block));
        }
        done += BLOCK;
    }
    for at in done..length {
        // SAFETY: likewise, one unit.
        unsafe { bytes.add(at).write(units.add(at).read() as u8) };
    }
    // SAFETY: so many bytes were written, in memory that stays borrowed.
    unsafe { slice::from_raw_parts(bytes, length) }
}

#[inline(always)]
fn narrowed(units: &[u16; BLOCK]) -> [u8; BLOCK] {
    let mut bytes = [0; BLOCK];
    for at in 0..BLOCK {
        bytes[at] = units[at] as u8;
    }
    bytes
}

/// The number of units of `text` as UTF-16.
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

/// Turns ascending places in a text from bytes to units: all of them in one pass over the text.
pub struct Places<'t> {
    text: &'t str,
    byte: usize,
    unit: usize,
}

impl<'t> Places<'t> {
    pub fn of(text: &'t str) -> Self {
        Self { text, byte: 0, unit: 0 }
    }

    /// The unit of byte `at`, which is not before that of the last call and not inside a character.
    pub fn units(&mut self, at: usize) -> usize {
        self.unit += utf16_length(&self.text[self.byte..at]);
        self.byte = at;
        self.unit
    }
}

/// Writes into memory that has three bytes for each unit that is still to come, and one more.
struct Writer<'a> {
    /// Where `bytes` starts in the whole.
    end: usize,
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

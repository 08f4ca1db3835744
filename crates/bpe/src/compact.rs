//! The form of a vocabulary in a file, which is used where it is.
//!
//! Little-endian: 8 bytes of magic and version; u32 count of ids; the lengths of the tokens as two planes of bytes (low, high), a hole
//! being of length 0; the left parts as three planes (low, middle, high), the right parts likewise (`0xffffff`: none); the bytes of
//! the tokens, one after the other.

use crate::Error;
use crate::vocabulary::{MAX_IDS, invalid};

const MAGIC: [u8; 8] = *b"tkmbpe\0\x02";
const HEADER: usize = MAGIC.len() + 4;
const PLANES: usize = 8;

/// In place of a part: the token is not made by a merge of two others.
pub(crate) const NO_PARTS: u32 = 0xff_ffff;

/// A vocabulary in this form.
#[derive(Clone, Copy)]
pub(crate) struct Compact<'a> {
    count: usize,
    planes: &'a [u8],
    /// The bytes of all tokens.
    pub bytes: &'a [u8],
}

impl<'a> Compact<'a> {
    /// The one in `file`.
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] when it is none. Lengths and parts may be any.
    pub fn read(file: &'a [u8]) -> Result<Self, Error> {
        let (magic, rest) = file.split_at_checked(MAGIC.len()).ok_or_else(ends_early)?;
        if magic != MAGIC {
            return Err(invalid("expected a Tokenmill vocabulary of version 2".to_owned()));
        }
        let count = rest.first_chunk().copied().map(u32::from_le_bytes).ok_or_else(ends_early)? as usize;
        if count > MAX_IDS {
            return Err(invalid(format!("expected at most {MAX_IDS} tokens, found {count}")));
        }
        if file.len() < HEADER + PLANES * count { Err(ends_early()) } else { Ok(Self::of(file, count)) }
    }

    /// The one in `file`, which was read before: it has `count` ids.
    #[inline]
    pub fn of(file: &'a [u8], count: usize) -> Self {
        let (planes, bytes) = file[HEADER..].split_at(PLANES * count);
        Self { count, planes, bytes }
    }

    /// The form of a vocabulary whose token `id` is `bytes[starts[id]..starts[id + 1]]`, made of `parts[id]`, which are [`NO_PARTS`] where it is
    /// made of none.
    pub fn write(starts: &[u32], parts: &[[u32; 2]], bytes: &[u8]) -> Vec<u8> {
        let mut file = Vec::with_capacity(HEADER + PLANES * parts.len() + bytes.len());
        file.extend(MAGIC);
        file.extend((parts.len() as u32).to_le_bytes());
        for byte in 0..2 {
            file.extend(starts.array_windows().map(|[start, end]| (end - start).to_le_bytes()[byte]));
        }
        for side in 0..2 {
            for byte in 0..3 {
                file.extend(parts.iter().map(|parts| parts[side].to_le_bytes()[byte]));
            }
        }
        file.extend(bytes);
        file
    }

    /// Where each token starts in `bytes`, if they are not too long together for 32 bits, and at last where they end; the bytes of all and of the
    /// longest.
    pub fn starts(self) -> (Vec<u32>, u64, usize) {
        let mut starts = vec![0; self.count + 1];
        let (mut total, mut longest) = (0, 0);
        let (low, high) = (self.plane(0), self.plane(1));
        for id in 0..self.count {
            let length = u16::from_le_bytes([low[id], high[id]]);
            total += u64::from(length);
            longest = longest.max(length);
            starts[id + 1] = total as u32;
        }
        (starts, total, longest.into())
    }

    /// The ids of the tokens of so many bytes.
    pub fn of_length(self, length: u8) -> Vec<u32> {
        let (low, high) = (self.plane(0), self.plane(1));
        let mut ids = Vec::new();
        for id in memchr::memchr_iter(length, low) {
            if high[id] == 0 {
                ids.push(id as u32);
            }
        }
        ids
    }

    /// The two parts of token `id`, or [`NO_PARTS`].
    #[inline]
    pub fn parts(self, id: usize) -> [u32; 2] {
        let byte = |plane| self.plane(plane)[id];
        [u32::from_le_bytes([byte(2), byte(3), byte(4), 0]), u32::from_le_bytes([byte(5), byte(6), byte(7), 0])]
    }

    /// The first token whose parts are neither two ids nor none: what `parts` gives for all others can be looked up.
    pub fn with_unknown_parts(self) -> Option<usize> {
        let [left, right] = [2, 5].map(|first| [self.plane(first), self.plane(first + 1), self.plane(first + 2)]);
        let part = |planes: [&[u8]; 3], id| u32::from_le_bytes([planes[0][id], planes[1][id], planes[2][id], 0]);
        let is_known = |id| {
            let (left, right) = (part(left, id), part(right, id));
            // No number of three bytes is more than `NO_PARTS`.
            ((left.max(right) as usize) < self.count) | (left.min(right) == NO_PARTS)
        };
        let mut all_are_known = true;
        for id in 0..self.count {
            all_are_known &= is_known(id);
        }
        if all_are_known { None } else { (0..self.count).find(|&id| !is_known(id)) }
    }

    fn plane(self, number: usize) -> &'a [u8] {
        &self.planes[number * self.count..][..self.count]
    }
}

fn ends_early() -> Error {
    invalid("it ends before its last token".to_owned())
}

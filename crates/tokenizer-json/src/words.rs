//! What words came to: tables of a fixed size in which each word has one place, and takes it from another one.
//!
//! Whole words are compared, so no text makes it wrong; one whose words meet in a place makes it useless, and each word is then looked for in the
//! vocabulary. It belongs to one thread at a time.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::limits::LARGEST_TEXT;
use crate::memory::not_enough;

/// After so many bytes it is asked whether the work is to end.
pub(crate) const SOON: usize = 1 << 14;

/// How a walk through a text came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    WithIds,
    /// There are more ids than are asked for.
    WithMore,
    Cancelled,
    /// There is not enough memory for this many bytes of ids.
    TooLarge(usize),
    /// The `tokenizers` crate has to be asked: what a text comes to is not told here, or there is no unknown token, or a word has more bytes
    /// than it takes.
    Untold,
}

impl Ended {
    /// Whether there are ids; `false` where the `tokenizers` crate has to be asked.
    pub fn has_ids(self) -> Result<bool> {
        match self {
            Self::WithIds | Self::WithMore => Ok(true),
            Self::Untold => Ok(false),
            Self::Cancelled => Err(Error::Cancelled),
            Self::TooLarge(bytes) => Err(not_enough(bytes)),
        }
    }
}

/// Whether the work on a text is to end.
pub(crate) fn is_cancelled(cancel: Option<&AtomicBool>) -> bool {
    cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
}

/// Where a stretch of text starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Where the text does.
    OfText,
    AfterToken,
    /// Where a text was cut, as [`crate::by_words::ByWords::cut_before`] says.
    AtCut,
}

/// When a walk through a text is left.
#[derive(Clone, Copy)]
pub(crate) struct Until<'a> {
    pub cancel: Option<&'a AtomicBool>,
    /// So many ids are asked for.
    pub most: usize,
}

impl Until<'_> {
    /// How it ends that has found `ids` so far; `None`: it goes on, and there is room for the ids of what is read before this is asked again.
    pub fn ended(&self, ids: &mut Vec<u32>) -> Option<Ended> {
        /// More ids than most texts have for so many bytes.
        const ROOM: usize = SOON;
        if is_cancelled(self.cancel) {
            return Some(Ended::Cancelled);
        }
        if ids.len() > self.most {
            return Some(Ended::WithMore);
        }
        let bytes = size_of::<u32>() * (ids.len() + ROOM);
        ids.try_reserve(ROOM).err().map(|_| Ended::TooLarge(bytes))
    }
}

/// What finds the ids of a word.
pub(crate) trait Model {
    /// Adds the ids of `word`; `false` when it is unknown and there is no token for that.
    fn add(&self, word: &[u8], ids: &mut Vec<u32>) -> bool;

    /// Calls `add` for each part of `word`, up to one for which it is `false`: the ids of a word are those of its parts.
    fn each_part(&self, word: &[u8], mut add: impl FnMut(&[u8]) -> bool) -> bool {
        add(word)
    }
}

/// A word of at most [`Key::LONGEST`] bytes: the first one lowest, its length in the highest byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(u128);

impl Key {
    /// The most bytes of a word.
    pub const LONGEST: usize = 15;

    /// The key of `bytes[start..end]`, which are 1 to [`Key::LONGEST`].
    #[inline(always)]
    pub fn of(bytes: &[u8], start: usize, end: usize) -> Self {
        let length = end - start;
        let sixteen = if let Some(sixteen) = bytes.get(start..start + 16) {
            u128::from_le_bytes(sixteen.try_into().expect("sixteen bytes"))
        } else {
            let mut sixteen = [0; 16];
            sixteen[..length].copy_from_slice(&bytes[start..end]);
            u128::from_le_bytes(sixteen)
        };
        Self(sixteen & ((1 << (8 * length)) - 1) | (length as u128) << 120)
    }

    /// That of the word with a space before it; it has less than [`Key::LONGEST`] bytes.
    #[inline(always)]
    pub fn after_space(self) -> Self {
        const LENGTH: u128 = 0xff << 120;
        let length = (self.0 & LENGTH) + (1 << 120);
        Self(self.0 << 8 & !LENGTH | u128::from(b' ') | length)
    }

    /// That of the word with small letters; it is of ASCII.
    #[inline(always)]
    pub fn with_small_letters(self) -> Self {
        const ONES: u128 = u128::MAX / 0xff;
        // The highest bit of each byte is set where it is at least `A`, and where it is above `Z`. Lengths are below both.
        let from_a = self.0 + ONES * (0x80 - b'A' as u128);
        let above_z = self.0 + ONES * (0x7f - b'Z' as u128);
        Self(self.0 | (from_a & !above_z & ONES << 7) >> 2)
    }

    pub fn bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    #[inline(always)]
    fn place(self) -> usize {
        let (low, high) = (self.0 as u64, (self.0 >> 64) as u64);
        mixed(low.wrapping_mul(FACTOR) ^ high, Memory::BITS)
    }
}

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A place among `1 << bits`.
#[inline(always)]
fn mixed(number: u64, bits: u32) -> usize {
    let mixed = number.wrapping_mul(FACTOR);
    ((mixed ^ mixed >> 29).wrapping_mul(FACTOR) >> (64 - bits)) as usize
}

/// A word and its ids.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Entry {
    /// That of no word is 0.
    key: Key,
    ids: [u32; Entry::MOST],
    count: u32,
}

impl Entry {
    /// The most ids.
    const MOST: usize = 3;
    const EMPTY: Self = Self { key: Key(0), ids: [0; Self::MOST], count: 0 };
}

/// A word of [`LongEntry::WORDS`] bytes and its ids.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct LongEntry {
    /// Its first sixteen bytes and its last, which may be in both.
    ends: [u128; 2],
    ids: [u32; LongEntry::MOST],
    /// That of no word is 0.
    length: u8,
    count: u8,
}

impl LongEntry {
    const WORDS: RangeInclusive<usize> = 16..=32;
    /// The most ids.
    const MOST: usize = 7;
    const EMPTY: Self = Self { ends: [0; 2], ids: [0; Self::MOST], length: 0, count: 0 };

    /// The ends of a word of [`LongEntry::WORDS`] bytes.
    #[inline(always)]
    fn ends(word: &[u8]) -> [u128; 2] {
        let end = |part: Option<&[u8; 16]>| part.map_or(0, |part| u128::from_le_bytes(*part));
        [end(word.first_chunk()), end(word.last_chunk())]
    }

    #[inline(always)]
    fn place(ends: [u128; 2]) -> usize {
        let [first, last] = ends.map(|end| (end as u64).wrapping_mul(FACTOR) ^ (end >> 64) as u64);
        mixed(first.wrapping_mul(FACTOR) ^ last, Memory::LONG_BITS)
    }
}

/// The words that a thread remembers, and the one that it reads.
pub(crate) struct Memory {
    entries: Box<[Entry]>,
    long: Box<[LongEntry]>,
    /// What has been read of a word, as it is looked for.
    pub word: Vec<u8>,
}

impl Memory {
    /// A megabyte.
    const BITS: u32 = 15;
    /// A megabyte.
    const LONG_BITS: u32 = 14;

    pub fn new() -> Self {
        Self {
            entries: vec![Entry::EMPTY; 1 << Self::BITS].into(),
            long: vec![LongEntry::EMPTY; 1 << Self::LONG_BITS].into(),
            word: Vec::new(),
        }
    }

    /// Adds the ids of `word`, whose key is `key`; `false` when it is unknown and there is no token for that.
    #[inline(always)]
    pub fn add(&mut self, key: Key, word: &[u8], model: &impl Model, ids: &mut Vec<u32>) -> bool {
        let entry = &self.entries[key.place()];
        if entry.key != key {
            return self.learn(key, word, model, ids);
        }
        // All of them are copied, which takes no branch, and some kept.
        let count = ids.len();
        ids.extend_from_slice(&entry.ids);
        ids.truncate(count + entry.count as usize);
        true
    }

    #[inline(never)]
    fn learn(&mut self, key: Key, word: &[u8], model: &impl Model, ids: &mut Vec<u32>) -> bool {
        let before = ids.len();
        let is_known = model.add(word, ids);
        let found = &ids[before..];
        if is_known && found.len() <= Entry::MOST {
            let mut entry = Entry { key, count: found.len() as u32, ..Entry::EMPTY };
            entry.ids[..found.len()].copy_from_slice(found);
            self.entries[key.place()] = entry;
        }
        is_known
    }

    /// [`Memory::add`] for a word of any length; `false` also when it has more bytes than [`LARGEST_TEXT`], as models keep some tens for each.
    #[inline(always)]
    pub fn add_any(&mut self, word: &[u8], model: &impl Model, ids: &mut Vec<u32>) -> bool {
        if word.len() <= Key::LONGEST {
            self.add(Key::of(word, 0, word.len()), word, model, ids)
        } else if LongEntry::WORDS.contains(&word.len()) {
            self.add_long(word, model, ids)
        } else {
            word.len() <= LARGEST_TEXT && model.add(word, ids)
        }
    }

    fn add_long(&mut self, word: &[u8], model: &impl Model, ids: &mut Vec<u32>) -> bool {
        let ends = LongEntry::ends(word);
        let entry = &mut self.long[LongEntry::place(ends)];
        let before = ids.len();
        if entry.ends == ends && usize::from(entry.length) == word.len() {
            ids.extend_from_slice(&entry.ids);
            ids.truncate(before + usize::from(entry.count));
            return true;
        }
        let is_known = model.add(word, ids);
        let found = &ids[before..];
        if is_known && found.len() <= LongEntry::MOST {
            *entry = LongEntry { ends, length: word.len() as u8, count: found.len() as u8, ..LongEntry::EMPTY };
            entry.ids[..found.len()].copy_from_slice(found);
        }
        is_known
    }

    /// Puts `letter` to [`Memory::word`].
    #[inline(always)]
    pub fn push(&mut self, letter: char) {
        // Four bytes are put there in one go, of which some stay.
        let (mut four, length) = ([0; 4], self.word.len() + letter.len_utf8());
        letter.encode_utf8(&mut four);
        self.word.extend_from_slice(&four);
        self.word.truncate(length);
    }

    /// Adds the ids of [`Memory::word`], if there is one, and makes it empty.
    #[inline(always)]
    pub fn add_word(&mut self, model: &impl Model, ids: &mut Vec<u32>) -> bool {
        if self.word.is_empty() {
            return true;
        }
        let word = std::mem::take(&mut self.word);
        let is_known = model.each_part(&word, |part| self.add_any(part, model, ids));
        self.word = word;
        self.word.clear();
        is_known
    }
}

/// One memory for each thread that has been at work.
#[derive(Default)]
pub(crate) struct Memories(Mutex<Vec<Memory>>);

impl Memories {
    /// Calls `work` with one that no other thread has.
    pub fn with<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        let all = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = all().pop().unwrap_or_else(Memory::new);
        let done = work(&mut memory);
        all().push(memory);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_letters_are_those_of_ascii() {
        for byte in 0..0x80 {
            let word = [byte, b'A', b'Z', byte, b'@', b'[', b'a', b'z', byte];
            for length in 1..=word.len() {
                let key = Key::of(&word, 0, length).with_small_letters();
                let small = word[..length].to_ascii_lowercase();
                assert!(key == Key::of(&small, 0, length) && key.bytes()[..length] == small, "{byte}");
            }
        }
    }

    #[test]
    fn words_have_one_key_wherever_they_are() {
        let text = b"abcdefghijklmnopqrstuvwxyz";
        for start in 0..text.len() {
            for end in start + 1..=text.len().min(start + Key::LONGEST) {
                let alone = Key::of(&text[start..end], 0, end - start);
                assert!(Key::of(text, start, end) == alone);
                if end - start < Key::LONGEST {
                    let after_space = [b" ", &text[start..end]].concat();
                    assert!(alone.after_space() == Key::of(&after_space, 0, after_space.len()));
                }
                assert!(end - start == 1 || Key::of(text, start, end - 1) != alone);
            }
        }
    }
}

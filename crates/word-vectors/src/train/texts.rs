//! Texts as numbers of words.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use ahash::RandomState;
use unicode_segmentation::UnicodeSegmentation;

use crate::error::{check_cancel, reserved};
use crate::{Error, Result};

/// Ends a sentence.
pub(super) const END: u32 = u32::MAX;

/// How a line is cut into words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// The words of Unicode (UAX #29) that have a letter or a number.
    #[default]
    Words,
    /// What stands between white space.
    Spaces,
}

/// Sentences of words, of which each is kept once; 4 bytes for each word of the texts.
#[derive(Debug, Default)]
pub struct Texts {
    numbers: HashMap<Box<str>, u32, RandomState>,
    counts: Vec<u64>,
    ids: Vec<u32>,
    split: Split,
    lower_case: bool,
}

/// What is trained on.
#[derive(Debug)]
pub(super) struct Corpus {
    /// The most frequent first; of equally frequent ones the smaller in the order of bytes.
    pub words: Vec<Box<str>>,
    pub counts: Vec<u64>,
    /// Sentences, each with [`END`] after it.
    pub ids: Vec<u32>,
    /// Words in `ids`.
    pub tokens: u64,
}

/// A word in the order of a [`Corpus`].
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Known {
    count: Reverse<u64>,
    /// Mostly tells which of two words is first, without a look at them: they lie anywhere.
    head: u64,
    word: Box<str>,
    number: u32,
}

/// The first eight bytes of `word`, zeros where it is shorter.
fn head(word: &str) -> u64 {
    let mut head = [0; 8];
    let length = word.len().min(8);
    head[..length].copy_from_slice(&word.as_bytes()[..length]);
    u64::from_be_bytes(head)
}

impl Texts {
    /// No texts. With `lower_case`, words of [`Texts::add_text`] are made small.
    pub fn new(split: Split, lower_case: bool) -> Self {
        Self { split, lower_case, ..Self::default() }
    }

    /// The words that were added.
    pub fn tokens(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds a text: each line is a sentence.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn add_text(&mut self, text: &str) -> Result<()> {
        for line in text.lines() {
            match self.split {
                Split::Words => line.unicode_words().try_for_each(|word| self.add_cased(word))?,
                Split::Spaces => line.split_whitespace().try_for_each(|word| self.add_cased(word))?,
            }
            self.end_sentence()?;
        }
        Ok(())
    }

    fn add_cased(&mut self, word: &str) -> Result<()> {
        if self.lower_case && !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            self.add_word(&word.to_lowercase())
        } else {
            self.add_word(word)
        }
    }

    /// Adds the sentences of `other` after these.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn append(&mut self, other: Self) -> Result<()> {
        let mut places: Vec<u32> = reserved(other.counts.len())?;
        places.resize(other.counts.len(), END);
        for (word, number) in other.numbers {
            let own = self.number_of(word)?;
            self.counts[own as usize] += other.counts[number as usize];
            places[number as usize] = own;
        }
        self.ids.try_reserve(other.ids.len()).map_err(|_| Error::OutOfMemory { bytes: self.ids.len() * 4 })?;
        self.ids.extend(other.ids.into_iter().map(|id| if id == END { END } else { places[id as usize] }));
        Ok(())
    }

    /// Adds a sentence whose words are known.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn add_sentence<'w>(&mut self, words: impl IntoIterator<Item = &'w str>) -> Result<()> {
        words.into_iter().try_for_each(|word| self.add_word(word))?;
        self.end_sentence()
    }

    fn add_word(&mut self, word: &str) -> Result<()> {
        self.ids.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: self.ids.len() * 4 })?;
        let number = match self.numbers.get(word) {
            Some(&number) => number,
            None => self.number_of(word.into())?,
        };
        self.counts[number as usize] += 1;
        self.ids.push(number);
        Ok(())
    }

    /// The number of a word, which is new when it was not there.
    fn number_of(&mut self, word: Box<str>) -> Result<u32> {
        let next = self.counts.len() as u32;
        self.numbers.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: self.counts.len() * 32 })?;
        let number = *self.numbers.entry(word).or_insert(next);
        if number == next {
            if next == END {
                return Err(Error::OutOfMemory { bytes: usize::MAX });
            }
            self.counts.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: self.counts.len() * 8 })?;
            self.counts.push(0);
        }
        Ok(number)
    }

    fn end_sentence(&mut self) -> Result<()> {
        if self.ids.last().is_some_and(|&id| id != END) {
            self.ids.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: self.ids.len() * 4 })?;
            self.ids.push(END);
        }
        Ok(())
    }

    /// Leaves out words that are there less often than `min_count`. Stops soon after `cancel` is set.
    pub(super) fn into_corpus(self, min_count: u64, cancel: Option<&AtomicBool>) -> Result<Corpus> {
        let distinct = self.counts.len();
        let mut known: Vec<Known> = reserved(distinct)?;
        known.extend(self.numbers.into_iter().filter_map(|(word, number)| {
            let count = self.counts[number as usize];
            (count >= min_count).then(|| Known { count: Reverse(count), head: head(&word), word, number })
        }));
        check_cancel(cancel)?;
        known.sort_unstable();
        check_cancel(cancel)?;
        let mut places = reserved(distinct)?;
        places.resize(distinct, END);
        let mut counts = reserved(known.len())?;
        let mut words = reserved(known.len())?;
        for (place, Known { count, word, number, .. }) in known.into_iter().enumerate() {
            places[number as usize] = place as u32;
            counts.push(count.0);
            words.push(word);
        }
        let mut ids = self.ids;
        let (mut kept, mut tokens) = (0, 0);
        for at in 0..ids.len() {
            if at.is_multiple_of(1 << 20) {
                check_cancel(cancel)?;
            }
            let id = ids[at];
            let place = if id == END { END } else { places[id as usize] };
            if id != END && place == END {
                continue;
            }
            tokens += u64::from(id != END);
            ids[kept] = place;
            kept += 1;
        }
        ids.truncate(kept);
        // Two words at least: one alone has no context.
        if words.is_empty() || tokens < 2 {
            return Err(Error::TooFewWords { min_count, words: words.len(), distinct });
        }
        Ok(Corpus { words, counts, ids, tokens })
    }
}

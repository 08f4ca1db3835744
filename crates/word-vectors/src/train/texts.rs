//! Texts as numbers of words.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation;

use crate::error::reserved;
use crate::{Error, Result};

/// Ends a sentence.
pub(super) const END: u32 = u32::MAX;

/// Sentences of words, of which each is kept once; 4 bytes for each word of the texts.
#[derive(Debug, Default)]
pub struct Texts {
    numbers: HashMap<Box<str>, u32>,
    counts: Vec<u64>,
    ids: Vec<u32>,
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

impl Texts {
    /// No texts. With `lower_case`, words of [`Texts::add_text`] are made small.
    pub fn new(lower_case: bool) -> Self {
        Self { lower_case, ..Self::default() }
    }

    /// The words that were added.
    pub fn tokens(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds a text: each line is a sentence, and words are those of Unicode (UAX #29) that have a letter or a number.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn add_text(&mut self, text: &str) -> Result<()> {
        let mut lower = String::new();
        for line in text.lines() {
            for word in line.unicode_words() {
                if self.lower_case && !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
                    lower.clear();
                    lower.extend(word.chars().flat_map(char::to_lowercase));
                    self.add_word(&lower)?;
                } else {
                    self.add_word(word)?;
                }
            }
            self.end_sentence()?;
        }
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
        let number = if let Some(&number) = self.numbers.get(word) {
            number
        } else {
            let number = self.counts.len() as u32;
            if number == END {
                return Err(Error::OutOfMemory { bytes: usize::MAX });
            }
            self.numbers.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: self.counts.len() * 32 })?;
            self.counts.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: self.counts.len() * 8 })?;
            self.numbers.insert(word.into(), number);
            self.counts.push(0);
            number
        };
        self.counts[number as usize] += 1;
        self.ids.push(number);
        Ok(())
    }

    fn end_sentence(&mut self) -> Result<()> {
        if self.ids.last().is_some_and(|&id| id != END) {
            self.ids.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: self.ids.len() * 4 })?;
            self.ids.push(END);
        }
        Ok(())
    }

    /// Leaves out words that are there less often than `min_count`.
    pub(super) fn into_corpus(self, min_count: u64) -> Result<Corpus> {
        let distinct = self.counts.len();
        let mut known: Vec<(Box<str>, u32)> = reserved(distinct)?;
        known.extend(self.numbers.into_iter().filter(|&(_, number)| self.counts[number as usize] >= min_count));
        known.sort_unstable_by(|(a, first), (b, second)| {
            self.counts[*second as usize].cmp(&self.counts[*first as usize]).then_with(|| a.cmp(b))
        });
        let mut places = reserved(distinct)?;
        places.resize(distinct, END);
        let mut counts = reserved(known.len())?;
        let mut words = reserved(known.len())?;
        for (place, (word, number)) in known.into_iter().enumerate() {
            places[number as usize] = place as u32;
            counts.push(self.counts[number as usize]);
            words.push(word);
        }
        let mut ids = self.ids;
        let (mut kept, mut tokens) = (0, 0);
        for at in 0..ids.len() {
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

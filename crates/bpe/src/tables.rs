//! What texts are encoded with.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::crossings::Crossings;
use crate::few::Few;
use crate::index::Index;
use crate::merge::Merger;
use crate::pretokenize::{Parts, Pattern, Unjoined};
use crate::vocabulary::Vocabulary;
use crate::words::Words;

/// So many bytes are encoded by the index alone, in a fraction of the time that the large tables take to make.
const FIRST: usize = 16 << 10;
/// In pieces of at most so many, since a piece takes time by the square of its length.
const LONGEST: usize = 256;

/// The large tables: milliseconds to make and megabytes of memory.
pub(crate) struct Large {
    pub words: Words,
    pub merger: Merger,
    crossings: Option<Crossings>,
    /// Where the pattern makes no pieces.
    unjoined: Option<Unjoined>,
}

/// The large tables of a vocabulary, and a small one for the time before them: a process that encodes a few short texts never makes them.
#[derive(Default)]
pub(crate) struct Tables {
    large: OnceLock<Large>,
    index: Index,
    /// Bytes that were encoded without the large tables.
    first: AtomicUsize,
    /// Whether texts are not split into pieces.
    are_whole: bool,
}

impl Tables {
    /// Those for texts that `pattern` splits, to be made.
    pub fn new(pattern: &Pattern) -> Self {
        Self { are_whole: pattern.is_of_one_piece(), ..Self::default() }
    }

    /// The large tables when they are there, or when the pieces from `start` on that end at `ends` are worth it to make them.
    #[inline]
    pub fn large_for(&self, vocabulary: &Vocabulary, start: usize, ends: &[usize]) -> Option<&Large> {
        match self.large.get() {
            None if self.are_first(start, ends) => None,
            None => Some(self.large(vocabulary)),
            large => large,
        }
    }

    /// Where the pieces of `text` may be cut, once the large tables are there. A long text that is one piece is worth it to make them.
    #[inline]
    pub fn parts(&self, vocabulary: &Vocabulary, text: &str) -> Parts<'_> {
        let large =
            if self.are_whole && text.len() > LONGEST { Some(self.large(vocabulary)) } else { self.large.get() };
        match large {
            Some(Large { unjoined: Some(unjoined), .. }) => Parts::Unjoined(unjoined),
            Some(Large { crossings: Some(crossings), .. }) => Parts::Crossings(crossings),
            _ => Parts::Whole,
        }
    }

    /// Whether these pieces are for the index.
    #[cold]
    fn are_first(&self, start: usize, ends: &[usize]) -> bool {
        let mut from = start;
        let are_short = ends.iter().all(|&end| end - std::mem::replace(&mut from, end) <= LONGEST);
        are_short && self.first.fetch_add(from - start, Ordering::Relaxed) + (from - start) <= FIRST
    }

    /// The large tables.
    #[cold]
    pub fn large(&self, vocabulary: &Vocabulary) -> &Large {
        self.large.get_or_init(|| {
            let (words, crossings, unjoined, merger) = std::thread::scope(|scope| {
                let merger = std::thread::Builder::new().spawn_scoped(scope, || Merger::new(vocabulary));
                let words = Words::new(vocabulary);
                let unjoined = self.are_whole.then(|| Unjoined::new(vocabulary)).flatten();
                let crossings = if unjoined.is_none() { Crossings::new(vocabulary) } else { None };
                // Where there is no thread to be had, or it panicked, this one does it.
                let merger = merger.ok().and_then(|merger| merger.join().ok());
                (words, crossings, unjoined, merger.unwrap_or_else(|| Merger::new(vocabulary)))
            });
            Large { words, merger, crossings, unjoined }
        })
    }

    /// What encodes without them.
    pub fn few<'a>(&'a self, vocabulary: &'a Vocabulary) -> Few<'a> {
        Few { vocabulary, index: &self.index }
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::cases;

    use super::*;

    #[test]
    fn the_large_tables_are_made_for_much_text_or_a_long_piece() {
        let vocabulary = Vocabulary::from_compact(cases::read("encodings/r50k_base.bpe")).expect("well-formed");
        let (tables, ends) = (Tables::default(), [7, 7 + LONGEST]);
        assert!(tables.large_for(&vocabulary, 0, &[]).is_none());
        for _ in 0..FIRST / ends[1] {
            assert!(tables.large_for(&vocabulary, 0, &ends).is_none());
        }
        assert!(tables.large_for(&vocabulary, 0, &ends).is_some());
        assert!(Tables::default().large_for(&vocabulary, 0, &[7, 8 + LONGEST]).is_some());
    }
}

//! What texts are encoded with.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::crossings::Crossings;
use crate::few::Few;
use crate::index::Index;
use crate::merge::Merger;
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
    pub crossings: Option<Crossings>,
}

/// The large tables of a vocabulary, and a small one for the time before them: a process that encodes a few short texts never makes them.
#[derive(Default)]
pub(crate) struct Tables {
    large: OnceLock<Large>,
    index: Index,
    /// Bytes that were encoded without the large tables.
    first: AtomicUsize,
}

impl Tables {
    /// The large tables when they are there, or when the pieces from `start` on that end at `ends` are worth it to make them.
    #[inline]
    pub fn large_for(&self, vocabulary: &Vocabulary, start: usize, ends: &[usize]) -> Option<&Large> {
        match self.large.get() {
            None if self.are_first(start, ends) => None,
            None => Some(self.large(vocabulary)),
            large => large,
        }
    }

    /// Where pieces may be cut, once the large tables are there.
    #[inline]
    pub fn crossings(&self) -> Option<&Crossings> {
        self.large.get()?.crossings.as_ref()
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
            let (words, crossings, merger) = std::thread::scope(|scope| {
                let merger = std::thread::Builder::new().spawn_scoped(scope, || Merger::new(vocabulary));
                let (words, crossings) = (Words::new(vocabulary), Crossings::new(vocabulary));
                // Where there is no thread to be had, or it panicked, this one does it.
                let merger = merger.ok().and_then(|merger| merger.join().ok());
                (words, crossings, merger.unwrap_or_else(|| Merger::new(vocabulary)))
            });
            Large { words, merger, crossings }
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

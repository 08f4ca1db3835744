//! What texts are encoded with.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::few::Few;
use crate::index::Index;
use crate::merge::Merger;
use crate::vocabulary::Vocabulary;
use crate::words::Words;

/// So many bytes are encoded by the index alone, in a fraction of the time that the large tables take to make.
const FIRST: usize = 16 << 10;
/// In batches of at most so many, since a piece takes time by the square of its length.
const SHORT: usize = 2 << 10;

/// The large tables: milliseconds to make and megabytes of memory.
pub(crate) struct Large {
    pub words: Words,
    pub merger: Merger,
}

/// The large tables of a vocabulary, and a small one for the time before them: a process that encodes a few short texts never makes them.
#[derive(Default)]
pub(crate) struct Tables {
    large: OnceLock<Large>,
    index: OnceLock<Index>,
    /// Bytes that were encoded without the large tables.
    first: AtomicUsize,
}

impl Tables {
    /// The large tables when they are there, or when `bytes` more of text are worth it to make them.
    #[inline]
    pub fn large_for(&self, vocabulary: &Vocabulary, bytes: usize) -> Option<&Large> {
        if let Some(large) = self.large.get() {
            return Some(large);
        }
        let is_first = bytes <= SHORT && self.first.fetch_add(bytes, Ordering::Relaxed) < FIRST;
        if is_first { None } else { Some(self.large(vocabulary)) }
    }

    /// The large tables.
    #[cold]
    pub fn large(&self, vocabulary: &Vocabulary) -> &Large {
        self.large.get_or_init(|| {
            let (words, merger) = std::thread::scope(|scope| {
                let merger = std::thread::Builder::new().spawn_scoped(scope, || Merger::new(vocabulary));
                let words = Words::new(vocabulary);
                // Where there is no thread to be had, or it panicked, this one does it.
                let merger = merger.ok().and_then(|merger| merger.join().ok());
                (words, merger.unwrap_or_else(|| Merger::new(vocabulary)))
            });
            Large { words, merger }
        })
    }

    /// What encodes without them.
    pub fn few<'a>(&'a self, vocabulary: &'a Vocabulary) -> Few<'a> {
        Few { vocabulary, index: self.index.get_or_init(|| Index::new(vocabulary)) }
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::cases;

    use super::*;

    #[test]
    fn the_large_tables_are_made_for_a_long_text_or_many_short_ones() {
        let vocabulary = Vocabulary::from_compact(cases::read("encodings/r50k_base.bpe")).expect("well-formed");
        let tables = Tables::default();
        for _ in 0..FIRST / SHORT {
            assert!(tables.large_for(&vocabulary, SHORT).is_none());
        }
        assert!(tables.large_for(&vocabulary, 1).is_some());
        assert!(Tables::default().large_for(&vocabulary, SHORT + 1).is_some());
    }
}

//! Pre-tokenizers: text into pieces, the way a regular expression of tiktoken would, by hand-written scanners.
//!
//! Each scanner says where the piece that starts at a given place ends; it reads every byte at most a few times, so the
//! work is linear in the text. Pieces cover the text without gaps.

mod cl100k;
mod class;
mod class_table;
mod o200k;
mod r50k;
mod runs;

use cl100k::Cl100k;
use o200k::O200k;
use r50k::R50k;

/// The rule by which text is split into pieces, which are then merged each on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// GPT-2, r50k, p50k.
    R50k,
    /// GPT-3.5 and GPT-4.
    Cl100k,
    /// GPT-4o and later.
    O200k,
}

/// One pattern's scanner.
trait Scan {
    /// The end of the piece that starts at `start`. `text` is valid UTF-8; `start` is the start of a character and less
    /// than `text.len()`; the result is greater than `start` and the start of a character or `text.len()`.
    fn piece_end(text: &[u8], start: usize) -> usize;
}

impl Pattern {
    /// Its name, as `trainBpe` takes it and as fingerprints hold it.
    pub fn name(self) -> &'static str {
        match self {
            Self::R50k => "r50k",
            Self::Cl100k => "cl100k",
            Self::O200k => "o200k",
        }
    }

    /// The pieces of `text`, in order; joined they are `text`.
    pub fn pieces(self, text: &str) -> impl Iterator<Item = &str> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let mut end = [0];
            (self.scan(text, start, &mut end) == 1).then(|| {
                let piece = &text[start..end[0]];
                start = end[0];
                piece
            })
        })
    }

    /// Writes the ends of the next pieces from `start` on to `ends`, as many as there are and as fit, and returns how many.
    pub(crate) fn scan(self, text: &str, start: usize, ends: &mut [usize]) -> usize {
        match self {
            Self::R50k => scan::<R50k>(text.as_bytes(), start, ends),
            Self::Cl100k => scan::<Cl100k>(text.as_bytes(), start, ends),
            Self::O200k => scan::<O200k>(text.as_bytes(), start, ends),
        }
    }
}

#[inline(always)]
fn scan<S: Scan>(text: &[u8], mut start: usize, ends: &mut [usize]) -> usize {
    let mut count = 0;
    while count < ends.len() && start < text.len() {
        start = S::piece_end(text, start);
        ends[count] = start;
        count += 1;
    }
    count
}

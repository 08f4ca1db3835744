//! Pre-tokenizers: text into pieces, the way a regular expression of tiktoken would, by hand-written scanners.
//!
//! Each scanner says where the piece that starts at a given place ends; it reads every byte at most a few times, so the
//! work is linear in the text. Pieces cover the text without gaps.

mod block;
mod cl100k;
mod class;
mod class_table;
mod masks;
mod o200k;
mod r50k;
mod runs;
mod split;

use block::Rules;
use cl100k::Cl100k;
pub(crate) use masks::BLOCK;
use masks::{Classify, Portable};
use o200k::O200k;
use r50k::R50k;

use crate::Level;

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

/// One pattern's scanner, for any text.
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
            let end = match self {
                _ if start == text.len() => return None,
                Self::R50k => R50k::piece_end(text.as_bytes(), start),
                Self::Cl100k => Cl100k::piece_end(text.as_bytes(), start),
                Self::O200k => O200k::piece_end(text.as_bytes(), start),
            };
            let piece = &text[start..end];
            start = end;
            Some(piece)
        })
    }

    /// The pieces of `text` by the instructions of `level`: the same ones.
    pub fn pieces_by(self, level: Level, text: &str) -> Vec<&str> {
        let (mut pieces, mut start, mut ends) = (Vec::new(), 0, [0; 4 * BLOCK]);
        while start < text.len() {
            let count = self.scan(level, text, start, &mut ends);
            for &end in &ends[..count] {
                pieces.push(&text[start..end]);
                start = end;
            }
        }
        pieces
    }

    /// Writes the ends of the next pieces from `start` on to `ends`, and returns how many. Fewer than `ends.len() - BLOCK` are
    /// written only at the end of the text. `ends.len() >= BLOCK`.
    pub(crate) fn scan(self, level: Level, text: &str, start: usize, ends: &mut [usize]) -> usize {
        let text = text.as_bytes();
        match self {
            Self::R50k => scan::<R50k>(level, text, start, ends),
            Self::Cl100k => scan::<Cl100k>(level, text, start, ends),
            Self::O200k => scan::<O200k>(level, text, start, ends),
        }
    }
}

fn scan<S: Scan + Rules>(level: Level, text: &[u8], start: usize, ends: &mut [usize]) -> usize {
    match level {
        Level::Portable => scan_by::<S, Portable>(text, start, ends),
        // SAFETY: there is such a level only on processors that have AVX2.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { scan_avx2::<S>(text, start, ends) },
        // SAFETY: there is such a level only on processors that have AVX-512.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { scan_avx512::<S>(text, start, ends) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn scan_avx2<S: Scan + Rules>(text: &[u8], start: usize, ends: &mut [usize]) -> usize {
    scan_by::<S, masks::x86::Avx2>(text, start, ends)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn scan_avx512<S: Scan + Rules>(text: &[u8], start: usize, ends: &mut [usize]) -> usize {
    scan_by::<S, masks::x86::Avx512>(text, start, ends)
}

/// Pieces of ASCII a block at a time, all others one by one.
#[inline(always)]
fn scan_by<S: Scan + Rules, C: Classify>(text: &[u8], mut start: usize, ends: &mut [usize]) -> usize {
    let mut count = 0;
    while start < text.len() && count + BLOCK <= ends.len() {
        if let Some((block, _)) = text[start..].split_first_chunk::<BLOCK>() {
            // Where text outside ASCII begins soon a block tells nothing.
            if block[0] < 0x80 && block[1] < 0x80 {
                let inner = block::starts::<S>(text, start, &C::classify(block)) & !1;
                if inner != 0 {
                    let (ends, _) = ends[count..].split_first_chunk_mut::<BLOCK>().expect("there is room for a block");
                    write_places(inner, start, ends);
                    count += inner.count_ones() as usize;
                    start += inner.ilog2() as usize;
                    continue;
                }
            }
        }
        start = S::piece_end(text, start);
        ends[count] = start;
        count += 1;
    }
    count
}

/// Writes `start` + the place of each set bit of `bits`; behind them anything. Eight at a time, so that the number of them costs
/// few branches.
#[inline(always)]
fn write_places(mut bits: u64, start: usize, places: &mut [usize; BLOCK]) {
    for eight in places.chunks_exact_mut(8) {
        for place in eight {
            *place = start + bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
        }
        if bits == 0 {
            break;
        }
    }
}

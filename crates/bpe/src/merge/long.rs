//! Merging more than 64 symbols, in time linear in their number on all but contrived input, and O(n log n) on any.
//!
//! A sequence of tokens is what merging its bytes gives if, and only if, each two neighbours are what merging the bytes of the two
//! gives: the first merge that reached over the border of two neighbours would also be the first one to do so with those two
//! alone. (This is the observation of the `bpe` crate; it holds for any vocabulary.) So two results that overlap in one
//! token, at the same place, can be joined there. A long piece is merged in windows of 64 symbols; each starts at a token of the
//! result so far, some symbols before its end, and is joined where both have the same token.
//!
//! Where no such token is found (tokens longer than the overlap) the piece goes to the heap. A run of one symbol, the one
//! input where that is usual, is merged at a smaller length and then lengthened by whole tokens, for the same reason.

use std::sync::atomic::AtomicBool;

use super::pairs::Pairs;
use super::short::{MAX_SYMBOLS, Symbols};
use super::{Placed, heap, is_set};

/// How far before the end of the result the next window starts, at first.
const OVERLAP: usize = 16;
/// The length that runs of one symbol are merged at: several times the longest run that is a token in a published encoding.
const RUN: usize = 512;

/// A place for the work on long pieces.
#[derive(Default)]
pub(crate) struct Long {
    tokens: Vec<Placed>,
    window: Vec<Placed>,
}

impl Long {
    /// Merges `symbols` and calls `emit` for each token that is left. Gives up soon after `cancel` is set, with any tokens.
    pub fn merge(
        &mut self,
        symbols: &[u32],
        short: &mut Symbols,
        pairs: &Pairs,
        cancel: Option<&AtomicBool>,
        mut emit: impl FnMut(u32),
    ) {
        let is_run = symbols.len() > 2 * RUN && symbols.iter().all(|&symbol| symbol == symbols[0]);
        if is_run && merge_run(symbols, pairs, &mut emit).is_some() {
            return;
        }
        match self.merge_in_windows(symbols, short, pairs, cancel) {
            Some(()) => self.tokens.iter().for_each(|token| emit(token.id)),
            None => heap::merge(symbols, pairs, cancel).iter().for_each(|token| emit(token.id)),
        }
    }

    /// Leaves the result in `tokens`; `None` when two windows have no token in common.
    fn merge_in_windows(
        &mut self,
        symbols: &[u32],
        short: &mut Symbols,
        pairs: &Pairs,
        cancel: Option<&AtomicBool>,
    ) -> Option<()> {
        self.tokens.clear();
        let mut end = 0;
        while end < symbols.len() && !is_set(cancel) {
            let mut overlap = OVERLAP;
            loop {
                let kept = self.tokens.partition_point(|token| token.start + overlap <= end).saturating_sub(1);
                let start = self.tokens.get(kept).map_or(0, |token| token.start);
                let window_end = symbols.len().min(start + MAX_SYMBOLS);
                if window_end <= end {
                    return None;
                }
                self.merge_window(symbols, start, window_end, short, pairs);
                if self.join(kept) {
                    end = window_end;
                    break;
                }
                overlap *= 2;
            }
        }
        Some(())
    }

    fn merge_window(&mut self, symbols: &[u32], start: usize, end: usize, short: &mut Symbols, pairs: &Pairs) {
        short.clear();
        symbols[start..end].iter().for_each(|&symbol| short.push(symbol));
        self.window.clear();
        short.merge(pairs, |place, id| self.window.push(Placed { start: start + place, id }));
    }

    /// Continues the result with the window from the first token on that both have at or after token `kept`.
    fn join(&mut self, kept: usize) -> bool {
        if self.tokens.is_empty() {
            self.tokens.extend_from_slice(&self.window);
            return true;
        }
        let (mut old, mut new) = (kept, 0);
        while old < self.tokens.len() && new < self.window.len() {
            let (left, right) = (self.tokens[old], self.window[new]);
            if left == right {
                self.tokens.truncate(old);
                self.tokens.extend_from_slice(&self.window[new..]);
                return true;
            }
            if left.start <= right.start {
                old += 1;
            } else {
                new += 1;
            }
        }
        false
    }
}

/// Merges a run of one symbol, longer than [`RUN`]: where the result of a shorter run has one token twice in a row, any number more
/// of it may stand there. `None` when no token is there twice in a row.
fn merge_run(symbols: &[u32], pairs: &Pairs, emit: &mut impl FnMut(u32)) -> Option<()> {
    let twice = |tokens: &[Placed]| tokens.windows(2).position(|pair| pair[0].id == pair[1].id);
    let sample = heap::merge(&symbols[..RUN], pairs, None);
    let at = twice(&sample)?;
    let length = sample[at + 1].start - sample[at].start;

    let more = (symbols.len() - RUN) / length;
    let tokens = heap::merge(&symbols[..symbols.len() - more * length], pairs, None);
    let at = (tokens.windows(2)).position(|pair| pair[0].id == sample[at].id && pair[1].id == sample[at].id)?;
    tokens[..at].iter().for_each(|token| emit(token.id));
    (0..more).for_each(|_| emit(tokens[at].id));
    tokens[at..].iter().for_each(|token| emit(token.id));
    Some(())
}

//! Merging more symbols than a word has, in time linear in their number on all but contrived input, and O(n log n) on any.
//!
//! A sequence of tokens is what merging its bytes gives if, and only if, each two neighbours are what merging the bytes of the two
//! gives: the first merge that reached over the border of two neighbours would also be the first one to do so with those two
//! alone. (This is the observation of the `bpe` crate; it holds for any vocabulary.) So two results that overlap in one
//! token, at the same place, can be joined there.
//!
//! A long piece is cut into blocks of a few symbols, where it is likely that no token reaches over, each of which is merged on its own, many in
//! turns. Mostly the tokens at both sides of a seam stay as they are side by side (`border.rs`); where they do not, a window over the
//! seam is merged, and what is before the seam and the window are joined at a token that they have in common, and so are the window and what
//! is after it. Where there is none, a larger window is merged that ends with the block, so that it has to be joined at one side only. Where
//! that happens again and again, symbols repeat, and all of a strip is merged in rounds (`rounds.rs`). Where joining fails, as tokens are longer than a window,
//! a much larger one is merged (`wide.rs`), and where that fails too all of the piece, in rounds or by the heap. A run of one symbol, perhaps behind another (a space), the one input where that
//! is usual, is merged at a smaller length and then lengthened by whole tokens, for the same reason.
//!
//! Only what windows may need is held beside the ids: the symbols of a strip of blocks, and the last tokens.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use super::repeated::{Repeated, Run, WORK};
use super::short::{self, Symbols};
use super::together::{self, Job};
use super::{Merger, Placed, is_set, merge_in_turns, place_to_cut};
use crate::sink::reserve;
use crate::vocabulary::Vocabulary;
use crate::{Error, Level};

mod wide;

/// Symbols of a block.
const BLOCK: usize = together::MAX_SYMBOLS;
/// Blocks that are merged in turns.
const STRIP: usize = 64;
/// A window has at most so many symbols before its seam.
const BEFORE: usize = BLOCK / 2;
/// Of so many blocks of a strip each may take a larger window, before one window is tried for all of them; and so often that may fail.
const FEW: usize = 2;
/// How often rounds may look at the symbols of a window, which takes little time without them.
const LITTLE_WORK: usize = 6;
/// Symbols that are merged and yet kept, at least: several times the longest token of a published encoding.
const KEPT: usize = 2048;
/// Bytes that are read together.
pub(super) const READ: usize = 1024;

/// A place for the work on long pieces.
#[derive(Default)]
pub(crate) struct Long {
    /// Symbols of the piece: as many as a window may take of those that are merged, and then some that are not. Tokens, blocks and windows start at
    /// indices of this.
    symbols: Vec<u32>,
    /// What each symbol and the next one merge into.
    results: Vec<u32>,
    /// The result so far, but for its last tokens.
    ids: Vec<u32>,
    /// The last tokens of the result so far: at least those that start in `symbols`.
    tokens: Vec<Placed>,
    blocks: Vec<Job>,
    /// Where each block starts, and at last where they end.
    starts: Vec<usize>,
    /// Before each block.
    seams: Vec<Seam>,
    windows: Vec<Job>,
    /// A window that ends with a block or a strip.
    tail: Vec<Placed>,
    repeated: Repeated,
    /// Why a piece was not merged.
    pub failure: Option<Error>,
}

/// How a block follows on what is before it.
#[derive(Clone, Copy)]
enum Seam {
    /// As it is, where this is the last token before it; there may be none.
    Holds(Option<Placed>),
    /// By a window of this number, which starts at this symbol.
    Window { number: usize, start: usize },
}

/// What merging takes beside the piece and scratch memory.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub merger: &'a Merger,
    /// `None` where a token may have a part with a larger id.
    pub vocabulary: Option<&'a Vocabulary>,
    pub level: Level,
    pub cancel: Option<&'a AtomicBool>,
}

impl Long {
    /// From so many bytes on, room for the tokens of a piece is made before it is merged.
    const MANY: usize = 1 << 18;

    /// Makes room for the tokens of a piece of at most so many `bytes`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn reserve(&mut self, bytes: usize) -> Result<(), Error> {
        if bytes < Self::MANY { Ok(()) } else { reserve(&mut self.ids, bytes) }
    }

    /// Merges the symbols of `piece` and calls `emit` for each token that is left. Gives up soon after `means.cancel` is set, with any tokens.
    pub fn merge(&mut self, piece: &[u8], short: &mut Symbols, means: Means, mut emit: impl FnMut(u32)) {
        let merged = self.try_merge(piece, short, means, &mut emit);
        self.note(merged);
        self.ids.clear();
        // Not more than the usual is kept for the next piece.
        self.ids.shrink_to(Self::MANY);
    }

    /// [`Long::merge`] of `symbols` that are few.
    pub fn merge_few(&mut self, symbols: &[u32], means: Means, emit: impl FnMut(u32)) {
        let merged = self.repeated.merge(symbols, means, emit);
        self.note(merged);
    }

    fn note(&mut self, merged: Result<(), Error>) {
        if let Err(error) = merged {
            self.failure = Some(error);
        }
    }

    fn try_merge(
        &mut self,
        piece: &[u8],
        short: &mut Symbols,
        means: Means,
        emit: &mut impl FnMut(u32),
    ) -> Result<(), Error> {
        if let Some(run) = Run::of(piece, means.merger)
            && self.repeated.merge_run(run, means, &mut *emit)?.is_some()
        {
            return Ok(());
        }
        if self.merge_in_blocks(piece, short, means)?.is_some() {
            self.ids.iter().copied().chain(self.tokens.iter().map(|token| token.id)).for_each(emit);
            return Ok(());
        }
        self.merge_at_once(piece, means, emit)
    }

    /// [`Long::merge`] without blocks.
    fn merge_at_once(&mut self, piece: &[u8], means: Means, emit: impl FnMut(u32)) -> Result<(), Error> {
        let mut symbols = Vec::new();
        // A symbol has a byte at least.
        reserve(&mut symbols, piece.len())?;
        means.merger.symbols(piece, 0..piece.len(), |some| symbols.extend_from_slice(some.ids()));
        self.repeated.merge(&symbols, means, emit)
    }

    /// Leaves the result in `ids` and `tokens`; `None` when it has no token in common with a window.
    fn merge_in_blocks(&mut self, piece: &[u8], short: &mut Symbols, means: Means) -> Result<Option<()>, Error> {
        self.symbols.clear();
        self.results.clear();
        self.tokens.clear();
        let pairs = &means.merger.pairs;
        let (mut read, mut start) = (0, 0);
        // Whether symbols repeat, and how often that was thought in vain.
        let (mut repeats, mut failures) = (false, 0);
        while read < piece.len() || start < self.symbols.len() {
            if is_set(means.cancel) {
                return Ok(Some(()));
            }
            while read < piece.len() && self.symbols.len() - start <= STRIP * BLOCK {
                read = self.read(piece, read, means.merger);
            }
            if repeats {
                let end = self.symbols.len().min(start + STRIP * BLOCK);
                repeats = self.join_repeated(start, end, means);
                if repeats {
                    start = self.forget(end);
                    continue;
                }
            }
            self.blocks.clear();
            self.starts.clear();
            while self.blocks.len() < STRIP && start < self.symbols.len() {
                let results = &self.results[start..];
                let end = start + place_to_cut(self.symbols.len() - start, |at| results[at - 1]);
                self.blocks.push(Job::known(&self.symbols[start..end], results));
                self.starts.push(start);
                start = end;
            }
            self.starts.push(start);
            merge_in_turns(&mut self.blocks, short, pairs, means.level);

            self.seams.clear();
            self.windows.clear();
            for number in 0..self.blocks.len() {
                let seam = self.seam(number, means);
                self.seams.push(seam);
            }
            merge_in_turns(&mut self.windows, short, pairs, means.level);

            let mut larger = 0;
            for number in 0..self.blocks.len() {
                if self.join(number) {
                    continue;
                }
                larger += 1;
                if larger > FEW && failures < FEW {
                    repeats = self.join_repeated(self.starts[number], start, means);
                    if repeats {
                        break;
                    }
                    failures += 1;
                }
                if self.join_larger(self.starts[number + 1], short, means).is_none() {
                    let Some(end) = self.join_wide(piece, &mut read, self.starts[number], means)? else {
                        return Ok(None);
                    };
                    start = end;
                    break;
                }
            }
            start = self.forget(start);
        }
        Ok(Some(()))
    }

    /// Adds the symbols of the characters of `piece` that start at `from` and a while after it, and returns where the next one starts.
    fn read(&mut self, piece: &[u8], from: usize, merger: &Merger) -> usize {
        let before = self.symbols.len().saturating_sub(1);
        let bytes = &piece[from..piece.len().min(from + READ)];
        let end = merger.symbols(piece, from..from + bytes.len(), |some| self.symbols.extend_from_slice(some.ids()));
        let of_ids = |&[left, right]: &[u32; 2]| merger.pairs.get(left, right);
        if bytes.is_ascii() {
            self.results.extend(self.symbols[before..].array_windows().take(usize::from(from > 0)).map(of_ids));
            self.results.extend(bytes.array_windows().map(|&[first, second]| merger.pairs.of_bytes(first, second)));
        } else {
            self.results.extend(self.symbols[before..].array_windows().map(of_ids));
        }
        end
    }

    /// Lets go of what no window will take when the symbols before `end` have been merged, and returns where they end then.
    fn forget(&mut self, end: usize) -> usize {
        // Many at once, since those that are left move.
        if end < 2 * KEPT {
            return end;
        }
        let gone = end - KEPT;
        let settled = self.tokens.partition_point(|token| token.start < gone);
        self.ids.extend(self.tokens.drain(..settled).map(|token| token.id));
        self.tokens.iter_mut().for_each(|token| token.start -= gone);
        self.symbols.drain(..gone);
        self.results.drain(..gone);
        end - gone
    }

    /// How block `number` follows on what is before it; adds a window where it takes one.
    fn seam(&mut self, number: usize, means: Means) -> Seam {
        let (block, start, end) = (&self.blocks[number], self.starts[number], self.starts[number + 1]);
        let last = match number.checked_sub(1) {
            Some(previous) => Some(self.blocks[previous].last_placed(self.starts[previous])),
            None => self.tokens.last().copied(),
        };
        let holds = |last: Placed| {
            means.vocabulary.is_some_and(|vocabulary| means.merger.holds(last.id, block.ids[0], vocabulary))
        };
        if last.is_none_or(holds) {
            return Seam::Holds(last);
        }
        let before = if let Some(previous) = number.checked_sub(1) {
            self.blocks[previous].end_of(BEFORE, start - self.starts[previous])
        } else {
            let distances = self.tokens.iter().rev().map(|token| start - token.start);
            distances.take_while(|&at| at <= BEFORE).last().unwrap_or(0)
        };
        let after = block.start_of(BLOCK - before, end - start);
        let window = start - before;
        self.windows.push(Job::known(&self.symbols[window..start + after], &self.results[window..]));
        Seam::Window { number: self.windows.len() - 1, start: window }
    }

    /// Continues the result with block `number`; `false`, and nothing is changed, when they cannot be joined as was planned.
    fn join(&mut self, number: usize) -> bool {
        let (block, start) = (&self.blocks[number], self.starts[number]);
        let (window, window_start) = match self.seams[number] {
            Seam::Holds(last) => {
                let is_as_planned = self.tokens.last().copied() == last;
                if is_as_planned {
                    self.tokens.extend(block.placed(start));
                }
                return is_as_planned;
            }
            Seam::Window { number, start } => (&self.windows[number], start),
        };
        let Some((kept, left)) = common_before(&self.tokens, window.placed(window_start)) else { return false };
        let mut right = block.placed(start).peekable();
        let mut middle = window.placed(window_start).filter(|token| token.start > left.start).peekable();
        // The first token that both have at or after the seam.
        let in_common = loop {
            let (Some(ours), Some(theirs)) = (middle.peek(), right.peek()) else { return false };
            if ours == theirs {
                break *ours;
            }
            if ours.start <= theirs.start {
                middle.next()
            } else {
                right.next()
            };
        };
        self.tokens.truncate(kept + 1);
        let between = |token: &Placed| token.start > left.start && token.start < in_common.start;
        self.tokens.extend(window.placed(window_start).filter(between));
        self.tokens.extend(right);
        true
    }

    /// Continues the result up to `end` with a window of as many symbols as can be merged at once; `None` when they have no token in
    /// common.
    fn join_larger(&mut self, end: usize, short: &mut Symbols, means: Means) -> Option<()> {
        let window = self.window_after(end.saturating_sub(short::MAX_SYMBOLS), end);
        if !self.merge_window_in_rounds(window.clone(), LITTLE_WORK, means) {
            short.clear();
            self.symbols[window.clone()].iter().for_each(|&symbol| short.push(symbol));
            self.tail.clear();
            short.merge(&means.merger.pairs, |place, id| self.tail.push(Placed { start: window.start + place, id }));
        }
        self.join_tail()
    }

    /// Continues the result, which ends at `start`, up to `end` where symbols repeat so that few rounds merge them; `false`, and nothing is changed,
    /// where not.
    fn join_repeated(&mut self, start: usize, end: usize, means: Means) -> bool {
        let window = self.window_after(start.saturating_sub(short::MAX_SYMBOLS - BLOCK), end);
        self.merge_window_in_rounds(window, WORK, means) && self.join_tail().is_some()
    }

    /// The symbols up to `end` from the first token on that starts at `from` or later.
    fn window_after(&self, from: usize, end: usize) -> Range<usize> {
        let first = self.tokens.partition_point(|token| token.start < from);
        self.tokens.get(first).map_or(end, |token| token.start)..end
    }

    /// Leaves in `tail` what the symbols of `window` are merged to; `false` where rounds do not do it.
    fn merge_window_in_rounds(&mut self, window: Range<usize>, work: usize, means: Means) -> bool {
        self.tail.clear();
        self.tail.extend(self.symbols[window.clone()].iter().zip(window).map(|(&id, start)| Placed { start, id }));
        self.repeated.merge_placed(&mut self.tail, work, means)
    }

    /// Continues the result with `tail` from a token that both have; `None`, and nothing is changed, where there is none.
    fn join_tail(&mut self) -> Option<()> {
        let (kept, left) = common_before(&self.tokens, self.tail.iter().copied())?;
        self.tokens.truncate(kept + 1);
        self.tokens.extend(self.tail.iter().filter(|token| token.start > left.start));
        Some(())
    }
}

/// The last token that is in both, and its index in `tokens`.
fn common_before(tokens: &[Placed], window: impl Iterator<Item = Placed>) -> Option<(usize, Placed)> {
    let mut found = None;
    let mut at = None;
    for token in window {
        let from = *at.get_or_insert_with(|| tokens.partition_point(|other| other.start < token.start));
        let behind = tokens[from..].iter().take_while(|other| other.start < token.start).count();
        at = Some(from + behind);
        match tokens.get(from + behind) {
            Some(&other) if other == token => found = Some((from + behind, token)),
            Some(_) => {}
            None => break,
        }
    }
    found
}

#[cfg(test)]
mod tests;

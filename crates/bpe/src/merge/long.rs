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
//! is after it. Where there is none, a larger window is merged that ends with the block, so that it has to be joined at one side only;
//! and where that fails (tokens longer than it) the piece goes to the heap. A run of one symbol, the one input where that is
//! usual, is merged at a smaller length and then lengthened by whole tokens, for the same reason.

use std::sync::atomic::AtomicBool;

use super::pairs::Pairs;
use super::short::{self, Symbols};
use super::together::{self, Job};
use super::{Placed, border, heap, is_set, merge_in_turns, place_to_cut};
use crate::Level;
use crate::vocabulary::Vocabulary;

/// Symbols of a block.
const BLOCK: usize = together::MAX_SYMBOLS;
/// Blocks that are merged in turns.
const STRIP: usize = 64;
/// A window has at most so many symbols before its seam.
const BEFORE: usize = BLOCK / 2;
/// The length that runs of one symbol are merged at: several times the longest run that is a token in a published encoding.
const RUN: usize = 512;

/// A place for the work on long pieces.
#[derive(Default)]
pub(crate) struct Long {
    /// The result so far.
    tokens: Vec<Placed>,
    blocks: Vec<Job>,
    /// Where each block starts, and at last where they end.
    starts: Vec<usize>,
    /// Before each block.
    seams: Vec<Seam>,
    windows: Vec<Job>,
    tail: Vec<Placed>,
}

/// How a block follows on what is before it.
#[derive(Clone, Copy)]
enum Seam {
    /// As it is, where this is the last token before it; there may be none.
    Holds(Option<Placed>),
    /// By a window of this number, which starts at this symbol.
    Window { number: usize, start: usize },
}

/// What merging takes beside symbols and scratch memory.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub pairs: &'a Pairs,
    /// `None` where a token may have a part with a larger id.
    pub vocabulary: Option<&'a Vocabulary>,
    pub level: Level,
    pub cancel: Option<&'a AtomicBool>,
}

impl Long {
    /// Merges `symbols` and calls `emit` for each token that is left. Gives up soon after `means.cancel` is set, with any tokens.
    pub fn merge(&mut self, symbols: &[u32], short: &mut Symbols, means: Means, mut emit: impl FnMut(u32)) {
        let is_run = symbols.len() > 2 * RUN && symbols.iter().all(|&symbol| symbol == symbols[0]);
        if is_run && merge_run(symbols, means.pairs, &mut emit).is_some() {
            return;
        }
        match self.merge_in_blocks(symbols, short, means) {
            Some(()) => self.tokens.iter().for_each(|token| emit(token.id)),
            None => heap::merge(symbols, means.pairs, means.cancel).iter().for_each(|token| emit(token.id)),
        }
        self.tokens.clear();
        // Not more than the usual is kept for the next piece.
        self.tokens.shrink_to(1 << 16);
    }

    /// Leaves the result in `tokens`; `None` when it has no token in common with a window.
    fn merge_in_blocks(&mut self, symbols: &[u32], short: &mut Symbols, means: Means) -> Option<()> {
        self.tokens.clear();
        let mut start = 0;
        while start < symbols.len() {
            if is_set(means.cancel) {
                return Some(());
            }
            self.blocks.clear();
            self.starts.clear();
            while self.blocks.len() < STRIP && start < symbols.len() {
                let end = start + place_to_cut(&symbols[start..], means.pairs);
                self.blocks.push(Job::of(&symbols[start..end]));
                self.starts.push(start);
                start = end;
            }
            self.starts.push(start);
            merge_in_turns(&mut self.blocks, short, means.pairs, means.level);

            self.seams.clear();
            self.windows.clear();
            for number in 0..self.blocks.len() {
                let seam = self.seam(number, symbols, means);
                self.seams.push(seam);
            }
            merge_in_turns(&mut self.windows, short, means.pairs, means.level);

            for number in 0..self.blocks.len() {
                if !self.join(number) {
                    self.join_larger(symbols, self.starts[number + 1], short, means.pairs)?;
                }
            }
        }
        Some(())
    }

    /// How block `number` follows on what is before it; adds a window where it takes one.
    fn seam(&mut self, number: usize, symbols: &[u32], means: Means) -> Seam {
        let (block, start, end) = (&self.blocks[number], self.starts[number], self.starts[number + 1]);
        let last = match number.checked_sub(1) {
            Some(previous) => Some(self.blocks[previous].last_placed(self.starts[previous])),
            None => self.tokens.last().copied(),
        };
        let holds = |last: Placed| {
            means.vocabulary.is_some_and(|vocabulary| border::holds(last.id, block.ids[0], vocabulary, means.pairs))
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
        self.windows.push(Job::of(&symbols[start - before..start + after]));
        Seam::Window { number: self.windows.len() - 1, start: start - before }
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
    fn join_larger(&mut self, symbols: &[u32], end: usize, short: &mut Symbols, pairs: &Pairs) -> Option<()> {
        let from = end.saturating_sub(short::MAX_SYMBOLS);
        let first = self.tokens.partition_point(|token| token.start < from);
        let start = self.tokens.get(first).map_or(end, |token| token.start);
        short.clear();
        symbols[start..end].iter().for_each(|&symbol| short.push(symbol));
        self.tail.clear();
        short.merge(pairs, |place, id| self.tail.push(Placed { start: start + place, id }));
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

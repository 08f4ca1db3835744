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
//! that happens again and again, symbols repeat, and all of a strip is merged in rounds (`rounds.rs`). And where joining fails (tokens longer than a window)
//! all of the piece is merged in rounds, or where those are many by the heap. A run of one symbol, perhaps behind another (a space), the one input where that
//! is usual, is merged at a smaller length and then lengthened by whole tokens, for the same reason.
//!
//! Only what windows may need is held beside the ids: the symbols of a strip of blocks, and the last tokens.

use std::iter;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use super::short::{self, Symbols};
use super::together::{self, Job};
use super::{Merger, Placed, heap, is_set, merge_in_turns, place_to_cut, rounds};
use crate::sink::reserve;
use crate::vocabulary::Vocabulary;
use crate::{Error, Level};

/// Symbols of a block.
const BLOCK: usize = together::MAX_SYMBOLS;
/// Blocks that are merged in turns.
const STRIP: usize = 64;
/// A window has at most so many symbols before its seam.
const BEFORE: usize = BLOCK / 2;
/// Of so many blocks of a strip each may take a larger window, before one window is tried for all of them; and so often that may fail.
const FEW: usize = 2;
/// How often rounds may look at the symbols of a strip, or of a piece.
const WORK: usize = 24;
/// The same for a window, which takes less time on its own.
const LITTLE_WORK: usize = 6;
/// The length that runs of one symbol are merged at: several times the longest run that is a token in a published encoding.
const RUN: usize = 512;

/// More symbols are not tried to be merged in rounds all together, which take more memory than a heap.
const MANY_REPEATED: usize = 1 << 22;

/// Bytes that are read together.
const READ: usize = 1024;

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
    tail: Vec<Placed>,
    /// What its neighbours merge into.
    tail_results: Vec<u32>,
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
        if let Some(run) = Run::of(piece, means.merger)
            && self.merge_run(run, means, &mut emit).is_some()
        {
            return;
        }
        if self.merge_in_blocks(piece, short, means).is_some() {
            self.ids.iter().copied().chain(self.tokens.iter().map(|token| token.id)).for_each(emit);
        } else {
            let mut symbols = Vec::new();
            means.merger.symbols(piece, 0..piece.len(), |some| symbols.extend_from_slice(some.ids()));
            self.merge_repeated(symbols.iter().copied(), means, emit);
        }
        // Not more than the usual is kept for the next piece.
        let Self { ids, tokens, results, .. } = self;
        ids.clear();
        ids.shrink_to(Self::MANY);
        tokens.clear();
        tokens.shrink_to(Self::MANY);
        results.clear();
        results.shrink_to(Self::MANY);
    }

    /// The same for `symbols` that blocks do not have tokens in common for, since they repeat.
    pub fn merge_repeated(&mut self, symbols: impl Iterator<Item = u32> + Clone, means: Means, emit: impl FnMut(u32)) {
        self.place_repeated(symbols, means);
        self.tokens.iter().map(|token| token.id).for_each(emit);
    }

    /// Leaves in `tokens` what `symbols` are merged to.
    fn place_repeated(&mut self, symbols: impl Iterator<Item = u32> + Clone, means: Means) {
        let Self { tokens, results, .. } = self;
        tokens.clear();
        tokens.extend(symbols.clone().zip(0..).map(|(id, start)| Placed { start, id }));
        let is_for_rounds = tokens.len() <= MANY_REPEATED;
        if !is_for_rounds || !rounds::merge(tokens, results, means.merger, WORK, means.cancel) {
            (*tokens, *results) = (Vec::new(), Vec::new());
            *tokens = heap::merge(&symbols.collect::<Vec<_>>(), &means.merger.pairs, means.cancel);
        }
    }

    /// Merges `run`: where the result of a shorter one has one token twice in a row, any number more of it may stand there. `None` when no token is there
    /// twice in a row.
    fn merge_run(&mut self, run: Run, means: Means, emit: &mut impl FnMut(u32)) -> Option<()> {
        if run.count <= 2 * RUN {
            self.merge_repeated(run.symbols(run.count), means, emit);
            return Some(());
        }
        self.place_repeated(run.symbols(RUN), means);
        let twice = self.tokens.array_windows().find(|[one, next]| one.id == next.id);
        let &[Placed { start, id }, next] = twice?;
        let length = next.start - start;

        let more = (run.count - RUN) / length;
        self.place_repeated(run.symbols(run.count - more * length), means);
        let at = self.tokens.array_windows().position(|&[one, next]| one.id == id && next.id == id)?;
        let (before, after) = self.tokens.split_at(at);
        let (before, after) = (before.iter().map(|token| token.id), after.iter().map(|token| token.id));
        before.chain(iter::repeat_n(id, more)).chain(after).for_each(emit);
        Some(())
    }

    /// Leaves the result in `ids` and `tokens`; `None` when it has no token in common with a window.
    fn merge_in_blocks(&mut self, piece: &[u8], short: &mut Symbols, means: Means) -> Option<()> {
        self.symbols.clear();
        self.results.clear();
        self.tokens.clear();
        let pairs = &means.merger.pairs;
        let (mut read, mut start) = (0, 0);
        // Whether symbols repeat, and how often that was thought in vain.
        let (mut repeats, mut failures) = (false, 0);
        while read < piece.len() || start < self.symbols.len() {
            if is_set(means.cancel) {
                return Some(());
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
                self.join_larger(self.starts[number + 1], short, means)?;
            }
            start = self.forget(start);
        }
        Some(())
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
        let gone = end.saturating_sub(short::MAX_SYMBOLS);
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
        rounds::merge(&mut self.tail, &mut self.tail_results, means.merger, work, means.cancel)
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

/// A symbol and then one again and again, which may be the same.
#[derive(Clone, Copy)]
struct Run {
    first: u32,
    symbol: u32,
    /// How many symbols there are, the first one too.
    count: usize,
}

impl Run {
    /// That of `piece`, when it is one.
    fn of(piece: &[u8], merger: &Merger) -> Option<Self> {
        let (mut first, mut second, mut count, mut at) = (None, None, 0, 0);
        while at < piece.len() {
            let mut is_run = true;
            at = merger.symbols(piece, at..piece.len().min(at + READ), |some| {
                for &symbol in some.ids() {
                    is_run &= first.is_none() || symbol == *second.get_or_insert(symbol);
                    first.get_or_insert(symbol);
                }
                count += some.count;
            });
            if !is_run {
                return None;
            }
        }
        Some(Self { first: first?, symbol: second?, count })
    }

    /// Its first `count` symbols.
    fn symbols(self, count: usize) -> impl Iterator<Item = u32> + Clone {
        iter::once(self.first).chain(iter::repeat_n(self.symbol, count - 1))
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::cases;
    use tokenmill_testkit::rng::{Rng, share};

    use super::*;

    /// Merges `piece` at every level, compares it with the heap, and returns how often there was no token in common.
    fn check(piece: &str, vocabulary: &Vocabulary, merger: &Merger) -> usize {
        let mut symbols = Vec::new();
        merger.symbols(piece.as_bytes(), 0..piece.len(), |some| symbols.extend_from_slice(some.ids()));
        let expected: Vec<u32> = heap::merge(&symbols, &merger.pairs, None).iter().map(|token| token.id).collect();
        let vocabulary = merger.ascends.then_some(vocabulary);
        let mut failures = 0;
        for level in Level::available() {
            let (mut long, mut short, mut found) = (Long::default(), Symbols::new(level), Vec::new());
            let means = Means { merger, vocabulary, level, cancel: None };
            // Twice, since what the first one leaves must not matter.
            for _ in 0..2 {
                found.clear();
                long.merge(piece.as_bytes(), &mut short, means, |id| found.push(id));
                assert_eq!(found, expected, "{level:?}: {piece:?}");
            }
            failures += usize::from(long.merge_in_blocks(piece.as_bytes(), &mut short, means).is_none());
        }
        failures
    }

    fn vocabulary(tokens: &[String]) -> Vocabulary {
        let bytes: Vec<[u8; 1]> = (0..=u8::MAX).map(|byte| [byte]).collect();
        let tokens = bytes.iter().map(<[u8; 1]>::as_slice).chain(tokens.iter().map(String::as_bytes));
        Vocabulary::from_tokens(tokens.zip(0..)).expect("they are all different")
    }

    #[test]
    fn pieces_of_one_byte_and_longer_characters_and_of_all_lengths_around_those_of_a_strip() {
        let tokens = ["ab", "bc", "cab", "é", "aé", "éb", "文", "文文", "c文", "bcab", "é文"].map(str::to_owned);
        let vocabulary = vocabulary(&tokens);
        let merger = Merger::new(&vocabulary);
        let mut rng = Rng::new(1);
        for number in 0..share(60) {
            let mut piece = String::new();
            let length = [65, READ, STRIP * BLOCK, 2 * READ, 3_000][number as usize % 5] - 20 + rng.below(40);
            while piece.len() < length {
                // Stretches that are all ASCII, and others.
                let alphabet: &[char] = if rng.below(3) > 0 { &['a', 'b', 'c'] } else { &['a', 'b', 'c', 'é', '文'] };
                piece.extend((0..rng.below(900)).map(|_| *rng.choose(alphabet)));
            }
            check(&piece, &vocabulary, &merger);
        }
    }

    #[test]
    fn tokens_longer_than_a_window_after_others() {
        let powers = (1..=8).map(|power| "a".repeat(1 << power));
        let vocabulary = vocabulary(&powers.chain(["ab", "ca", "bb"].map(str::to_owned)).collect::<Vec<_>>());
        let merger = Merger::new(&vocabulary);
        let (mut rng, mut failures) = (Rng::new(2), 0);
        for _ in 0..share(30) {
            let run = "a".repeat(300 + rng.below(500));
            let mut letters = |length| -> String { (0..length).map(|_| *rng.choose(&['a', 'b', 'c'])).collect() };
            let piece = [letters(3_000), run, letters(500)].concat();
            failures += check(&piece, &vocabulary, &merger);
        }
        assert!(failures > 0, "the heap was never needed");
    }

    #[test]
    fn words_again_and_again() {
        let mut rng = Rng::new(3);
        for _ in 0..share(60) {
            let mut tokens: Vec<String> = "abcdef文".chars().map(String::from).collect();
            for _ in 0..rng.below(80) {
                let token = [rng.choose(&tokens).clone(), rng.choose(&tokens).clone()].concat();
                if token.len() <= 20 && !tokens.contains(&token) {
                    tokens.push(token);
                }
            }
            let vocabulary = vocabulary(&tokens[6..]);
            let merger = Merger::new(&vocabulary);
            let mut piece = String::new();
            while piece.len() < 4_000 {
                let word: String =
                    (0..=rng.below(12)).map(|_| *rng.choose(&['a', 'b', 'c', 'd', 'e', 'f', '文'])).collect();
                piece.push_str(&word.repeat(1 + rng.below(2_000) / word.len()));
                // Much that is no word twice, too.
                let most = *rng.choose(&[3, 300]);
                piece.extend((0..rng.below(most)).map(|_| *rng.choose(&['a', 'b', 'c', 'd', 'e', 'f'])));
            }
            check(&piece, &vocabulary, &merger);
        }
    }

    #[test]
    fn tokens_of_a_published_vocabulary_again_and_again() {
        let vocabulary = Vocabulary::from_compact(cases::read("encodings/cl100k_base.bpe")).expect("well-formed");
        let merger = Merger::new(&vocabulary);
        let tokens: Vec<&str> = vocabulary.tokens().filter_map(|(_, token)| str::from_utf8(token).ok()).collect();
        let mut rng = Rng::new(4);
        for _ in 0..share(300) {
            let [before, token, after] = [(); 3].map(|()| *rng.choose(&tokens));
            check(&[before, &token.repeat(1 + rng.below(3_000) / token.len()), after].concat(), &vocabulary, &merger);
        }
    }

    #[test]
    fn runs_of_one_symbol() {
        let vocabulary = vocabulary(&["aa", "aaa", "aaaaa", "文", "文文文", " a", " aaa", "ba"].map(str::to_owned));
        let merger = Merger::new(&vocabulary);
        for symbol in ["a", "b", "文"] {
            for count in [15, 16, 17, 63, 64, 65, 300, 2 * RUN - 1, 2 * RUN, 2 * RUN + 1, 2 * RUN + 2, 3 * RUN + 5] {
                for first in ["", " ", "b", "文"] {
                    check(&format!("{first}{}", symbol.repeat(count)), &vocabulary, &merger);
                }
                check(&format!("{}{symbol}c", symbol.repeat(count)), &vocabulary, &merger);
            }
        }
    }
}

//! Merging symbols that repeat, which blocks of a few have no tokens in common for.

use std::iter;

use super::long::{Means, READ};
use super::{Merger, Placed, heap, rounds};
use crate::Error;
use crate::sink::reserve;

/// How often rounds may look at symbols.
pub(super) const WORK: usize = 24;
/// Tokens that there is room for from one piece to the next.
const KEPT: usize = 1 << 16;
/// The length that long runs of one symbol are merged at: several times the longest run that is a token in a published encoding.
pub(super) const RUN: usize = 512;

/// A place for the work.
#[derive(Default)]
pub(crate) struct Repeated {
    tokens: Vec<Placed>,
    /// What each token and the next one merge into.
    results: Vec<u32>,
}

impl Repeated {
    /// Merges `symbols` and calls `emit` for each token that is left. Gives up soon after `means.cancel` is set, with any tokens.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], before any token is given.
    pub fn merge(&mut self, symbols: &[u32], means: Means, emit: impl FnMut(u32)) -> Result<(), Error> {
        let placed = self.place(symbols, means);
        if placed.is_ok() {
            self.tokens.iter().map(|token| token.id).for_each(emit);
        }
        self.tokens.clear();
        self.tokens.shrink_to(KEPT);
        self.results.clear();
        self.results.shrink_to(KEPT);
        placed
    }

    /// Merges the symbols that are `tokens`; `false`, and any tokens are left, where rounds that look at them `work` times do not.
    pub fn merge_placed(&mut self, tokens: &mut Vec<Placed>, work: usize, means: Means) -> bool {
        rounds::merge(tokens, &mut self.results, means.merger, work, means.cancel)
    }

    /// Merges `run`: where the result of a shorter one has one token twice in a row, any number more of it may stand there. `None` when no token is there
    /// twice in a row.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], before any token is given.
    pub fn merge_run(&mut self, run: Run, means: Means, emit: impl FnMut(u32)) -> Result<Option<()>, Error> {
        if run.count <= 2 * RUN {
            return self.merge(&run.symbols(run.count), means, emit).map(Some);
        }
        self.place(&run.symbols(RUN), means)?;
        let twice = self.tokens.array_windows().find(|[one, next]| one.id == next.id);
        let Some(&[Placed { start, id }, next]) = twice else { return Ok(None) };
        let length = next.start - start;

        let more = (run.count - RUN) / length;
        self.place(&run.symbols(run.count - more * length), means)?;
        let both = |&[one, next]: &[Placed; 2]| one.id == id && next.id == id;
        let Some(at) = self.tokens.array_windows().position(both) else { return Ok(None) };
        let (before, after) = self.tokens.split_at(at);
        let (before, after) = (before.iter().map(|token| token.id), after.iter().map(|token| token.id));
        before.chain(iter::repeat_n(id, more)).chain(after).for_each(emit);
        Ok(Some(()))
    }

    /// Leaves in `tokens` what `symbols` are merged to.
    fn place(&mut self, symbols: &[u32], means: Means) -> Result<(), Error> {
        let Self { tokens, results } = self;
        tokens.clear();
        reserve(tokens, symbols.len())?;
        results.clear();
        reserve(results, symbols.len())?;
        tokens.extend(symbols.iter().zip(0..).map(|(&id, start)| Placed { start, id }));
        if rounds::merge(tokens, results, means.merger, WORK, means.cancel) {
            return Ok(());
        }
        if symbols.len() > KEPT {
            (*tokens, *results) = (Vec::new(), Vec::new());
        }
        heap::merge(symbols, &means.merger.pairs, means.cancel, tokens)
    }
}

/// A symbol and then one again and again, which may be the same.
#[derive(Clone, Copy)]
pub(super) struct Run {
    first: u32,
    symbol: u32,
    /// How many symbols there are, the first one too.
    count: usize,
}

impl Run {
    /// That of `piece`, when it is one.
    pub fn of(piece: &[u8], merger: &Merger) -> Option<Self> {
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
    fn symbols(self, count: usize) -> Vec<u32> {
        iter::once(self.first).chain(iter::repeat_n(self.symbol, count - 1)).collect()
    }
}

//! Training of a byte-level BPE: from texts to a vocabulary.
//!
//! ```text
//! texts ─ PieceCounter: one for each thread ─▶ distinct pieces and their counts
//!       ─ Trainer::train: the most frequent pair of neighbours becomes a token, again and again ─▶ Trained
//! ```
//!
//! # Definition
//! Texts are split into pieces by a [`Pattern`]; every piece is its bytes at first. The two neighbouring tokens that stand side by side most
//! often in all pieces, counted by places (`aaa` has two of `aa`), become one token wherever they do, from left to right. Of pairs that
//! are equally frequent the one whose left token has the smaller id is first, then the one whose right token has. This goes on until
//! there are enough tokens, or no pair is frequent enough.
//!
//! # Ids
//! Special tokens in the order in which they are given, then the 256 bytes, those that print first (as GPT-2 orders them), then the tokens
//! in the order in which they are made. All this is as in Hugging Face's `BpeTrainer` with the `ByteLevel` alphabet, and so are the ids,
//! with two exceptions: where the text itself comes to be merged to the same characters as a special token, `BpeTrainer` gives both one
//! id, and here they have two, because text must never become a special token; and no token is longer than 4096 bytes.
//!
//! The result is the same for any number of threads, any order of the texts and any memory that may be taken.
//!
//! # Memory
//! Without a [`Budget`] the distinct pieces and what is known of their pairs are kept in memory: 20 to 30 bytes for each byte of a distinct
//! piece. With one, counts that do not fit go to sorted runs in files, and pieces that do not fit are merged in passes over a file, until
//! what is left fits. Nothing is ever dropped. What is taken beside that: the longest piece, and in passes the pairs that are frequent enough
//! to be merged soon.

pub(crate) mod alphabet;
mod cells;
mod counter;
mod explain;
mod long;
mod merges;
mod pairs;
mod passes;
mod queue;
mod short;
mod spill;
mod store;
mod texts;
mod trained;

use std::convert::Infallible;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use counter::PieceCounter;
pub use explain::MergeStep;
pub use spill::{Budget, Scratch};
pub use trained::Trained;

use crate::special::SpecialTokens;
use crate::vocabulary::MAX_IDS;
use crate::{Error, Pattern};
use cells::Cells;
use counter::Counts;
use merges::{Limits, Merging};
use passes::Passes;
use spill::Runs;
use store::{StoreWriter, Symbol, is_narrow};

/// What to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainOptions {
    /// How many tokens: special ones, the 256 bytes and those that merges make. There are fewer when the texts have no more pairs.
    pub vocab_size: u32,
    /// Pairs that stand in the texts less often are not merged. 0 is as 1.
    pub min_frequency: u64,
    /// Tokens of more than two bytes are shorter than this, in bytes: `max_token_length` of Hugging Face's trainer, which is exclusive.
    pub max_token_length: Option<u32>,
    /// They get the first ids, in this order, and are not looked for in the texts.
    pub special_tokens: Vec<String>,
}

impl TrainOptions {
    /// Those with a size and nothing else.
    pub fn new(vocab_size: u32) -> Self {
        Self { vocab_size, min_frequency: 0, max_token_length: None, special_tokens: Vec::new() }
    }
}

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The merges that are done.
    pub merges: u32,
    /// The most merges that there will be.
    pub most: u32,
    /// How often the last merged pair stood in the texts; it never rises.
    pub frequency: u64,
}

/// What is called after each merge, and may stop the training there.
pub type Watch<'p> = Option<&'p mut dyn FnMut(Progress) -> ControlFlow<()>>;

/// Takes texts, and makes a vocabulary of them.
///
/// ```
/// use tokenmill_bpe::train::{TrainOptions, Trainer};
/// use tokenmill_bpe::Pattern;
///
/// let trainer = Trainer::new(Pattern::R50k);
/// trainer.add_text("low low low lower lowest newest widest", None)?;
/// let trained = trainer.train(&TrainOptions::new(260), None, None)?;
/// assert_eq!(trained.tokens().skip(256).collect::<Vec<_>>(), [&b"lo"[..], b"low", b" low", b"es"]);
/// # Ok::<(), tokenmill_bpe::Error>(())
/// ```
pub struct Trainer {
    pattern: Pattern,
    /// Those that no thread uses at the moment.
    counters: Mutex<Vec<PieceCounter>>,
    budget: Option<Budget>,
    /// What the counters had to give up.
    runs: Mutex<Runs>,
}

impl fmt::Debug for Trainer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Trainer");
        debug.field("pattern", &self.pattern).finish_non_exhaustive()
    }
}

/// The memory that merging takes for each symbol and each piece, in bytes: measured, and not less than 12 and 4.
const MERGING: u64 = 24;

impl Trainer {
    /// One that has no texts yet.
    pub fn new(pattern: Pattern) -> Self {
        Self { pattern, counters: Mutex::default(), budget: None, runs: Mutex::default() }
    }

    /// Takes no more memory than `budget` says, and uses files for the rest.
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// How it splits texts.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Takes a text. Two calls are two texts: no piece goes from one into the other.
    ///
    /// # Errors
    /// [`Error::Cancelled`] soon after `cancel` is set, [`Error::OutOfMemory`], [`Error::Scratch`], [`Error::PatternLimit`]: a part of the text is then taken.
    pub fn add_text(&self, text: &str, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        self.add_texts_here(&[text], 1, cancel)
    }

    /// Takes `texts`, each on its own, on the calling thread, which may be one of `threads` that do so at the same time.
    ///
    /// # Errors
    /// As [`Trainer::add_text`].
    pub fn add_texts_here(&self, texts: &[&str], threads: usize, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        let mut counter = lock(&self.counters).pop().unwrap_or_else(|| PieceCounter::new(self.pattern.clone()));
        let result = texts.iter().try_for_each(|text| self.count(&mut counter, text, threads, cancel));
        lock(&self.counters).push(counter);
        result
    }

    /// Counts a text; a counter that comes to more than one of `parts` of the memory gives up what it has.
    fn count(
        &self,
        counter: &mut PieceCounter,
        text: &str,
        parts: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        let Some(budget) = &self.budget else { return counter.add_text(text, cancel) };
        let give_up = |counts: &mut Counts| lock(&self.runs).take(counts, budget);
        counter.add_text_within(text, budget.bytes / parts.max(1), give_up, cancel)
    }

    /// Takes what a thread has counted on its own. Counters of another pattern are taken as they are.
    pub fn add_counter(&self, counter: PieceCounter) {
        lock(&self.counters).push(counter);
    }

    /// The memory that the counted pieces take, in bytes.
    pub fn memory(&self) -> usize {
        lock(&self.counters).iter().map(PieceCounter::memory).sum()
    }

    /// Makes the vocabulary, on all threads of the current rayon pool where the pieces do not fit the memory. `progress` is called after each
    /// merge, and may stop the training there: what there is by then is the result.
    ///
    /// # Errors
    /// [`Error::InvalidTraining`] when the size is too small for the special tokens and the bytes, or too large;
    /// [`Error::InvalidSpecialToken`] when one is empty or there twice; [`Error::Cancelled`] soon after `cancel` is set;
    /// [`Error::InvalidVocabulary`] when the tokens are too long together; [`Error::OutOfMemory`], [`Error::Scratch`].
    pub fn train(
        self,
        options: &TrainOptions,
        mut progress: Watch<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<Trained, Error> {
        let special: Vec<(String, u32)> = options.special_tokens.iter().cloned().zip(0..).collect();
        SpecialTokens::new(special.iter().cloned(), [])?;
        let fixed = special.len() + alphabet::BYTES.len();
        let size = options.vocab_size as usize;
        if size < fixed || size > MAX_IDS {
            let reason = format!(
                "expected a size of {fixed} (the special tokens and the 256 bytes) to {MAX_IDS}, received {size}"
            );
            return Err(Error::InvalidTraining { reason });
        }
        let pattern = self.pattern.clone();
        let limits = Limits {
            merges: size - fixed,
            min_frequency: options.min_frequency,
            token_length: options.max_token_length.map_or(usize::MAX, |length| length as usize),
        };
        let ids = alphabet::ids(special.len() as u32);
        let (pieces, merges) = if is_narrow(size) {
            self.merges::<u16>(limits, &ids, fixed, &mut progress, cancel)?
        } else {
            self.merges::<u32>(limits, &ids, fixed, &mut progress, cancel)?
        };
        Trained::new(pattern, special, merges, size, pieces)
    }

    /// How many distinct pieces there are, and the merges. The first of them has the id `first`.
    fn merges<S: Symbol>(
        mut self,
        limits: Limits,
        ids: &[u32; 256],
        first: usize,
        progress: &mut Watch<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<(u64, Vec<[u32; 2]>), Error> {
        let most = limits.merges as u32;
        let mut runs = std::mem::take(&mut *lock(&self.runs));
        let Some(budget) = self.budget.take() else {
            let counter = self.into_counter()?;
            let cells = Cells::new(&counter.counts, ids)?;
            let pieces = counter.len() as u64;
            drop(counter);
            return Ok((
                pieces,
                merge(Merging::new(cells, vec![1; first], Vec::new(), limits, cancel), most, progress)?,
            ));
        };
        let fits = |[pieces, symbols]: [u64; 2]| MERGING.saturating_mul(pieces + symbols) <= budget.bytes as u64;
        let mut pieces = 0;
        let mut store;
        if runs.is_empty() && self.memory() <= budget.bytes {
            let counter = self.into_counter()?;
            let (mut count, mut symbols) = (0, 0);
            _ = counter.counts.for_each(|piece, _| {
                (count, symbols) = (count + 1, symbols + piece.len() as u64);
                Ok::<_, Infallible>(())
            });
            if fits([count, symbols]) {
                let cells = Cells::new(&counter.counts, ids)?;
                drop(counter);
                let merging = Merging::new(cells, vec![1; first], Vec::new(), limits, cancel);
                return Ok((count, merge(merging, most, progress)?));
            }
            store = StoreWriter::new(ids, &budget)?;
            pieces = count;
            counter.counts.for_each(|piece, count| store.add::<S>(piece, count))?;
        } else {
            lock(&self.counters).iter_mut().try_for_each(|counter| runs.take(&mut counter.counts, &budget))?;
            drop(self);
            store = StoreWriter::new(ids, &budget)?;
            runs.merge(cancel, |piece, count| {
                pieces += 1;
                store.add::<S>(piece, count)
            })?;
        }
        let mut passes = Passes::new(store.finish()?, first, limits, budget.bytes, cancel);
        if !passes.run::<S>(fits, most, progress)? {
            return Ok((pieces, passes.merges));
        }
        let Passes { store, limits, lengths, merges, .. } = passes;
        let cells = Cells::from_store::<S>(store, lengths.len(), cancel)?;
        Ok((pieces, merge(Merging::new(cells, lengths, merges, limits, cancel), most, progress)?))
    }

    /// All that was counted up to now.
    fn into_counter(self) -> Result<PieceCounter, Error> {
        let mut counters = self.counters.into_inner().unwrap_or_else(PoisonError::into_inner);
        counters.sort_unstable_by_key(PieceCounter::len);
        let mut all = counters.pop().unwrap_or_else(|| PieceCounter::new(self.pattern.clone()));
        counters.iter().try_for_each(|counter| all.add_counter(counter))?;
        Ok(all)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The merges of `merging`, to their end.
fn merge(mut merging: Merging<'_>, most: u32, progress: &mut Watch<'_>) -> Result<Vec<[u32; 2]>, Error> {
    while let Some(frequency) = merging.step()? {
        let now = Progress { merges: merging.merges.len() as u32, most, frequency };
        if progress.as_mut().is_some_and(|progress| progress(now).is_break()) {
            break;
        }
    }
    Ok(merging.merges)
}

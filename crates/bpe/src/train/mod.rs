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
//! The result is the same for any number of threads and any order of the texts.

mod alphabet;
mod cells;
mod counter;
mod explain;
mod long;
mod merges;
mod pairs;
mod queue;
mod short;
mod texts;
mod trained;

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

pub use counter::PieceCounter;
pub use explain::MergeStep;
pub use trained::Trained;

use crate::special::SpecialTokens;
use crate::vocabulary::MAX_IDS;
use crate::{Error, Pattern};
use cells::Cells;
use merges::{Limits, Merging};

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

/// Takes texts, and makes a vocabulary of them.
///
/// ```
/// use tokenmill_bpe::train::{TrainOptions, Trainer};
/// use tokenmill_bpe::Pattern;
///
/// let mut trainer = Trainer::new(Pattern::R50k);
/// trainer.add_text("low low low lower lowest newest widest", None)?;
/// let trained = trainer.train(&TrainOptions::new(260), None, None)?;
/// assert_eq!(trained.tokens().skip(256).collect::<Vec<_>>(), [&b"lo"[..], b"low", b" low", b"es"]);
/// # Ok::<(), tokenmill_bpe::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    pattern: Pattern,
    /// The first one is always there.
    counters: Vec<PieceCounter>,
}

impl Trainer {
    /// One that has no texts yet.
    pub fn new(pattern: Pattern) -> Self {
        Self { pattern, counters: vec![PieceCounter::new(pattern)] }
    }

    /// How it splits texts.
    pub fn pattern(&self) -> Pattern {
        self.pattern
    }

    /// Takes a text. Two calls are two texts: no piece goes from one into the other.
    ///
    /// # Errors
    /// [`Error::Cancelled`] soon after `cancel` is set, [`Error::OutOfMemory`]: a part of the text is then taken.
    pub fn add_text(&mut self, text: &str, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        self.counters[0].add_text(text, cancel)
    }

    /// Takes what a thread has counted on its own. Counters of another pattern are taken as they are.
    pub fn add_counter(&mut self, counter: PieceCounter) {
        self.counters.push(counter);
    }

    /// All that was counted up to now, in one counter.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]: a part of it is then counted twice, and the trainer is of no use any more.
    pub fn counter(&mut self) -> Result<&mut PieceCounter, Error> {
        let largest = (0..self.counters.len()).max_by_key(|&index| self.counters[index].len()).unwrap_or_default();
        self.counters.swap(0, largest);
        while self.counters.len() > 1 {
            let counter = self.counters.swap_remove(1);
            self.counters[0].add_counter(&counter)?;
        }
        Ok(&mut self.counters[0])
    }

    /// The memory that the counted pieces take, in bytes.
    pub fn memory(&self) -> usize {
        self.counters.iter().map(PieceCounter::memory).sum()
    }

    /// Makes the vocabulary. `progress` is called after each merge, and may stop the training there: what there is by then is the result.
    ///
    /// # Errors
    /// [`Error::InvalidTraining`] when the size is too small for the special tokens and the bytes, or too large;
    /// [`Error::InvalidSpecialToken`] when one is empty or there twice; [`Error::Cancelled`] soon after `cancel` is set;
    /// [`Error::InvalidVocabulary`] when the tokens are too long together; [`Error::OutOfMemory`].
    pub fn train(
        mut self,
        options: &TrainOptions,
        mut progress: Option<&mut dyn FnMut(Progress) -> ControlFlow<()>>,
        cancel: Option<&AtomicBool>,
    ) -> Result<Trained, Error> {
        let special: Vec<(String, u32)> = options.special_tokens.iter().cloned().zip(0..).collect();
        SpecialTokens::new(special.iter().cloned())?;
        let fixed = special.len() + alphabet::BYTES.len();
        let size = options.vocab_size as usize;
        if size < fixed || size > MAX_IDS {
            let reason = format!(
                "expected a size of {fixed} (the special tokens and the 256 bytes) to {MAX_IDS}, received {size}"
            );
            return Err(Error::InvalidTraining { reason });
        }
        let cells = Cells::new(self.counter()?, &alphabet::ids(special.len() as u32))?;
        drop(self.counters);
        let limits = Limits {
            merges: size - fixed,
            min_frequency: options.min_frequency,
            token_length: options.max_token_length.map_or(usize::MAX, |length| length as usize),
        };
        let most = limits.merges as u32;
        let mut merging = Merging::new(cells, limits, cancel);
        while let Some(frequency) = merging.step()? {
            let now = Progress { merges: merging.merges.len() as u32, most, frequency };
            if progress.as_mut().is_some_and(|progress| progress(now).is_break()) {
                break;
            }
        }
        Trained::new(self.pattern, special, merging.merges, size)
    }
}

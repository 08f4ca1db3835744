//! Training of word vectors: skip-gram and CBOW with negative sampling (Mikolov et al. 2013, "Distributed Representations of Words and
//! Phrases and their Compositionality"), by the rules of word2vec.c.
//!
//! # Method
//! For each word of each sentence, its neighbours up to a random distance of at most `window` are its context. The word itself and
//! `negatives` random words (by their frequency to the power of 3/4) are scored against the context, and what the logistic loss says is
//! added to both. Frequent words are skipped at random by `subsample`; the rate falls evenly to `min_learning_rate`.
//!
//! The word and its random words are scored side by side, by their values before any of them is changed, so that one does not wait for
//! the other. The rows of the next ones are asked for meanwhile.
//!
//! # Threads
//! Each takes stretches of sentences in turn, and all write into the same two tables ("Hogwild"). Rows are read and written by relaxed
//! atomic operations, so that threads which meet in a row are no data race; one of them may be overwritten by the other, which
//! training does not mind. With one thread the result depends on nothing but the options, the texts, the build and the processor.

mod chance;
mod negatives;
mod rows;
mod step;
mod texts;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::error::{check_cancel, reserved};
use crate::lanes::{Level, dot};
use crate::threads::on_threads;
use crate::{Error, Result, Rows as WordRows, WordVectors};
use chance::{Chance, mixed};
use negatives::Negatives;
use rows::Rows;
use step::Worker;
use texts::{Corpus, END};
pub use texts::{Split, Texts};

/// What is predicted from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The word from each word of its context.
    SkipGram,
    /// The word from the mean of its context.
    Cbow,
}

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Numbers of a vector.
    pub dimensions: usize,
    /// The farthest neighbour of a context.
    pub window: usize,
    /// Random words for each word.
    pub negatives: usize,
    /// What is predicted from what.
    pub objective: Objective,
    /// How often all texts are read.
    pub epochs: usize,
    /// Words that are in the texts less often are left out.
    pub min_count: u64,
    /// The frequency (a share of all words) above which words are skipped at random; 0 for none.
    pub subsample: f64,
    /// The rate at first.
    pub learning_rate: f32,
    /// The rate at last.
    pub min_learning_rate: f32,
    /// Decides initial values and all chances.
    pub seed: u64,
    /// How many threads work.
    pub threads: usize,
}

impl Default for Options {
    /// Those of gensim.
    fn default() -> Self {
        Self {
            dimensions: 100,
            window: 5,
            negatives: 5,
            objective: Objective::Cbow,
            epochs: 5,
            min_count: 5,
            subsample: 1e-3,
            learning_rate: 0.025,
            min_learning_rate: 1e-4,
            seed: 1,
            threads: 1,
        }
    }
}

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Words that were read, of all epochs.
    pub words: u64,
    /// Words that there are to read, of all epochs.
    pub all_words: u64,
}

/// Words of a stretch that a thread takes at a time.
const STRETCH: usize = 10_000;
/// The most words of a stretch: a longer sentence is of several.
const LONGEST_STRETCH: usize = 2 * STRETCH;
/// The most words of a sentence, as in word2vec.c: those that are left out or skipped do not count. A longer one is several.
const LONGEST_SENTENCE: usize = 1000;

/// Trains vectors on `texts`. `progress` is called now and then, by any thread. Stops soon after `cancel` is set.
///
/// # Errors
/// [`Error::InvalidOption`], [`Error::TooFewWords`], [`Error::OutOfMemory`], [`Error::Threads`], [`Error::Cancelled`].
pub fn train(
    texts: Texts,
    options: &Options,
    progress: Option<&(dyn Fn(Progress) + Sync)>,
    cancel: Option<&AtomicBool>,
) -> Result<WordVectors> {
    train_rows(texts, options, progress, cancel)?.into_vectors()
}

/// [`train`] on threads of its own alone: those of a rayon pool are not kept from other work.
///
/// # Errors
/// Those of [`train`].
pub fn train_rows(
    texts: Texts,
    options: &Options,
    progress: Option<&(dyn Fn(Progress) + Sync)>,
    cancel: Option<&AtomicBool>,
) -> Result<WordRows> {
    check(options)?;
    let corpus = texts.into_corpus(options.min_count, cancel)?;
    let words = corpus.words.len();
    let inputs = Rows::random(words, options.dimensions, options.seed, options.threads, cancel)?;
    let outputs = Rows::zeros(words, options.dimensions, options.threads, cancel)?;
    let shared = Shared {
        corpus: &corpus,
        options,
        inputs: &inputs,
        outputs: &outputs,
        negatives: Negatives::new(&corpus.counts, cancel)?,
        keep: keep_chances(&corpus.counts, options.subsample)?,
        stretches: stretches(&corpus.ids),
        next: AtomicUsize::new(0),
        done: AtomicU64::new(0),
        progress,
        cancel,
    };
    on_threads(options.threads, || shared.work(), || shared.take_all())?;
    check_cancel(cancel)?;
    let table = inputs.into_values()?;
    check_trained(&table, options.dimensions)?;
    Ok(WordRows { words: corpus.words, table, dimensions: options.dimensions })
}

/// Refuses vectors whose lengths are not finite: a rate that is too large makes them longer in each step.
fn check_trained(table: &[f32], dimensions: usize) -> Result<()> {
    let level = Level::best();
    let Some(row) = table.chunks_exact(dimensions).find(|row| !dot(level, row, row).is_finite()) else { return Ok(()) };
    let number = row.iter().find(|number| !number.is_finite()).or(row.first());
    let expected = "finite lengths (a smaller learning rate may keep them so)".to_owned();
    Err(Error::InvalidOption {
        option: "the vectors",
        expected,
        received: number.map_or(String::new(), f32::to_string),
    })
}

fn check(options: &Options) -> Result<()> {
    let whole = |option, value: usize, most: usize| match value {
        _ if (1..=most).contains(&value) => Ok(()),
        _ => Err(Error::InvalidOption { option, expected: format!("1 to {most}"), received: value.to_string() }),
    };
    whole("dimensions", options.dimensions, 1 << 16)?;
    whole("window", options.window, 1000)?;
    whole("negatives", options.negatives, 1000)?;
    whole("epochs", options.epochs, 1 << 20)?;
    whole("threads", options.threads, 1024)?;
    let number = |option, value: f64, most: f64| {
        if (0.0..=most).contains(&value) {
            return Ok(());
        }
        Err(Error::InvalidOption {
            option,
            expected: format!("a number from 0 to {most}"),
            received: value.to_string(),
        })
    };
    number("subsample", options.subsample, 1.0)?;
    number("learning rate", f64::from(options.learning_rate), 10.0)?;
    number("last learning rate", f64::from(options.min_learning_rate), f64::from(options.learning_rate))
}

/// The chance that a word stays, as a share of 2^32: `(sqrt(f / t) + 1) * t / f` for a frequency f, as in word2vec.c.
fn keep_chances(counts: &[u64], subsample: f64) -> Result<Vec<u32>> {
    let all: u64 = counts.iter().sum();
    let threshold = subsample * all as f64;
    let mut chances = reserved(counts.len())?;
    chances.extend(counts.iter().map(|&count| {
        let ratio = count as f64 / threshold;
        let chance = if threshold > 0.0 { (ratio.sqrt() + 1.0) / ratio } else { 1.0 };
        // Saturates: all of them stay.
        (chance * f64::from(u32::MAX)) as u32
    }));
    Ok(chances)
}

/// Where the stretches end: after whole sentences, or inside of very long ones.
fn stretches(ids: &[u32]) -> Vec<(usize, usize)> {
    let (mut stretches, mut start) = (Vec::new(), 0);
    for (at, &id) in ids.iter().enumerate() {
        let words = at - start;
        if id == END && words >= STRETCH || words >= LONGEST_STRETCH {
            stretches.push((start, at + 1));
            start = at + 1;
        }
    }
    if start < ids.len() {
        stretches.push((start, ids.len()));
    }
    stretches
}

/// What all threads see.
struct Shared<'a> {
    corpus: &'a Corpus,
    options: &'a Options,
    inputs: &'a Rows,
    outputs: &'a Rows,
    negatives: Negatives,
    keep: Vec<u32>,
    /// Of `corpus.ids`.
    stretches: Vec<(usize, usize)>,
    /// The next stretch, counted through all epochs.
    next: AtomicUsize,
    /// Words that were read.
    done: AtomicU64,
    progress: Option<&'a (dyn Fn(Progress) + Sync)>,
    cancel: Option<&'a AtomicBool>,
}

impl Shared<'_> {
    /// Stretches of all epochs.
    fn all(&self) -> usize {
        self.stretches.len() * self.options.epochs
    }

    /// Leaves none for the threads.
    fn take_all(&self) {
        self.next.store(self.all(), Ordering::Relaxed);
    }

    fn work(&self) -> Result<()> {
        let options = self.options;
        let mut worker = Worker::new(options, self.inputs, self.outputs)?;
        let all_words = self.corpus.tokens * options.epochs as u64;
        let all = self.all();
        let mut sentence = reserved(LONGEST_SENTENCE)?;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= all {
                return Ok(());
            }
            // A chance of its own for each stretch: what a thread does then does not depend on which one it is.
            let mut chance = Chance::new(mixed(options.seed, number as u64));
            let (start, end) = self.stretches[number % self.stretches.len()];
            for mut ids in self.corpus.ids[start..end].split(|&id| id == END) {
                while !ids.is_empty() {
                    check_cancel(self.cancel)?;
                    let words = self.next_sentence(ids, &mut sentence, &mut chance);
                    ids = &ids[words..];
                    let read = self.done.fetch_add(words as u64, Ordering::Relaxed);
                    let share = read as f32 / all_words as f32;
                    let rate = options.learning_rate - share * (options.learning_rate - options.min_learning_rate);
                    worker.sentence(&sentence, &self.negatives, rate.max(options.min_learning_rate), &mut chance);
                }
            }
            if let Some(progress) = self.progress {
                progress(Progress { words: self.done.load(Ordering::Relaxed), all_words });
            }
        }
    }

    /// Puts into `sentence` the words at the start of `ids` that stay, as many as a sentence may have, and says how many were read.
    fn next_sentence(&self, ids: &[u32], sentence: &mut Vec<u32>, chance: &mut Chance) -> usize {
        sentence.clear();
        for (read, &id) in ids.iter().enumerate() {
            if sentence.len() == LONGEST_SENTENCE {
                return read;
            }
            let keep = self.keep[id as usize];
            if keep == u32::MAX || chance.word() < keep {
                sentence.push(id);
            }
        }
        ids.len()
    }
}

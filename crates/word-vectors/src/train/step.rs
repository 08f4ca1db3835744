//! What a thread does with a sentence.

use super::chance::Chance;
use super::negatives::Negatives;
use super::rows::Rows;
use super::{Objective, Options};
use crate::Result;
use crate::error::filled;
use crate::kernel::{Level, add_to_each, combine, combine_turned, mean_of, products};

/// Scores beyond this are as good as certain.
const MOST: f32 = 6.0;
/// Places of the table of the logistic function.
const PLACES: usize = 4096;

/// How much is changed at a time.
#[derive(Clone, Copy)]
pub(super) struct Rates {
    pub rate: f32,
}

/// The buffers of a thread: rows are copied here, changed together, and copied back.
pub(super) struct Worker<'a> {
    options: &'a Options,
    /// Random words for each word.
    drawn: usize,
    inputs: &'a Rows,
    outputs: &'a Rows,
    level: Level,
    width: usize,
    logistic: Vec<f32>,
    /// Rows of the context, and what they become.
    context: Vec<f32>,
    changed: Vec<f32>,
    /// Rows of the word and of the random ones.
    targets: Vec<f32>,
    target_words: Vec<u32>,
    /// For each row of the context and each target.
    errors: Vec<f32>,
    mean: Vec<f32>,
    zeros: Vec<f32>,
}

impl<'a> Worker<'a> {
    pub fn new(options: &'a Options, inputs: &'a Rows, outputs: &'a Rows) -> Result<Self> {
        let drawn = match options.objective {
            Objective::SkipGram => 2 * options.negatives,
            Objective::Cbow => options.negatives,
        };
        let (width, most, targets) = (inputs.width(), 2 * options.window, drawn + 1);
        let mut logistic = filled(PLACES, 0.0)?;
        for (place, value) in logistic.iter_mut().enumerate() {
            let score = ((place as f64 + 0.5) / PLACES as f64 * 2.0 - 1.0) * f64::from(MOST);
            *value = (1.0 / (1.0 + (-score).exp())) as f32;
        }
        Ok(Self {
            options,
            drawn,
            inputs,
            outputs,
            level: Level::best(),
            width,
            logistic,
            context: filled(most * width, 0.0)?,
            changed: filled(most * width, 0.0)?,
            targets: filled(targets * width, 0.0)?,
            target_words: Vec::with_capacity(targets),
            errors: filled(most * targets, 0.0)?,
            mean: filled(width, 0.0)?,
            zeros: filled(width, 0.0)?,
        })
    }

    /// Trains on each word of a sentence.
    pub fn sentence(&mut self, words: &[u32], negatives: &Negatives, rates: Rates, chance: &mut Chance) {
        for (place, &word) in words.iter().enumerate() {
            let reach = 1 + chance.below(self.options.window as u32) as usize;
            let before = &words[place.saturating_sub(reach)..place];
            let after = &words[place + 1..words.len().min(place + 1 + reach)];
            if before.is_empty() && after.is_empty() {
                continue;
            }
            self.choose_targets(word, negatives, chance);
            let rows = before.len() + after.len();
            for (row, &neighbour) in before.iter().chain(after).enumerate() {
                self.inputs.read(neighbour, &mut self.context[row * self.width..][..self.width]);
            }
            match self.options.objective {
                Objective::SkipGram => self.skip_gram(rows, rates),
                Objective::Cbow => self.cbow(rows, rates),
            }
            for (row, &neighbour) in before.iter().chain(after).enumerate() {
                self.inputs.write(neighbour, &self.context[row * self.width..][..self.width]);
            }
            for (target, &other) in self.target_words.iter().enumerate() {
                self.outputs.write(other, &self.targets[target * self.width..][..self.width]);
            }
        }
    }

    /// The word and random others, none of them twice: of two copies of a row only one would be written.
    fn choose_targets(&mut self, word: u32, negatives: &Negatives, chance: &mut Chance) {
        self.target_words.clear();
        self.target_words.push(word);
        for _ in 0..self.drawn {
            let other = negatives.word(chance);
            if !self.target_words.contains(&other) {
                self.target_words.push(other);
            }
        }
        for (target, &other) in self.target_words.iter().enumerate() {
            self.outputs.read(other, &mut self.targets[target * self.width..][..self.width]);
        }
    }

    /// All rows of the context against all targets, by the values before any is changed.
    fn skip_gram(&mut self, rows: usize, rates: Rates) {
        let (width, level, count) = (self.width, self.level, self.target_words.len());
        let context = &self.context[..rows * width];
        let targets = &mut self.targets[..count * width];
        let errors = &mut self.errors[..rows * count];
        products(level, context, targets, width, errors);
        for row in errors.chunks_exact_mut(count) {
            for (target, error) in row.iter_mut().enumerate() {
                let weight = if target == 0 { 1.0 } else { self.options.negatives as f32 / self.drawn as f32 };
                *error = weight * rates.rate * error_of(&self.logistic, *error, target == 0);
            }
        }
        combine(level, errors, targets, width, context, &mut self.changed[..rows * width]);
        combine_turned(level, errors, context, width, targets);
        std::mem::swap(&mut self.context, &mut self.changed);
    }

    /// The mean of the context against all targets.
    fn cbow(&mut self, rows: usize, rates: Rates) {
        let (width, level, count) = (self.width, self.level, self.target_words.len());
        let context = &mut self.context[..rows * width];
        let targets = &mut self.targets[..count * width];
        let errors = &mut self.errors[..count];
        mean_of(level, context, &mut self.mean);
        products(level, &self.mean, targets, width, errors);
        for (target, error) in errors.iter_mut().enumerate() {
            *error = rates.rate * error_of(&self.logistic, *error, target == 0);
        }
        let change = &mut self.changed[..width];
        combine(level, errors, targets, width, &self.zeros, change);
        combine_turned(level, errors, &self.mean, width, targets);
        add_to_each(level, change, context);
    }
}

/// What the answer should have been, less what the score says.
#[inline]
fn error_of(logistic: &[f32], score: f32, is_word: bool) -> f32 {
    let answer = if is_word { 1.0 } else { 0.0 };
    // NaN is far below as well.
    let chance = if score >= MOST {
        1.0
    } else if score > -MOST {
        logistic[((score + MOST) * (PLACES as f32 / (2.0 * MOST))) as usize % PLACES]
    } else {
        0.0
    };
    answer - chance
}

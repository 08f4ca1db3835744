//! What a thread does with a sentence.

use std::sync::atomic::AtomicU32;

use super::chance::Chance;
use super::negatives::Negatives;
use super::rows::Rows;
use super::{Objective, Options};
use crate::Result;
use crate::error::filled;
use crate::lanes::{Lanes, Level, WIDEST, by_level};
use crate::lines::Lines;

/// Scores beyond this are as good as certain.
const MOST: f32 = 6.0;
/// Places of the table of the logistic function.
const PLACES: usize = 4096;
/// Targets that are scored side by side: as many as the default options have.
const GROUP: usize = 6;

/// The tables and the buffers of a thread.
pub(super) struct Worker<'a> {
    objective: Objective,
    window: u32,
    /// The word and the random ones.
    targets_each: usize,
    inputs: &'a Rows,
    outputs: &'a Rows,
    level: Level,
    logistic: Vec<f32>,
    /// For each time that is learned around one word: the word, and the random ones for it.
    targets: Vec<u32>,
    /// What the targets are predicted from, and how that is to change.
    input: Lines<f32>,
    change: Lines<f32>,
}

impl<'a> Worker<'a> {
    pub fn new(options: &Options, inputs: &'a Rows, outputs: &'a Rows) -> Result<Self> {
        let mut logistic = filled(PLACES, 0.0)?;
        for (place, value) in logistic.iter_mut().enumerate() {
            let score = ((place as f64 + 0.5) / PLACES as f64 * 2.0 - 1.0) * f64::from(MOST);
            *value = (1.0 / (1.0 + (-score).exp())) as f32;
        }
        let lines = inputs.width() / WIDEST;
        let targets_each = options.negatives + 1;
        let times = if options.objective == Objective::SkipGram { 2 * options.window } else { 1 };
        Ok(Self {
            objective: options.objective,
            window: options.window as u32,
            targets_each,
            inputs,
            outputs,
            level: Level::best(),
            logistic,
            targets: filled(times * targets_each, 0)?,
            input: Lines::new(lines, |_| 0.0)?,
            change: Lines::new(lines, |_| 0.0)?,
        })
    }

    /// Trains on each word of a sentence.
    pub fn sentence(&mut self, words: &[u32], negatives: &Negatives, rate: f32, chance: &mut Chance) {
        sentence(self.level, self, words, negatives, rate, chance);
    }
}

by_level! {
    fn sentence(
        worker: &mut Worker<'_>,
        words: &[u32],
        negatives: &Negatives,
        rate: f32,
        chance: &mut Chance
    ) = sentence_body
}

/// # Safety
/// As [`Lanes`], for this and all functions below: rows and buffers are equally long, and that a multiple of every [`Lanes::COUNT`].
#[inline(always)]
unsafe fn sentence_body<L: Lanes>(
    worker: &mut Worker<'_>,
    words: &[u32],
    negatives: &Negatives,
    rate: f32,
    chance: &mut Chance,
) {
    for (place, &word) in words.iter().enumerate() {
        let reach = 1 + chance.below(worker.window) as usize;
        let before = &words[place.saturating_sub(reach)..place];
        let after = &words[place + 1..words.len().min(place + 1 + reach)];
        let neighbours = before.len() + after.len();
        if neighbours == 0 {
            continue;
        }
        let each = worker.targets_each;
        let times = if worker.objective == Objective::SkipGram { neighbours } else { 1 };
        for targets in worker.targets[..times * each].chunks_exact_mut(each) {
            targets[0] = word;
            for target in &mut targets[1..] {
                *target = negatives.word(chance);
            }
        }
        // SAFETY: as the caller says.
        unsafe {
            match worker.objective {
                Objective::SkipGram => {
                    for time in 0..neighbours {
                        let neighbour = if time < before.len() { before[time] } else { after[time - before.len()] };
                        if time + 1 < times {
                            let next = &worker.targets[(time + 1) * each..][1..each];
                            for &target in next {
                                ask_for(worker.outputs.row(target));
                            }
                        }
                        read::<L>(worker.inputs.row(neighbour), &mut worker.input);
                        clear::<L>(&mut worker.change);
                        predict::<L>(worker, time, rate);
                        add::<L>(&worker.change, worker.inputs.row(neighbour));
                    }
                }
                Objective::Cbow => {
                    clear::<L>(&mut worker.input);
                    for &neighbour in before.iter().chain(after) {
                        accumulate::<L>(worker.inputs.row(neighbour), 1.0 / neighbours as f32, &mut worker.input);
                    }
                    clear::<L>(&mut worker.change);
                    predict::<L>(worker, 0, rate);
                    for &neighbour in before.iter().chain(after) {
                        add::<L>(&worker.change, worker.inputs.row(neighbour));
                    }
                }
            }
        }
    }
}

/// Scores the targets of the `time`th time against the input, changes them, and adds up in `change` what the input is to become.
#[inline(always)]
unsafe fn predict<L: Lanes>(worker: &mut Worker<'_>, time: usize, rate: f32) {
    let Worker { targets, targets_each, outputs, logistic, input, change, .. } = worker;
    let targets = &targets[time * *targets_each..][..*targets_each];
    let (groups, rest) = targets.as_chunks::<GROUP>();
    let what = Prediction { word: targets[0], input, outputs, logistic, rate };
    // SAFETY: as the caller says.
    unsafe {
        for (number, group) in groups.iter().enumerate() {
            what.group::<L, GROUP>(group, number == 0, change);
        }
        for (number, target) in rest.iter().enumerate() {
            what.group::<L, 1>(&[*target], groups.is_empty() && number == 0, change);
        }
    }
}

/// What all targets of one time have in common.
struct Prediction<'a> {
    word: u32,
    input: &'a [f32],
    outputs: &'a Rows,
    logistic: &'a [f32],
    rate: f32,
}

impl Prediction<'_> {
    /// [`predict`] of some targets, by their values before any is changed. A target that is there twice is changed twice.
    ///
    /// There is no closure in it, nor in what calls it: one would be compiled without the instructions of the level.
    #[inline(always)]
    unsafe fn group<L: Lanes, const N: usize>(&self, targets: &[u32; N], begins_with_word: bool, change: &mut [f32]) {
        let (input, width) = (self.input, self.input.len());
        let mut rows = [std::ptr::null(); N];
        for n in 0..N {
            rows[n] = self.outputs.row(targets[n]).as_ptr();
        }
        // SAFETY: as the caller says.
        unsafe {
            let mut sums = [L::all(0.0); N];
            for at in (0..width).step_by(L::COUNT) {
                let input = L::load(input.as_ptr().add(at));
                for n in 0..N {
                    sums[n] = L::multiply_add(input, L::read(rows[n].add(at)), sums[n]);
                }
            }
            let mut errors = sums;
            for n in 0..N {
                let is_word = n == 0 && begins_with_word;
                let error = error_of(self.logistic, L::sum(sums[n]), is_word);
                // The word itself, drawn at random, is not wrong.
                let is_drawn = targets[n] == self.word && !is_word;
                errors[n] = L::all(if is_drawn { 0.0 } else { self.rate * error });
            }
            for at in (0..width).step_by(L::COUNT) {
                let input = L::load(input.as_ptr().add(at));
                let place = change.as_mut_ptr().add(at);
                let mut sum = L::load(place);
                for n in 0..N {
                    let row = rows[n].add(at);
                    let target = L::read(row);
                    sum = L::multiply_add(errors[n], target, sum);
                    L::write(row, L::multiply_add(errors[n], input, target));
                }
                L::store(place, sum);
            }
        }
    }
}

#[inline(always)]
unsafe fn read<L: Lanes>(row: &[AtomicU32], into: &mut [f32]) {
    for at in (0..into.len()).step_by(L::COUNT) {
        // SAFETY: as the caller says.
        unsafe { L::store(into.as_mut_ptr().add(at), L::read(row.as_ptr().add(at))) };
    }
}

#[inline(always)]
unsafe fn clear<L: Lanes>(buffer: &mut [f32]) {
    for at in (0..buffer.len()).step_by(L::COUNT) {
        // SAFETY: as the caller says.
        unsafe { L::store(buffer.as_mut_ptr().add(at), L::all(0.0)) };
    }
}

/// Adds `factor` times `row` to `into`.
#[inline(always)]
unsafe fn accumulate<L: Lanes>(row: &[AtomicU32], factor: f32, into: &mut [f32]) {
    for at in (0..into.len()).step_by(L::COUNT) {
        // SAFETY: as the caller says.
        unsafe {
            let place = into.as_mut_ptr().add(at);
            L::store(place, L::multiply_add(L::all(factor), L::read(row.as_ptr().add(at)), L::load(place)));
        }
    }
}

/// Adds `change` to `row`.
#[inline(always)]
unsafe fn add<L: Lanes>(change: &[f32], row: &[AtomicU32]) {
    for at in (0..change.len()).step_by(L::COUNT) {
        // SAFETY: as the caller says.
        unsafe {
            let place = row.as_ptr().add(at);
            L::write(place, L::add(L::read(place), L::load(change.as_ptr().add(at))));
        }
    }
}

/// Asks for a row that will be read soon.
#[inline(always)]
fn ask_for(row: &[AtomicU32]) {
    #[cfg(target_arch = "x86_64")]
    for line in row.chunks(16) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: it has no effect but on caches.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    let _ = row;
}

/// What the answer should have been, less what the score says.
#[inline(always)]
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

#[cfg(test)]
mod tests {
    use super::*;

    type Table = Vec<Vec<f64>>;

    /// What [`Worker::sentence`] does, one number after the other, with the same chances.
    fn naive(
        options: &Options,
        [inputs, outputs]: [&mut Table; 2],
        words: &[u32],
        negatives: &Negatives,
        rate: f64,
        chance: &mut Chance,
    ) {
        for place in 0..words.len() {
            let reach = 1 + chance.below(options.window as u32) as usize;
            let near = place.saturating_sub(reach)..words.len().min(place + reach + 1);
            let context: Vec<usize> = near.filter(|&at| at != place).map(|at| words[at] as usize).collect();
            if context.is_empty() {
                continue;
            }
            let sources: Vec<Vec<usize>> = match options.objective {
                Objective::SkipGram => context.iter().map(|&word| vec![word]).collect(),
                Objective::Cbow => vec![context],
            };
            let drawn: Vec<Vec<usize>> = (sources.iter())
                .map(|_| {
                    let others = (0..options.negatives).map(|_| negatives.word(chance));
                    std::iter::once(words[place]).chain(others).map(|word| word as usize).collect()
                })
                .collect();
            for (source, targets) in sources.iter().zip(&drawn) {
                let mean =
                    |place: usize| source.iter().map(|&word| inputs[word][place]).sum::<f64>() / source.len() as f64;
                let input: Vec<f64> = (0..options.dimensions).map(mean).collect();
                let mut change = vec![0.0; options.dimensions];
                let full = targets.len() / GROUP * GROUP;
                let groups = targets[..full].chunks(GROUP).chain(targets[full..].chunks(1));
                for (group, first) in groups.zip((0..full).step_by(GROUP).chain(full..)) {
                    let score = |&target: &usize| outputs[target].iter().zip(&input).map(|(a, b)| a * b).sum::<f64>();
                    let scores: Vec<f64> = group.iter().map(score).collect();
                    for (n, (&target, score)) in group.iter().zip(scores).enumerate() {
                        if first + n > 0 && target == targets[0] {
                            continue;
                        }
                        let answer = if first + n == 0 { 1.0 } else { 0.0 };
                        let error = rate * (answer - 1.0 / (1.0 + (-score).exp()));
                        for ((change, output), input) in change.iter_mut().zip(&mut outputs[target]).zip(&input) {
                            *change += error * *output;
                            *output += error * input;
                        }
                    }
                }
                for &word in source {
                    inputs[word].iter_mut().zip(&change).for_each(|(value, change)| *value += change);
                }
            }
        }
    }

    fn table(rows: Rows, dimensions: usize) -> Table {
        let values = rows.into_values().unwrap();
        values.chunks(dimensions).map(|row| row.iter().copied().map(f64::from).collect()).collect()
    }

    #[test]
    fn every_level_trains_as_the_naive_version_does() {
        let words = [0, 3, 1, 1, 4, 2, 0, 6, 5, 3, 0, 2];
        let negatives = Negatives::new(&[9, 7, 5, 5, 3, 2, 1], None).unwrap();
        for objective in [Objective::SkipGram, Objective::Cbow] {
            for (dimensions, drawn) in [(5, 1), (16, 5), (100, 7), (33, 12)] {
                let options = Options { objective, dimensions, negatives: drawn, window: 3, ..Options::default() };
                // Larger than those that training begins with, so that scores are not all near 0.
                let filled = |seed| {
                    let rows = Rows::random(7, dimensions, seed, 1, None).unwrap();
                    for number in (0..7).flat_map(|row| rows.row(row)) {
                        let value = f32::from_bits(number.load(std::sync::atomic::Ordering::Relaxed));
                        number.store((value * 4.0).to_bits(), std::sync::atomic::Ordering::Relaxed);
                    }
                    rows
                };
                let (mut inputs, mut outputs) = (table(filled(1), dimensions), table(filled(2), dimensions));
                let expected = [&mut inputs, &mut outputs];
                naive(&options, expected, &words, &negatives, 0.1, &mut Chance::new(3));
                for level in Level::all() {
                    let rows = [filled(1), filled(2)];
                    let mut worker = Worker::new(&options, &rows[0], &rows[1]).unwrap();
                    worker.level = level;
                    worker.sentence(&words, &negatives, 0.1, &mut Chance::new(3));
                    for (found, expected) in rows.map(|rows| table(rows, dimensions)).iter().zip([&inputs, &outputs]) {
                        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
                            assert!(
                                (found - expected).abs() < 1e-3,
                                "{objective:?} {level:?} {dimensions}: {found} {expected}"
                            );
                        }
                    }
                }
            }
        }
    }
}

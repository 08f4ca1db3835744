//! How surprised a model is by its targets, and what would make it less so.
//!
//! The score of id `v` is `hidden . table[v] + bias[v]`. The table is that of the input ("tied": Press and Wolf, 2017), so that what an id
//! means is learned where it is read and where it is guessed. The loss of a target `y` is `log(sum over v of e^score[v]) - score[y]`, in
//! nats.
//!
//! **Sampled**, for large vocabularies: the sum is over the target and over ids drawn by their frequency, from whose scores the logarithm of
//! their chance to be drawn is taken (Jean et al., 2015), so that on average it leads where the whole sum does.

use std::ops::Range;

use rayon::prelude::*;

use super::exp::exp;
use super::matrix::Matrix;
use super::sampler::Sampler;
use crate::{Result, memory};

/// The scores that are in memory at a time: 16 MiB of them.
const SCORES: usize = 1 << 22;
/// Sums and maxima are taken of so many values side by side, which the compiler makes vectors of.
const LANES: usize = 16;

/// What is asked, and of which weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// A row for each target.
    pub(crate) hidden: &'a [f32],
    /// Rows of `table`.
    pub(crate) targets: &'a [u32],
    /// `[vocabulary, dimensions]`.
    pub(crate) table: &'a [f32],
    /// One for each row of `table`.
    pub(crate) bias: &'a [f32],
}

/// The loss, and the gradients of its mean.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The sum of the losses.
    pub(crate) loss: f64,
    /// Of `hidden`.
    pub(crate) hidden: Vec<f32>,
    /// Rows of the table that have a gradient; where one is there several times, its gradients add up.
    pub(crate) ids: Vec<u32>,
    /// Of these rows.
    pub(crate) rows: Vec<f32>,
    /// Of the bias of each.
    pub(crate) bias: Vec<f32>,
}

impl Question<'_> {
    /// The sum of the losses.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`].
    pub(crate) fn loss(&self) -> Result<f64> {
        let mut loss = 0.0;
        self.each_block(|targets, _, scores| {
            loss += self.soften(targets, scores);
            Ok(())
        })?;
        Ok(loss)
    }

    /// The loss and its gradients.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`].
    pub(crate) fn answer(&self) -> Result<Answer> {
        let (vocabulary, dimensions) = (self.bias.len(), self.dimensions());
        let mut answer = Answer {
            hidden: memory::zeros(self.hidden.len())?,
            ids: memory::reserved(vocabulary)?,
            rows: memory::zeros(self.table.len())?,
            bias: memory::zeros(vocabulary)?,
            ..Answer::default()
        };
        answer.ids.extend(0..vocabulary as u32);
        let share = self.share();
        self.each_block(|targets, hidden, scores| {
            answer.loss += self.soften(targets.clone(), scores);
            into_gradients(scores, vocabulary, &self.targets[targets.clone()], share);
            let (grads, hidden) = (Matrix::new(scores, vocabulary), Matrix::new(hidden, dimensions));
            let of_hidden = &mut answer.hidden[targets.start * dimensions..targets.end * dimensions];
            grads.times(Matrix::new(self.table, dimensions), of_hidden, false);
            grads.transposed().times(hidden, &mut answer.rows, true);
            add_columns(scores, &mut answer.bias);
            Ok(())
        })?;
        Ok(answer)
    }

    /// [`Question::answer`] from `draws` draws of ids.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`].
    pub(crate) fn sampled(&self, sampler: &Sampler, draws: usize, seed: u64, step: u64) -> Result<Answer> {
        let dimensions = self.dimensions();
        let mut ids = sampler.draw(draws, seed, step)?;
        let drawn = ids.len();
        let shift = |id: u32| self.bias[id as usize] - sampler.log_inclusion(id, draws);
        let shifts: Vec<f32> = ids.iter().map(|&id| shift(id)).collect();
        let table = self.rows_of(&ids)?;
        let mut scores = memory::zeros(memory::checked_len(self.targets.len(), drawn)?)?;
        Matrix::new(self.hidden, dimensions).times(Matrix::new(&table, dimensions).transposed(), &mut scores, false);
        let share = self.share();
        let of_target = |((scores, &target), hidden): ((&mut [f32], &u32), &[f32])| {
            scores.iter_mut().zip(&shifts).for_each(|(score, shift)| *score += shift);
            // A target that was also drawn counts once, as the target.
            if let Ok(hit) = ids.binary_search(&target) {
                scores[hit] = f32::NEG_INFINITY;
            }
            let row = &self.table[target as usize * dimensions..][..dimensions];
            let own = hidden.iter().zip(row).map(|(a, b)| a * b).sum::<f32>() + shift(target);
            let most = largest(scores).max(own);
            let others = exponentials(scores, most);
            let sum = others + exp(own - most);
            for score in scores {
                *score *= share / sum;
            }
            (f64::from(most - own) + f64::from(sum).ln(), -share * (others / sum))
        };
        let rows = scores.par_chunks_exact_mut(drawn).zip(self.targets).zip(self.hidden.par_chunks_exact(dimensions));
        let (losses, owns): (Vec<f64>, Vec<f32>) = rows.map(of_target).unzip();

        let mut answer = Answer {
            loss: losses.iter().sum(),
            hidden: memory::zeros(self.hidden.len())?,
            rows: memory::zeros(memory::checked_len(drawn + self.targets.len(), dimensions)?)?,
            bias: memory::zeros(drawn)?,
            ..Answer::default()
        };
        let grads = Matrix::new(&scores, drawn);
        grads.times(Matrix::new(&table, dimensions), &mut answer.hidden, false);
        let (of_drawn, of_targets) = answer.rows.split_at_mut(drawn * dimensions);
        grads.transposed().times(Matrix::new(self.hidden, dimensions), of_drawn, false);
        add_columns(&scores, &mut answer.bias);
        let of_hidden = answer.hidden.chunks_exact_mut(dimensions).zip(of_targets.chunks_exact_mut(dimensions));
        for (((of_hidden, of_row), (&target, &own)), hidden) in
            of_hidden.zip(self.targets.iter().zip(&owns)).zip(self.hidden.chunks_exact(dimensions))
        {
            let row = &self.table[target as usize * dimensions..][..dimensions];
            of_hidden.iter_mut().zip(row).for_each(|(grad, value)| *grad += own * value);
            of_row.iter_mut().zip(hidden).for_each(|(grad, value)| *grad = own * value);
        }
        answer.bias.extend_from_slice(&owns);
        ids.extend_from_slice(self.targets);
        answer.ids = ids;
        Ok(answer)
    }

    fn dimensions(&self) -> usize {
        self.table.len() / self.bias.len()
    }

    /// What one target counts in the mean.
    fn share(&self) -> f32 {
        1.0 / self.targets.len() as f32
    }

    fn rows_of(&self, ids: &[u32]) -> Result<Vec<f32>> {
        let dimensions = self.dimensions();
        let mut rows = memory::reserved(ids.len() * dimensions)?;
        for &id in ids {
            rows.extend_from_slice(&self.table[id as usize * dimensions..][..dimensions]);
        }
        Ok(rows)
    }

    /// Gives the scores of so many targets at a time to `block`, without the bias, and the rows of `hidden` that they are of.
    fn each_block(&self, mut block: impl FnMut(Range<usize>, &[f32], &mut [f32]) -> Result<()>) -> Result<()> {
        let (vocabulary, dimensions) = (self.bias.len(), self.dimensions());
        let most = (SCORES / vocabulary).clamp(1, self.targets.len().max(1));
        let mut scores = memory::zeros(memory::checked_len(most, vocabulary)?)?;
        let table = Matrix::new(self.table, dimensions).transposed();
        for (number, hidden) in self.hidden.chunks(most * dimensions).enumerate() {
            let first = number * most;
            let targets = first..first + hidden.len() / dimensions;
            let scores = &mut scores[..targets.len() * vocabulary];
            Matrix::new(hidden, dimensions).times(table, scores, false);
            block(targets, hidden, scores)?;
        }
        Ok(())
    }

    /// Makes probabilities of scores without bias; the sum of the losses of `targets`.
    fn soften(&self, targets: Range<usize>, scores: &mut [f32]) -> f64 {
        let of_target = |(scores, &target): (&mut [f32], &u32)| {
            scores.iter_mut().zip(self.bias).for_each(|(score, bias)| *score += bias);
            let own = scores[target as usize];
            let most = largest(scores);
            let sum = exponentials(scores, most);
            for score in scores {
                *score /= sum;
            }
            f64::from(most - own) + f64::from(sum).ln()
        };
        let rows = scores.par_chunks_exact_mut(self.bias.len()).zip(&self.targets[targets]);
        // Summed in order, so that the number of threads does not show.
        rows.map(of_target).collect::<Vec<f64>>().iter().sum()
    }
}

/// Makes gradients of the scores of probabilities.
fn into_gradients(probabilities: &mut [f32], vocabulary: usize, targets: &[u32], share: f32) {
    probabilities.par_chunks_exact_mut(vocabulary).zip(targets).for_each(|(row, &target)| {
        row[target as usize] -= 1.0;
        for value in row {
            *value *= share;
        }
    });
}

/// Adds up the rows of a matrix.
fn add_columns(rows: &[f32], sums: &mut [f32]) {
    const COLUMNS: usize = 1024;
    let columns = sums.len();
    sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(chunk, sums)| {
        for row in rows.chunks_exact(columns) {
            sums.iter_mut().zip(&row[chunk * COLUMNS..]).for_each(|(sum, value)| *sum += value);
        }
    });
}

fn largest(values: &[f32]) -> f32 {
    let (lanes, rest) = values.as_chunks::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for chunk in lanes {
        for (most, value) in most.iter_mut().zip(chunk) {
            *most = if *value > *most { *value } else { *most };
        }
    }
    most.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Makes `e^(value - most)` of each value, and gives their sum.
fn exponentials(values: &mut [f32], most: f32) -> f32 {
    let (lanes, rest) = values.as_chunks_mut::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in lanes {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *value = exp(*value - most);
            *sum += *value;
        }
    }
    let rest = rest.iter_mut().map(|value| {
        *value = exp(*value - most);
        *value
    });
    sums.into_iter().chain(rest).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMENSIONS: usize = 5;

    struct Case {
        hidden: Vec<f32>,
        targets: Vec<u32>,
        table: Vec<f32>,
        bias: Vec<f32>,
    }

    /// Numbers from -1 to 1 that look random.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let number = |index: u32| index.wrapping_mul(7919).wrapping_add(seed * 104_729) % 2003;
        (0..count as u32).map(|index| number(index.wrapping_mul(index + 1)) as f32 / 1001.0 - 1.0).collect()
    }

    fn case(targets: usize, vocabulary: usize) -> Case {
        Case {
            hidden: numbers(targets * DIMENSIONS, 1).iter().map(|value| value * 3.0).collect(),
            targets: (0..targets).map(|index| (index * index * 31 % vocabulary) as u32).collect(),
            table: numbers(vocabulary * DIMENSIONS, 2),
            bias: numbers(vocabulary, 3),
        }
    }

    impl Case {
        fn question(&self) -> Question<'_> {
            let Self { hidden, targets, table, bias } = self;
            Question { hidden, targets, table, bias }
        }

        /// The sum of the losses, as the definition says it.
        fn naive_loss(&self) -> f64 {
            let losses = self.hidden.chunks(DIMENSIONS).zip(&self.targets).map(|(hidden, &target)| {
                let scores: Vec<f64> = (self.table.chunks(DIMENSIONS).zip(&self.bias))
                    .map(|(row, &bias)| {
                        let products = hidden.iter().zip(row).map(|(&a, &b)| f64::from(a) * f64::from(b));
                        products.sum::<f64>() + f64::from(bias)
                    })
                    .collect();
                scores.iter().map(|score| score.exp()).sum::<f64>().ln() - scores[target as usize]
            });
            losses.sum()
        }

        /// How the mean loss changes with each of `values`, by small steps.
        fn slopes(&mut self, values: fn(&mut Self) -> &mut Vec<f32>) -> Vec<f64> {
            const STEP: f32 = 1.0 / 256.0;
            let targets = self.targets.len() as f64;
            (0..values(self).len())
                .map(|index| {
                    let before = values(self)[index];
                    let [low, high] = [-STEP, STEP].map(|step| {
                        values(self)[index] = before + step;
                        (self.naive_loss(), f64::from(values(self)[index]))
                    });
                    values(self)[index] = before;
                    (high.0 - low.0) / (high.1 - low.1) / targets
                })
                .collect()
        }
    }

    /// The gradients of all rows and biases.
    fn summed(answer: &Answer, vocabulary: usize) -> (Vec<f32>, Vec<f32>) {
        let (mut rows, mut bias) = (vec![0.0; vocabulary * DIMENSIONS], vec![0.0; vocabulary]);
        for ((&id, row), of_bias) in answer.ids.iter().zip(answer.rows.chunks(DIMENSIONS)).zip(&answer.bias) {
            let sums = &mut rows[id as usize * DIMENSIONS..][..DIMENSIONS];
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            bias[id as usize] += of_bias;
        }
        (rows, bias)
    }

    fn assert_near(actual: &[f32], expected: &[f64], tolerance: f64) {
        assert_eq!(actual.len(), expected.len());
        for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
            assert!((f64::from(actual) - expected).abs() < tolerance, "{index}: {actual} is not {expected}");
        }
    }

    #[test]
    fn losses_and_gradients_are_those_of_the_definition() {
        for (targets, vocabulary) in [(1, 1), (3, 7), (20, 50), (7, 1300)] {
            let mut case = case(targets, vocabulary);
            let answer = case.question().answer().unwrap();
            let expected = case.naive_loss();
            assert!((answer.loss - expected).abs() < 1e-5 * expected.max(1.0), "{} is not {expected}", answer.loss);
            assert!((case.question().loss().unwrap() - answer.loss).abs() < 1e-9);
            let (rows, bias) = summed(&answer, vocabulary);
            assert_near(&answer.hidden, &case.slopes(|case| &mut case.hidden), 1e-5);
            assert_near(&rows, &case.slopes(|case| &mut case.table), 1e-5);
            assert_near(&bias, &case.slopes(|case| &mut case.bias), 1e-5);
        }
    }

    #[test]
    fn scores_that_do_not_fit_at_once_give_the_same() {
        let (targets, vocabulary) = (150, 1 << 16);
        let case = case(targets, vocabulary);
        let whole = case.question().answer().unwrap();
        assert!(SCORES / vocabulary < targets);
        let part = |range: Range<usize>| Case {
            hidden: case.hidden[range.start * DIMENSIONS..range.end * DIMENSIONS].to_vec(),
            targets: case.targets[range].to_vec(),
            table: case.table.clone(),
            bias: case.bias.clone(),
        };
        let [first, second] = [0..75, 75..150].map(|range| part(range).question().answer().unwrap());
        assert!((first.loss + second.loss - whole.loss).abs() < 1e-6 * whole.loss);
        let halves: Vec<f64> = first.rows.iter().zip(&second.rows).map(|(a, b)| f64::from((a + b) / 2.0)).collect();
        assert_near(&whole.rows, &halves, 1e-7);
    }

    #[test]
    fn when_all_ids_are_drawn_the_sampled_answer_is_the_whole_one() {
        let vocabulary = 40;
        let case = case(30, vocabulary);
        let sampler = Sampler::new(&[3; 40]).unwrap();
        let sampled = case.question().sampled(&sampler, 4000, 1, 2).unwrap();
        assert_eq!(sampled.ids.len(), 40 + 30, "every id is drawn");
        let whole = case.question().answer().unwrap();
        assert!((sampled.loss - whole.loss).abs() < 1e-4);
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let ([rows, bias], [all_rows, all_bias]) =
            [&sampled, &whole].map(|answer| <[Vec<f32>; 2]>::from(summed(answer, vocabulary))).into();
        assert_near(&sampled.hidden, &wide(&whole.hidden), 1e-6);
        assert_near(&rows, &wide(&all_rows), 1e-6);
        assert_near(&bias, &wide(&all_bias), 1e-6);
    }

    #[test]
    fn sampled_answers_are_on_average_about_the_whole_one() {
        let vocabulary = 60;
        let case = case(12, vocabulary);
        let counts: Vec<u64> = (0..vocabulary as u64).map(|id| 1000 / (id + 1)).collect();
        let sampler = Sampler::new(&counts).unwrap();
        let mut mean = vec![0.0; vocabulary];
        let steps = 2000;
        for step in 0..steps {
            let (_, bias) = summed(&case.question().sampled(&sampler, 60, 7, step).unwrap(), vocabulary);
            mean.iter_mut().zip(bias).for_each(|(mean, value)| *mean += f64::from(value) / steps as f64);
        }
        let (_, bias) = summed(&case.question().answer().unwrap(), vocabulary);
        let (mut apart, mut size) = (0.0, 0.0);
        for (mean, &whole) in mean.iter().zip(&bias) {
            apart += (mean - f64::from(whole)).powi(2);
            size += f64::from(whole).powi(2);
        }
        assert!((apart / size).sqrt() < 0.2, "{}", (apart / size).sqrt());
    }
}

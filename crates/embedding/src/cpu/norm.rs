//! Layer normalisation of rows: mean 0 and variance 1, times a weight, plus a bias.
//!
//! Ba, Kiros and Hinton, "Layer Normalization" (2016), with the variance of all values, as torch's `LayerNorm`. A sum over a row has
//! [`LANES`] partial sums, so that its order, and with it every bit, is the same on every processor.

use rayon::prelude::*;

use super::wide::wide;
use crate::Result;
use crate::memory::zeros;

const LANES: usize = 32;
/// Rows whose gradients of weight and bias are summed before they are added to the others, one after the other.
const BLOCK: usize = 256;

/// A normalisation.
#[derive(Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
    /// What is added to the variance.
    pub(crate) epsilon: f32,
}

/// What was taken out of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowStats {
    mean: f32,
    /// One over the standard deviation.
    factor: f32,
}

impl Norm<'_> {
    /// Normalises `row`.
    #[inline(always)]
    pub(super) fn apply(&self, row: &mut [f32]) -> RowStats {
        let stats = stats(row, self.epsilon);
        for ((value, weight), bias) in row.iter_mut().zip(self.weight).zip(self.bias) {
            *value = stats.normal(*value) * weight + bias;
        }
        stats
    }
}

impl RowStats {
    #[inline(always)]
    fn normal(self, value: f32) -> f32 {
        (value - self.mean) * self.factor
    }
}

#[inline(always)]
fn stats(row: &[f32], epsilon: f32) -> RowStats {
    let count = row.len() as f32;
    let mean = sum(row, |value| value) / count;
    let variance = sum(row, |value| (value - mean) * (value - mean)) / count;
    RowStats { mean, factor: 1.0 / (variance + epsilon).sqrt() }
}

/// The sum of `term` of each value.
#[inline(always)]
fn sum(row: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    sum_of_pairs(row, row, |value, _| term(value))
}

/// The sum of `term` of each pair of values.
#[inline(always)]
fn sum_of_pairs(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += term(a[lane], b[lane]);
        }
    }
    for (lane, (&a, &b)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *lane += term(a, b);
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
    }
    lanes[0]
}

/// Turns `grads`, of normalised rows, into those of the `rows` that were normalised, and adds the gradients of weight and bias to `sums`.
///
/// With `n` the normal value and `g = grad * weight`: `d row = factor * (g - mean(g) - n * mean(g * n))`.
///
/// # Errors
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
pub(crate) fn backward(
    weight: &[f32],
    rows: &[f32],
    stats: &[RowStats],
    grads: &mut [f32],
    mut sums: [&mut [f32]; 2],
) -> Result<()> {
    let dimensions = weight.len();
    let block = BLOCK * dimensions;
    let mut of_blocks = zeros(stats.len().div_ceil(BLOCK).saturating_mul(2 * dimensions))?;
    grads
        .par_chunks_mut(block)
        .zip(rows.par_chunks(block).zip(stats.par_chunks(BLOCK)))
        .zip(of_blocks.par_chunks_mut(2 * dimensions))
        .for_each(|((grads, (rows, stats)), sums)| backward_rows(weight, rows, stats, grads, sums));
    for block in of_blocks.chunks_exact(2 * dimensions) {
        for (sums, block) in sums.iter_mut().zip(block.chunks_exact(dimensions)) {
            for (sum, grad) in sums.iter_mut().zip(block) {
                *sum += grad;
            }
        }
    }
    Ok(())
}

wide! {
    /// A block of rows; `sums` are the gradients of the weight and then of the bias.
    fn backward_rows(weight: &[f32], rows: &[f32], stats: &[RowStats], grads: &mut [f32], sums: &mut [f32]) {
        let dimensions = weight.len();
        let (weight_sums, bias_sums) = sums.split_at_mut(dimensions);
        let mut normal = vec![0.0; dimensions];
        for ((row, grad), stats) in rows.chunks_exact(dimensions).zip(grads.chunks_exact_mut(dimensions)).zip(stats) {
            for ((normal, &value), (&grad, (weight_sum, bias_sum))) in
                normal.iter_mut().zip(row).zip(grad.iter().zip(weight_sums.iter_mut().zip(bias_sums.iter_mut())))
            {
                *normal = stats.normal(value);
                *weight_sum += grad * *normal;
                *bias_sum += grad;
            }
            for (grad, weight) in grad.iter_mut().zip(weight) {
                *grad *= weight;
            }
            let count = dimensions as f32;
            let mean = sum(grad, |grad| grad) / count;
            let along = sum_of_pairs(grad, &normal, |grad, normal| grad * normal) / count;
            for (grad, normal) in grad.iter_mut().zip(&normal) {
                *grad = stats.factor * (*grad - mean - normal * along);
            }
        }
    }
}

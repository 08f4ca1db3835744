//! Layer normalisation of rows: mean 0 and variance 1, times a weight, plus a bias.
//!
//! Ba, Kiros and Hinton, "Layer Normalization" (2016), with the variance of all values, as torch's `LayerNorm`. A sum over a row has
//! [`LANES`] partial sums, so that its order, and with it every bit, is the same on every processor.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::Gather;
use super::wide::wide;
use crate::Result;
use crate::element::Element;
use crate::memory::zeros;
use crate::threads::in_pool;

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
    let [sum] = sums_of_pairs(row, row, |value, _| [term(value)]);
    sum
}

/// The sums of `terms` of each pair of values.
#[inline(always)]
fn sums_of_pairs<const N: usize>(a: &[f32], b: &[f32], terms: impl Fn(f32, f32) -> [f32; N]) -> [f32; N] {
    let mut lanes = [[0.0; LANES]; N];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let terms = terms(a[lane], b[lane]);
            for sum in 0..N {
                lanes[sum][lane] += terms[sum];
            }
        }
    }
    for (lane, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        let terms = terms(a, b);
        for sum in 0..N {
            lanes[sum][lane] += terms[sum];
        }
    }
    lanes.map(|mut lanes| {
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for lane in 0..width {
                lanes[lane] += lanes[lane + width];
            }
        }
        lanes[0]
    })
}

/// What the backward pass of a normalisation reads.
#[derive(Clone, Copy)]
pub(crate) struct NormBackward<'a, T> {
    /// The rows that were normalised. Its dropout came after that.
    pub(crate) what: Gather<'a, T>,
    /// Of each row.
    pub(crate) stats: &'a [RowStats],
    /// The weight of the normalisation.
    pub(crate) weight: &'a [f32],
    /// A row for each of the result.
    pub(crate) grads: &'a [f32],
}

/// Initialises all of `out` with the gradients of the rows that were normalised, and adds those of weight and bias to `sums`.
///
/// With `n` the normal value and `g = grad * weight`: `d row = factor * (g - mean(g) - n * mean(g * n))`. The rows are added up again, one at a time:
/// to keep them all would take as much memory as the result.
///
/// # Errors
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory), [`Error::Threads`](crate::Error::Threads).
pub(crate) fn norm_backward<T: Element>(
    pass: &NormBackward<'_, T>,
    out: &mut [MaybeUninit<f32>],
    mut sums: [&mut [f32]; 2],
) -> Result<()> {
    let dimensions = pass.what.dimensions;
    let mut of_blocks = zeros(pass.stats.len().div_ceil(BLOCK).saturating_mul(2 * dimensions))?;
    let task = |(index, (out, sums)): (usize, (&mut [MaybeUninit<f32>], &mut [f32]))| {
        backward_rows(pass, index * BLOCK, out, sums);
    };
    in_pool(|| {
        let blocks = out.par_chunks_mut(BLOCK * dimensions).zip(of_blocks.par_chunks_mut(2 * dimensions));
        blocks.enumerate().for_each(task);
    })?;
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
    /// The rows from number `first` on that `out` has room for; `sums` are the gradients of the weight and then of the bias.
    fn backward_rows<T: Element>[halves: H](
        pass: &NormBackward<'_, T>,
        first: usize,
        out: &mut [MaybeUninit<f32>],
        sums: &mut [f32],
    ) {
        let dimensions = pass.what.dimensions;
        let count = dimensions as f32;
        let (weight_sums, bias_sums) = sums.split_at_mut(dimensions);
        let (weight, bias_sums) = (&pass.weight[..dimensions], &mut bias_sums[..dimensions]);
        let (mut normal, mut grad) = (vec![0.0; dimensions], vec![0.0; dimensions]);
        let (normal, grad) = (&mut normal[..dimensions], &mut grad[..dimensions]);
        for (row, out) in (first..).zip(out.chunks_exact_mut(dimensions)) {
            pass.what.sum_row(halves, row, normal);
            grad.copy_from_slice(&pass.grads[row * dimensions..][..dimensions]);
            if let Some(dropout) = pass.what.dropout {
                dropout.apply(row, grad);
            }
            let stats = pass.stats[row];
            for at in 0..dimensions {
                normal[at] = stats.normal(normal[at]);
                weight_sums[at] += grad[at] * normal[at];
                bias_sums[at] += grad[at];
                grad[at] *= weight[at];
            }
            let [sum, along] = sums_of_pairs(grad, normal, |grad, normal| [grad, grad * normal]);
            let (mean, along) = (sum / count, along / count);
            for at in 0..dimensions {
                out[at].write(stats.factor * (grad[at] - mean - normal[at] * along));
            }
        }
    }
}

//! Steps of the optimisers, row by row.
//!
//! Computed in `f32` in the order of torch's single-tensor implementations, so that results differ from torch's by no more than what it
//! contracts into fused operations.

use rayon::prelude::*;

use super::wide::wide;
use super::{MutRows, PARALLEL_FROM, rows_per_task};
use crate::Result;
use crate::element::Element;
use crate::threads::in_pool;

/// How a row changes by its gradient. `moments` has [`Update::moments`] rows, one after the other.
pub(crate) trait Update: Copy + Sync {
    /// Rows of memory for each row of the table.
    fn moments(&self) -> usize;

    /// Changes `row` and `moments`. `grad` is `None` for a row that had no gradient, in a dense step.
    fn apply(&self, row: &mut [f32], moments: &mut [f32], grad: Option<&[f32]>);
}

/// Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019).
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamW {
    /// What a row is multiplied by first.
    pub(crate) decay: f32,
    /// One less the decay of the first and of the second moment.
    pub(crate) rates: [f32; 2],
    pub(crate) epsilon: f32,
    pub(crate) step_size: f32,
    /// What the square root of the second moment is divided by.
    pub(crate) second_correction: f32,
}

impl Update for AdamW {
    fn moments(&self) -> usize {
        2
    }

    #[inline(always)]
    fn apply(&self, row: &mut [f32], moments: &mut [f32], grad: Option<&[f32]>) {
        let (first, second) = moments.split_at_mut(row.len());
        let one = |value: &mut f32, first: &mut f32, second: &mut f32, grad: f32| {
            *first += self.rates[0] * (grad - *first);
            *second += self.rates[1] * (grad * grad - *second);
            let divisor = second.sqrt() / self.second_correction + self.epsilon;
            *value = *value * self.decay - self.step_size * (*first / divisor);
        };
        let moments = first.iter_mut().zip(second.iter_mut());
        match grad {
            Some(grad) => {
                for ((value, (first, second)), &grad) in row.iter_mut().zip(moments).zip(grad) {
                    one(value, first, second, grad);
                }
            }
            None => {
                for (value, (first, second)) in row.iter_mut().zip(moments) {
                    one(value, first, second, 0.0);
                }
            }
        }
    }
}

/// Stochastic gradient descent with momentum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sgd {
    pub(crate) learning_rate: f32,
    pub(crate) weight_decay: f32,
    /// `None` keeps no moments.
    pub(crate) momentum: Option<f32>,
    pub(crate) nesterov: bool,
}

impl Update for Sgd {
    fn moments(&self) -> usize {
        usize::from(self.momentum.is_some())
    }

    #[inline(always)]
    fn apply(&self, row: &mut [f32], moments: &mut [f32], grad: Option<&[f32]>) {
        let grad_of = |index: usize, value: f32| grad.map_or(0.0, |grad| grad[index]) + self.weight_decay * value;
        match self.momentum {
            None => {
                for (index, value) in row.iter_mut().enumerate() {
                    *value -= self.learning_rate * grad_of(index, *value);
                }
            }
            Some(momentum) => {
                for (index, (value, moment)) in row.iter_mut().zip(moments).enumerate() {
                    let grad = grad_of(index, *value);
                    *moment = momentum * *moment + grad;
                    let along = if self.nesterov { grad + momentum * *moment } else { *moment };
                    *value -= self.learning_rate * along;
                }
            }
        }
    }
}

/// The gradient of a table, and which of its rows a step changes.
#[derive(Clone, Copy)]
pub(crate) enum Gradients<'a> {
    /// Row `ids[i]`, none of which is there twice, has gradient `i`; no other row changes.
    Rows(&'a [u32]),
    /// Row `i` has gradient `slots[i]`, or 0 where that is `u32::MAX`; all rows change.
    All(&'a [u32]),
}

/// Changes a table of rows of `dimensions` values by `grads`, rows of the same size.
pub(crate) fn update_rows<T: Element, U: Update>(
    update: &U,
    dimensions: usize,
    which: Gradients<'_>,
    grads: &[f32],
    table: &mut [T],
    moments: &mut [f32],
) -> Result<()> {
    let work = MutRows::new(table, dimensions);
    let moments = MutRows::new(moments, update.moments() * dimensions);
    let grad = |index: u32| &grads[index as usize * dimensions..][..dimensions];
    let (Gradients::Rows(list) | Gradients::All(list)) = which;
    let task = |(chunk, list): (usize, &[u32])| {
        let mut scratch = Vec::new();
        let first = chunk * rows_per_task(dimensions);
        for (index, &entry) in list.iter().enumerate() {
            let (row, grad) = match which {
                Gradients::Rows(_) => {
                    if let Some(&next) = list.get(index + 1) {
                        work.prefetch(next as usize);
                        moments.prefetch(next as usize);
                    }
                    (entry as usize, Some(grad((first + index) as u32)))
                }
                Gradients::All(_) => (first + index, (entry != u32::MAX).then(|| grad(entry))),
            };
            // SAFETY: no id is there twice, and each row number is there once.
            let (row, moments) = unsafe { (work.row(row), moments.row(row)) };
            update_row(update, row, moments, grad, &mut scratch);
        }
    };
    let rows = rows_per_task(dimensions);
    if list.len().saturating_mul(dimensions) < PARALLEL_FROM {
        list.chunks(rows).enumerate().for_each(task);
        return Ok(());
    }
    in_pool(|| list.par_chunks(rows).enumerate().for_each(task))
}

wide! {
    /// `scratch` is memory for rows of halves.
    fn update_row<T: Element, U: Update>(
        update: &U,
        row: &mut [T],
        moments: &mut [f32],
        grad: Option<&[f32]>,
        scratch: &mut Vec<f32>,
    ) {
        if let Some(row) = T::as_f32_mut(row) {
            update.apply(row, moments, grad);
            return;
        }
        scratch.clear();
        scratch.extend(row.iter().map(|value| value.widen()));
        update.apply(scratch, moments, grad);
        for (value, &changed) in row.iter_mut().zip(&*scratch) {
            *value = T::narrow(changed);
        }
    }
}

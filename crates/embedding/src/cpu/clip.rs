//! The size of a gradient, and how it becomes smaller.

use rayon::prelude::*;

use super::wide::wide;
use super::{PARALLEL_FROM, TASK_VALUES};
use crate::threads::in_pool;
use crate::{Result, memory};

const LANES: usize = 16;

/// The sum of the squares of `values`, in `f64`. Tasks have partial sums, which are added up in order: the number of threads does not show.
pub(crate) fn sum_of_squares(values: &[f32]) -> Result<f64> {
    let mut sums = memory::filled(values.len().div_ceil(TASK_VALUES), 0.0)?;
    let task = |(sum, values): (&mut f64, &[f32])| *sum = squares(values);
    if values.len() < PARALLEL_FROM {
        sums.iter_mut().zip(values.chunks(TASK_VALUES)).for_each(task);
    } else {
        in_pool(|| sums.par_iter_mut().zip(values.par_chunks(TASK_VALUES)).for_each(task))?;
    }
    Ok(sums.into_iter().sum())
}

/// Multiplies each of `values` by `factor`.
pub(crate) fn scale(values: &mut [f32], factor: f32) -> Result<()> {
    if values.len() < PARALLEL_FROM {
        scale_all(values, factor);
        return Ok(());
    }
    in_pool(|| values.par_chunks_mut(TASK_VALUES).for_each(|values| scale_all(values, factor)))
}

wide! {
    fn squares(values: &[f32]) -> f64 {
        let (lanes, rest) = values.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for values in lanes {
            for lane in 0..LANES {
                let value = f64::from(values[lane]);
                sums[lane] += value * value;
            }
        }
        for (sum, &value) in sums.iter_mut().zip(rest) {
            *sum += f64::from(value) * f64::from(value);
        }
        sums.into_iter().sum()
    }
}

wide! {
    fn scale_all(values: &mut [f32], factor: f32) {
        for value in values {
            *value *= factor;
        }
    }
}

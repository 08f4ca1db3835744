//! What is computed on the processor.
//!
//! Every kernel gives the same bits for any number of threads and any vector extension: a sum has one order, written down where it is
//! made, and nothing is contracted into a fused multiplication and addition.

mod clip;
mod gather;
mod halves;
mod norm;
mod normal;
mod rows;
mod scatter;
mod step;
mod stream;
mod wide;

pub(crate) use clip::{scale, sum_of_squares};
pub(crate) use gather::{Gather, gather};
#[cfg(target_arch = "x86_64")]
pub(crate) use halves::Avx2;
pub(crate) use halves::{Halves, Portable};
pub(crate) use norm::{Norm, NormBackward, RowStats, norm_backward};
pub(crate) use normal::{PAIRS, normal_pairs, rounded_pairs};
use rows::MutRows;
pub(crate) use scatter::{scatter, scatter_more};
pub(crate) use step::{AdamW, Gradients, Rate, Sgd, Update, update_rows};

/// From this many values on, all threads work: below, waking them costs more than they save.
pub(crate) const PARALLEL_FROM: usize = 1 << 16;
/// Values per task, roughly: 64 KiB of `f32`.
const TASK_VALUES: usize = 1 << 14;

/// Rows of `dimensions` values in one task.
fn rows_per_task(dimensions: usize) -> usize {
    (TASK_VALUES / dimensions).max(1)
}

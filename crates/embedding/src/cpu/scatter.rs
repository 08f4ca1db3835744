//! Sums of gradient rows by the row of the table that they belong to.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::wide::wide;
use super::{MutRows, PARALLEL_FROM};
use crate::Result;
use crate::memory::{copied, filled, reserve, reserved};
use crate::threads::in_pool;

/// Adds `scale * grads[i]` to row `slots[i]` of `sums`, in the order of `i`: each row of `sums` is made by one thread alone.
/// A slot of `u32::MAX` is left out.
///
/// # Errors
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory) and [`Error::Threads`](crate::Error::Threads); `sums` is then as it was.
pub(crate) fn scatter(slots: &[u32], grads: &[f32], scale: f32, sums: &mut [f32], dimensions: usize) -> Result<()> {
    let rows = sums.len() / dimensions;
    let start = sums.as_mut_ptr().cast();
    // SAFETY: the same memory, of which nothing but values is written.
    let sums = unsafe { std::slice::from_raw_parts_mut(start, sums.len()) };
    scatter_into(&Groups::new(slots, rows)?, grads, scale, sums, rows, dimensions)
}

/// [`scatter`], where `sums` has the first of `rows` rows, and is to have all: each other one is in `slots`, and is written first where it would else be
/// made of zeros.
///
/// # Errors
/// As [`scatter`].
pub(crate) fn scatter_more(
    slots: &[u32],
    grads: &[f32],
    scale: f32,
    sums: &mut Vec<f32>,
    rows: usize,
    dimensions: usize,
) -> Result<()> {
    let (known, len) = (sums.len() / dimensions, rows * dimensions);
    reserve(sums, len - sums.len())?;
    let groups = Groups::new(slots, rows)?;
    assert!((known..rows).all(|row| !groups.of(row as u32).is_empty()), "a new row without a gradient");
    // SAFETY: there is room for so many.
    let all = unsafe { std::slice::from_raw_parts_mut(sums.as_mut_ptr().cast(), len) };
    scatter_into(&groups, grads, scale, all, known, dimensions)?;
    // SAFETY: each new row is in a group, and was written.
    unsafe { sums.set_len(len) };
    Ok(())
}

/// Adds to the first `known` rows of `sums`, and writes the others of which there is a group. Writes nothing when there are no threads.
fn scatter_into(
    groups: &Groups,
    grads: &[f32],
    scale: f32,
    sums: &mut [MaybeUninit<f32>],
    known: usize,
    dimensions: usize,
) -> Result<()> {
    let sums = MutRows::new(sums, dimensions);
    let grad = |index: u32| &grads[index as usize * dimensions..][..dimensions];
    let task = |&slot: &u32| {
        // SAFETY: each slot is in `touched` once.
        let sum = unsafe { sums.row(slot as usize) };
        let mut indices = groups.of(slot);
        if slot as usize >= known
            && let [first, rest @ ..] = indices
        {
            write_scaled(sum, grad(*first), scale);
            indices = rest;
        }
        // SAFETY: it is known, or was written.
        let sum = unsafe { sum.assume_init_mut() };
        for &index in indices {
            add_scaled(sum, grad(index), scale);
        }
    };
    if grads.len() < PARALLEL_FROM {
        groups.touched.iter().for_each(task);
        return Ok(());
    }
    in_pool(|| groups.touched.par_iter().with_min_len(8).for_each(task))
}

/// The indices of each slot, in order.
struct Groups {
    /// Slots that have any, each once, in the order of their first index.
    touched: Vec<u32>,
    /// Where the indices of a slot start; those of the next one follow.
    starts: Vec<u32>,
    indices: Vec<u32>,
}

impl Groups {
    /// `count` slots; one of `u32::MAX` is left out.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    fn new(slots: &[u32], count: usize) -> Result<Self> {
        let mut starts = filled(count + 1, 0)?;
        let mut touched = reserved(slots.len().min(count))?;
        let used = || slots.iter().enumerate().filter(|&(_, &slot)| slot != u32::MAX);
        for (_, &slot) in used() {
            let counted = &mut starts[slot as usize + 1];
            if *counted == 0 {
                touched.push(slot);
            }
            *counted += 1;
        }
        for slot in 0..count {
            starts[slot + 1] += starts[slot];
        }
        let mut next = copied(&starts)?;
        let mut indices = filled(starts[count] as usize, 0)?;
        for (index, &slot) in used() {
            let place = &mut next[slot as usize];
            indices[*place as usize] = index as u32;
            *place += 1;
        }
        Ok(Self { touched, starts, indices })
    }

    fn of(&self, slot: u32) -> &[u32] {
        &self.indices[self.starts[slot as usize] as usize..self.starts[slot as usize + 1] as usize]
    }
}

wide! {
    fn add_scaled(sum: &mut [f32], grad: &[f32], scale: f32) {
        for (sum, grad) in sum.iter_mut().zip(grad) {
            *sum += scale * grad;
        }
    }
}

wide! {
    /// The same bits as those of the sum with zeros.
    fn write_scaled(sum: &mut [MaybeUninit<f32>], grad: &[f32], scale: f32) {
        assert_eq!(sum.len(), grad.len());
        for (sum, grad) in sum.iter_mut().zip(grad) {
            sum.write(0.0 + scale * grad);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_rows_have_the_bits_of_sums_with_zeros() {
        let values = [-0.0, 0.0, 1.5, -2.25, f32::INFINITY, f32::MIN_POSITIVE];
        // Below and above what one thread adds up alone.
        for (count, dimensions) in [(40, 3), (3_000, 33)] {
            for known in [0, 1, 7] {
                let rows = known + 5;
                // Each new row first comes at another place, and again after that.
                let slot = |index: usize| match index % 4 {
                    0 => u32::MAX,
                    1 => (known + index / 4 % 5) as u32,
                    _ => (index * 7 % rows) as u32,
                };
                let slots: Vec<u32> = (0..count).map(slot).collect();
                // The first of each row adds only -0.
                let value =
                    |at: usize| if at.is_multiple_of(dimensions) { 0.0 } else { values[at * at % 31 % values.len()] };
                let grads: Vec<f32> = (0..count * dimensions).map(value).collect();
                let mut sums: Vec<f32> = (0..known * dimensions).map(|at| values[at % values.len()]).collect();
                let mut naive = sums.clone();
                naive.resize(rows * dimensions, 0.0);
                let mut whole = naive.clone();
                for (index, &slot) in slots.iter().enumerate().filter(|&(_, &slot)| slot != u32::MAX) {
                    for at in 0..dimensions {
                        naive[slot as usize * dimensions + at] += -0.5 * grads[index * dimensions + at];
                    }
                }
                scatter_more(&slots, &grads, -0.5, &mut sums, rows, dimensions).unwrap();
                scatter(&slots, &grads, -0.5, &mut whole, dimensions).unwrap();
                let bits = |sums: &[f32]| sums.iter().map(|sum| sum.to_bits()).collect::<Vec<_>>();
                assert_eq!(
                    (bits(&sums), bits(&whole)),
                    (bits(&naive), bits(&naive)),
                    "{known} known, {count} gradients"
                );
            }
        }
    }

    #[test]
    #[should_panic(expected = "a new row without a gradient")]
    fn a_new_row_without_a_gradient_is_not_taken_for_written() {
        let _ = scatter_more(&[1], &[1.0], 1.0, &mut Vec::new(), 2, 1);
    }
}

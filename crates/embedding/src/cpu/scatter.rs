//! Sums of gradient rows by the row of the table that they belong to.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::wide::wide;
use super::{MutRows, PARALLEL_FROM};
use crate::Result;
use crate::memory::{filled, reserve, reserved};
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
    assert_eq!(groups.from(known), rows - known, "new rows that have a gradient");
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
    let task = |group: &Group| {
        // SAFETY: there is one group of each slot.
        let sum = unsafe { sums.row(group.slot as usize) };
        let mut indices = groups.of(group);
        if group.slot as usize >= known
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
        groups.each.iter().for_each(task);
        return Ok(());
    }
    in_pool(|| groups.each.par_iter().with_min_len(8).for_each(task))
}

/// The indices of each slot that has any.
struct Groups {
    /// Ascending by slot, and those of a slot in order.
    indices: Vec<u32>,
    each: Vec<Group>,
}

/// A slot, and where its indices are.
struct Group {
    slot: u32,
    start: u32,
    end: u32,
}

impl Groups {
    /// `count` slots; one of `u32::MAX` is left out. Of few slots among many the time depends on these alone: else what a pass takes would grow with
    /// the rows that passes before it have left.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    fn new(slots: &[u32], count: usize) -> Result<Self> {
        /// To sort one takes as long as to count so many.
        const FEW: usize = 16;
        let indices = if slots.len() < count / FEW { sorted(slots)? } else { counted(slots, count)? };
        let mut each = reserved(indices.len().min(count))?;
        let mut start = 0;
        for indices in indices.chunk_by(|&a, &b| slots[a as usize] == slots[b as usize]) {
            let end = start + indices.len() as u32;
            each.push(Group { slot: slots[indices[0] as usize], start, end });
            start = end;
        }
        Ok(Self { indices, each })
    }

    fn of(&self, group: &Group) -> &[u32] {
        &self.indices[group.start as usize..group.end as usize]
    }

    /// How many slots from `known` on there are.
    fn from(&self, known: usize) -> usize {
        self.each.len() - self.each.partition_point(|group| (group.slot as usize) < known)
    }
}

/// The indices of `slots` by their slots, in order.
fn sorted(slots: &[u32]) -> Result<Vec<u32>> {
    let mut indices = reserved(slots.len())?;
    indices.extend((0..slots.len() as u32).filter(|&index| slots[index as usize] != u32::MAX));
    indices.sort_unstable_by_key(|&index| (slots[index as usize], index));
    Ok(indices)
}

/// [`sorted`], by counting each of `count` slots.
fn counted(slots: &[u32], count: usize) -> Result<Vec<u32>> {
    let mut next = filled(count + 1, 0u32)?;
    let used = || slots.iter().enumerate().filter(|&(_, &slot)| slot != u32::MAX);
    for (_, &slot) in used() {
        next[slot as usize + 1] += 1;
    }
    for slot in 0..count {
        next[slot + 1] += next[slot];
    }
    let mut indices = filled(next[count] as usize, 0)?;
    for (index, &slot) in used() {
        let place = &mut next[slot as usize];
        indices[*place as usize] = index as u32;
        *place += 1;
    }
    Ok(indices)
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
            for known in [0, 1, 7, 1000] {
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
    #[should_panic(expected = "new rows that have a gradient")]
    fn a_new_row_without_a_gradient_is_not_taken_for_written() {
        let _ = scatter_more(&[1], &[1.0], 1.0, &mut Vec::new(), 2, 1);
    }
}

//! Sums of gradient rows by the row of the table that they belong to.

use rayon::prelude::*;

use super::wide::wide;
use super::{MutRows, PARALLEL_FROM};
use crate::Result;
use crate::memory::{copied, filled, reserved};
use crate::threads::in_pool;

/// Adds `scale * grads[i]` to row `slots[i]` of `sums`, in the order of `i`: each row of `sums` is made by one thread alone.
/// A slot of `u32::MAX` is left out.
pub(crate) fn scatter(slots: &[u32], grads: &[f32], scale: f32, sums: &mut [f32], dimensions: usize) -> Result<()> {
    let groups = Groups::new(slots, sums.len() / dimensions)?;
    let sums = MutRows::new(sums, dimensions);
    let task = |&slot: &u32| {
        // SAFETY: each slot is in `touched` once.
        let sum = unsafe { sums.row(slot as usize) };
        for &index in groups.of(slot) {
            add_scaled(sum, &grads[index as usize * dimensions..][..dimensions], scale);
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

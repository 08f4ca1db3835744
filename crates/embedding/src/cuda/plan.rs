//! How rows are added up by the row that they belong to, on many threads and yet in one order (`kernels/segment_sum.cu`).
//!
//! A row that many belong to, as that of a frequent id, would be the work of a few threads alone. Its rows are cut into segments, each summed up by itself; a
//! second pass adds up the sums, in order. The result depends on the length of a segment, and on nothing else.

use crate::{Error, Result, memory};

/// The most rows of a segment: up to so many are one sum, as on the CPU.
pub(super) const SEGMENT: usize = 64;
/// What a target has where it is not a sum but a part of one.
pub(super) const PART: u32 = 1 << 31;

/// Segments that follow on one another: number `i` is from `starts[i]` to `starts[i + 1]`, and its sum goes to `targets[i]`.
#[derive(Debug, PartialEq)]
pub(crate) struct Segments {
    pub(crate) starts: Vec<u32>,
    pub(crate) targets: Vec<u32>,
}

impl Segments {
    /// None yet, with room for so many.
    fn with_room(segments: usize) -> Result<Self> {
        let (mut starts, targets) = (memory::reserved(segments + 1)?, memory::reserved(segments)?);
        starts.push(0);
        Ok(Self { starts, targets })
    }

    fn push(&mut self, end: u32, target: u32) {
        self.starts.push(end);
        self.targets.push(target);
    }
}

/// What is added to what.
#[derive(Debug, PartialEq)]
pub(crate) struct Plan {
    /// Numbers of rows: what the segments of the first pass are segments of.
    pub(crate) order: Vec<u32>,
    pub(crate) first: Segments,
    /// How many parts of sums the first pass makes; the segments of the second are segments of them.
    pub(crate) parts: usize,
    pub(crate) second: Segments,
}

impl Plan {
    /// Adds row `i` to sum `slots[i]` of `sums`, in the order of `i`. A slot of `u32::MAX` is left out.
    ///
    /// # Errors
    /// [`Error::TooManyIds`]: numbers have 31 bits; [`Error::OutOfMemory`].
    pub(crate) fn new(slots: &[u32], sums: usize) -> Result<Self> {
        if slots.len().max(sums) > PART as usize {
            return Err(Error::TooManyIds { ids: slots.len().max(sums) });
        }
        // Until rows have their places, `starts[slot + 1]` is where the next one of a slot goes; then it is where those of the slot after it start.
        let mut starts = memory::filled(sums + 2, 0)?;
        for &slot in slots.iter().filter(|&&slot| slot != u32::MAX) {
            starts[slot as usize + 2] += 1;
        }
        let (mut count, mut many) = (0, 0);
        for start in &mut starts {
            many += *start as usize / SEGMENT;
            count += *start;
            *start = count;
        }
        let mut order = memory::filled(count as usize, 0)?;
        for (row, &slot) in slots.iter().enumerate().filter(|&(_, &slot)| slot != u32::MAX) {
            let next = &mut starts[slot as usize + 1];
            order[*next as usize] = row as u32;
            *next += 1;
        }
        // One for each sum, and for its full segments where there are some.
        let (mut first, mut second) = (Segments::with_room(sums + many)?, Segments::with_room(many)?);
        let mut parts = 0;
        for (slot, bounds) in starts[..=sums].windows(2).enumerate().filter(|(_, bounds)| bounds[0] < bounds[1]) {
            let (slot, start, end) = (slot as u32, bounds[0], bounds[1]);
            if (end - start) as usize <= SEGMENT {
                first.push(end, slot);
                continue;
            }
            for start in (start..end).step_by(SEGMENT) {
                first.push(end.min(start + SEGMENT as u32), PART | parts);
                parts += 1;
            }
            second.push(parts, slot);
        }
        Ok(Self { order, first, parts: parts as usize, second })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel makes of a plan: `None` where a sum got nothing.
    fn run(plan: &Plan, sums: usize) -> Vec<Vec<u32>> {
        let mut all = vec![Vec::new(); sums];
        let mut parts = vec![Vec::new(); plan.parts];
        for (bounds, &target) in plan.first.starts.windows(2).zip(&plan.first.targets) {
            let rows = &plan.order[bounds[0] as usize..bounds[1] as usize];
            assert!(!rows.is_empty() && rows.len() <= SEGMENT);
            let to = if target & PART == 0 { &mut all[target as usize] } else { &mut parts[(target & !PART) as usize] };
            assert!(to.is_empty(), "no two segments have one target");
            to.extend_from_slice(rows);
        }
        for (bounds, &target) in plan.second.starts.windows(2).zip(&plan.second.targets) {
            let to = &mut all[target as usize];
            assert!(to.is_empty(), "a sum is made in one pass or in two");
            to.extend(parts[bounds[0] as usize..bounds[1] as usize].iter().flatten());
        }
        all
    }

    #[test]
    fn every_row_is_added_to_its_sum_in_order() {
        for (count, sums) in [(0, 0), (0, 3), (1, 1), (64, 1), (65, 1), (1000, 3), (1000, 999), (4096, 7)] {
            let slot = |row: u32| match (row.wrapping_mul(2_654_435_761) >> 7) % 5 {
                0 => u32::MAX,
                1 => 0,
                _ => (row.wrapping_mul(40_503) >> 3) % sums,
            };
            let slots: Vec<u32> = (0..count).map(slot).collect();
            let plan = Plan::new(&slots, sums as usize).unwrap();
            let mut expected = vec![Vec::new(); sums as usize];
            for (row, &slot) in slots.iter().enumerate().filter(|&(_, &slot)| slot != u32::MAX) {
                expected[slot as usize].push(row as u32);
            }
            assert_eq!(run(&plan, sums as usize), expected, "{count} rows, {sums} sums");
        }
    }

    #[test]
    fn a_frequent_row_is_cut() {
        let plan = Plan::new(&[0; 130], 1).unwrap();
        assert_eq!(plan.first, Segments { starts: vec![0, 64, 128, 130], targets: vec![PART, PART | 1, PART | 2] });
        assert_eq!((plan.parts, plan.second), (3, Segments { starts: vec![0, 3], targets: vec![0] }));
    }
}

//! The fused lookup: rows of the token table, scaled, plus rows of the type and the position tables, in one pass over the result.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::Halves;
use super::norm::{Norm, RowStats};
use super::wide::wide;
use super::{PARALLEL_FROM, rows_per_task, stream};
use crate::element::Element;
use crate::ids::CheckedPositions;
use crate::threads::in_pool;
use crate::{Dropout, Result};

/// Results of so many bytes are written past the caches, from which they would drive out everything else.
const STREAM_FROM: usize = 8 << 20;
/// Bytes that are asked for ahead of what is added up: about what arrives in the time that it takes.
const AHEAD: usize = 12 << 10;
/// Values that are added up before they are written past the caches: one line of halves, two of `f32`.
const LINE: usize = 32;

/// What is looked up. Every row exists: who makes it has checked.
#[derive(Clone, Copy)]
pub(crate) struct Gather<'a, T> {
    /// Values of one row.
    pub(crate) dimensions: usize,
    pub(crate) ids: &'a [u32],
    pub(crate) token: &'a [T],
    /// What token rows are multiplied by.
    pub(crate) scale: f32,
    /// A table, and the row of it for each id; all have row 0 where that is nothing.
    pub(crate) types: Option<(&'a [T], Option<&'a [u32]>)>,
    pub(crate) position: Option<(&'a [T], CheckedPositions<'a>)>,
    pub(crate) norm: Option<Norm<'a>>,
    pub(crate) dropout: Option<Dropout>,
}

/// Initialises all of `out`, which has a row for each id; so has `stats`, unless it is empty or nothing is normalised.
pub(crate) fn gather<T: Element, Out: Element>(
    what: &Gather<'_, T>,
    out: &mut [MaybeUninit<Out>],
    stats: &mut [RowStats],
) -> Result<()> {
    assert_eq!(out.len(), what.ids.len() * what.dimensions, "one row of output per id");
    let rows = rows_per_task(what.dimensions);
    let row_bytes = what.dimensions * size_of::<Out>();
    let is_streamed = size_of_val(out) >= STREAM_FROM && stream::can_stream(out.as_ptr().addr(), row_bytes);
    if out.len() < PARALLEL_FROM {
        gather_rows(what, 0, is_streamed, out, stats);
        return Ok(());
    }
    let task = |(index, (out, stats)): (usize, (&mut [MaybeUninit<Out>], &mut [RowStats]))| {
        gather_rows(what, index * rows, is_streamed, out, stats);
    };
    in_pool(|| {
        let out = out.par_chunks_mut(rows * what.dimensions);
        if stats.is_empty() {
            out.map(|out| (out, Default::default())).enumerate().for_each(task);
        } else {
            out.zip(stats.par_chunks_mut(rows)).enumerate().for_each(task);
        }
    })
}

wide! {
    /// The rows from number `first` on that `out` has room for.
    fn gather_rows<T: Element, Out: Element>[halves: H](
        what: &Gather<'_, T>,
        first: usize,
        is_streamed: bool,
        out: &mut [MaybeUninit<Out>],
        stats: &mut [RowStats],
    ) {
        let is_plain = what.norm.is_none() && what.dropout.is_none();
        let mut wide = vec![0.0; if is_plain { 0 } else { what.dimensions }];
        for (index, out) in out.chunks_exact_mut(what.dimensions).enumerate() {
            let row = first + index;
            if is_plain {
                what.parts(row).write(halves, out, is_streamed, what.ahead(row));
                continue;
            }
            what.sum_row(halves, row, &mut wide);
            if let Some(norm) = what.norm {
                let taken = norm.apply(&mut wide);
                if let Some(stats) = stats.get_mut(index) {
                    *stats = taken;
                }
            }
            if let Some(dropout) = what.dropout {
                dropout.apply(row, &mut wide);
            }
            Parts { token: &wide, scale: 1.0, types: None, position: None }.write(halves, out, is_streamed, None);
        }
        if is_streamed {
            stream::end_of_stream();
        }
    }
}

impl<'a, T: Element> Gather<'a, T> {
    /// The sum of row `row` alone, as it is before it is normalised; a row that comes later is asked for.
    #[inline(always)]
    pub(super) fn sum_row(&self, halves: impl Halves, row: usize, sum: &mut [f32]) {
        self.parts(row).write(halves, as_uninit(sum), false, self.ahead(row));
    }

    /// Where the token row begins that is read some time after row `row`.
    #[inline(always)]
    fn ahead(&self, row: usize) -> Option<*const T> {
        let ahead = AHEAD.div_ceil((self.dimensions * size_of::<T>()).max(1));
        self.ids.get(row + ahead).map(|&id| nth(self.token, id, self.dimensions).as_ptr())
    }

    /// What row `row` is the sum of.
    #[inline(always)]
    fn parts(&self, row: usize) -> Parts<'a, T> {
        Parts {
            token: nth(self.token, self.ids[row], self.dimensions),
            scale: self.scale,
            types: self.types.map(|(table, ids)| nth(table, ids.map_or(0, |ids| ids[row]), self.dimensions)),
            position: self.position.map(|(table, positions)| nth(table, positions.of(row), self.dimensions)),
        }
    }
}

/// Equally long parts of rows that are added up: `(token + type) + position`, the order in which BERT adds.
#[derive(Clone, Copy)]
struct Parts<'a, T> {
    token: &'a [T],
    /// What token values are multiplied by. By 1 a value is itself, so that one loop serves both: memory is the limit, not arithmetic.
    scale: f32,
    types: Option<&'a [T]>,
    position: Option<&'a [T]>,
}

impl<T: Element> Parts<'_, T> {
    /// Initialises `out` with the sum, past the caches if asked, and asks for the row that begins at `next`.
    ///
    /// A line goes from registers to memory: by way of a whole row of scratch it took half as long again.
    #[inline(always)]
    fn write<Out: Element>(
        &self,
        halves: impl Halves,
        out: &mut [MaybeUninit<Out>],
        is_streamed: bool,
        next: Option<*const T>,
    ) {
        let ask = |at: usize, values: usize| {
            if let Some(next) = next {
                stream::prefetch_once(next.wrapping_add(at).cast(), values * size_of::<T>());
            }
        };
        let (lines, rest) = out.as_chunks_mut::<LINE>();
        let whole = lines.len() * LINE;
        for (index, line) in lines.iter_mut().enumerate() {
            ask(index * LINE, LINE);
            let sums = Out::narrow_all(&self.line(halves, index), halves);
            if is_streamed {
                stream::prefetch_page(line);
                // SAFETY: `gather` has asked `can_stream`.
                unsafe { stream::store(line, &sums) };
            } else {
                line.write_copy_of_slice(&sums);
            }
        }
        ask(whole, rest.len());
        // The line of the last value: rows seldom begin where lines do.
        ask(whole + rest.len() - 1, 1);
        let mut sums = [Out::narrow(0.0); LINE];
        let sums = &mut sums[..rest.len()];
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum = Out::narrow(self.value(whole + at));
        }
        if is_streamed {
            // SAFETY: as above.
            unsafe { stream::store(rest, sums) };
        } else {
            rest.write_copy_of_slice(sums);
        }
    }

    /// Values `index * LINE` to `(index + 1) * LINE` of the sum. The loops are over arrays, which all optimisers make one instruction of many.
    #[inline(always)]
    fn line(&self, halves: impl Halves, index: usize) -> [f32; LINE] {
        let mut sums = line_of(self.token, index, halves);
        match (self.types, self.position) {
            (None, None) => {
                for sum in &mut sums {
                    *sum *= self.scale;
                }
            }
            (None, Some(row)) | (Some(row), None) => {
                let added = line_of(row, index, halves);
                for at in 0..LINE {
                    sums[at] = self.scale * sums[at] + added[at];
                }
            }
            (Some(types), Some(position)) => {
                let (types, position) = (line_of(types, index, halves), line_of(position, index, halves));
                for at in 0..LINE {
                    sums[at] = self.scale * sums[at] + types[at] + position[at];
                }
            }
        }
        sums
    }

    /// Value number `at` of the sum.
    #[inline(always)]
    fn value(&self, at: usize) -> f32 {
        let scaled = self.scale * self.token[at].widen();
        match (self.types, self.position) {
            (None, None) => scaled,
            (None, Some(added)) | (Some(added), None) => scaled + added[at].widen(),
            (Some(types), Some(position)) => scaled + types[at].widen() + position[at].widen(),
        }
    }
}

/// Values `index * LINE` to `(index + 1) * LINE` of a row.
#[inline(always)]
fn line_of<T: Element>(row: &[T], index: usize, halves: impl Halves) -> [f32; LINE] {
    T::widen_all(&row.as_chunks().0[index], halves)
}

#[inline(always)]
fn nth<T>(table: &[T], row: u32, dimensions: usize) -> &[T] {
    &table[row as usize * dimensions..][..dimensions]
}

fn as_uninit(values: &mut [f32]) -> &mut [MaybeUninit<f32>] {
    // SAFETY: the layout is the same, and only initialised values are written into it.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
}

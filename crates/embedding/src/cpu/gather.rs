//! The fused lookup: rows of the token table, scaled, plus rows of the type and the position tables, in one pass over the result.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::norm::{Norm, RowStats};
use super::wide::wide;
use super::{PARALLEL_FROM, rows_per_task, stream};
use crate::element::Element;
use crate::ids::CheckedPositions;
use crate::threads::in_pool;
use crate::{Dropout, Result};

/// Results of so many bytes are written past the caches, from which they would drive out everything else.
const STREAM_FROM: usize = 8 << 20;
/// Bytes that are asked for ahead of what is copied: about what arrives in the time that it takes.
const AHEAD: usize = 4 << 10;

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
    fn gather_rows<T: Element, Out: Element>(
        what: &Gather<'_, T>,
        first: usize,
        is_streamed: bool,
        out: &mut [MaybeUninit<Out>],
        stats: &mut [RowStats],
    ) {
        let is_plain = what.norm.is_none() && what.dropout.is_none();
        let mut wide = vec![0.0; if is_plain { 0 } else { what.dimensions }];
        let mut scratch = vec![MaybeUninit::uninit(); if is_streamed { what.dimensions } else { 0 }];
        let ahead = (AHEAD / (what.dimensions * size_of::<T>()).max(1)).max(1);
        for (index, out) in out.chunks_exact_mut(what.dimensions).enumerate() {
            let row = first + index;
            let next = nth(what.token, what.ids.get(row + ahead).map_or(0, |&id| id), what.dimensions).as_ptr();
            let target = if is_streamed { &mut *scratch } else { &mut *out };
            if is_plain {
                sum_row(what, row, target);
            } else {
                sum_row(what, row, as_uninit(&mut wide));
                if let Some(norm) = what.norm {
                    let taken = norm.apply(&mut wide);
                    if let Some(stats) = stats.get_mut(index) {
                        *stats = taken;
                    }
                }
                if let Some(dropout) = what.dropout {
                    dropout.apply(row, &mut wide);
                }
                for (target, &value) in target.iter_mut().zip(&wide) {
                    target.write(Out::narrow(value));
                }
            }
            if is_streamed {
                // SAFETY: the scratch row is as long as the row of output and initialised; `gather` has asked `can_stream`.
                unsafe {
                    let bytes = std::slice::from_raw_parts(scratch.as_ptr().cast::<u8>(), size_of_val(&*scratch));
                    stream::stream_copy(out.as_mut_ptr().cast(), bytes, next.cast());
                }
            } else {
                stream::prefetch_row(next.cast(), what.dimensions * size_of::<T>());
            }
        }
        if is_streamed {
            stream::end_of_stream();
        }
    }
}

/// Row `row` of the sum. `(token + type) + position` is the order in which BERT adds.
#[inline(always)]
fn sum_row<T: Element, Out: Element>(what: &Gather<'_, T>, row: usize, out: &mut [MaybeUninit<Out>]) {
    let token = nth(what.token, what.ids[row], what.dimensions);
    let types = what.types.map(|(table, ids)| nth(table, ids.map_or(0, |ids| ids[row]), what.dimensions));
    let position = what.position.map(|(table, positions)| nth(table, positions.of(row), what.dimensions));
    // Scaled by 1 a value is itself, so that one loop serves both: memory is the limit, not arithmetic.
    let scaled = |token: &T| what.scale * token.widen();
    match (types, position) {
        (None, None) => {
            for (out, token) in out.iter_mut().zip(token) {
                out.write(Out::narrow(scaled(token)));
            }
        }
        (None, Some(added)) | (Some(added), None) => {
            for ((out, token), added) in out.iter_mut().zip(token).zip(added) {
                out.write(Out::narrow(scaled(token) + added.widen()));
            }
        }
        (Some(types), Some(position)) => {
            for ((out, token), (types, position)) in out.iter_mut().zip(token).zip(types.iter().zip(position)) {
                out.write(Out::narrow(scaled(token) + types.widen() + position.widen()));
            }
        }
    }
}

#[inline(always)]
fn nth<T>(table: &[T], row: u32, dimensions: usize) -> &[T] {
    &table[row as usize * dimensions..][..dimensions]
}

fn as_uninit(values: &mut [f32]) -> &mut [MaybeUninit<f32>] {
    // SAFETY: the layout is the same, and only initialised values are written into it.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
}

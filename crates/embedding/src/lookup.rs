//! The fused lookup: rows of the token table, scaled, plus rows of the position table, in one pass.
//!
//! ```text
//! out[.., t, :] = scale * token[ids[.., t], :] + position[offset + t, :]
//! ```
//!
//! Two operations (`index_select`, then an addition) write and read the output once more than this. It is a candle
//! custom operation over the two tables, so that gradients can go through it.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Storage, Tensor};
use rayon::prelude::*;

use crate::ids::CheckedIds;
use crate::{Error, Result, memory};

/// From this many output values on, all cores work: below, waking them costs more than they save.
const PARALLEL_FROM: usize = 1 << 16;
/// Output values per task, roughly: 64 KiB of `f32`.
const TASK_VALUES: usize = 1 << 14;

/// One lookup. The ids are rows of the token table, and `offset + context` positions exist: its makers check both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a> {
    pub(crate) ids: CheckedIds<'a>,
    /// The position of the first id of each row.
    pub(crate) offset: usize,
    /// What token rows are multiplied by.
    pub(crate) scale: f32,
}

impl Lookup<'_> {
    /// The output as a new tensor on the device of the tables: the shape of the ids, then `dimensions`.
    pub(crate) fn run(&self, token: &Tensor, position: Option<&Tensor>) -> Result<Tensor> {
        Ok(match position {
            Some(position) => token.apply_op2_no_bwd(position, &self)?,
            None => token.apply_op1_no_bwd(&self)?,
        })
    }

    /// The output written into `out`, which has exactly its length.
    pub(crate) fn run_into(&self, token: &Tensor, position: Option<&Tensor>, out: &mut [f32]) -> Result<()> {
        let expected = memory::checked_len(self.ids.ids().len(), token.dim(1)?)?;
        if out.len() != expected {
            return Err(Error::LengthMismatch { expected, actual: out.len() });
        }
        if !token.device().is_cpu() {
            out.copy_from_slice(&self.run(token, position)?.flatten_all()?.to_vec1()?);
            return Ok(());
        }
        let (storage, layout) = token.storage_and_layout();
        let position = position.map(Tensor::storage_and_layout);
        let position = position.as_ref().map(|(storage, layout)| host_values(storage, layout)).transpose()?;
        // SAFETY: `MaybeUninit<f32>` has the layout of `f32`, and `gather` only writes initialised values.
        let out = unsafe { std::slice::from_raw_parts_mut(out.as_mut_ptr().cast(), out.len()) };
        self.gather(host_values(&storage, layout)?, position, layout.dims()[1], out);
        Ok(())
    }

    fn cpu(
        &self,
        token: (&CpuStorage, &Layout),
        position: Option<(&CpuStorage, &Layout)>,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let dimensions = token.1.dims()[1];
        let values = cpu_values(token.0, token.1)?;
        let position = position.map(|(storage, layout)| cpu_values(storage, layout)).transpose()?;
        let out = self.collect(values, position, dimensions).map_err(Error::through_candle)?;
        let shape: Vec<usize> = self.ids.shape().iter().copied().chain([dimensions]).collect();
        Ok((CpuStorage::F32(out), shape.into()))
    }

    fn collect(&self, token: &[f32], position: Option<&[f32]>, dimensions: usize) -> Result<Vec<f32>> {
        let len = memory::checked_len(self.ids.ids().len(), dimensions)?;
        let mut out = memory::reserved(len)?;
        self.gather(token, position, dimensions, &mut out.spare_capacity_mut()[..len]);
        // SAFETY: the capacity is at least `len`, and `gather` initialised the first `len` values.
        unsafe { out.set_len(len) };
        Ok(out)
    }

    /// Initialises all of `out`, which has `dimensions` values per id.
    fn gather(&self, token: &[f32], position: Option<&[f32]>, dimensions: usize, out: &mut [MaybeUninit<f32>]) {
        assert_eq!(out.len(), self.ids.ids().len() * dimensions, "one row of output per id");
        if out.is_empty() {
            return;
        }
        let rows_per_task = (TASK_VALUES / dimensions).max(1);
        let task = |(index, (out, ids)): (usize, (&mut [MaybeUninit<f32>], &[u32]))| {
            self.gather_rows(token, position, dimensions, index * rows_per_task, ids, out);
        };
        let (ids, values) = (self.ids.ids(), rows_per_task * dimensions);
        if out.len() < PARALLEL_FROM {
            out.chunks_mut(values).zip(ids.chunks(rows_per_task)).enumerate().for_each(task);
        } else {
            out.par_chunks_mut(values).zip(ids.par_chunks(rows_per_task)).enumerate().for_each(task);
        }
    }

    /// The rows of `ids`, the first of which is number `first` of all.
    fn gather_rows(
        &self,
        token: &[f32],
        position: Option<&[f32]>,
        dimensions: usize,
        first: usize,
        ids: &[u32],
        out: &mut [MaybeUninit<f32>],
    ) {
        let context = self.ids.context();
        for (row, (out, &id)) in out.chunks_exact_mut(dimensions).zip(ids).enumerate() {
            let token = nth_row(token, id as usize, dimensions);
            match position {
                Some(position) => {
                    let position = nth_row(position, self.offset + (first + row) % context, dimensions);
                    for ((out, token), position) in out.iter_mut().zip(token).zip(position) {
                        // Scaled by 1 a value is itself, so that one loop serves both: memory is the limit, not arithmetic.
                        out.write(self.scale * token + position);
                    }
                }
                None => {
                    for (out, token) in out.iter_mut().zip(token) {
                        out.write(self.scale * token);
                    }
                }
            }
        }
    }
}

impl CustomOp1 for &Lookup<'_> {
    fn name(&self) -> &'static str {
        "embedding-lookup"
    }

    fn cpu_fwd(&self, token: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        self.cpu((token, layout), None)
    }
}

impl CustomOp2 for &Lookup<'_> {
    fn name(&self) -> &'static str {
        "embedding-lookup-add"
    }

    fn cpu_fwd(
        &self,
        token: &CpuStorage,
        token_layout: &Layout,
        position: &CpuStorage,
        position_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.cpu((token, token_layout), Some((position, position_layout)))
    }
}

fn nth_row(table: &[f32], row: usize, dimensions: usize) -> &[f32] {
    &table[row * dimensions..][..dimensions]
}

fn cpu_values<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => Err(candle_core::Error::msg("an embedding table is contiguous and f32")),
    }
}

/// The values of a tensor that is in the memory of the host.
pub(crate) fn host_values<'a>(storage: &'a Storage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match storage {
        Storage::Cpu(storage) => cpu_values(storage, layout),
        _ => Err(candle_core::Error::msg("the tensor is not in the memory of the host")),
    }
}

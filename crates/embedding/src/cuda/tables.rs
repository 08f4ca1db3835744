//! What is looked up, as kernels take it (`kernels/tables.cuh`).

use candle_core::Result;
use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, LaunchArgs, PushKernelArg};

use super::Lookup;
use super::kernel::{Value, number, push, values};
use super::upload::uploaded;
use crate::ids::CheckedPositions;

/// Tables on a device, and there too the rows of them.
pub(super) struct Tables<'a, T> {
    token: CudaView<'a, T>,
    types: Option<CudaView<'a, T>>,
    position: Option<CudaView<'a, T>>,
    ids: CudaSlice<u32>,
    type_ids: Option<CudaSlice<u32>>,
    positions: Option<CudaSlice<u32>>,
    context: u32,
    offset: u32,
    scale: f32,
}

impl<'a, T: Value> Tables<'a, T> {
    /// Takes the ids over; there is at least one.
    pub(super) fn new(what: &Lookup<'a>) -> Result<Self> {
        let device = what.token.0.device();
        let upload = |ids: Option<&[u32]>| ids.map(|ids| uploaded(device, &[ids])).transpose();
        let view = |(storage, layout)| values::<T>(storage, layout);
        let (types, of_types) = what.types.unzip();
        let (position, of_positions) = what.position.unzip();
        let (positions, offset, context) = match of_positions {
            Some(CheckedPositions::From { offset, context }) => (None, offset, context),
            Some(CheckedPositions::Each(positions)) => (Some(positions), 0, 1),
            None => (None, 0, 1),
        };
        Ok(Self {
            token: view(what.token)?,
            types: types.map(view).transpose()?,
            position: position.map(view).transpose()?,
            ids: uploaded(device, &[what.ids])?,
            type_ids: upload(of_types.flatten())?,
            positions: upload(positions)?,
            context: number("ids", context, u32::MAX as usize)?,
            offset: number("positions", offset, u32::MAX as usize)?,
            scale: what.scale,
        })
    }

    pub(super) fn push<'b>(&'b self, arguments: &mut LaunchArgs<'b>) {
        arguments.arg(&self.token);
        push(arguments, self.types.as_ref());
        push(arguments, self.position.as_ref());
        arguments.arg(&self.ids);
        push(arguments, self.type_ids.as_ref());
        push(arguments, self.positions.as_ref());
        arguments.arg(&self.context).arg(&self.offset).arg(&self.scale);
    }
}

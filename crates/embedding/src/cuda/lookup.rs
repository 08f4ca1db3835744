//! The fused lookup (`kernels/lookup.cu`).

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::PushKernelArg;
use candle_core::{CudaStorage, Result};

use super::Lookup;
use super::kernel::{Kernel, Mask, Module, UNIT, Value, number, push, values};
use crate::ids::CheckedPositions;

const MODULE: Module = Module { name: "tokenmill-lookup", ptx: include_str!(concat!(env!("OUT_DIR"), "/lookup.ptx")) };

/// The rows of the result, one after the other, on the device of the token table.
///
/// # Errors
/// Those of the driver, also when there is no memory.
pub(crate) fn lookup<T: Value>(what: &Lookup<'_>) -> Result<CudaStorage> {
    let device = what.token.0.device();
    let (rows, dimensions) = (what.ids.len(), what.dimensions);
    // SAFETY: the kernel writes every value. There is one more for an empty result, because drivers refuse to allocate nothing.
    let mut out = unsafe { device.alloc::<T>((rows * dimensions).max(1))? };
    if rows > 0 {
        let kernel = Kernel::new::<T>(device, &MODULE, "lookup", [rows, dimensions], UNIT / size_of::<T>())?;
        let uploaded = |ids: Option<&[u32]>| ids.map(|ids| device.clone_htod(ids)).transpose();
        let (types, of_types) = what.types.unzip();
        let (position, of_positions) = what.position.unzip();
        let (positions, offset, context) = match of_positions {
            Some(CheckedPositions::From { offset, context }) => (None, offset, context),
            Some(CheckedPositions::Each(positions)) => (Some(positions), 0, 1),
            None => (None, 0, 1),
        };
        let view = |(storage, layout)| values::<T>(storage, layout);
        let (token, types, position) =
            (view(what.token)?, types.map(view).transpose()?, position.map(view).transpose()?);
        let (ids, type_ids, positions) =
            (device.clone_htod(what.ids)?, uploaded(of_types.flatten())?, uploaded(positions)?);
        let mask = Mask::new(what.dropout);
        let (context, offset) =
            (number("ids", context, u32::MAX as usize)?, number("positions", offset, u32::MAX as usize)?);
        // SAFETY: these are the parameters of the kernel; the tables have rows of `dimensions`, the output has one for each id, and the
        // caller says that every row exists.
        unsafe {
            kernel.launch(|arguments| {
                arguments.arg(&token);
                push(arguments, types.as_ref());
                push(arguments, position.as_ref());
                arguments.arg(&ids);
                push(arguments, type_ids.as_ref());
                push(arguments, positions.as_ref());
                arguments.arg(&mut out).arg(&kernel.rows).arg(&kernel.length);
                arguments.arg(&context).arg(&offset).arg(&what.scale);
                mask.push(arguments);
            })?;
        }
    }
    Ok(CudaStorage::wrap_cuda_slice(out, device.clone()))
}

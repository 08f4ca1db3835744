//! The fused lookup (`kernels/lookup.cu`).

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::PushKernelArg;
use candle_core::{CudaStorage, Result};

use super::Lookup;
use super::kernel::{Kernel, Mask, Module, Parts, TOGETHER, UNIT, Value};
use super::norm::normalised;
use super::tables::Tables;

const MODULE: Module = Module { name: "tokenmill-lookup", ptx: include_str!(concat!(env!("OUT_DIR"), "/lookup.ptx")) };

/// The rows of the result, one after the other, on the device of the token table.
///
/// # Errors
/// Those of the driver, also when there is no memory.
pub(crate) fn lookup<T: Value>(what: &Lookup<'_>) -> Result<CudaStorage> {
    let device = what.token.0.device();
    let (rows, dimensions) = (what.ids.len(), what.dimensions);
    // SAFETY: a kernel writes every value. There is one more for an empty result, because drivers refuse to allocate nothing.
    let mut out = unsafe { device.alloc::<T>((rows * dimensions).max(1))? };
    if rows == 0 {
        return Ok(CudaStorage::wrap_cuda_slice(out, device.clone()));
    }
    if let Some(norm) = &what.norm {
        normalised(what, norm, &mut out)?;
        return Ok(CudaStorage::wrap_cuda_slice(out, device.clone()));
    }
    let parts = Parts { lanes: UNIT / size_of::<T>(), together: TOGETHER };
    let kernel = Kernel::new::<T>(device, &MODULE, "lookup", [rows, dimensions], parts)?;
    let (tables, mask) = (Tables::<T>::new(what)?, Mask::new(what.dropout));
    // SAFETY: these are the parameters of the kernel; the tables have rows of `dimensions`, the output has one for each id, and the
    // caller says that every row exists.
    unsafe {
        kernel.launch(|arguments| {
            tables.push(arguments);
            arguments.arg(&mut out).arg(&kernel.rows).arg(&kernel.length);
            mask.push(arguments);
        })?;
    }
    Ok(CudaStorage::wrap_cuda_slice(out, device.clone()))
}

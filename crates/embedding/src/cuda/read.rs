//! What is on a device, in memory of the host.
//!
//! candle's own copies allocate what they copy into, and end the process where there is no memory.

use std::mem::MaybeUninit;

use candle_core::cuda_backend::cudarc::driver::{CudaView, DevicePtr, sys};
use candle_core::cuda_backend::{CudaDevice, WrapErr};
use candle_core::{CudaStorage, Layout};

use super::kernel::{Value, contiguous};
use crate::{Result, memory};

/// A copy of the values of a contiguous tensor.
///
/// # Errors
/// [`crate::Error::OutOfMemory`], and those of the driver.
pub(crate) fn read<T: Value>(storage: &CudaStorage, layout: &Layout) -> Result<Vec<T>> {
    copied(&storage.device, &contiguous(storage, layout)?)
}

/// Copies the values of a contiguous tensor into `out`, which is as long.
///
/// # Errors
/// Those of the driver.
pub(crate) fn read_into<T: Value>(storage: &CudaStorage, layout: &Layout, out: &mut [T]) -> Result<()> {
    // SAFETY: the layout is the same, and only initialised values are written into it.
    let out = unsafe { std::slice::from_raw_parts_mut(out.as_mut_ptr().cast::<MaybeUninit<T>>(), out.len()) };
    copy(&storage.device, &contiguous(storage, layout)?, out)
}

/// A copy of `values`.
pub(super) fn copied<T: Value>(device: &CudaDevice, values: &CudaView<'_, T>) -> Result<Vec<T>> {
    let len = values.len();
    let mut copy_of = memory::reserved(len)?;
    copy(device, values, &mut copy_of.spare_capacity_mut()[..len])?;
    // SAFETY: the capacity is at least `len`, and `copy` initialised the first `len` values.
    unsafe { copy_of.set_len(len) };
    Ok(copy_of)
}

/// Initialises all of `out`, which is as long as `values`, and returns when that is done.
fn copy<T: Value>(device: &CudaDevice, values: &CudaView<'_, T>, out: &mut [MaybeUninit<T>]) -> Result<()> {
    assert_eq!(values.len(), out.len(), "as much room as there are values");
    if out.is_empty() {
        return Ok(());
    }
    let stream = device.cuda_stream();
    stream.context().bind_to_thread().w()?;
    let (start, _recorded) = values.device_ptr(&stream);
    let bytes = size_of_val(out);
    // SAFETY: both are that long, and `out` is borrowed until the stream has done it.
    unsafe { sys::cuMemcpyDtoHAsync_v2(out.as_mut_ptr().cast(), start, bytes, stream.cu_stream()) }.result().w()?;
    Ok(stream.synchronize().w()?)
}

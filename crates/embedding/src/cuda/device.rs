//! The CUDA devices of this machine, and their memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::CudaContext;
use candle_core::{CudaStorage, Device};

use super::Gpu;
use super::kernel::Value;
use crate::Result;

/// Those that were asked for: each is made once, because what is on one candle device cannot meet what is on another.
static DEVICES: Mutex<BTreeMap<usize, Device>> = Mutex::new(BTreeMap::new());

/// The devices that the driver shows to this process, in its order.
///
/// # Errors
/// [`crate::Error::Device`]: the driver fails, also when it has no device.
pub fn gpus() -> Result<Vec<Gpu>> {
    let count = CudaContext::device_count().w()?;
    let gpu = |ordinal| -> candle_core::Result<Gpu> {
        let context = CudaContext::new(ordinal).w()?;
        let (name, memory) = (context.name().w()?, context.total_mem().w()?);
        Ok(Gpu { name, memory, capability: context.compute_capability().w()? })
    };
    Ok((0..usize::try_from(count).unwrap_or(0)).map(gpu).collect::<candle_core::Result<_>>()?)
}

/// Device number `ordinal`, with a stream of its own: candle's usual one is another for each thread, and what one thread has asked for would not be
/// done when another reads it.
///
/// # Errors
/// [`crate::Error::Device`]: there is no such device, or its driver or one of its libraries fails.
pub fn cuda_device(ordinal: usize) -> Result<Device> {
    let mut devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(device) = devices.get(&ordinal) {
        return Ok(device.clone());
    }
    let device = Device::new_cuda_with_stream(ordinal)?;
    // SAFETY: all that is on this device is used on its one stream, whose order is enough; the module keeps the device to itself.
    unsafe { device.as_cuda_device()?.disable_event_tracking() };
    devices.insert(ordinal, device.clone());
    Ok(device)
}

/// Puts `values` in the place of those of a storage of as many.
pub(crate) fn write<T: Value>(storage: &mut CudaStorage, values: &[T]) -> Result<()> {
    let device = storage.device().clone();
    Ok(device.memcpy_htod(values, storage.as_cuda_slice_mut::<T>()?)?)
}

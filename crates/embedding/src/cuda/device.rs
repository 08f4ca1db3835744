//! The CUDA devices of this machine, and their memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::result as driver;
use candle_core::cuda_backend::cudarc::driver::sys::{CUdevice_attribute, CUmemPool_attribute};
use candle_core::{CudaStorage, Device};

use super::Gpu;
use super::kernel::Value;
use crate::Result;

/// Those that were asked for: each is made once, because what is on one candle device cannot meet what is on another.
static DEVICES: Mutex<BTreeMap<usize, Device>> = Mutex::new(BTreeMap::new());

/// What of the memory of a device is kept when it is free: one part in so many.
const KEPT_SHARE: u64 = 8;

/// The devices that the driver shows to this process, in its order.
///
/// # Errors
/// [`crate::Error::Device`]: the driver fails, also when it has no device.
pub fn gpus() -> Result<Vec<Gpu>> {
    driver::init().w()?;
    // Only asked about: to make a context on each would take a second and some hundred megabytes of its memory.
    let gpu = |ordinal| -> candle_core::Result<Gpu> {
        let device = driver::device::get(ordinal).w()?;
        // SAFETY: it is a device that the driver gave.
        let memory = unsafe { driver::device::total_mem(device) }.w()?;
        // SAFETY: likewise.
        let attribute = |attribute| unsafe { driver::device::get_attribute(device, attribute) }.w();
        let capability = (
            attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        );
        Ok(Gpu { name: driver::device::get_name(device).w()?, memory, capability })
    };
    Ok((0..driver::device::get_count().w()?).map(gpu).collect::<candle_core::Result<_>>()?)
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
    if device.as_cuda_device()?.cuda_stream().context().has_async_alloc() {
        keep_memory(ordinal)?;
    }
    devices.insert(ordinal, device.clone());
    Ok(device)
}

/// Keeps memory that is free again, up to a share of the device's, for what is asked for next. Otherwise the driver gives it back whenever somebody waits for the
/// device, and each pass asks for it anew.
fn keep_memory(ordinal: usize) -> candle_core::Result<()> {
    let number = i32::try_from(ordinal).map_err(candle_core::Error::wrap)?;
    let device = driver::device::get(number).w()?;
    // SAFETY: it is a device that the driver gave; the attribute is a `u64`, and the driver reads it here.
    unsafe {
        let mut bytes = driver::device::total_mem(device).w()? as u64 / KEPT_SHARE;
        let pool = driver::device::get_default_mem_pool(device).w()?;
        let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        driver::mem_pool::set_attribute(pool, attribute, (&raw mut bytes).cast()).w()
    }
}

/// Puts `values` in the place of those of a storage of as many.
pub(crate) fn write<T: Value>(storage: &mut CudaStorage, values: &[T]) -> Result<()> {
    let device = storage.device().clone();
    Ok(device.memcpy_htod(values, storage.as_cuda_slice_mut::<T>()?)?)
}

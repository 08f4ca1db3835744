//! Values out of a tensor.

use candle_core::Tensor;

use crate::lookup::host_values;
use crate::{Error, Result, memory};

/// Copies the values of an `f32` tensor, row after row, into `out`.
///
/// # Errors
/// [`Error::LengthMismatch`] when `out` is not as long as the tensor has values; errors of the device.
pub fn copy_values(tensor: &Tensor, out: &mut [f32]) -> Result<()> {
    let expected = tensor.elem_count();
    if out.len() != expected {
        return Err(Error::LengthMismatch { expected, actual: out.len() });
    }
    with_values(tensor, |values| out.copy_from_slice(values))
}

/// The values of an `f32` tensor, row after row.
///
/// # Errors
/// [`Error::OutOfMemory`]; errors of the device.
pub fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    with_values(tensor, memory::copied)?
}

/// Shows the values of an `f32` tensor to `read`, in place when they are in the memory of the host.
pub(crate) fn with_values<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> Result<T> {
    if !tensor.device().is_cpu() {
        return Ok(read(&tensor.flatten_all()?.to_vec1::<f32>()?));
    }
    let (storage, layout) = tensor.storage_and_layout();
    Ok(read(host_values(&storage, layout)?))
}

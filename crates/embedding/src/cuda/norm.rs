//! Layer normalisation (`kernels/norm.cu`).

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, PushKernelArg};
use candle_core::op::BackpropOp;
use candle_core::{CudaStorage, Result, Storage, Tensor};

use super::kernel::{Kernel, Mask, Module, Value, dtype_of, values};
use super::tables::Tables;
use super::{Lookup, Norm};
use crate::Element;
use crate::element::with_element;

const MODULE: Module = Module { name: "tokenmill-norm", ptx: include_str!(concat!(env!("OUT_DIR"), "/norm.ptx")) };
/// Threads of a row, and the rows of a block.
const BLOCK: [u32; 2] = [16, 8];

/// Writes the rows of a lookup, of which there are some, normalised into `out`.
pub(super) fn normalised<T: Value>(what: &Lookup<'_>, norm: &Norm<'_>, out: &mut CudaSlice<T>) -> Result<()> {
    let device = what.token.0.device();
    let name = format!("norm_{}", T::TYPE.name());
    let kernel = Kernel::of_block(device, &MODULE, name, [what.ids.len(), what.dimensions], BLOCK)?;
    let (tables, mask) = (Tables::<T>::new(what)?, Mask::new(what.dropout));
    let (weight, bias) = (values::<T>(norm.weight.0, norm.weight.1)?, values::<T>(norm.bias.0, norm.bias.1)?);
    // SAFETY: these are the parameters of the kernel; the tables have rows of `dimensions`, as weight and bias are, the output has one for
    // each id, and the caller says that every row exists.
    unsafe {
        kernel.launch(|arguments| {
            tables.push(arguments);
            arguments.arg(&weight).arg(&bias).arg(out).arg(&kernel.rows).arg(&kernel.length).arg(&norm.epsilon);
            mask.push(arguments);
        })
    }
}

/// Of a lookup of some rows of `T` that are normalised, with `grads` the gradients of its result, on the same device: the gradients of the rows before that, and
/// what the gradient of the weight is the sum of, row by row. Both are `f32`.
///
/// # Errors
/// Those of the driver, also when there is no memory.
pub(crate) fn norm_backward<T: Value>(what: &Lookup<'_>, norm: &Norm<'_>, grads: &Tensor) -> Result<[Tensor; 2]> {
    let device = what.token.0.device();
    let shape = [what.ids.len(), what.dimensions];
    // SAFETY: the kernel writes every value.
    let [mut of_sum, mut of_weight] =
        unsafe { [device.alloc::<f32>(shape[0] * shape[1])?, device.alloc::<f32>(shape[0] * shape[1])?] };
    let (tables, mask) = (Tables::<T>::new(what)?, Mask::new(what.dropout));
    let weight = values::<T>(norm.weight.0, norm.weight.1)?;
    let (storage, layout) = grads.storage_and_layout();
    let Storage::Cuda(storage) = &*storage else {
        return Err(candle_core::Error::msg("the gradient is not on the device of the tables"));
    };
    with_element!(dtype_of(grads)?, Grad => {
        let grads = values::<Grad>(storage, layout)?;
        let name = format!("norm_backward_{}_{}", Grad::TYPE.name(), T::TYPE.name());
        let kernel = Kernel::of_block(device, &MODULE, name, shape, BLOCK)?;
        // SAFETY: as above; `grads` has a row for each id, and so have the results.
        unsafe {
            kernel.launch(|arguments| {
                tables.push(arguments);
                arguments.arg(&weight).arg(&grads).arg(&mut of_sum).arg(&mut of_weight);
                arguments.arg(&kernel.rows).arg(&kernel.length).arg(&norm.epsilon);
                mask.push(arguments);
            })?;
        }
    });
    let tensor = |values| {
        let storage = Storage::Cuda(CudaStorage::wrap_cuda_slice(values, device.clone()));
        Tensor::from_storage(storage, (shape[0], shape[1]), BackpropOp::none(), false)
    };
    Ok([tensor(of_sum), tensor(of_weight)])
}

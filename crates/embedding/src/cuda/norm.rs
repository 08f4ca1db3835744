//! Layer normalisation (`kernels/norm.cu`).

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, PushKernelArg};
use candle_core::op::BackpropOp;
use candle_core::{CudaStorage, Result, Storage, Tensor};

use super::kernel::{Kernel, Mask, Module, Parts, Value, dtype_of, number, values};
use super::plan::SEGMENT;
use super::tables::Tables;
use super::{Lookup, Norm};
use crate::Element;
use crate::element::with_element;

const MODULE: Module = Module { name: "tokenmill-norm", ptx: include_str!(concat!(env!("OUT_DIR"), "/norm.ptx")) };
/// Threads of a row, and the rows of a block.
const BLOCK: [u32; 2] = [32, 4];
/// How sums of rows divide them.
const PARTS: Parts = Parts { lanes: 4, together: 1 };
/// The rows of a sum, where they are more than one of a plan has: few, so that there are many sums at a time.
const ROWS_OF_MANY: usize = 16;

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

/// Of a lookup that is normalised, what its backward pass comes to: each a tensor of `f32`.
pub(crate) struct NormGrads {
    /// The gradients of the rows before that, one for each id.
    pub(crate) sums: Tensor,
    /// Rows whose sums are the gradients of weight and bias.
    pub(crate) weights: Tensor,
    pub(crate) biases: Tensor,
}

/// The backward pass of a lookup of some rows of `T` that are normalised, with `grads` the gradients of its result, on the same device.
///
/// # Errors
/// Those of the driver, also when there is no memory.
pub(crate) fn norm_backward<T: Value>(what: &Lookup<'_>, norm: &Norm<'_>, grads: &Tensor) -> Result<NormGrads> {
    let device = what.token.0.device();
    let (rows, dimensions) = (what.ids.len(), what.dimensions);
    let segment = if rows <= SEGMENT { SEGMENT } else { ROWS_OF_MANY };
    let segments = rows.div_ceil(segment);
    // SAFETY: kernels write every value.
    let alloc = |rows: usize, values: usize| unsafe { device.alloc::<f32>(rows * values) };
    let (mut of_sum, mut stats) = (alloc(rows, dimensions)?, alloc(rows, 2)?);
    let (mut of_weight, mut of_bias) = (alloc(segments, dimensions)?, alloc(segments, dimensions)?);
    let (tables, mask) = (Tables::<T>::new(what)?, Mask::new(what.dropout));
    let weight = values::<T>(norm.weight.0, norm.weight.1)?;
    let (storage, layout) = grads.storage_and_layout();
    let Storage::Cuda(storage) = &*storage else {
        return Err(candle_core::Error::msg("the gradient is not on the device of the tables"));
    };
    with_element!(dtype_of(grads)?, Grad => {
        let grads = values::<Grad>(storage, layout)?;
        let name = format!("norm_backward_{}_{}", Grad::TYPE.name(), T::TYPE.name());
        let kernel = Kernel::of_block(device, &MODULE, name, [rows, dimensions], BLOCK)?;
        // SAFETY: as above; `grads` has a row for each id, and so have the results.
        unsafe {
            kernel.launch(|arguments| {
                tables.push(arguments);
                arguments.arg(&weight).arg(&grads).arg(&mut of_sum).arg(&mut stats);
                arguments.arg(&kernel.rows).arg(&kernel.length).arg(&norm.epsilon);
                mask.push(arguments);
            })?;
        }
        let name = format!("norm_sums_{}", Grad::TYPE.name());
        let sums = Kernel::new::<T>(device, &MODULE, &name, [segments, dimensions], PARTS)?;
        let segment = number("rows", segment, SEGMENT)?;
        // SAFETY: likewise; what was taken out of rows is there, since one kernel ends before the next begins, and the results have a row for each segment.
        unsafe {
            sums.launch(|arguments| {
                tables.push(arguments);
                arguments.arg(&stats).arg(&grads).arg(&mut of_weight).arg(&mut of_bias);
                arguments.arg(&kernel.rows).arg(&segment).arg(&sums.rows).arg(&sums.length);
                mask.push(arguments);
            })?;
        }
    });
    let tensor = |values, rows| {
        let storage = Storage::Cuda(CudaStorage::wrap_cuda_slice(values, device.clone()));
        Tensor::from_storage(storage, (rows, dimensions), BackpropOp::none(), false)
    };
    Ok(NormGrads {
        sums: tensor(of_sum, rows),
        weights: tensor(of_weight, segments),
        biases: tensor(of_bias, segments),
    })
}

//! Steps of optimisers (`kernels/step.cu`).

use candle_core::CudaStorage;
use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, PushKernelArg};

use super::Step;
use super::kernel::{Kernel, Module, Parts, Value, push};
use super::upload::uploaded;
use crate::Result;
use crate::cpu::Gradients;

const MODULE: Module = Module { name: "tokenmill-step", ptx: include_str!(concat!(env!("OUT_DIR"), "/step.ptx")) };
const PARTS: Parts = Parts { lanes: 4, together: 1 };

/// Changes a table by its gradients, and its moments with it: those that the rule keeps.
///
/// # Errors
/// Those of the driver.
pub(crate) fn step<T: Value>(
    what: &Step<'_>,
    table: &mut CudaStorage,
    moments: Option<&mut CudaStorage>,
) -> Result<()> {
    let device = table.device().clone();
    let (Gradients::Rows(list) | Gradients::All(list)) = what.which;
    if list.is_empty() {
        return Ok(());
    }
    let kernel = Kernel::new::<T>(&device, &MODULE, what.rule.kernel, [list.len(), what.dimensions], PARTS)?;
    let list = uploaded(&device, &[list])?;
    let (ids, slots) = match what.which {
        Gradients::Rows(_) => (Some(&list), None),
        Gradients::All(_) => (None, Some(&list)),
    };
    let table = table.as_cuda_slice_mut::<T>()?;
    let moments: Option<&CudaSlice<f32>> =
        moments.map(|moments| moments.as_cuda_slice_mut::<f32>()).transpose()?.map(|moments| &*moments);
    // SAFETY: these are the parameters of the kernel; the lists name rows that are there, none twice; nobody else has the moments.
    unsafe {
        kernel.launch(|arguments| {
            arguments.arg(table);
            push(arguments, moments);
            push(arguments, what.grads.values());
            push(arguments, ids);
            push(arguments, slots);
            arguments.arg(&kernel.rows).arg(&kernel.length);
            for number in &what.rule.numbers {
                arguments.arg(number);
            }
            if let Some(flag) = &what.rule.flag {
                arguments.arg(flag);
            }
        })?;
    }
    Ok(())
}

//! What all launches of kernels have in common.

use std::sync::Arc;

use candle_core::cuda_backend::cudarc::driver::sys::CUevent_flags;
use candle_core::cuda_backend::cudarc::driver::{
    CudaFunction, CudaStream, CudaView, DeviceRepr, LaunchArgs, LaunchConfig, PushKernelArg,
};
use candle_core::cuda_backend::{CudaDType, CudaDevice, WrapErr};
use candle_core::{CudaStorage, Layout, Result, Tensor};

use super::times;
use crate::{DType, Dropout, Element};

/// Threads of a block.
const THREADS: u32 = 256;
/// The most blocks: rows beyond go to blocks that have done others.
const BLOCKS: u32 = 1 << 16;
/// Blocks that keep any device busy: where rows make fewer, several share a row.
const ENOUGH: u32 = 1 << 11;
/// The most rows of a launch: the number of a thread's next row has 32 bits too.
const ROWS: usize = 1 << 31;
/// Bytes that a thread moves at a time, where rows are a multiple of it. Memory that the driver gives begins at such a place.
pub(super) const UNIT: usize = 16;
/// Parts that a thread moves before it waits, in kernels that say so: `TOGETHER` of `kernels/rows.cuh`.
pub(super) const TOGETHER: usize = 2;

/// A value type of tables.
pub(crate) trait Value: Element + CudaDType + DeviceRepr {}
impl<T: Element + CudaDType + DeviceRepr> Value for T {}

/// How a kernel divides rows that are a multiple of `lanes` values: a thread moves so many at a time, `together` times before it waits.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub(super) lanes: usize,
    pub(super) together: usize,
}

/// The kernels of one file.
pub(super) struct Module {
    pub(super) name: &'static str,
    pub(super) ptx: &'static str,
}

/// A kernel, and how it divides rows.
pub(super) struct Kernel {
    name: String,
    stream: Arc<CudaStream>,
    function: CudaFunction,
    launch: LaunchConfig,
    pub(super) rows: u32,
    /// Parts of a row: `wide` ones, or single values.
    pub(super) length: u32,
}

impl Kernel {
    /// The kernel `name` for values of `T`: the one for parts of `lanes` values, of which a thread moves `together` at a time, where a row of `dimensions` is a
    /// multiple of that; else the one for single values.
    pub(super) fn new<T: Value>(
        device: &CudaDevice,
        module: &Module,
        name: &str,
        [rows, dimensions]: [usize; 2],
        Parts { lanes, together }: Parts,
    ) -> Result<Self> {
        let (width, length) =
            if dimensions.is_multiple_of(lanes) { ("wide", dimensions / lanes) } else { ("narrow", dimensions) };
        let name = format!("{name}_{width}_{}", T::TYPE.name());
        let along = along(length.div_ceil(together).max(1));
        let mut kernel = Self::of_block(device, module, name, [rows, length], [along, THREADS / along])?;
        let blocks = &mut kernel.launch.grid_dim;
        blocks.1 = ENOUGH.div_ceil(blocks.0).min(kernel.length.div_ceil(along * together as u32)).max(1);
        Ok(kernel)
    }

    /// The kernel `name`, for rows of `length` parts, with so many threads of a block along a row and across rows.
    pub(super) fn of_block(
        device: &CudaDevice,
        module: &Module,
        name: String,
        [rows, length]: [usize; 2],
        [along, across]: [u32; 2],
    ) -> Result<Self> {
        let (rows, length) = (number("rows", rows, ROWS)?, number("dimensions", length, THREADS as usize * ROWS)?);
        // A kernel is asked for before anything else makes this thread one of the device's.
        device.cuda_stream().context().bind_to_thread().w()?;
        let function = device.get_or_load_custom_func(&name, module.name, module.ptx)?.into_cuda_function();
        let launch = LaunchConfig {
            grid_dim: (rows.div_ceil(across).clamp(1, BLOCKS), 1, 1),
            block_dim: (along, across, 1),
            shared_mem_bytes: 0,
        };
        Ok(Self { name, stream: device.cuda_stream(), function, launch, rows, length })
    }

    /// Launches it with what `push` gives it.
    ///
    /// # Safety
    /// The arguments are those of the kernel, and the memory that it takes for granted is there.
    pub(super) unsafe fn launch<'a>(&'a self, push: impl FnOnce(&mut LaunchArgs<'a>)) -> Result<()> {
        let mut arguments = self.stream.launch_builder(&self.function);
        push(&mut arguments);
        if times::are_kept() {
            arguments.record_kernel_launch(CUevent_flags::CU_EVENT_DEFAULT);
        }
        // SAFETY: the caller promises it.
        let events = unsafe { arguments.launch(self.launch) }.w()?;
        times::keep(&self.name, events);
        Ok(())
    }
}

/// How many threads lie along a row that takes so many at most: of a long one whole warps, and as many as have the least to do without need.
fn along(threads: usize) -> u32 {
    const WIDTHS: [usize; 4] = [128, 96, 64, 32];
    if threads <= WIDTHS[0] {
        return threads as u32;
    }
    // The first of those that are as good: the widest.
    WIDTHS.into_iter().min_by_key(|&width| threads.next_multiple_of(width)).map_or(1, |width| width as u32)
}

/// A number for a kernel.
pub(super) fn number(what: &str, number: usize, most: usize) -> Result<u32> {
    let wrong = || candle_core::Error::msg(format!("{number} {what} are more than a kernel takes"));
    u32::try_from(number).ok().filter(|_| number <= most).ok_or_else(wrong)
}

/// The type of the values of a tensor, when it is one of those that kernels know.
pub(super) fn dtype_of(tensor: &Tensor) -> Result<DType> {
    let unknown = || candle_core::Error::msg(format!("there are no kernels for {:?}", tensor.dtype()));
    DType::from_name(tensor.dtype().as_str()).ok_or_else(unknown)
}

/// The values of a contiguous tensor on a device.
pub(super) fn contiguous<'a, T: Value>(storage: &'a CudaStorage, layout: &Layout) -> Result<CudaView<'a, T>> {
    let (start, end) =
        layout.contiguous_offsets().ok_or_else(|| candle_core::Error::msg("expected contiguous values"))?;
    Ok(storage.as_cuda_slice::<T>()?.slice(start..end))
}

/// [`contiguous`] values that begin at a multiple of [`UNIT`].
pub(super) fn values<'a, T: Value>(storage: &'a CudaStorage, layout: &Layout) -> Result<CudaView<'a, T>> {
    if (layout.start_offset() * size_of::<T>()).is_multiple_of(UNIT) {
        return contiguous(storage, layout);
    }
    Err(candle_core::Error::msg("expected values that begin at a multiple of 16 bytes"))
}

/// The pointer to what is not there.
static NULL: u64 = 0;

/// Adds a pointer, which may be to nothing.
pub(super) fn push<'a, T>(arguments: &mut LaunchArgs<'a>, value: Option<&'a T>)
where
    LaunchArgs<'a>: PushKernelArg<&'a T>,
{
    match value {
        Some(value) => arguments.arg(value),
        None => <LaunchArgs<'a> as PushKernelArg<&'a u64>>::arg(arguments, &NULL),
    };
}

/// The arguments of a mask.
pub(super) struct Mask {
    key: u64,
    threshold: u32,
    factor: f32,
}

impl Mask {
    pub(super) fn new(dropout: Option<Dropout>) -> Self {
        let (key, threshold, factor) = dropout.map_or((0, 0, 1.0), Dropout::parts);
        Self { key, threshold, factor }
    }

    pub(super) fn push<'a>(&'a self, arguments: &mut LaunchArgs<'a>) {
        arguments.arg(&self.key).arg(&self.threshold).arg(&self.factor);
    }
}

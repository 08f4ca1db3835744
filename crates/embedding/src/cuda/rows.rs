//! Gradient rows on a device, and what is added to them (`kernels/segment_sum.cu`).

use candle_core::cuda_backend::CudaDevice;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, PushKernelArg};
use candle_core::op::BackpropOp;
use candle_core::{CudaStorage, Device, Storage, Tensor};

use super::Plan;
use super::kernel::{Kernel, Mask, Module, UNIT, Value, dtype_of, push, values};
use super::plan::Segments;
use super::read::copied;
use crate::element::with_element;
use crate::{Dropout, Result, memory};

const MODULE: Module =
    Module { name: "tokenmill-segment-sum", ptx: include_str!(concat!(env!("OUT_DIR"), "/segment_sum.ptx")) };

/// A new table of `rows` rows, to which rows of `grads`, a tensor on a device, are added: row `i` to row `slots[i]`, times `scale`.
pub(crate) fn scattered(slots: &[u32], rows: usize, grads: &Tensor, scale: f32) -> Result<Tensor> {
    let dimensions = grads.dims().last().copied().unwrap_or_default();
    let mut sums = Rows::new(grads.device(), dimensions)?;
    sums.grow(rows)?;
    sums.add(&Plan::new(slots, rows)?, grads, scale, None)?;
    let Some(values) = sums.values else {
        return Ok(Tensor::zeros((rows, dimensions), candle_core::DType::F32, grads.device())?);
    };
    let storage = Storage::Cuda(CudaStorage::wrap_cuda_slice(values, sums.device));
    Ok(Tensor::from_storage(storage, (rows, dimensions), BackpropOp::none(), false))
}

/// Rows of `f32`.
#[derive(Debug)]
pub(crate) struct Rows {
    device: CudaDevice,
    dimensions: usize,
    /// Room for more rows than there are.
    values: Option<CudaSlice<f32>>,
    count: usize,
}

impl Rows {
    pub(crate) fn new(device: &Device, dimensions: usize) -> Result<Self> {
        Ok(Self { device: device.as_cuda_device()?.clone(), dimensions, values: None, count: 0 })
    }

    /// Zeros up to so many rows.
    pub(crate) fn grow(&mut self, rows: usize) -> Result<()> {
        let (used, needed) = (self.count * self.dimensions, rows * self.dimensions);
        if needed <= used {
            return Ok(());
        }
        let room = self.values.as_ref().map_or(0, CudaSlice::len);
        if room < needed {
            let mut larger = self.device.alloc_zeros::<f32>(needed.max(2 * room))?;
            if let Some(values) = self.values.as_ref().filter(|_| used > 0) {
                self.device.memcpy_dtod(&values.slice(..used), &mut larger.slice_mut(..used))?;
            }
            self.values = Some(larger);
        } else if let Some(values) = &mut self.values {
            let zeroed = self.device.cuda_stream().memset_zeros(&mut values.slice_mut(used..needed));
            zeroed.map_err(|error| candle_core::Error::Cuda(Box::new(error)))?;
        }
        self.count = rows;
        Ok(())
    }

    /// Forgets all after the first `rows`; the memory stays.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.count = self.count.min(rows);
    }

    /// Forgets all, and lets the memory go.
    pub(crate) fn release(&mut self) {
        (self.values, self.count) = (None, 0);
    }

    /// Adds rows of `grads`, a tensor on the same device, to these, as `plan` says, each times `scale`.
    pub(crate) fn add(&mut self, plan: &Plan, grads: &Tensor, scale: f32, dropout: Option<Dropout>) -> Result<()> {
        if plan.first.targets.is_empty() {
            return Ok(());
        }
        let (storage, layout) = grads.storage_and_layout();
        let Storage::Cuda(storage) = &*storage else {
            return Err(candle_core::Error::msg("the gradient is not on the device of the table").into());
        };
        // SAFETY: the first pass writes all parts before the second reads them. One is there in any case, for the argument.
        let parts = unsafe { self.device.alloc::<f32>((plan.parts * self.dimensions).max(1))? };
        let order = self.device.clone_htod(&plan.order)?;
        with_element!(dtype_of(grads)?, T => {
            self.pass::<T>(&values::<T>(storage, layout)?, Some(&order), &plan.first, &parts, scale, dropout)?;
        });
        if plan.parts > 0 {
            self.pass::<f32>(&parts.as_view(), None, &plan.second, &parts, 1.0, None)?;
        }
        Ok(())
    }

    /// Multiplies all rows by `factor`: a sum of one row each, times that.
    pub(crate) fn scale(&mut self, factor: f32) -> Result<()> {
        let Some(values) = self.values.as_ref().filter(|_| self.count > 0) else { return Ok(()) };
        let mut order = memory::reserved(self.count)?;
        order.extend(0..self.count as u32);
        let plan = Plan::new(&order, self.count)?;
        let mut scaled = Self::new(&Device::Cuda(self.device.clone()), self.dimensions)?;
        scaled.grow(self.count)?;
        let (order, no_parts) = (self.device.clone_htod(&plan.order)?, self.device.alloc_zeros::<f32>(1)?);
        let values = values.slice(..self.count * self.dimensions);
        scaled.pass::<f32>(&values, Some(&order), &plan.first, &no_parts, factor, None)?;
        *self = scaled;
        Ok(())
    }

    fn pass<T: Value>(
        &mut self,
        values: &CudaView<'_, T>,
        order: Option<&CudaSlice<u32>>,
        segments: &Segments,
        parts: &CudaSlice<f32>,
        scale: f32,
        dropout: Option<Dropout>,
    ) -> Result<()> {
        let shape = [segments.targets.len(), self.dimensions];
        let kernel = Kernel::new::<T>(&self.device, &MODULE, "segment_sum", shape, UNIT / size_of::<T>())?;
        let (starts, targets) = (self.device.clone_htod(&segments.starts)?, self.device.clone_htod(&segments.targets)?);
        let Some(sums) = &mut self.values else { return Ok(()) };
        let mask = Mask::new(dropout);
        // SAFETY: these are the parameters of the kernel; the plan names rows that are there, and no target twice.
        unsafe {
            kernel.launch(|arguments| {
                arguments.arg(values);
                push(arguments, order);
                arguments.arg(&starts).arg(&targets).arg(sums).arg(parts);
                arguments.arg(&kernel.rows).arg(&kernel.length).arg(&scale);
                mask.push(arguments);
            })?;
        }
        Ok(())
    }

    /// The rows, for a kernel that reads them.
    pub(super) fn values(&self) -> Option<&CudaSlice<f32>> {
        self.values.as_ref()
    }

    /// A copy in the memory of the host.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`], and those of the driver.
    pub(crate) fn to_vec(&self) -> Result<Vec<f32>> {
        match self.values.as_ref().filter(|_| self.count > 0) {
            Some(values) => copied(&self.device, &values.slice(..self.count * self.dimensions)),
            None => Ok(Vec::new()),
        }
    }
}

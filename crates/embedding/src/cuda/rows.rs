//! Gradient rows on a device, and what is added to them (`kernels/segment_sum.cu`).

use candle_core::cuda_backend::CudaDevice;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, PushKernelArg};
use candle_core::op::BackpropOp;
use candle_core::{CudaStorage, Device, Storage, Tensor};

use super::Plan;
use super::kernel::{Kernel, Mask, Module, Parts, TOGETHER, Value, dtype_of, number, push, values};
use super::plan::PART;
use super::read::copied;
use super::upload::uploaded;
use crate::element::with_element;
use crate::{Dropout, Result, memory};

const MODULE: Module =
    Module { name: "tokenmill-segment-sum", ptx: include_str!(concat!(env!("OUT_DIR"), "/segment_sum.ptx")) };

const PARTS: Parts = Parts { lanes: 4, together: TOGETHER };

/// A new table of `rows` rows, to which rows of `grads`, a tensor on a device, are added: row `i` to row `slots[i]`, times `scale`.
pub(crate) fn scattered(slots: &[u32], rows: usize, grads: &Tensor, scale: f32) -> Result<Tensor> {
    let dimensions = grads.dims().last().copied().unwrap_or_default();
    let mut sums = Rows::new(grads.device(), dimensions)?;
    if rows * dimensions > 0 {
        (sums.values, sums.count) = (Some(sums.device.alloc_zeros::<f32>(rows * dimensions)?), rows);
        sums.add(&Plan::new(slots, rows)?, grads, scale, None, rows)?;
    }
    let Some(values) = sums.values else {
        return Ok(Tensor::zeros((rows, dimensions), candle_core::DType::F32, grads.device())?);
    };
    let storage = Storage::Cuda(CudaStorage::wrap_cuda_slice(values, sums.device));
    Ok(Tensor::from_storage(storage, (rows, dimensions), BackpropOp::none(), false))
}

/// The lists of a plan on a device.
struct Lists {
    all: CudaSlice<u32>,
    /// Where each ends.
    ends: [usize; 5],
}

impl Lists {
    fn new(device: &CudaDevice, plan: &Plan) -> Result<Self> {
        let lists = [&plan.order, &plan.first.starts, &plan.first.targets, &plan.second.starts, &plan.second.targets];
        let mut end = 0;
        let ends = lists.map(|list| {
            end += list.len();
            end
        });
        Ok(Self { all: uploaded(device, &lists.map(|list| &list[..]))?, ends })
    }

    fn list(&self, index: usize) -> CudaView<'_, u32> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.all.slice(start..self.ends[index])
    }

    fn order(&self) -> CudaView<'_, u32> {
        self.list(0)
    }

    /// Starts and targets of the segments of the first pass.
    fn first(&self) -> [CudaView<'_, u32>; 2] {
        [self.list(1), self.list(2)]
    }

    fn second(&self) -> [CudaView<'_, u32>; 2] {
        [self.list(3), self.list(4)]
    }
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

    /// Makes them so many rows. What is in those that come to it is not known: the next [`Rows::add`] has to write them.
    pub(crate) fn grow(&mut self, rows: usize) -> Result<()> {
        let (used, needed) = (self.count * self.dimensions, rows * self.dimensions);
        if needed <= used {
            return Ok(());
        }
        let room = self.values.as_ref().map_or(0, CudaSlice::len);
        if room < needed {
            // SAFETY: what was there is copied, and the caller writes what comes after it.
            let mut larger = unsafe { self.device.alloc::<f32>(needed.max(2 * room))? };
            if let Some(values) = self.values.as_ref().filter(|_| used > 0) {
                self.device.memcpy_dtod(&values.slice(..used), &mut larger.slice_mut(..used))?;
            }
            self.values = Some(larger);
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

    /// Adds rows of `grads`, a tensor on the same device, as `plan` says, each times `scale`: to the first `known` of these, and to zeros in the place of the others.
    pub(crate) fn add(
        &mut self,
        plan: &Plan,
        grads: &Tensor,
        scale: f32,
        dropout: Option<Dropout>,
        known: usize,
    ) -> Result<()> {
        if plan.first.targets.is_empty() {
            return Ok(());
        }
        let (storage, layout) = grads.storage_and_layout();
        let Storage::Cuda(storage) = &*storage else {
            return Err(candle_core::Error::msg("the gradient is not on the device of the table").into());
        };
        // SAFETY: the first pass writes all parts before the second reads them. One is there in any case, for the argument.
        let parts = unsafe { self.device.alloc::<f32>((plan.parts * self.dimensions).max(1))? };
        let lists = Lists::new(&self.device, plan)?;
        with_element!(dtype_of(grads)?, T => {
            let grads = values::<T>(storage, layout)?;
            self.pass::<T>(&grads, Some(&lists.order()), &lists.first(), &parts, scale, dropout, known)?;
        });
        if plan.parts > 0 {
            self.pass::<f32>(&parts.as_view(), None, &lists.second(), &parts, 1.0, None, known)?;
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
        let (lists, no_parts) = (Lists::new(&self.device, &plan)?, unsafe { self.device.alloc::<f32>(1)? });
        let values = values.slice(..self.count * self.dimensions);
        scaled.pass::<f32>(&values, Some(&lists.order()), &lists.first(), &no_parts, factor, None, 0)?;
        *self = scaled;
        Ok(())
    }

    fn pass<T: Value>(
        &mut self,
        values: &CudaView<'_, T>,
        order: Option<&CudaView<'_, u32>>,
        [starts, targets]: &[CudaView<'_, u32>; 2],
        parts: &CudaSlice<f32>,
        scale: f32,
        dropout: Option<Dropout>,
        known: usize,
    ) -> Result<()> {
        let known = number("rows", known, PART as usize)?;
        let shape = [targets.len(), self.dimensions];
        let kernel = Kernel::new::<T>(&self.device, &MODULE, "segment_sum", shape, PARTS)?;
        let Some(sums) = &mut self.values else { return Ok(()) };
        let mask = Mask::new(dropout);
        // SAFETY: these are the parameters of the kernel; the plan names rows that are there, and no target twice.
        unsafe {
            kernel.launch(|arguments| {
                arguments.arg(values);
                push(arguments, order);
                arguments.arg(starts).arg(targets).arg(sums).arg(parts).arg(&known);
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

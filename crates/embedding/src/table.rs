//! A table of rows, and what training keeps beside it.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use candle_core::{CpuStorage, CudaStorage, Device, InplaceOp1, Layout, Storage, Tensor};

use crate::element::{Element, ValuesMut, cpu_values, with_element};
use crate::gradient::Gradient;
use crate::ids::CheckedIds;
use crate::init::initial_values;
use crate::{DType, Error, Init, Result, Source, cuda, memory};

/// How a table keeps its values and learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// The type of the values.
    pub dtype: DType,
    /// A row that is zero and has no gradient.
    pub padding: Option<u32>,
    /// Whether backward passes give it a gradient, and steps change it.
    pub trainable: bool,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { dtype: DType::F32, padding: None, trainable: true }
    }
}

/// A `[rows, dimensions]` table. Its values change in place, so that every holder of it sees a step of training.
#[derive(Debug)]
pub(crate) struct Table {
    rows: usize,
    dimensions: usize,
    dtype: DType,
    /// A row that is zero and stays so.
    padding: Option<u32>,
    trainable: AtomicBool,
    /// Counts the changes of the values.
    version: AtomicU64,
    /// `None` once the table was retired.
    tensor: RwLock<Option<Tensor>>,
    gradient: Mutex<Gradient>,
}

impl Table {
    /// The table whose rows are `values`, one after the other. The row `padding` becomes zero.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`], those of [`checked_size`], and [`Error::IdOutOfRange`] when there is no row `padding`.
    pub(crate) fn new<T: Element>(
        mut values: Vec<T>,
        rows: usize,
        dimensions: usize,
        padding: Option<u32>,
        device: &Device,
    ) -> Result<Self> {
        let expected = checked_size(rows, dimensions)?;
        if values.len() != expected {
            return Err(Error::LengthMismatch { expected, actual: values.len() });
        }
        if let Some(id) = padding {
            CheckedIds::new(&[id], &[1], rows)?;
            values[id as usize * dimensions..][..dimensions].fill(T::narrow(0.0));
        }
        let tensor = Tensor::from_vec(values, (rows, dimensions), device)?;
        Ok(Self {
            rows,
            dimensions,
            dtype: T::TYPE,
            padding,
            trainable: AtomicBool::new(true),
            version: AtomicU64::new(0),
            tensor: RwLock::new(Some(tensor)),
            gradient: Mutex::new(Gradient::new(rows, dimensions, device)?),
        })
    }

    /// [`Table::new`] of `values` rounded to `dtype`.
    pub(crate) fn rounded<T: Element>(
        values: Vec<T>,
        [rows, dimensions]: [usize; 2],
        TableOptions { dtype, padding, trainable }: TableOptions,
        device: &Device,
    ) -> Result<Self> {
        if dtype != T::TYPE {
            return Self::copied(&values, [rows, dimensions], TableOptions { dtype, padding, trainable }, device);
        }
        let table = Self::new(values, rows, dimensions, padding, device)?;
        table.set_trainable(trainable);
        Ok(table)
    }

    /// [`Table::new`] of a copy of `values` rounded to `dtype`.
    pub(crate) fn copied<T: Element>(
        values: &[T],
        [rows, dimensions]: [usize; 2],
        TableOptions { dtype, padding, trainable }: TableOptions,
        device: &Device,
    ) -> Result<Self> {
        let table = with_element!(dtype, U => {
            let mut rounded = memory::reserved::<U>(values.len())?;
            rounded.extend(values.iter().map(|&value| U::narrow(value.widen())));
            Self::new(rounded, rows, dimensions, padding, device)?
        });
        table.set_trainable(trainable);
        Ok(table)
    }

    /// A table with the same values, in the same memory; this one is retired.
    pub(crate) fn moved(&self) -> Result<Self> {
        let tensor = self.tensor()?;
        let gradient = Gradient::new(self.rows, self.dimensions, tensor.device())?;
        self.retire();
        Ok(Self {
            rows: self.rows,
            dimensions: self.dimensions,
            dtype: self.dtype,
            padding: self.padding,
            trainable: AtomicBool::new(self.trainable()),
            version: AtomicU64::new(self.version()),
            tensor: RwLock::new(Some(tensor)),
            gradient: Mutex::new(gradient),
        })
    }

    /// A table of the first `kept` values of this one and then of initial values.
    pub(crate) fn extended(
        &self,
        kept: usize,
        (init, source): (Init, Source),
        [rows, dimensions]: [usize; 2],
        options: TableOptions,
        device: &Device,
    ) -> Result<Self> {
        let tensor = self.tensor()?;
        with_element!(self.dtype, T => {
            let mut values = memory::reserved::<T>(rows * dimensions)?;
            read_values::<T, _>(&tensor, |old| values.extend_from_slice(&old[..kept]))?;
            values.extend(initial_values::<T>(kept, rows * dimensions - kept, init, source)?);
            Self::rounded(values, [rows, dimensions], options, device)
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Rows and dimensions.
    pub(crate) fn size(&self) -> [usize; 2] {
        [self.rows, self.dimensions]
    }

    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    pub(crate) fn padding(&self) -> Option<u32> {
        self.padding
    }

    /// Bytes of the values.
    pub(crate) fn byte_length(&self) -> usize {
        self.rows * self.dimensions * self.dtype.size()
    }

    pub(crate) fn trainable(&self) -> bool {
        self.trainable.load(Ordering::Relaxed)
    }

    pub(crate) fn set_trainable(&self, trainable: bool) {
        self.trainable.store(trainable, Ordering::Relaxed);
    }

    /// How often the values have changed.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The values as a tensor, which shares their memory.
    ///
    /// # Errors
    /// [`Error::Retired`] after [`Table::retire`].
    pub(crate) fn tensor(&self) -> Result<Tensor> {
        self.tensor.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Retired)
    }

    /// The values as `f32`, row after row.
    pub(crate) fn wide_values(&self) -> Result<Vec<f32>> {
        let tensor = self.tensor()?;
        let mut wide = memory::reserved(self.rows * self.dimensions)?;
        with_element!(self.dtype, T => {
            read_values::<T, _>(&tensor, |values| wide.extend(values.iter().map(|value| value.widen())))?;
        });
        Ok(wide)
    }

    /// Lets the values and the gradient go.
    pub(crate) fn retire(&self) {
        self.tensor.write().unwrap_or_else(PoisonError::into_inner).take();
        self.gradient().release();
    }

    /// The sum of the gradients since it was last set to none.
    pub(crate) fn gradient(&self) -> MutexGuard<'_, Gradient> {
        self.gradient.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `change` change the values.
    ///
    /// # Errors
    /// [`Error::Retired`], and those of `change`.
    pub(crate) fn change<R>(&self, change: impl FnOnce(Place<'_>) -> Result<R>) -> Result<R> {
        let changed = in_place(&self.tensor()?, change);
        self.version.fetch_add(1, Ordering::Release);
        changed
    }
}

/// How many values a table has, when it can be.
///
/// # Errors
/// [`Error::Zero`], [`Error::TooManyRows`] and [`Error::TooLarge`].
pub(crate) fn checked_size(rows: usize, dimensions: usize) -> Result<usize> {
    for (what, size) in [("rows", rows), ("dimensions", dimensions)] {
        if size == 0 {
            return Err(Error::Zero { what });
        }
    }
    if u32::try_from(rows - 1).is_err() {
        return Err(Error::TooManyRows { rows });
    }
    memory::checked_len(rows, dimensions)
}

/// Where the values of a tensor are, to be changed. Tensors that change are whole: their storage has no other values.
pub(crate) enum Place<'a> {
    /// The memory of the host.
    Host(&'a mut CpuStorage),
    /// That of a CUDA device.
    Cuda(&'a mut CudaStorage),
}

impl<'a> Place<'a> {
    /// The values, when they are `T` in the memory of the host.
    pub(crate) fn host<T: Element>(self) -> Result<&'a mut Vec<T>> {
        match self {
            Self::Host(storage) => T::of_mut(storage),
            Self::Cuda(_) => None,
        }
        .ok_or_else(elsewhere)
    }
}

/// The error for values that are on another device than what they are used with.
pub(crate) fn elsewhere() -> Error {
    candle_core::Error::msg("the values are on another device, or of another type").into()
}

/// Lets `change` change the storage of a tensor.
pub(crate) fn in_place<R>(tensor: &Tensor, change: impl FnOnce(Place<'_>) -> Result<R>) -> Result<R> {
    let operation = InPlace { change: Cell::new(Some(change)), result: Cell::new(None) };
    tensor.inplace_op1(&operation)?;
    operation.result.take().unwrap_or(Err(Error::Retired))
}

struct InPlace<F, R> {
    change: Cell<Option<F>>,
    result: Cell<Option<Result<R>>>,
}

impl<R, F: FnOnce(Place<'_>) -> Result<R>> InPlace<F, R> {
    fn run(&self, place: Place<'_>) {
        if let Some(change) = self.change.take() {
            self.result.set(Some(change(place)));
        }
    }
}

impl<R, F: FnOnce(Place<'_>) -> Result<R>> InplaceOp1 for InPlace<F, R> {
    fn name(&self) -> &'static str {
        "embedding-change"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _layout: &Layout) -> candle_core::Result<()> {
        self.run(Place::Host(storage));
        Ok(())
    }

    fn cuda_fwd(&self, storage: &mut CudaStorage, _layout: &Layout) -> candle_core::Result<()> {
        self.run(Place::Cuda(storage));
        Ok(())
    }
}

/// Shows the values of `tensor`, which are `T`, to `read`: in place when they are in the memory of the host, else a copy.
pub(crate) fn read_values<T: Element, R>(tensor: &Tensor, read: impl FnOnce(&[T]) -> R) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(read(cpu_values(storage, layout)?)),
        Storage::Cuda(storage) => {
            let copy = with_element!(T::TYPE, U => U::store(cuda::read::<U>(storage, layout)?));
            T::of(&copy).map(read).ok_or_else(elsewhere)
        }
        Storage::Metal(_) => Err(elsewhere()),
    }
}

/// Copies the values of `tensor`, which are of type `dtype`, into `out`, which takes as many of them.
pub(crate) fn copy_values(tensor: &Tensor, dtype: DType, out: ValuesMut<'_>) -> Result<()> {
    let (storage, layout) = tensor.storage_and_layout();
    with_element!(dtype, T => {
        let out = T::of_values(out).unwrap_or_default();
        match &*storage {
            Storage::Cpu(storage) => out.copy_from_slice(cpu_values(storage, layout)?),
            Storage::Cuda(storage) => cuda::read_into::<T>(storage, layout, out)?,
            Storage::Metal(_) => return Err(elsewhere()),
        }
    });
    Ok(())
}

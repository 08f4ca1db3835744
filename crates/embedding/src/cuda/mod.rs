//! What is computed on CUDA devices: the same sums in the same order as in [`mod@crate::cpu`].
//!
//! Without the feature `cuda` all of it is there too, and is [`crate::Error::Device`], so that nobody else has to ask for the feature.
//!
//! Everything on a device is done on one stream, one thing after the other; every answer of the driver is looked at. Ids are checked before, on
//! the host: a wrong one would be an access to memory that is not there, which ends all work on the device.

#[cfg(not(feature = "cuda"))]
mod absent;
#[cfg(feature = "cuda")]
mod device;
#[cfg(feature = "cuda")]
mod kernel;
#[cfg(feature = "cuda")]
mod lookup;
#[cfg(feature = "cuda")]
mod norm;
mod plan;
#[cfg(feature = "cuda")]
mod read;
#[cfg(feature = "cuda")]
mod rows;
mod rule;
#[cfg(feature = "cuda")]
mod step;
#[cfg(feature = "cuda")]
mod tables;
#[cfg(feature = "cuda")]
mod times;
#[cfg(feature = "cuda")]
mod upload;

use candle_core::{CudaStorage, Layout};

use crate::Dropout;
use crate::cpu::Gradients;
use crate::ids::CheckedPositions;

#[cfg(not(feature = "cuda"))]
pub(crate) use absent::{NormGrads, Rows, lookup, norm_backward, read, read_into, scattered, step, write};
#[cfg(not(feature = "cuda"))]
pub use absent::{cuda_device, gpus};
#[cfg(feature = "cuda")]
pub(crate) use device::write;
#[cfg(feature = "cuda")]
pub use device::{cuda_device, gpus};
#[cfg(feature = "cuda")]
pub(crate) use lookup::lookup;
#[cfg(feature = "cuda")]
pub(crate) use norm::{NormGrads, norm_backward};
pub(crate) use plan::Plan;
#[cfg(feature = "cuda")]
pub(crate) use read::{read, read_into};
#[cfg(feature = "cuda")]
pub(crate) use rows::{Rows, scattered};
pub(crate) use rule::{OnDevice, Rule};
#[cfg(feature = "cuda")]
pub(crate) use step::step;
#[cfg(feature = "cuda")]
pub use times::time_kernels;

/// A CUDA device, as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// What the maker calls it.
    pub name: String,
    /// The bytes of its memory.
    pub memory: usize,
    /// Its compute capability, such as 9.0.
    pub capability: (i32, i32),
}

/// A table on a device.
pub(crate) type OnCuda<'a> = (&'a CudaStorage, &'a Layout);

/// What is looked up, as [`crate::cpu::Gather`]. Every row exists: who makes it has checked.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'a> {
    /// Values of one row.
    pub(crate) dimensions: usize,
    pub(crate) ids: &'a [u32],
    pub(crate) token: OnCuda<'a>,
    /// What token rows are multiplied by.
    pub(crate) scale: f32,
    /// A table, and the row of it for each id; all have row 0 where that is nothing.
    pub(crate) types: Option<(OnCuda<'a>, Option<&'a [u32]>)>,
    pub(crate) position: Option<(OnCuda<'a>, CheckedPositions<'a>)>,
    pub(crate) norm: Option<Norm<'a>>,
    pub(crate) dropout: Option<Dropout>,
}

/// A normalisation, as [`crate::cpu::Norm`]: weight and bias are of one row each.
#[derive(Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub(crate) weight: OnCuda<'a>,
    pub(crate) bias: OnCuda<'a>,
    pub(crate) epsilon: f32,
}

/// A step of an optimiser on a table.
pub(crate) struct Step<'a> {
    pub(crate) rule: Rule,
    /// Values of one row.
    pub(crate) dimensions: usize,
    pub(crate) which: Gradients<'a>,
    pub(crate) grads: &'a Rows,
}

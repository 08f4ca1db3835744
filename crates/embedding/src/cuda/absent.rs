//! What there is without the feature `cuda`.
#![allow(clippy::extra_unused_type_parameters, reason = "these have the signatures of those that work")]

use candle_core::{CudaStorage, Device, Layout, Tensor};

use super::{Gpu, Lookup, Norm, Plan, Step};
use crate::{Dropout, Element, Error, Result};

fn absent<T>() -> Result<T> {
    Err(Error::Device { reason: "this was built without CUDA".to_owned() })
}

/// The devices that the driver shows to this process.
///
/// # Errors
/// [`Error::Device`]: the feature `cuda` is not there.
pub fn gpus() -> Result<Vec<Gpu>> {
    absent()
}

/// Device number `ordinal`.
///
/// # Errors
/// [`Error::Device`]: the feature `cuda` is not there.
pub fn cuda_device(_ordinal: usize) -> Result<Device> {
    absent()
}

pub(crate) fn lookup<T: Element>(_what: &Lookup<'_>) -> candle_core::Result<CudaStorage> {
    absent().map_err(Error::through_candle)
}

/// What a backward pass comes to: there is none.
pub(crate) struct NormGrads {
    pub(crate) sums: Tensor,
    pub(crate) weights: Tensor,
    pub(crate) biases: Tensor,
}

pub(crate) fn norm_backward<T: Element>(
    _what: &Lookup<'_>,
    _norm: &Norm<'_>,
    _grads: &Tensor,
) -> candle_core::Result<NormGrads> {
    absent().map_err(Error::through_candle)
}

pub(crate) fn step<T: Element>(
    _what: &Step<'_>,
    _table: &mut CudaStorage,
    _moments: Option<&mut CudaStorage>,
) -> Result<()> {
    absent()
}

pub(crate) fn write<T: Element>(_storage: &mut CudaStorage, _values: &[T]) -> Result<()> {
    absent()
}

pub(crate) fn read<T: Element>(_storage: &CudaStorage, _layout: &Layout) -> Result<Vec<T>> {
    absent()
}

pub(crate) fn read_into<T: Element>(_storage: &CudaStorage, _layout: &Layout, _out: &mut [T]) -> Result<()> {
    absent()
}

pub(crate) fn scattered(_slots: &[u32], _rows: usize, _grads: &Tensor, _scale: f32) -> Result<Tensor> {
    absent()
}

/// Gradient rows on a device: there are none.
#[derive(Debug)]
pub(crate) enum Rows {}

impl Rows {
    pub(crate) fn new(_device: &Device, _dimensions: usize) -> Result<Self> {
        absent()
    }

    pub(crate) fn grow(&mut self, _rows: usize) -> Result<()> {
        match *self {}
    }

    pub(crate) fn truncate(&mut self, _rows: usize) {
        match *self {}
    }

    pub(crate) fn release(&mut self) {
        match *self {}
    }

    pub(crate) fn add(
        &mut self,
        _plan: &Plan,
        _grads: &Tensor,
        _scale: f32,
        _dropout: Option<Dropout>,
        _known: usize,
    ) -> Result<()> {
        match *self {}
    }

    pub(crate) fn scale(&mut self, _factor: f32) -> Result<()> {
        match *self {}
    }

    pub(crate) fn to_vec(&self) -> Result<Vec<f32>> {
        match *self {}
    }
}

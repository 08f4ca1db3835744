//! What this machine can compute on.

use napi_derive::napi;
use tokenmill_embedding::{Gpu, cpu, gpus};

use crate::embedding_convert::coded;
use crate::error::Result;

#[napi(object)]
pub struct NativeCpu {
    pub cores: u32,
    pub features: Vec<String>,
}

#[napi(catch_unwind)]
pub fn cpu_of_this_machine() -> NativeCpu {
    let cpu = cpu();
    NativeCpu { cores: cpu.cores as u32, features: cpu.features.into_iter().map(str::to_owned).collect() }
}

/// A CUDA device.
#[napi(object)]
pub struct NativeGpu {
    pub name: String,
    /// In bytes.
    pub memory: f64,
    /// Such as `9.0`.
    pub compute_capability: String,
}

/// The CUDA devices of this machine, in the order of their numbers. Throws what the driver says when there are none, and in an addon that was built
/// without CUDA.
#[napi(catch_unwind)]
pub fn cuda_devices() -> Result<Vec<NativeGpu>> {
    let shown = |Gpu { name, memory, capability: (major, minor) }| NativeGpu {
        name,
        memory: memory as f64,
        compute_capability: format!("{major}.{minor}"),
    };
    Ok(gpus().map_err(coded)?.into_iter().map(shown).collect())
}

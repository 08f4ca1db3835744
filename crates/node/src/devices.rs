//! What this machine can compute on.

use napi_derive::napi;
use tokenmill_embedding::cpu;

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

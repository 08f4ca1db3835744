//! What this machine and this build can compute on.

/// The CPU, as far as this crate makes use of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Threads that can run at once.
    pub cores: usize,
    /// Vector extensions that the processor has.
    pub features: Vec<&'static str>,
}

/// The CPU of this machine.
pub fn cpu() -> Cpu {
    Cpu { cores: std::thread::available_parallelism().map_or(1, usize::from), features: features() }
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn features() -> Vec<&'static str> {
    use std::arch::is_x86_feature_detected as detected;
    [
        ("sse4.2", detected!("sse4.2")),
        ("avx", detected!("avx")),
        ("avx2", detected!("avx2")),
        ("fma", detected!("fma")),
        ("f16c", detected!("f16c")),
        ("avx512f", detected!("avx512f")),
        ("avx512bw", detected!("avx512bw")),
    ]
    .into_iter()
    .filter_map(|(name, has)| has.then_some(name))
    .collect()
}

#[cfg(target_arch = "aarch64")]
fn features() -> Vec<&'static str> {
    use std::arch::is_aarch64_feature_detected as detected;
    [("neon", detected!("neon")), ("fp16", detected!("fp16")), ("bf16", detected!("bf16")), ("sve", detected!("sve"))]
        .into_iter()
        .filter_map(|(name, has)| has.then_some(name))
        .collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
fn features() -> Vec<&'static str> {
    Vec::new()
}

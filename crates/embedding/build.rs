//! Compiles `kernels/*.cu` to PTX, for the feature `cuda` alone. The nvcc is that of `CUDA_HOME`, else the one on the PATH.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest devices that the PTX is for; each driver makes its own instructions of it when it is loaded first.
const OLDEST: &str = "compute_80";

fn main() {
    println!("cargo:rerun-if-changed=kernels");
    println!("cargo:rerun-if-env-changed=CUDA_HOME");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let nvcc = env::var_os("CUDA_HOME").map_or("nvcc".into(), |home| Path::new(&home).join("bin").join("nvcc"));
    for name in ["lookup", "norm", "segment_sum", "step"] {
        let status = Command::new(&nvcc)
            .args(["-ptx", "-O3", "-std=c++17", "-Wno-deprecated-gpu-targets", "-arch", OLDEST, "-o"])
            .arg(out.join(name).with_extension("ptx"))
            .arg(Path::new("kernels").join(name).with_extension("cu"))
            .status();
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => panic!("nvcc failed on {name}.cu: {status}"),
            Err(error) => panic!(
                "{} cannot be run: {error}. `npm run build:cuda` installs it, and builds with it",
                nvcc.display()
            ),
        }
    }
}

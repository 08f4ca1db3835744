//! Memory of the host that is not there, when something is read from a device. A program of its own: nothing else may run while there is none.
//! Without a CUDA device it says why it is not run; with `TOKENMILL_TEST_CUDA=1` that is an error.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test may panic, and its numbers are exact")]

mod limit;

use limit::limit_memory;
use tokenmill_embedding::{Embedding, Error, TableOptions, cuda_device};

#[test]
fn values_of_a_device_for_which_the_host_has_no_memory_are_an_error() {
    let device = match cuda_device(0) {
        Ok(device) => device,
        Err(reason) => {
            assert!(std::env::var_os("TOKENMILL_TEST_CUDA").is_none(), "there is no CUDA device: {reason}");
            return eprintln!("not run on CUDA: {reason}");
        }
    };
    // 64 MiB, as the result and the gradient are.
    let (rows, dimensions) = (1 << 12, 1 << 12);
    let values = vec![0.5f32; rows * dimensions];
    let embedding = Embedding::from_values(values, rows, dimensions, TableOptions::default(), &device).unwrap();
    let ids: Vec<u32> = (0..rows as u32).collect();
    let output = embedding.forward(&ids, &[rows]).unwrap();
    embedding.backward_tensor(&embedding.forward(&ids, &[rows]).unwrap(), &output).unwrap();
    let mut out = vec![0f32; rows * dimensions];

    limit_memory(16 << 20);
    let refused = [
        output.values().unwrap_err(),
        embedding.parameter().values().unwrap_err(),
        embedding.parameter().grad().unwrap_err(),
        output.read::<f32, _>(<[f32]>::len).unwrap_err(),
    ];
    // What is copied to memory that is there needs no other.
    output.copy_to(&mut out[..]).unwrap();
    embedding.parameter().widen_to(&mut out[..]).unwrap();
    limit_memory(u64::MAX);

    for error in refused {
        assert!(matches!(error, Error::OutOfMemory { bytes } if bytes == 64 << 20), "{error:?}");
    }
    assert!(out.iter().chain(&output.values().unwrap()).all(|&value| value == 0.5), "and all goes on");
    assert_eq!(embedding.parameter().grad().unwrap().unwrap().values[7], 0.5);
}

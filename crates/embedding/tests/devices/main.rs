//! What holds on every device, written once: each test runs on the CPU, and on CUDA device 0 where there is one, else says why not.
//! With `TOKENMILL_TEST_CUDA=1` it is an error that there is none (`npm run test:cuda`).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use half::{bf16, f16};
use tokenmill_embedding::{DType, Device, Embedding, InputEmbedding, Parameter, TableOptions, cuda_device};

macro_rules! on_every_device {
    ($($name:ident)+) => {
        mod cpu {
            $(#[test] fn $name() { super::$name(&tokenmill_embedding::Device::Cpu) })+
        }
        mod cuda {
            $(#[test] fn $name() { crate::on_cuda(super::$name) })+
        }
    };
}

mod gradients;
mod lookup;
mod normalisation;
mod tables;
mod training;

fn on_cuda(test: fn(&Device)) {
    match cuda_device(0) {
        Ok(device) => test(&device),
        Err(reason) => {
            assert!(std::env::var_os("TOKENMILL_TEST_CUDA").is_none(), "there is no CUDA device: {reason}");
            eprintln!("not run on CUDA: {reason}");
        }
    }
}

/// Some numbers in [-1, 1), other ones for each seed.
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mix = |i: u64| (i ^ seed << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..len as u64).map(|i| ((mix(mix(i) >> 7) >> 40) as f32) / (1 << 23) as f32 - 1.0).collect()
}

/// Some ids below `rows`, other ones for each seed.
fn ids(len: usize, rows: usize, seed: u64) -> Vec<u32> {
    let mix = |i: u64| (i ^ seed << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..len as u64).map(|i| (mix(i) >> 33) as u32 % rows as u32).collect()
}

/// `value` as the type holds it, by the half crate.
fn rounded(dtype: DType, value: f32) -> f32 {
    match dtype {
        DType::F32 => value,
        DType::BF16 => bf16::from_f32(value).to_f32(),
        DType::F16 => f16::from_f32(value).to_f32(),
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn table(values: Vec<f32>, rows: usize, dtype: DType, device: &Device) -> Embedding {
    let (dimensions, options) = (values.len() / rows, TableOptions { dtype, ..TableOptions::default() });
    Embedding::from_values(values, rows, dimensions, options, device).unwrap()
}

/// Widths that are multiples of what a thread moves at a time and ones that are not, of one thread and of more than a block.
const WIDTHS: [usize; 11] = [1, 3, 4, 7, 8, 12, 32, 33, 768, 1100, 2052];

/// The gradient of a table, with zeros for rows that have none.
fn dense(parameter: &Parameter) -> Vec<f32> {
    let shape = parameter.shape();
    let width = shape[shape.len() - 1];
    let mut all = vec![0.0; shape.iter().product()];
    let grad = parameter.grad().unwrap().unwrap();
    assert!(grad.ids.is_sorted_by(|a, b| a < b), "ascending, each once");
    for (id, row) in grad.ids.iter().zip(grad.values.chunks(width)) {
        all[*id as usize * width..][..width].copy_from_slice(row);
    }
    all
}

fn assert_close(actual: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(actual.len(), expected.len());
    for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(actual) - expected).abs();
        assert!(error <= tolerance * expected.abs().max(1.0), "{what}, value {index}: {actual} is not {expected}");
    }
}

fn all_values(embedding: &InputEmbedding) -> Vec<u32> {
    embedding.parameters().iter().flat_map(|parameter| bits(&parameter.values().unwrap())).collect()
}

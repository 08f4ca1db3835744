//! Initial values are those of the cases in `testdata`, which were made by another implementation
//! (`__test__/embedding/naive-init.ts`).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde::Deserialize;
use tokenmill_embedding::{Device, Init, InputEmbedding, InputEmbeddingConfig, Source, initial_values};

#[derive(Deserialize)]
struct Case {
    seed: u64,
    stream: u64,
    std: f64,
    count: usize,
    first: Vec<f32>,
    hash: String,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../testdata/embedding/initial-values.json")).unwrap()
}

/// FNV-1a of the little-endian bytes.
fn hash(values: &[f32]) -> String {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    let hash =
        bytes.fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3));
    format!("{hash:016x}")
}

#[test]
fn initial_values_are_the_golden_ones() {
    let cases = cases();
    assert!(cases.len() >= 6);
    for Case { seed, stream, std, count, first, hash: expected } in cases {
        let values: Vec<f32> = initial_values(0, count, Init::Normal { std }, Source { seed, stream }).unwrap();
        assert_eq!(values[..4], first, "seed {seed}, stream {stream}");
        assert_eq!(hash(&values), expected, "seed {seed}, stream {stream}");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let make = || initial_values::<f32>(0, 100_003, Init::Normal { std: 1.0 }, Source { seed: 5, stream: 9 }).unwrap();
    let expected = hash(&make());
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(hash(&pool.install(make)), expected);
    }
}

#[test]
fn the_tables_of_a_model_are_streams_0_to_2() {
    let config = InputEmbeddingConfig { token_types: 2, ..InputEmbeddingConfig::new(9, 4, 5) };
    let model = InputEmbedding::new(config, 42, &Device::Cpu).unwrap();
    for (stream, (parameter, rows)) in model.parameters().into_iter().zip([9, 4, 2]).enumerate() {
        let source = Source { seed: 42, stream: stream as u64 };
        let expected = initial_values::<f32>(0, rows * 5, Init::Normal { std: 0.02 }, source).unwrap();
        assert_eq!(parameter.values().unwrap(), expected, "{}", parameter.name());
    }
}

//! Tables of halves are made without a copy in 32 bits, which would take twice their memory. A program of its own, as it takes memory away.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod limit;

use limit::limit_memory;
use tokenmill_embedding::{
    DType, Device, Embedding, Init, InputEmbedding, InputEmbeddingConfig, Names, Position, Source, TableOptions,
};

const DIMENSIONS: usize = 1 << 10;
/// Rows of a table of 32 MiB, the values of which are too large in 32 bits for memory that the allocator has in reserve.
const ROWS: usize = 1 << 14;
const TABLE: u64 = 32 << 20;

/// How a table comes to be.
type Make<'a> = &'a dyn Fn(TableOptions) -> Embedding;

#[test]
fn a_table_of_halves_takes_no_more_than_its_own_memory() {
    let config = |dtype| InputEmbeddingConfig {
        dtype,
        position: Position::None,
        ..InputEmbeddingConfig::new(ROWS, 8, DIMENSIONS)
    };
    let folder = tempfile::tempdir().unwrap();
    let [path, npy] = ["wide.safetensors", "wide.npy"].map(|name| folder.path().join(name));
    let wide = InputEmbedding::new(config(DType::F32), 3, &Device::Cpu).unwrap();
    let values = wide.parameters()[0].values().unwrap();
    wide.save(&path, Names::Gpt2).unwrap();
    Embedding::from_slice(&values, ROWS, DIMENSIONS, TableOptions::default(), &Device::Cpu)
        .unwrap()
        .save_npy(&npy)
        .unwrap();
    let (init, source) = (Init::Normal { std: 0.02 }, Source { seed: 3, stream: 0 });
    let ways: [(&str, DType, Make<'_>); 4] = [
        ("initial values", DType::BF16, &|options| {
            Embedding::new(ROWS, DIMENSIONS, init, source, options, &Device::Cpu).unwrap()
        }),
        ("an array", DType::F16, &|options| {
            Embedding::from_slice(&values, ROWS, DIMENSIONS, options, &Device::Cpu).unwrap()
        }),
        ("safetensors", DType::BF16, &|options| {
            Embedding::load(&path, "wte.weight", options, &Device::Cpu, usize::MAX).unwrap()
        }),
        ("npy", DType::F16, &|options| Embedding::load_npy(&npy, options, &Device::Cpu, usize::MAX).unwrap()),
    ];
    for (way, dtype, make) in ways {
        limit_memory(TABLE + (16 << 20));
        let table = make(TableOptions { dtype, ..TableOptions::default() });
        limit_memory(u64::MAX);
        let expected: Vec<u16> = match dtype {
            DType::F16 => values.iter().map(|&value| half::f16::from_f32(value).to_bits()).collect(),
            _ => values.iter().map(|&value| half::bf16::from_f32(value).to_bits()).collect(),
        };
        assert!(table.parameter().bits().unwrap() == expected, "{way}");
    }
}

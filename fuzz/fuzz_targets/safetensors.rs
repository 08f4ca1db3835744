//! No bytes make reading a model panic, and no more memory is asked for than the file has; what is taken is written and read again as it was.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use tokenmill_embedding::{DType, Device, Embedding, InputEmbedding, Names, TableOptions};

fuzz_target!(|data: &[u8]| {
    let folder = TempDir::new().expect("a folder for files");
    let (path, again) = (folder.path().join("x.safetensors"), folder.path().join("again.safetensors"));
    fs::write(&path, data).expect("room for a file");
    // A file asks for a table of sinusoidal positions by a number; 64 MiB are enough to see that the limit holds.
    let load = |path| InputEmbedding::load(path, DType::F32, &Device::Cpu, 1 << 26);
    if let Ok(embedding) = load(&path) {
        for names in [Names::Gpt2, Names::Bert] {
            embedding.save(&again, names).expect("what was read can be written");
            let reread = load(&again).expect("what was written can be read");
            assert_eq!(reread.config(), embedding.config());
            for (a, b) in embedding.parameters().iter().zip(reread.parameters()) {
                let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                assert_eq!(bits(a.values().expect("values")), bits(b.values().expect("values")));
            }
        }
    }
    for dtype in [DType::F32, DType::BF16] {
        let options = TableOptions { dtype, ..TableOptions::default() };
        if let Ok(table) = Embedding::load(&path, "weight", options, &Device::Cpu, 1 << 26) {
            assert!(table.rows() * table.dimensions() <= data.len());
        }
    }
});

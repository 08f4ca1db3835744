//! No index of a model in several files makes reading panic, or reads a file elsewhere.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use tokenmill_embedding::{DType, Device, InputEmbedding, InputEmbeddingConfig, Names};

fuzz_target!(|data: &[u8]| {
    let folder = TempDir::new().expect("a folder for files");
    let inside = folder.path().join("model");
    fs::create_dir(&inside).expect("a folder");
    let made = InputEmbedding::new(InputEmbeddingConfig::new(2, 2, 2), 1, &Device::Cpu).expect("it is small");
    made.save(&inside.join("a.safetensors"), Names::Gpt2).expect("room for a file");
    made.save(&folder.path().join("outside.safetensors"), Names::Gpt2).expect("room for a file");
    fs::write(inside.join("model.safetensors.index.json"), data).expect("room for a file");
    if InputEmbedding::load(&inside, DType::F32, &Device::Cpu, 1 << 20).is_ok() {
        let text = String::from_utf8_lossy(data);
        assert!(!text.contains("outside"), "a file outside of the folder was read");
    }
});

//! No bytes make reading a `.npy` file panic; what is taken is written and read again as it was.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use tokenmill_embedding::{Device, Embedding, TableOptions};

fuzz_target!(|data: &[u8]| {
    let folder = TempDir::new().expect("a folder for files");
    let (path, again) = (folder.path().join("x.npy"), folder.path().join("again.npy"));
    fs::write(&path, data).expect("room for a file");
    let load = |path| Embedding::load_npy(path, TableOptions::default(), &Device::Cpu, 1 << 26);
    let Ok(table) = load(&path) else { return };
    assert!(table.rows() * table.dimensions() * 2 < data.len());
    table.save_npy(&again).expect("what was read can be written");
    let reread = load(&again).expect("what was written can be read");
    let bits = |table: &Embedding| {
        table.parameter().values().expect("values").into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!((reread.rows(), reread.dimensions(), bits(&reread)), (table.rows(), table.dimensions(), bits(&table)));
});

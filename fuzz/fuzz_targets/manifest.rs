//! No bytes make reading a manifest panic; one that is taken names files in its folder only, and is written as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmill_corpus::Manifest;

fuzz_target!(|data: &[u8]| {
    let manifest = match Manifest::parse(data) {
        Ok(manifest) => manifest,
        Err(reason) => return assert!(!reason.is_empty()),
    };
    for split in manifest.splits.values() {
        let others = split.others.values().flatten().chain([&split.document_starts]).map(|file| &file.file);
        for file in split.shards.iter().map(|shard| &shard.file).chain(others) {
            assert!(!file.is_empty() && !file.starts_with('/') && file.split('/').all(|part| part != ".."));
        }
    }
    let written = manifest.to_json().expect("what was read can be written");
    assert_eq!(Manifest::parse(written.as_bytes()).expect("what was written can be read"), manifest);
});

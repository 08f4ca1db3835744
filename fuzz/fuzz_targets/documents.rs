//! No file makes reading panic or hang; documents are within their limit and do not depend on threads. The first byte says what the file holds.
#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use tokenmill_corpus::{Fault, Format, OnFault, OnInvalidUtf8, Position, Progress, ReadOptions, map_batches, resolve};

const MOST: usize = 300;

fn read(name: &str, format: Format, invalid_utf8: OnInvalidUtf8, threads: usize) -> Option<(Vec<String>, Vec<Fault>)> {
    let options = ReadOptions {
        format,
        invalid_utf8,
        threads,
        malformed: OnFault::Skip,
        too_large: OnFault::Skip,
        max_document_bytes: MOST,
        ..ReadOptions::default()
    };
    let (mut texts, mut faults) = (Vec::new(), Vec::new());
    let inputs = resolve(&[name.to_owned()], None).expect("the file is there");
    let read = map_batches(
        &inputs,
        &options,
        Position::default(),
        None,
        &Progress::default(),
        || Ok,
        |batch| {
            texts.extend(batch.value.texts().into_iter().map(str::to_owned));
            faults.extend(batch.value.faults.iter().map(|(_, fault)| fault.clone()));
            Ok(ControlFlow::Continue(()))
        },
    );
    read.ok().map(|()| (texts, faults))
}

fuzz_target!(|data: &[u8]| {
    let Some((&kind, content)) = data.split_first() else { return };
    let file = tempfile::NamedTempFile::new().expect("a folder for files");
    std::fs::write(file.path(), content).expect("room for a file");
    let name = file.path().to_str().expect("a name");
    let format = match kind % 5 {
        0 => Format::Text,
        1 => Format::Lines,
        2 => Format::Separated("<|>".to_owned()),
        3 => Format::Jsonl,
        _ => Format::Parquet,
    };
    let invalid = if kind & 0x80 == 0 { OnInvalidUtf8::Skip } else { OnInvalidUtf8::Replace };
    let one = read(name, format.clone(), invalid, 1);
    if let Some((texts, _)) = &one {
        // Each replaced byte is three.
        assert!(texts.iter().all(|text| text.len() <= 3 * MOST));
    }
    assert_eq!(one, read(name, format, invalid, 2));
});

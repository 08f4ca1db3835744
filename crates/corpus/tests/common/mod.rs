//! What the tests of readers share.
#![allow(dead_code, clippy::type_complexity, clippy::unwrap_used, missing_docs, reason = "test code")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokenmill_corpus::{Error, Fault, Position, Progress, ReadOptions, map_batches, resolve};

/// A folder for the files of one test.
pub struct Folder(pub TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// A document with where it stood.
pub type Found = (String, u64, usize);

/// All documents and faults, in order.
pub fn read_from(
    names: &[String],
    options: &ReadOptions,
    start: Position,
) -> Result<(Vec<Found>, Vec<(usize, u64, Fault)>, Vec<Position>), Error> {
    let inputs = resolve(names, None)?;
    let (mut found, mut faults, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    map_batches(
        &inputs,
        options,
        start,
        None,
        &Progress::default(),
        || Ok,
        |batch| {
            let input = batch.position.input;
            positions.push(batch.position);
            let lines = batch.value.lines();
            found.extend(batch.value.texts().into_iter().zip(lines).map(|(text, line)| (text.to_owned(), line, input)));
            faults.extend(batch.value.faults.iter().map(|(line, fault)| (input, *line, fault.clone())));
            Ok(std::ops::ControlFlow::Continue(()))
        },
    )?;
    Ok((found, faults, positions))
}

pub fn texts(names: &[String], options: &ReadOptions) -> Result<Vec<String>, Error> {
    Ok(read_from(names, options, Position::default())?.0.into_iter().map(|(text, ..)| text).collect())
}

pub fn name_of(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

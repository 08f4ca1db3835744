//! Whether a dataset's files are what its manifest says.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;

use super::appender::hash_of;
use crate::Error;
use crate::manifest::Manifest;

/// Hashes every file of the dataset in `folder`, on all threads of the current rayon pool; adds the bytes of finished files to `done`.
///
/// # Errors
/// [`Error::CorruptDataset`] names the first file, in the order of the manifest, that is not what it should be.
pub fn verify(folder: &Path, cancel: Option<&AtomicBool>, done: &AtomicU64) -> Result<Manifest, Error> {
    let manifest = Manifest::read(folder)?;
    let width = manifest.dtype.width() as u64;
    let mut files = Vec::new();
    for split in manifest.splits.values() {
        files.extend(split.shards.iter().map(|shard| (&shard.file, shard.tokens * width, &shard.blake3)));
        let others = split.others.values().flatten().chain([&split.document_starts]);
        files.extend(others.map(|file| (&file.file, file.bytes, &file.blake3)));
    }
    let one = |&(file, bytes, blake3): &(&String, u64, &String)| {
        if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Err(Error::Cancelled);
        }
        let path = folder.join(file);
        let corrupt = |reason| Error::CorruptDataset { path: path.display().to_string(), reason };
        let found = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(corrupt("the manifest names this file, which is not there".to_owned()));
            }
            Err(error) => return Err(Error::io("read", path.display(), error)),
        };
        if found != bytes {
            return Err(corrupt(format!("expected {bytes} bytes, received {found}")));
        }
        let found = hash_of(&path)?;
        if found != *blake3 {
            return Err(corrupt(format!("expected the BLAKE3 {blake3}, received {found}: its contents have changed")));
        }
        done.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    };
    // Collected, so that the error is that of the first file and not of the fastest thread.
    let results: Vec<Result<(), Error>> = files.par_iter().map(one).collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(manifest)
}

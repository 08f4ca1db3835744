//! Whether a dataset's files are what its manifest says.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;

use super::appender::hash_of;
use crate::Error;
use crate::cancel;
use crate::manifest::{FileFacts, Manifest, ShardFacts};

/// The manifest of the dataset in `folder`, whose files are there and as long as it says.
///
/// # Errors
/// [`Error::CorruptDataset`] names the first file that is not.
pub fn survey(folder: &Path) -> Result<Manifest, Error> {
    let manifest = Manifest::read(folder)?;
    check_lengths(folder, &manifest)?;
    Ok(manifest)
}

/// Hashes every file of the dataset in `folder`, on all threads of the current rayon pool; adds the bytes of finished files to `done`.
///
/// # Errors
/// [`Error::CorruptDataset`] names the first file, in the order of the manifest, that is not what it should be.
pub fn verify(folder: &Path, cancel: Option<&AtomicBool>, done: &AtomicU64) -> Result<Manifest, Error> {
    let manifest = Manifest::read(folder)?;
    let files = files_of(&manifest);
    let one = |file: &Expected| {
        cancel::check(cancel)?;
        let path = file.check_length(folder)?;
        let (found, blake3) = (hash_of(&path, cancel)?, file.blake3);
        if found != blake3 {
            let reason = format!("expected the BLAKE3 {blake3}, received {found}: its contents have changed");
            return Err(Error::CorruptDataset { path: path.display().to_string(), reason });
        }
        done.fetch_add(file.bytes, Ordering::Relaxed);
        Ok(())
    };
    // Collected, so that the error is that of the first file and not of the fastest thread.
    let results: Vec<Result<(), Error>> = files.par_iter().map(one).collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(manifest)
}

/// Whether all files that `manifest` names are in `folder`, as long as it says; [`Error::CorruptDataset`] names the first that is not.
pub(super) fn check_lengths(folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    files_of(manifest).iter().try_for_each(|file| file.check_length(folder).map(drop))
}

/// A file of a dataset as the manifest says it.
struct Expected<'a> {
    file: &'a str,
    bytes: u64,
    blake3: &'a str,
}

fn files_of(manifest: &Manifest) -> Vec<Expected<'_>> {
    let width = manifest.dtype.width() as u64;
    let mut files = Vec::new();
    for split in manifest.splits.values() {
        let shards = split.shards.iter();
        files.extend(shards.map(|ShardFacts { file, tokens, blake3 }| Expected {
            file,
            bytes: tokens * width,
            blake3,
        }));
        let others = split.others.values().flatten().chain([&split.document_starts]);
        files.extend(others.map(|FileFacts { file, bytes, blake3 }| Expected { file, bytes: *bytes, blake3 }));
    }
    files
}

impl Expected<'_> {
    /// Its path, when it is there and has the length.
    fn check_length(&self, folder: &Path) -> Result<PathBuf, Error> {
        let path = folder.join(self.file);
        let corrupt = |reason| Err(Error::CorruptDataset { path: path.display().to_string(), reason });
        match std::fs::metadata(&path) {
            Ok(found) if !found.is_file() => corrupt("expected a file".to_owned()),
            Ok(found) if found.len() == self.bytes => Ok(path),
            Ok(found) => corrupt(format!("expected {} bytes, received {}", self.bytes, found.len())),
            Err(error) => Err(Error::of_dataset(&path, error)),
        }
    }
}

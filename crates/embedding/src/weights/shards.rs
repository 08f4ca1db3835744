//! Models in one file, or in several with an index of what is where.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::FileFault;
use super::read::{WeightsFile, at};
use crate::{Result, memory};

/// The file of a model in one file, in its folder.
const WHOLE: &str = "model.safetensors";
/// The index of one in several.
const INDEX: &str = "model.safetensors.index.json";
/// How the name of an index ends.
const INDEX_END: &str = ".index.json";
/// The longest index: as much as the longest header, which has more to say.
const MAX_INDEX: u64 = 100_000_000;

/// The tensors of a model, in whichever files they are.
#[derive(Debug)]
pub(crate) struct Weights {
    /// The file, or the index.
    path: PathBuf,
    max_bytes: usize,
    files: Files,
}

#[derive(Debug)]
enum Files {
    One(WeightsFile),
    Many {
        /// Which file each tensor is in.
        places: BTreeMap<String, String>,
        open: BTreeMap<String, WeightsFile>,
    },
}

/// The index that Hugging Face's libraries write.
#[derive(serde::Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Weights {
    /// `path` is a safetensors file, an index, or a folder with one of these under its usual name. `max_bytes` is the most that one
    /// table may take in memory.
    pub(crate) fn open(path: &Path, max_bytes: usize) -> Result<Self> {
        let path = if path.is_dir() { in_folder(path)? } else { path.to_owned() };
        let is_index = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(INDEX_END));
        let files = if is_index {
            Files::Many { places: read_index(&path)?, open: BTreeMap::new() }
        } else {
            Files::One(WeightsFile::open(&path, max_bytes)?)
        };
        Ok(Self { path, max_bytes, files })
    }

    /// Whether there is a tensor of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        match &self.files {
            Files::One(file) => file.has(name),
            Files::Many { places, .. } => places.contains_key(name),
        }
    }

    /// The file that has the tensor of this name.
    ///
    /// # Errors
    /// [`crate::Error::File`] when there is none, or the file is not one.
    pub(crate) fn file(&mut self, name: &str) -> Result<&mut WeightsFile> {
        match &mut self.files {
            Files::One(file) => Ok(file),
            Files::Many { places, open } => {
                let shard =
                    places.get(name).ok_or_else(|| FileFault::missing(name, places.keys())).map_err(at(&self.path))?;
                if !open.contains_key(shard) {
                    let file = WeightsFile::open(&self.path.with_file_name(shard), self.max_bytes)?;
                    open.insert(shard.clone(), file);
                }
                open.get_mut(shard).ok_or_else(|| FileFault::missing(name, places.keys())).map_err(at(&self.path))
            }
        }
    }
}

fn in_folder(folder: &Path) -> Result<PathBuf> {
    let found = [WHOLE, INDEX].map(|name| folder.join(name)).into_iter().find(|path| path.is_file());
    found.ok_or(FileFault::NoModel { names: [WHOLE, INDEX] }).map_err(at(folder))
}

fn read_index(path: &Path) -> Result<BTreeMap<String, String>> {
    let metadata = fs::metadata(path).map_err(FileFault::io("find the file")).map_err(at(path))?;
    if !metadata.is_file() {
        return Err(at(path)(FileFault::NotAFile));
    }
    let file = File::open(path).map_err(FileFault::io("open the file")).map_err(at(path))?;
    let length = metadata.len();
    if length > MAX_INDEX {
        return Err(at(path)(FileFault::Index(format!("it has {length} bytes, and {MAX_INDEX} are the most"))));
    }
    let mut json = memory::reserved(length as usize)?;
    file.take(length).read_to_end(&mut json).map_err(FileFault::io("read it")).map_err(at(path))?;
    let index: Index =
        serde_json::from_slice(&json).map_err(|error| FileFault::Index(error.to_string())).map_err(at(path))?;
    for shard in index.weight_map.values() {
        // A name with a folder in it could be any file of this machine.
        let is_plain = Path::new(shard).file_name().is_some_and(|name| name == shard.as_str());
        if !is_plain || shard.contains(['/', '\\', ':', '\0']) {
            return Err(at(path)(FileFault::Index(format!("{shard:?} is not the name of a file beside it"))));
        }
    }
    Ok(index.weight_map)
}

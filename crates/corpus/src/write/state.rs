//! What an interrupted preparation goes on from.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::appender::replace;
use super::split::SplitState;
use crate::Error;
use crate::manifest::Counts;
use crate::pipeline::Position;

pub const FILE: &str = "state.json";

/// A state in which all files have reached the disk, between two batches of documents.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// The hash of all that decides the result.
    pub key: String,
    /// From where reading goes on.
    pub position: Position,
    pub counts: Counts,
    pub faults: Vec<String>,
    /// The digests of documents that were seen.
    pub seen: u64,
    /// In the order of the splits.
    pub splits: Vec<SplitState>,
}

impl State {
    /// The state in `folder`; none before the first.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
                let reason = format!("expected the state of a preparation: {error}");
                Error::CorruptDataset { path: path.display().to_string(), reason }
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path.display(), error)),
        }
    }

    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec(self).map_err(|error| Error::Limit(error.to_string()))?;
        replace(&folder.join(FILE), &text)
    }
}

//! One form of output of one split.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::appender::{Appender, exists, make_folder, remove};
use super::layout::Output;
use crate::Error;
use crate::dtype::DType;

/// A file that is whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shard {
    pub file: String,
    pub tokens: u64,
    pub bytes: u64,
    pub blake3: String,
}

/// How far a [`Sharded`] was.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ShardedState {
    finished: Vec<Shard>,
    /// Ids in the shard that is not.
    tokens: u64,
}

/// Ids as a row of files.
pub struct Sharded {
    folder: PathBuf,
    split: &'static str,
    output: Output,
    /// Of the ids that come, and of those that are written.
    dtypes: (DType, DType),
    shard_tokens: u64,
    state: ShardedState,
    /// The shard that is not whole; none before its first id.
    open: Option<Appender>,
    widened: Vec<u8>,
}

impl Sharded {
    /// That of `split` in `folder` as it was at `state`; what was written later is removed.
    pub fn open(
        folder: &Path,
        split: &'static str,
        output: Output,
        vocab_size: u32,
        shard_tokens: u64,
        state: ShardedState,
        cancel: Option<&AtomicBool>,
    ) -> Result<Self, Error> {
        if let Some(name) = output.folder() {
            make_folder(&folder.join(name))?;
        }
        let mut it = Self {
            folder: folder.to_owned(),
            split,
            output,
            dtypes: (DType::of(vocab_size), output.dtype(vocab_size)),
            shard_tokens: output.shard_tokens(shard_tokens),
            state,
            open: None,
            widened: Vec::new(),
        };
        let mut shard = it.state.finished.len();
        if it.state.tokens > 0 {
            let header = it.header(it.shard_tokens).len() as u64;
            let length = header + it.state.tokens * it.dtypes.1.width() as u64;
            let mut file = Appender::resume(it.path(shard), length, cancel)?;
            if header > 0 {
                // It may have been finished since, as a shorter one.
                file.patch(&it.header(it.shard_tokens), cancel)?;
            }
            it.open = Some(file);
            shard += 1;
        }
        // Shards of a file have no second.
        while exists(&it.path(shard)) && (it.shard_tokens < u64::MAX || shard == 0) {
            remove(&it.path(shard))?;
            shard += 1;
        }
        Ok(it)
    }

    pub fn append(&mut self, mut tokens: &[u8]) -> Result<(), Error> {
        let (from, to) = self.dtypes;
        while !tokens.is_empty() {
            if self.open.is_none() {
                let mut file = Appender::create(self.path(self.state.finished.len()))?;
                file.write(&self.header(self.shard_tokens))?;
                self.open = Some(file);
            }
            let Some(file) = &mut self.open else { continue };
            let room = self.shard_tokens - self.state.tokens;
            let count = ((tokens.len() / from.width()) as u64).min(room);
            let (now, later) = tokens.split_at(count as usize * from.width());
            if from == to {
                file.write(now)?;
            } else {
                self.widened.clear();
                self.widened.extend(now.chunks_exact(2).flat_map(|id| [id[0], id[1], 0, 0]));
                file.write(&self.widened)?;
            }
            self.state.tokens += count;
            tokens = later;
            if self.state.tokens == self.shard_tokens {
                self.finish_shard(None)?;
            }
        }
        Ok(())
    }

    /// All ids so far are on disk when this returns.
    pub fn sync(&mut self) -> Result<ShardedState, Error> {
        if let Some(file) = &mut self.open {
            file.sync()?;
        }
        Ok(self.state.clone())
    }

    /// The last shard is whole, too; all of them.
    pub fn finish(&mut self, cancel: Option<&AtomicBool>) -> Result<Vec<Shard>, Error> {
        if self.open.is_some() {
            self.finish_shard(cancel)?;
        }
        Ok(self.state.finished.clone())
    }

    fn finish_shard(&mut self, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        let Some(mut file) = self.open.take() else { return Ok(()) };
        let tokens = std::mem::take(&mut self.state.tokens);
        let header = self.header(tokens);
        if !header.is_empty() && tokens < self.shard_tokens {
            file.patch(&header, cancel)?;
        }
        let finished = file.finish()?;
        let file = self.output.file(self.split, self.state.finished.len());
        self.state.finished.push(Shard { file, tokens, bytes: finished.bytes, blake3: finished.blake3 });
        Ok(())
    }

    fn header(&self, tokens: u64) -> Vec<u8> {
        self.output.header(self.dtypes.1, tokens)
    }

    fn path(&self, shard: usize) -> PathBuf {
        self.folder.join(self.output.file(self.split, shard))
    }
}

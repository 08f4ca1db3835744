//! All that is written for one split.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::appender::{Appender, remove};
use super::layout::Output;
use super::sharded::{Sharded, ShardedState};
use crate::Error;
use crate::cancel;
use crate::dtype::DType;
use crate::manifest::{FileFacts, ShardFacts, SplitFacts};

/// How far a split was.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SplitState {
    documents: u64,
    tokens: u64,
    outputs: Vec<ShardedState>,
}

pub struct SplitWriter {
    folder: PathBuf,
    name: &'static str,
    vocab_size: u32,
    documents: u64,
    tokens: u64,
    outputs: Vec<(Output, Sharded)>,
    starts: Appender,
}

impl SplitWriter {
    /// That of `name` in `folder` as it was at `state`.
    pub fn open(
        folder: &Path,
        name: &'static str,
        outputs: &[Output],
        vocab_size: u32,
        shard_tokens: u64,
        state: SplitState,
        cancel: Option<&AtomicBool>,
    ) -> Result<Self, Error> {
        let mut states = state.outputs.into_iter();
        let open = |&output: &Output| {
            let state = states.next().unwrap_or_default();
            Sharded::open(folder, name, output, vocab_size, shard_tokens, state, cancel).map(|writer| (output, writer))
        };
        let outputs = outputs.iter().map(open).collect::<Result<_, _>>()?;
        let path = folder.join(starts_file(name));
        let starts = if state.documents == 0 {
            remove(&path)?;
            Appender::create(path)?
        } else {
            Appender::resume(path, state.documents * 8, cancel)?
        };
        let (documents, tokens) = (state.documents, state.tokens);
        Ok(Self { folder: folder.to_owned(), name, vocab_size, documents, tokens, outputs, starts })
    }

    /// The bytes of an id that is appended.
    pub fn width(&self) -> usize {
        DType::of(self.vocab_size).width()
    }

    /// Appends documents of these lengths, whose ids are `tokens`.
    pub fn append(&mut self, tokens: &[u8], lengths: impl Iterator<Item = u64>) -> Result<(), Error> {
        for (_, output) in &mut self.outputs {
            output.append(tokens)?;
        }
        for length in lengths {
            self.starts.write(&self.tokens.to_le_bytes())?;
            self.documents += 1;
            self.tokens += length;
        }
        Ok(())
    }

    /// All so far is on disk when this returns.
    pub fn sync(&mut self) -> Result<SplitState, Error> {
        let outputs = self.outputs.iter_mut().map(|(_, output)| output.sync()).collect::<Result<_, _>>()?;
        self.starts.sync()?;
        Ok(SplitState { documents: self.documents, tokens: self.tokens, outputs })
    }

    /// All files are whole.
    pub fn finish(mut self, cancel: Option<&AtomicBool>) -> Result<SplitFacts, Error> {
        let mut facts = SplitFacts { documents: self.documents, tokens: self.tokens, ..SplitFacts::default() };
        for (output, writer) in &mut self.outputs {
            let shards = writer.finish(cancel)?;
            if *output == Output::Raw {
                let shard = |shard: super::sharded::Shard| ShardFacts {
                    file: shard.file,
                    tokens: shard.tokens,
                    blake3: shard.blake3,
                };
                facts.shards = shards.into_iter().map(shard).collect();
            } else {
                let file = |shard: super::sharded::Shard| FileFacts {
                    file: shard.file,
                    bytes: shard.bytes,
                    blake3: shard.blake3,
                };
                facts.others.insert(*output, shards.into_iter().map(file).collect());
            }
        }
        let finished = self.starts.finish()?;
        facts.document_starts =
            FileFacts { file: starts_file(self.name), bytes: finished.bytes, blake3: finished.blake3 };
        if let Some(files) = facts.others.get_mut(&Output::Megatron) {
            // An index alone is no dataset: nothing is written for a split without ids, as in the other forms.
            if !files.is_empty() {
                files.push(megatron_index(
                    &self.folder,
                    self.name,
                    self.vocab_size,
                    self.documents,
                    self.tokens,
                    cancel,
                )?);
            }
        }
        Ok(facts)
    }
}

/// The name of the index of documents.
pub fn starts_file(split: &str) -> String {
    format!("{split}-documents.u64")
}

/// Writes `megatron/<split>.idx`: a sequence and a document for each document. Read from the documents index, so that none of it is in memory.
fn megatron_index(
    folder: &Path,
    split: &str,
    vocab_size: u32,
    documents: u64,
    tokens: u64,
    cancel: Option<&AtomicBool>,
) -> Result<FileFacts, Error> {
    let dtype = Output::Megatron.dtype(vocab_size);
    let file = format!("megatron/{split}.idx");
    let mut index = Appender::create(folder.join(&file))?;
    index.write(b"MMIDIDX\x00\x00")?;
    index.write(&1_u64.to_le_bytes())?;
    // Megatron-LM's numbers for uint16 and int32.
    index.write(&[if dtype == DType::U16 { 8 } else { 4 }])?;
    index.write(&documents.to_le_bytes())?;
    index.write(&(documents + 1).to_le_bytes())?;
    for_each_length(folder, split, tokens, cancel, |length, _| {
        let length = i32::try_from(length).map_err(|_| {
            Error::Limit(format!("expected at most {} ids in a document for megatron, received {length}", i32::MAX))
        })?;
        index.write(&length.to_le_bytes())
    })?;
    for_each_length(folder, split, tokens, cancel, |_, start| {
        index.write(&(start * dtype.width() as u64).to_le_bytes())
    })?;
    for document in 0..=documents {
        index.write(&document.to_le_bytes())?;
    }
    let finished = index.finish()?;
    Ok(FileFacts { file, bytes: finished.bytes, blake3: finished.blake3 })
}

/// Calls `each` with the length and start of every document.
fn for_each_length(
    folder: &Path,
    split: &str,
    tokens: u64,
    cancel: Option<&AtomicBool>,
    mut each: impl FnMut(u64, u64) -> Result<(), Error>,
) -> Result<(), Error> {
    let path = folder.join(starts_file(split));
    let failed = |error| Error::io("read", path.display(), error);
    let mut starts = BufReader::with_capacity(1 << 20, File::open(&path).map_err(failed)?);
    let mut number = [0; 8];
    let mut before = None;
    loop {
        cancel::check(cancel)?;
        let start = match starts.read_exact(&mut number) {
            Ok(()) => u64::from_le_bytes(number),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(failed(error)),
        };
        if let Some(before) = before.replace(start) {
            each(start - before, before)?;
        }
    }
    before.map_or(Ok(()), |before| each(tokens - before, before))
}

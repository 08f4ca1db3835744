//! What `manifest.json` says.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::dtype::DType;
use crate::options::{Format, OnFault, OnInvalidUtf8};
use crate::write::layout::Output;

/// The name of the manifest in a dataset's folder.
pub const FILE: &str = "manifest.json";
/// What it calls itself.
const KIND: &str = "tokenmill-dataset";
/// A manifest has a line for each shard: far more than anybody has.
const LARGEST: u64 = 256 << 20;

/// A finished dataset: what it holds, and which files. Nothing in it depends on when, where or by how many threads it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// `tokenmill-dataset`.
    pub kind: String,
    /// 1.
    pub version: u32,
    /// Who made the ids.
    pub tokenizer: TokenizerFacts,
    /// The special tokens that texts may hold as such, sorted; all others are plain text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_special: Vec<String>,
    /// How the raw shards hold an id.
    pub dtype: DType,
    /// What stands between documents.
    pub separator: Option<Separator>,
    /// Ids in a shard; the last of a split may have fewer.
    pub shard_tokens: u64,
    /// The share of documents in `val`, and the seed that decides which; none without a split.
    pub validation: Option<Validation>,
    /// Whether documents that came before were left out.
    pub deduplicated: bool,
    /// How much was read.
    pub inputs: InputFacts,
    /// How it was read, and in which forms it was written; none in datasets of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<PreparationFacts>,
    /// What became of it.
    pub counts: Counts,
    /// `train`, and `val` when there is a validation split.
    pub splits: BTreeMap<String, SplitFacts>,
}

/// A tokenizer, as a dataset knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenizerFacts {
    /// Its name.
    pub name: String,
    /// The hash of all that decides the ids.
    pub fingerprint: String,
    /// The largest id, and one more.
    pub vocab_size: u32,
}

/// The id that is put between documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Separator {
    /// The id.
    pub id: u32,
    /// Where it stands.
    pub position: SeparatorPosition,
}

/// Where a separator stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeparatorPosition {
    /// Before each document.
    Before,
    /// After each document.
    After,
}

/// Which documents are for validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// The share of documents.
    pub share: f64,
    /// The seed of the hash that decides for each document.
    pub seed: u64,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputFacts {
    /// How many files.
    pub files: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// The BLAKE3 of their names, without folders, and of how long each is; none in datasets of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The options of a preparation that a manifest does not tell otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreparationFacts {
    /// What the files hold.
    pub input_format: Format,
    /// The field or column that is the text.
    pub field: String,
    /// The most bytes of a document.
    pub max_document_bytes: u64,
    /// What became of lines and values without a document.
    pub on_malformed: OnFault,
    /// What became of bytes that are not UTF-8.
    pub on_invalid_utf8: OnInvalidUtf8,
    /// What became of documents that are too large.
    pub on_too_large: OnFault,
    /// The forms of the result.
    pub format: Vec<Output>,
}

/// What became of the documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Those that were written.
    pub documents: u64,
    /// Their ids, with separators.
    pub tokens: u64,
    /// The bytes of their text.
    pub bytes: u64,
    /// Documents without text, which are left out.
    pub empty: u64,
    /// Documents that came before, when those are left out.
    pub duplicates: u64,
    /// Lines and values without a document that were skipped.
    pub malformed: u64,
    /// Documents that were skipped as they are not UTF-8.
    pub invalid_utf8: u64,
    /// Documents that were skipped as they are too large.
    pub too_large: u64,
}

/// One split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SplitFacts {
    /// Its documents.
    pub documents: u64,
    /// Its ids.
    pub tokens: u64,
    /// Where each document starts: little-endian `u64`, counted in ids.
    pub document_starts: FileFacts,
    /// The raw shards, when they were asked for.
    pub shards: Vec<ShardFacts>,
    /// The files of the other forms.
    pub others: BTreeMap<Output, Vec<FileFacts>>,
}

/// A raw shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardFacts {
    /// Its name in the folder of the manifest.
    pub file: String,
    /// Its ids.
    pub tokens: u64,
    /// Of its bytes, in hexadecimal.
    pub blake3: String,
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its name in the folder of the manifest.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Of its bytes, in hexadecimal.
    pub blake3: String,
}

impl Manifest {
    pub(crate) fn new(tokenizer: TokenizerFacts, inputs: InputFacts) -> Self {
        Self {
            kind: KIND.to_owned(),
            version: 1,
            dtype: DType::of(tokenizer.vocab_size),
            tokenizer,
            allowed_special: Vec::new(),
            separator: None,
            shard_tokens: 0,
            validation: None,
            deduplicated: false,
            inputs,
            preparation: None,
            counts: Counts::default(),
            splits: BTreeMap::new(),
        }
    }

    /// The manifest in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] when there is none, [`Error::CorruptDataset`] when it is not one or contradicts itself.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let io = |error| Error::io("read", path.display(), error);
        let metadata = std::fs::metadata(&path).map_err(io)?;
        // Before it is opened: opening a pipe would wait for somebody to write into it.
        if !metadata.is_file() {
            let reason = "expected a file".to_owned();
            return Err(Error::CorruptDataset { path: path.display().to_string(), reason });
        }
        let bytes = metadata.len();
        if bytes > LARGEST {
            let reason = format!("expected a manifest of at most {LARGEST} bytes, received {bytes}");
            return Err(Error::CorruptDataset { path: path.display().to_string(), reason });
        }
        let text = std::fs::read(&path).map_err(io)?;
        Self::parse(&text).map_err(|reason| Error::CorruptDataset { path: path.display().to_string(), reason })
    }

    /// The manifest that `text` is; why it is none.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Start {
            kind: Option<String>,
            version: Option<u64>,
        }
        let start: Start = serde_json::from_slice(text).map_err(|error| format!("expected a manifest: {error}"))?;
        if start.kind.as_deref() != Some(KIND) {
            return Err(format!("expected the kind {KIND:?}, received {:?}", start.kind));
        }
        if start.version != Some(1) {
            return Err(format!("expected version 1, received {:?}: a newer Tokenmill made it", start.version));
        }
        let manifest: Self = serde_json::from_slice(text).map_err(|error| format!("expected a manifest: {error}"))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.dtype != DType::of(self.tokenizer.vocab_size) {
            let (dtype, size) = (self.dtype.name(), self.tokenizer.vocab_size);
            return Err(format!("the type {dtype} is not that of a vocabulary of {size}"));
        }
        for (name, split) in &self.splits {
            let files = split.others.values().flatten().map(|file| &file.file).chain([&split.document_starts.file]);
            for file in files.chain(split.shards.iter().map(|shard| &shard.file)) {
                // A manifest from elsewhere must not name files of the machine.
                let is_inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
                if !is_inside || file.is_empty() {
                    return Err(format!("expected names of files in the folder of the manifest, received {file:?}"));
                }
            }
            if split.document_starts.bytes
                != split.documents.checked_mul(8).ok_or("the number of documents is too large")?
            {
                return Err(format!("the documents index of {name} is not 8 bytes for each of {}", split.documents));
            }
            let total = split.shards.iter().try_fold(0_u64, |sum, shard| sum.checked_add(shard.tokens));
            if !split.shards.is_empty() && total != Some(split.tokens) {
                return Err(format!("the shards of {name} do not have {} ids together", split.tokens));
            }
            if let Some((last, whole)) = split.shards.split_last() {
                let size = self.shard_tokens;
                let wrong = whole.iter().find(|shard| shard.tokens != size);
                if let Some(ShardFacts { file, tokens, .. }) = wrong.or((last.tokens > size).then_some(last)) {
                    return Err(format!("expected {size} ids in {file}, as shardTokens says, received {tokens}"));
                }
            }
            if split.tokens.checked_mul(self.dtype.width() as u64).is_none() {
                return Err(format!("{name} is too large"));
            }
        }
        Ok(())
    }

    /// The text of its file.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_json(&self) -> Result<String, Error> {
        let mut text = serde_json::to_string_pretty(self).map_err(|error| Error::Limit(error.to_string()))?;
        text.push('\n');
        Ok(text)
    }
}

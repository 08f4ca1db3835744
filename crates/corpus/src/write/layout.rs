//! The forms in which the ids of a split are written.

use crate::dtype::DType;
use crate::{Error, options_error};

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Shards of ids and nothing else, `train-00000.bin`: what a store opens.
    Raw,
    /// One file of 16-bit ids for each split, `nanogpt/train.bin`, as nanoGPT's `np.memmap` reads it.
    NanoGpt,
    /// Shards with a header of 256 numbers, `llmc/train_000000.bin`, as llm.c reads them.
    LlmC,
    /// `megatron/train.bin` and `.idx`: Megatron-LM's indexed dataset, a sequence for each document.
    Megatron,
    /// Shards as one-dimensional arrays of numpy, `npy/train-00000.npy`.
    Npy,
}

impl Output {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Raw, Self::NanoGpt, Self::LlmC, Self::Megatron, Self::Npy];

    /// The name of shard `shard` of `split`.
    pub fn file(self, split: &str, shard: usize) -> String {
        match self {
            Self::Raw => format!("{split}-{shard:05}.bin"),
            Self::NanoGpt => format!("nanogpt/{split}.bin"),
            Self::LlmC => format!("llmc/{split}_{shard:06}.bin"),
            Self::Megatron => format!("megatron/{split}.bin"),
            Self::Npy => format!("npy/{split}-{shard:05}.npy"),
        }
    }

    /// The folder in the dataset's.
    pub fn folder(self) -> Option<&'static str> {
        match self {
            Self::Raw => None,
            Self::NanoGpt => Some("nanogpt"),
            Self::LlmC => Some("llmc"),
            Self::Megatron => Some("megatron"),
            Self::Npy => Some("npy"),
        }
    }

    /// The ids of one file.
    pub fn shard_tokens(self, shard_tokens: u64) -> u64 {
        match self {
            Self::NanoGpt | Self::Megatron => u64::MAX,
            _ => shard_tokens,
        }
    }

    /// How ids are written.
    pub fn dtype(self, vocab_size: u32) -> DType {
        match self {
            // Megatron-LM's own rule.
            Self::Megatron if vocab_size >= 65_500 => DType::U32,
            _ => DType::of(vocab_size),
        }
    }

    /// The start of a file of `tokens` ids.
    pub fn header(self, dtype: DType, tokens: u64) -> Vec<u8> {
        match self {
            Self::LlmC => {
                let (magic, version) = if dtype == DType::U16 { (20_240_520, 1) } else { (20_240_801, 7) };
                let mut header = vec![0; 1024];
                for (place, number) in [magic, version, tokens as u32].into_iter().enumerate() {
                    header[4 * place..4 * place + 4].copy_from_slice(&u32::to_le_bytes(number));
                }
                header
            }
            Self::Npy => {
                let descr = if dtype == DType::U16 { "<u2" } else { "<u4" };
                let facts = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({tokens},), }}");
                // The length of the rest does not depend on the number, so that it can be written over.
                [b"\x93NUMPY\x01\x00\x76\x00", format!("{facts:<117}\n").as_bytes()].concat()
            }
            _ => Vec::new(),
        }
    }

    /// Refuses what the form cannot hold.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] says what it can.
    pub fn check(self, vocab_size: u32, shard_tokens: u64) -> Result<(), Error> {
        match self {
            Self::NanoGpt if DType::of(vocab_size) != DType::U16 => options_error(format!(
                "the format nanogpt holds ids below 65536, received a tokenizer with a vocabulary of {vocab_size}: use raw or npy"
            )),
            Self::LlmC if shard_tokens > i32::MAX as u64 => options_error(format!(
                "the format llmc holds at most {} ids in a shard, received {shard_tokens} for shardTokens",
                i32::MAX
            )),
            _ => Ok(()),
        }
    }
}

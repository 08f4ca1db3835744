//! The tokenizers that can be measured from Rust. Text that looks like a special token is plain text to all of them.

mod hf;
mod tokenmill;

use std::error::Error;
use std::ops::Deref;
use std::path::Path;

use tokenmill_bpe::Ids;

/// A loaded tokenizer.
pub trait Peer {
    /// The ids of `text`, in memory of their own.
    fn encode(&mut self, text: &str) -> Encoded;
    /// How many they are.
    fn count(&mut self, text: &str) -> usize {
        self.encode(text).len()
    }
    /// The ids of all `texts`, on all threads of the current rayon pool or of the global one.
    fn batch(&mut self, texts: &[&str]) -> Batch;
    /// The bytes of `ids`.
    fn decode(&mut self, ids: &[u32]) -> Vec<u8>;
}

/// Ids of a text as a peer gives them.
pub enum Encoded {
    Vec(Vec<u32>),
    Ids(Ids),
}

impl Deref for Encoded {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Vec(ids) => ids,
            Self::Ids(ids) => ids,
        }
    }
}

/// Ids of several texts as a peer gives them: one after the other, or in a form of its own, of which they are made outside the clock.
pub enum Batch {
    Flat(Vec<u32>),
    Other(Box<dyn FnOnce() -> Vec<u32>>),
}

impl Batch {
    pub fn ids(self) -> Vec<u32> {
        match self {
            Self::Flat(ids) => ids,
            Self::Other(ids) => ids(),
        }
    }
}

/// Where the files of a peer are.
pub struct Files<'a> {
    /// The folder `encodings/`.
    pub data: &'a Path,
    /// The encoding as a tokenizer.json.
    pub tokenizer_json: &'a Path,
}

/// Loads the peer called `name`.
pub fn load(name: &str, encoding: &str, files: &Files) -> Result<Box<dyn Peer>, Box<dyn Error>> {
    match name {
        "tokenmill" => Ok(Box::new(tokenmill::Tokenmill::load(encoding, files.data)?)),
        "hf" => Ok(Box::new(hf::Hf::load(files.tokenizer_json)?)),
        "none" => Ok(Box::new(Nothing)),
        _ => Err(format!("no peer is called {name}").into()),
    }
}

/// No tokenizer: what the measuring itself costs.
struct Nothing;

impl Peer for Nothing {
    fn encode(&mut self, _: &str) -> Encoded {
        Encoded::Vec(vec![0, 0])
    }

    fn batch(&mut self, _: &[&str]) -> Batch {
        Batch::Flat(vec![])
    }

    fn decode(&mut self, _: &[u32]) -> Vec<u8> {
        vec![]
    }
}

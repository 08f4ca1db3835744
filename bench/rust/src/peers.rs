//! The tokenizers that can be measured from Rust. Text that looks like a special token is plain text to all of them.

use std::error::Error;
use std::path::Path;

use tokenmill_bpe::{Counter, Encoding, SpecialPolicy, Tokenizer, Worker};

/// A loaded tokenizer.
pub trait Peer {
    /// The ids of `text`, in memory of their own.
    fn encode(&mut self, text: &str) -> Vec<u32>;
    /// How many they are.
    fn count(&mut self, text: &str) -> usize {
        self.encode(text).len()
    }
}

/// What a call gave.
pub enum Output {
    Ids(Vec<u32>),
    Count(usize),
}

impl Output {
    pub fn count(&self) -> usize {
        match self {
            Self::Ids(ids) => ids.len(),
            Self::Count(count) => *count,
        }
    }
}

/// Loads the peer called `name`; `data` is the folder `encodings/`.
pub fn load(name: &str, encoding: &str, data: &Path) -> Result<Box<dyn Peer>, Box<dyn Error>> {
    match name {
        "tokenmill" => Ok(Box::new(Tokenmill::load(encoding, data)?)),
        _ => Err(format!("no peer is called {name}").into()),
    }
}

struct Tokenmill {
    tokenizer: Tokenizer,
    worker: Worker,
    plain: SpecialPolicy,
}

impl Tokenmill {
    fn load(encoding: &str, data: &Path) -> Result<Self, Box<dyn Error>> {
        let encoding = Encoding::from_name(encoding).ok_or_else(|| format!("there is no encoding {encoding}"))?;
        let ranks = std::fs::read(data.join(format!("{}.bpe", encoding.ranks_name())))?;
        let tokenizer = Tokenizer::from_encoding(encoding, &ranks)?;
        Ok(Self { worker: tokenizer.worker(), plain: tokenizer.special_policy::<&str>(&[], &[])?, tokenizer })
    }
}

impl Peer for Tokenmill {
    fn encode(&mut self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        self.tokenizer.encode_to(text, &self.plain, &mut self.worker, &mut ids, None).expect("nothing refuses it");
        ids
    }

    fn count(&mut self, text: &str) -> usize {
        let mut count = Counter::default();
        self.tokenizer.encode_to(text, &self.plain, &mut self.worker, &mut count, None).expect("nothing refuses it");
        count.0
    }
}

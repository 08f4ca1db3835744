//! This repository's own.

use std::error::Error;
use std::path::Path;

use tokenmill_bpe::{Counter, Encoding, Ids, SpecialPolicy, Tokenizer, Worker};

use super::{Batch, Encoded, Peer};

pub struct Tokenmill {
    tokenizer: Tokenizer,
    worker: Worker,
    plain: SpecialPolicy,
}

impl Tokenmill {
    pub fn load(encoding: &str, data: &Path) -> Result<Self, Box<dyn Error>> {
        let encoding = Encoding::from_name(encoding).ok_or_else(|| format!("there is no encoding {encoding}"))?;
        let ranks = std::fs::read(data.join(format!("{}.bpe", encoding.ranks_name())))?;
        let tokenizer = Tokenizer::from_encoding(encoding, ranks)?;
        Ok(Self { worker: tokenizer.worker(), plain: tokenizer.special_policy::<&str>(&[], &[])?, tokenizer })
    }
}

impl Peer for Tokenmill {
    fn encode(&mut self, text: &str) -> Encoded {
        let mut ids = Ids::of_text(text.len());
        self.tokenizer.encode_to(text, &self.plain, &mut self.worker, &mut ids, None).expect("nothing refuses it");
        Encoded::Ids(ids)
    }

    fn count(&mut self, text: &str) -> usize {
        let mut count = Counter::default();
        self.tokenizer.encode_to(text, &self.plain, &mut self.worker, &mut count, None).expect("nothing refuses it");
        count.0
    }

    fn batch(&mut self, texts: &[&str]) -> Batch {
        let rows = self.tokenizer.encode_batch(texts, &self.plain, None).expect("nothing refuses it");
        Batch::Other(Box::new(move || rows.ids.to_vec()))
    }

    fn decode(&mut self, ids: &[u32]) -> Vec<u8> {
        self.tokenizer.decode_bytes(ids).expect("they are ids")
    }
}

//! Hugging Face's tokenizers 1.0, which has no release for Python or Node yet.

use std::error::Error;
use std::path::Path;

use tokenizers::pipeline::{EncodeOptions, PipelineTokenizer};

use super::{Batch, Encoded, Peer};

pub struct Hf(PipelineTokenizer);

impl Hf {
    pub fn load(tokenizer_json: &Path) -> Result<Self, Box<dyn Error>> {
        // Files of older versions are brought into the form that it reads.
        let json = tokenizers::canonicalize_file(tokenizer_json).map_err(|error| error.to_string())?;
        Ok(Self(tokenizers::from_json(&json).map_err(|error| error.to_string())?))
    }
}

impl Peer for Hf {
    fn encode(&mut self, text: &str) -> Encoded {
        let mut ids = Vec::with_capacity(text.len() / 4);
        self.0.encode_into(text, &EncodeOptions::no_specials(), &mut ids).expect("it encodes any text");
        // In place.
        Encoded::Vec(ids.into_iter().map(u32::from).collect())
    }

    fn batch(&mut self, texts: &[&str]) -> Batch {
        let rows = self.0.encode(texts, &EncodeOptions::no_specials()).wait().expect("it encodes any text");
        Batch::Other(Box::new(move || rows.iter().flat_map(|row| row.ids().iter().map(|&id| u32::from(id))).collect()))
    }

    fn decode(&mut self, ids: &[u32]) -> Vec<u8> {
        self.0.decode(ids, false).expect("they are ids").into_bytes()
    }
}

//! Encoding off the main thread.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use napi::Env;
use napi::bindgen_prelude::Uint32Array;
use tokenmill_bpe::{SpecialPolicy, Tokenizer};

use crate::encoder::from_bpe_in;
use crate::error::Result;
use crate::task::Job;
use crate::text::{Origin, text_of};
use crate::token_rows::{Rows, Texts, TokenRows, encode_rows};

/// A text that the task owns.
pub enum Source {
    String(String),
    /// A copy of a `Uint8Array`; `strict`: bytes that are not UTF-8 are an error.
    Bytes {
        bytes: Vec<u8>,
        strict: bool,
    },
}

/// Encodes one text.
pub struct EncodeText {
    pub tokenizer: Arc<Tokenizer>,
    pub source: Source,
    pub policy: Arc<SpecialPolicy>,
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Job for EncodeText {
    type Output = Vec<u32>;
    type JsValue = Uint32Array;

    fn run(&mut self) -> Result<Vec<u32>> {
        let (text, origin) = match &self.source {
            Source::String(text) => (Cow::Borrowed(text.as_str()), Origin::String),
            Source::Bytes { bytes, strict } => (text_of(bytes, *strict, "text")?, Origin::Bytes(bytes)),
        };
        let mut ids = Vec::new();
        (self.tokenizer)
            .encode_to(&text, &self.policy, &mut self.tokenizer.worker(), &mut ids, self.cancel.as_deref())
            .map_err(|error| from_bpe_in(&text, origin, error))?;
        Ok(ids)
    }

    fn finish(&mut self, _env: Env, ids: Vec<u32>) -> Result<Uint32Array> {
        Ok(Uint32Array::new(ids))
    }
}

/// Encodes several texts on all cores.
pub struct EncodeBatch {
    pub tokenizer: Arc<Tokenizer>,
    pub texts: Texts,
    pub policy: Arc<SpecialPolicy>,
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Job for EncodeBatch {
    type Output = Rows;
    type JsValue = TokenRows;

    fn run(&mut self) -> Result<Rows> {
        encode_rows(&self.tokenizer, &self.texts, &self.policy, self.cancel.as_deref())
    }

    fn finish(&mut self, _env: Env, rows: Rows) -> Result<TokenRows> {
        Ok(rows.into())
    }
}

//! Encoding off the main thread.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use napi::Env;
use napi::bindgen_prelude::Uint32Array;
use tokenmill_bpe::{RowError, SpecialPolicy, Tokenizer};

use crate::encoder::from_bpe_in;
use crate::error::Result;
use crate::pool::on_all_threads;
use crate::task::Job;
use crate::text::{Origin, no_memory_for, text_of};
use crate::token_rows::{Rows, Texts, TokenRows, encode_rows};
use crate::utf16::append_utf8;

/// A text that the task owns.
pub enum Source {
    /// The code units of a string.
    String(Vec<u16>),
    /// A copy of a `Uint8Array`; `strict`: bytes that are not UTF-8 are an error.
    Bytes { bytes: Vec<u8>, strict: bool },
}

/// Longer texts are divided among all threads, in bytes.
pub const LONG: usize = 256 << 10;

/// Encodes one text: a short one on the thread that runs the task.
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
            Source::String(units) => (Cow::Owned(to_utf8(units)?), Origin::String),
            Source::Bytes { bytes, strict } => (text_of(bytes, *strict, "text")?, Origin::Bytes(bytes)),
        };
        let Self { tokenizer, policy, cancel, .. } = &*self;
        let (cancel, failed) = (cancel.as_deref(), |error| from_bpe_in(&text, origin, error));
        if text.len() > LONG {
            let all = || tokenizer.encode_batch(&[&*text], policy, cancel);
            return on_all_threads(all)?.map(|rows| rows.ids).map_err(|RowError { error, .. }| failed(error));
        }
        let mut ids = Vec::new();
        tokenizer.encode_to(&text, policy, &mut tokenizer.idle_worker(), &mut ids, cancel).map_err(failed)?;
        Ok(ids)
    }

    fn finish(&mut self, _env: Env, ids: Vec<u32>) -> Result<Uint32Array> {
        Ok(Uint32Array::new(ids))
    }
}

/// `units` as UTF-8.
fn to_utf8(units: &[u16]) -> Result<String> {
    let mut bytes = Vec::new();
    append_utf8(units, &mut bytes).ok_or_else(|| no_memory_for(units.len()))?;
    // SAFETY: it writes UTF-8.
    Ok(unsafe { String::from_utf8_unchecked(bytes) })
}

/// Encodes several texts on all threads.
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
        rows.into_arrays()
    }
}

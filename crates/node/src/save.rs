//! Tokenizers as files, and as lessons.

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use crate::encoder::from_bpe;
use crate::error::Result;
use crate::later::{Deliver, Later, later};
use crate::task::Work;
use crate::text::JsText;
use crate::tokenizer::BpeHandle;

/// One merge in a text.
#[napi(object)]
pub struct NativeMergeStep {
    pub left: u32,
    pub right: u32,
    pub result: u32,
    /// In bytes.
    pub start: f64,
}

#[napi]
impl BpeHandle {
    /// What a `tokenizer.json` of it holds.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint8Array>")]
    pub fn to_tokenizer_json(&self) -> AsyncTask<Work<Later<NewBytes>>> {
        let tokenizer = self.shared();
        later(move || Ok(NewBytes(tokenizer.to_tokenizer_json().map_err(from_bpe)?.into_bytes())))
    }

    /// What a `.tiktoken` file of it holds.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint8Array>")]
    pub fn to_tiktoken(&self) -> AsyncTask<Work<Later<NewBytes>>> {
        let tokenizer = self.shared();
        later(move || Ok(NewBytes(tokenizer.vocabulary().to_tiktoken().into_bytes())))
    }

    /// The merges that make the tokens of `text`, piece after piece, in their order.
    #[napi(catch_unwind)]
    pub fn explain(&self, #[napi(ts_arg_type = "string")] text: JsText) -> Result<Vec<NativeMergeStep>> {
        let steps = self.shared().explain_text(&text.read()?).map_err(from_bpe)?;
        let step = |step: &tokenmill_bpe::train::MergeStep| NativeMergeStep {
            left: step.left,
            right: step.right,
            result: step.result,
            start: step.start as f64,
        };
        Ok(steps.iter().map(step).collect())
    }
}

/// Bytes on their way to JavaScript.
pub struct NewBytes(Vec<u8>);

impl Deliver for NewBytes {
    type JsValue = Uint8Array;

    fn deliver(self, _env: Env) -> Result<Uint8Array> {
        Ok(Uint8Array::new(self.0))
    }
}

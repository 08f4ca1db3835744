//! Tokenizers out of `.tiktoken` files.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Uint8ArraySlice};
use napi_derive::napi;
use tokenmill_bpe::{Tokenizer, Vocabulary};

use crate::encoder::from_bpe;
use crate::error::Result;
use crate::later::{Deliver, Later, later};
use crate::pattern::pattern_of;
use crate::task::Work;
use crate::text::copied;
use crate::tokenizer::BpeHandle;

/// The tokenizer of a `.tiktoken` file, which is copied before this returns.
#[napi(catch_unwind, ts_return_type = "Promise<BpeHandle>")]
pub fn read_tiktoken(file: Uint8ArraySlice<'_>, pattern: String) -> Result<AsyncTask<Work<Later<Made>>>> {
    let pattern = pattern_of(&pattern)?;
    let copy = copied(&file)?;
    Ok(later(move || {
        let vocabulary = Vocabulary::from_tiktoken(&copy).map_err(from_bpe)?;
        Tokenizer::new(vocabulary, pattern, []).map(|tokenizer| Made(Arc::new(tokenizer))).map_err(from_bpe)
    }))
}

/// A tokenizer on its way to JavaScript.
pub struct Made(Arc<Tokenizer>);

impl Deliver for Made {
    type JsValue = BpeHandle;

    fn deliver(self, _env: Env) -> Result<BpeHandle> {
        Ok(BpeHandle::new(self.0))
    }
}

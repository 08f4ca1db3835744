//! Text of ids that come in chunks, by a tokenizer of a tokenizer.json.

use std::cell::RefCell;
use std::sync::Arc;

use napi::bindgen_prelude::Uint32ArraySlice;
use napi_derive::napi;
use tokenmill_tokenizer_json::{DecodeStream, Loaded};

use crate::error::Result;
use crate::json::{JsonHandle, from_json, tokenizer};
use crate::text::NewString;

/// Decodes ids that come in chunks.
#[napi]
pub struct JsonDecodeStreamHandle {
    loaded: Arc<Loaded>,
    stream: RefCell<DecodeStream>,
}

#[napi]
impl JsonDecodeStreamHandle {
    /// A stream of `json`; `null` when the text is not sure before all ids have come.
    #[napi(catch_unwind)]
    pub fn open(json: &JsonHandle, strict: bool, skip_special: bool) -> Result<Option<JsonDecodeStreamHandle>> {
        let loaded = json.loaded();
        let stream = DecodeStream::new(tokenizer(&loaded)?, skip_special, strict);
        Ok(stream.map(|stream| Self { loaded, stream: RefCell::new(stream) }))
    }

    /// The text of these ids and of what was kept before, as far as it is sure.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn push(&self, ids: Uint32ArraySlice<'_>) -> Result<NewString> {
        self.text(|stream| stream.push(tokenizer(&self.loaded)?, &ids).map_err(from_json))
    }

    /// What is left when no more ids come.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn end(&self) -> Result<NewString> {
        self.text(|stream| stream.end(tokenizer(&self.loaded)?).map_err(from_json))
    }
}

impl JsonDecodeStreamHandle {
    fn text(&self, call: impl FnOnce(&mut DecodeStream) -> Result<String>) -> Result<NewString> {
        call(&mut self.stream.borrow_mut()).and_then(NewString::of)
    }
}

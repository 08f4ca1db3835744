//! Where ids of a tokenizer.json are from.

use napi::Env;
use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;
use tokenmill_bpe::Origin;
use tokenmill_tokenizer_json::{EncodeError, Encoded, encode_normalized_with_offsets};

use crate::arrays::to_array;
use crate::encoder::from_bpe_in;
use crate::error::Result;
use crate::json::{JsonHandle, from_json, from_json_in, tokenizer};
use crate::text::{JsTextOrBytes, text_of};
use crate::tokenizer::BpeHandle;

/// Ids of a text and where they are from, in what the text came in.
#[napi(object)]
pub struct NativeOffsets {
    pub ids: Uint32Array,
    /// Where the character starts that each id starts in, and last the length of the text.
    pub offsets: Uint32Array,
    /// Where the last character ends that each id is of.
    pub ends: Uint32Array,
    /// The same in bytes of the text as UTF-8, be they inside a character.
    pub byte_offsets: Uint32Array,
    pub byte_ends: Uint32Array,
    /// The number of the word of each id, where it was asked for.
    pub words: Option<Uint32Array>,
}

impl NativeOffsets {
    fn of(env: Env, encoded: Encoded, text: &str, origin: Origin<'_>, with_words: bool) -> Result<Self> {
        let offsets = encoded.into_offsets(text, origin).map_err(from_json)?;
        Ok(Self {
            ids: to_array(env, &offsets.ids)?,
            offsets: to_array(env, &offsets.offsets)?,
            ends: to_array(env, &offsets.ends)?,
            byte_offsets: to_array(env, &offsets.byte_offsets)?,
            byte_ends: to_array(env, &offsets.byte_ends)?,
            words: with_words.then(|| to_array(env, &offsets.words)).transpose()?,
        })
    }
}

#[napi]
impl BpeHandle {
    /// The ids and where they are from, where the engine brings texts to normal form C.
    #[napi(catch_unwind)]
    pub fn encode_normalized_with_offsets(
        &self,
        env: Env,
        #[napi(ts_arg_type = "string | Uint8Array")] text: JsTextOrBytes<'_>,
        strict: bool,
        policy: u32,
        with_words: bool,
    ) -> Result<NativeOffsets> {
        let policy = self.policy(policy)?;
        with_text(&text, strict, |text, origin| {
            let encoded = encode_normalized_with_offsets(&self.shared(), text, &policy);
            let encoded = encoded.map_err(|error| match error {
                EncodeError::Text(error) => from_bpe_in(origin, error),
                EncodeError::Ids(error) => from_json_in(origin, error),
            })?;
            NativeOffsets::of(env, encoded, text, origin, with_words)
        })
    }
}

#[napi]
impl JsonHandle {
    #[napi(catch_unwind)]
    pub fn encode_with_offsets(
        &self,
        env: Env,
        #[napi(ts_arg_type = "string | Uint8Array")] text: JsTextOrBytes<'_>,
        strict: bool,
        policy: u32,
        with_words: bool,
    ) -> Result<NativeOffsets> {
        let policy = self.policy(policy)?;
        with_text(&text, strict, |text, origin| {
            let encoded = tokenizer(&self.loaded())?.encode_with_offsets(text, &policy);
            NativeOffsets::of(env, encoded.map_err(|error| from_json_in(origin, error))?, text, origin, with_words)
        })
    }
}

/// Does `work` with `text`, and what it was read from.
fn with_text<T>(text: &JsTextOrBytes<'_>, strict: bool, work: impl FnOnce(&str, Origin<'_>) -> Result<T>) -> Result<T> {
    match text {
        JsTextOrBytes::String(text) => {
            let text = text.read()?;
            work(&text, Origin::Utf16(&text))
        }
        JsTextOrBytes::Bytes(bytes) => work(&text_of(bytes, strict, "text")?, Origin::Bytes(bytes)),
    }
}

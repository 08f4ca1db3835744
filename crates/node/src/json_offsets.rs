//! Where ids of a tokenizer.json are from.

use std::sync::atomic::AtomicBool;

use napi::Env;
use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;
use tokenmill_bpe::{Origin, SpecialPolicy, Tokenizer, Unit};
use tokenmill_tokenizer_json::{EncodeError, Encoded, Offsets, encode_normalized_with_offsets, is_normal};

use crate::arrays::to_array;
use crate::cancel::CancelFlag;
use crate::encoder::{as_u32, from_bpe_in};
use crate::error::Result;
use crate::json::{JsonHandle, from_json, from_json_in, tokenizer};
use crate::later::Deliver;
use crate::memory::room;
use crate::one_text::with_text_later;
use crate::text::{JsText, JsTextOrBytes, text_of};
use crate::tokenizer::BpeHandle;
use crate::waiting::Pending;

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
            let encoded = encode_normalized(&self.shared(), text, origin, &policy, None)?;
            NativeOffsets::of(env, encoded, text, origin, with_words)
        })
    }

    /// The ids and where they are from, without words; `normalizes` says whether the engine brings texts to normal form C.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeOffsets>")]
    pub fn encode_with_offsets_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] text: JsText,
        normalizes: bool,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Offsets>> {
        let (tokenizer, policy) = (self.shared(), self.policy(policy)?);
        with_text_later(env, text, cancel, move |text, cancel| {
            let origin = Origin::Utf16(text);
            if normalizes && !is_normal(text) {
                let encoded = encode_normalized(&tokenizer, text, origin, &policy, Some(cancel))?;
                return encoded.into_offsets(text, origin).map_err(from_json);
            }
            let worker = &mut tokenizer.idle_worker();
            let offsets = tokenizer.encode_with_offsets(text, Unit::Utf16, false, &policy, worker, Some(cancel));
            let tokenmill_bpe::Offsets { ids, offsets, ends, byte_ends, words } =
                offsets.map_err(|error| from_bpe_in(origin, error))?;
            // Each token starts where the one before it ends.
            let mut byte_offsets = room(byte_ends.len() + 1)?;
            byte_offsets.push(0);
            byte_offsets.extend(&byte_ends);
            Ok(Offsets { ids, offsets, ends, byte_offsets, byte_ends, words })
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
            let encoded = tokenizer(&self.loaded())?.encode_with_offsets(text, &policy, None);
            NativeOffsets::of(env, encoded.map_err(|error| from_json_in(origin, error))?, text, origin, with_words)
        })
    }

    /// The same of a string, without words and off the main thread.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeOffsets>")]
    pub fn encode_with_offsets_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] text: JsText,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Offsets>> {
        let (loaded, policy) = (self.loaded(), self.policy(policy)?);
        with_text_later(env, text, cancel, move |text, cancel| {
            let origin = Origin::Utf16(text);
            let encoded = tokenizer(&loaded)?.encode_with_offsets(text, &policy, Some(cancel));
            let offsets = encoded.map_err(|error| from_json_in(origin, error))?.into_offsets(text, origin);
            offsets.map_err(from_json)
        })
    }
}

impl Deliver for Offsets {
    type JsValue = NativeOffsets;

    fn deliver(self, _env: Env) -> Result<NativeOffsets> {
        as_u32(self.offsets.len())?;
        Ok(NativeOffsets {
            ids: Uint32Array::new(self.ids),
            offsets: Uint32Array::new(self.offsets),
            ends: Uint32Array::new(self.ends),
            byte_offsets: Uint32Array::new(self.byte_offsets),
            byte_ends: Uint32Array::new(self.byte_ends),
            words: None,
        })
    }
}

fn encode_normalized(
    tokenizer: &Tokenizer,
    text: &str,
    origin: Origin<'_>,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
) -> Result<Encoded> {
    encode_normalized_with_offsets(tokenizer, text, policy, cancel).map_err(|error| match error {
        EncodeError::Text(error) => from_bpe_in(origin, error),
        EncodeError::Ids(error) => from_json_in(origin, error),
    })
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

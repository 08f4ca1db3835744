//! Ids with where their tokens are in the text.

use napi::Env;
use napi::bindgen_prelude::{Uint8ArraySlice, Uint32Array};
use napi_derive::napi;
use tokenmill_bpe::{Offsets, Origin, Unit};

use crate::arrays::to_array;
use crate::encoder::{Encoder, as_u32, from_bpe_in, policy_at, with_encoder};
use crate::error::Result;
use crate::text::JsText;

/// `offsets` is one longer than `ids`; `byte_ends` and, where they are asked for, `words` are as long as they.
#[napi(object)]
pub struct TokenOffsets {
    pub ids: Uint32Array,
    pub offsets: Uint32Array,
    pub ends: Uint32Array,
    pub byte_ends: Uint32Array,
    pub words: Option<Uint32Array>,
}

impl TokenOffsets {
    fn from(env: Env, offsets: &Offsets, with_words: bool) -> Result<Self> {
        as_u32(offsets.offsets.len())?;
        Ok(Self {
            ids: to_array(env, &offsets.ids)?,
            offsets: to_array(env, &offsets.offsets)?,
            ends: to_array(env, &offsets.ends)?,
            byte_ends: to_array(env, &offsets.byte_ends)?,
            words: with_words.then(|| to_array(env, &offsets.words)).transpose()?,
        })
    }
}

/// Encodes `text`; offsets are in UTF-16 code units.
#[napi(catch_unwind)]
pub fn encode_with_offsets(
    env: Env,
    encoder: u32,
    #[napi(ts_arg_type = "string")] text: JsText,
    policy: u32,
    with_words: bool,
) -> Result<TokenOffsets> {
    with_encoder(encoder, |Encoder { tokenizer, worker, policies, buffers, .. }| {
        let text = buffers.read(&text)?;
        let policy = policy_at(policies, policy)?;
        let offsets = tokenizer.encode_with_offsets(&text, Unit::Utf16, with_words, policy, worker, None);
        let offsets = offsets.map_err(|error| from_bpe_in(Origin::Utf16(&text), error))?;
        TokenOffsets::from(env, &offsets, with_words)
    })
}

/// [`encode_with_offsets`] of bytes, which are UTF-8; offsets are in bytes of what was given.
#[napi(catch_unwind)]
pub fn encode_bytes_with_offsets(
    env: Env,
    encoder: u32,
    bytes: Uint8ArraySlice<'_>,
    strict: bool,
    policy: u32,
    with_words: bool,
) -> Result<TokenOffsets> {
    with_encoder(encoder, |Encoder { tokenizer, worker, policies, .. }| {
        let policy = policy_at(policies, policy)?;
        let offsets = tokenizer.encode_bytes_with_offsets(&bytes, strict, with_words, policy, worker, None);
        let offsets = offsets.map_err(|error| from_bpe_in(Origin::Bytes(&bytes), error))?;
        TokenOffsets::from(env, &offsets, with_words)
    })
}

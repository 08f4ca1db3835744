//! Ids with where their tokens are in the text.

use napi::Env;
use napi::bindgen_prelude::{Uint8ArraySlice, Uint32Array};
use napi_derive::napi;
use tokenmill_bpe::{Offsets, Unit};

use crate::arrays::to_array;
use crate::encoder::{Encoder, as_u32, from_bpe_in, keep_little, policy_at, with_encoder};
use crate::error::Result;
use crate::text::{JsText, Origin, text_of};

/// `offsets` is one longer than `ids`; `byte_ends` as long as they.
#[napi(object)]
pub struct TokenOffsets {
    pub ids: Uint32Array,
    pub offsets: Uint32Array,
    pub ends: Uint32Array,
    pub byte_ends: Uint32Array,
}

impl TokenOffsets {
    fn from(env: Env, offsets: &Offsets) -> Result<Self> {
        as_u32(offsets.offsets.len())?;
        Ok(Self {
            ids: to_array(env, &offsets.ids)?,
            offsets: to_array(env, &offsets.offsets)?,
            ends: to_array(env, &offsets.ends)?,
            byte_ends: to_array(env, &offsets.byte_ends)?,
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
) -> Result<TokenOffsets> {
    with_encoder(encoder, |Encoder { tokenizer, worker, policies, units, text: buffer, .. }| {
        buffer.clear();
        let text = text.append_to(buffer, units)?;
        let policy = policy_at(policies, policy)?;
        let offsets = tokenizer.encode_with_offsets(text, Unit::Utf16, policy, worker, None);
        let offsets = offsets.map_err(|error| from_bpe_in(text, Origin::String, error))?;
        keep_little(buffer, units);
        TokenOffsets::from(env, &offsets)
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
) -> Result<TokenOffsets> {
    with_encoder(encoder, |Encoder { tokenizer, worker, policies, .. }| {
        let text = text_of(&bytes, strict, "text")?;
        let policy = policy_at(policies, policy)?;
        let offsets = tokenizer.encode_with_offsets(&text, Unit::Byte, policy, worker, None);
        let mut offsets = offsets.map_err(|error| from_bpe_in(&text, Origin::Bytes(&bytes), error))?;
        if text.len() != bytes.len() || str::from_utf8(&bytes).is_err() {
            to_places_before_reading(&bytes, &mut offsets.offsets);
            to_places_before_reading(&bytes, &mut offsets.ends);
        }
        TokenOffsets::from(env, &offsets)
    })
}

/// Makes of ascending `places` in the text of `bytes`, none of them inside a character, those in `bytes`, where what is not UTF-8 has not
/// become U+FFFD yet.
fn to_places_before_reading(bytes: &[u8], places: &mut [u32]) {
    let (mut before, mut after, mut next) = (0, 0, 0);
    for chunk in bytes.utf8_chunks() {
        let valid_end = after + chunk.valid().len();
        while let Some(place) = places.get_mut(next).filter(|place| **place as usize <= valid_end) {
            *place = (before + (*place as usize - after)) as u32;
            next += 1;
        }
        before += chunk.valid().len() + chunk.invalid().len();
        after = valid_end + char::REPLACEMENT_CHARACTER.len_utf8();
    }
    // The end of what is not UTF-8 at the end of all.
    for place in &mut places[next..] {
        *place = before as u32;
    }
}

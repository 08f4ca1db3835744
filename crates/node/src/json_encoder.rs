//! Encoders of a tokenizer.json, each a number.

use std::sync::Arc;

use tokenmill_bpe::Origin;
use tokenmill_tokenizer_json::{Loaded, Policy};

use crate::encoder::{KEPT, policy_at};
use crate::error::Result;
use crate::json::{from_json, from_json_in, tokenizer};
use crate::slots::{Slot, Slots};
use crate::text::{JsText, NewString, TextBuffers};

/// A tokenizer and what this thread needs to use it.
pub struct JsonEncoder {
    loaded: Arc<Loaded>,
    policies: Vec<Arc<Policy>>,
    buffers: TextBuffers,
    /// Those of the last text.
    pub ids: Vec<u32>,
}

thread_local! {
    static ENCODERS: Slots<JsonEncoder> = const { Slots::new() };
}

/// Calls with the encoder of that number, which is not to be asked for again inside.
pub fn with_json_encoder<T>(number: u32, call: impl FnOnce(&mut JsonEncoder) -> Result<T>) -> Result<T> {
    ENCODERS.with(|encoders| encoders.with(number, call))
}

impl JsonEncoder {
    /// Encodes `text`; where it has more than `most` ids, there are some of them.
    pub fn encode(&mut self, text: &JsText, policy: u32, most: usize) -> Result<()> {
        self.forget();
        let Self { loaded, policies, buffers, ids } = self;
        let text = buffers.read(text)?;
        let done = tokenizer(loaded)?.encode_within(&text, policy_at(policies, policy)?, most, ids);
        done.map(drop).map_err(|error| from_json_in(Origin::Utf16(&text), error))
    }

    /// Forgets the ids; the memory of many is given back.
    pub fn forget(&mut self) {
        self.ids.clear();
        self.ids.shrink_to(KEPT);
    }

    /// The text of `ids`.
    pub fn decode(&self, ids: &[u32], strict: bool, skip_special: bool) -> Result<NewString> {
        tokenizer(&self.loaded)?.decode(ids, skip_special, strict).map_err(from_json).and_then(NewString::of)
    }
}

/// A place among the encoders of this thread, given back when this is dropped.
pub struct JsonEncoderSlot(Slot<JsonEncoder>);

impl JsonEncoderSlot {
    pub fn new(loaded: Arc<Loaded>) -> Self {
        let (policies, buffers, ids) = (Vec::new(), TextBuffers::default(), Vec::new());
        Self(Slot::new(&ENCODERS, JsonEncoder { loaded, policies, buffers, ids }))
    }

    pub fn number(&self) -> u32 {
        self.0.number()
    }

    /// The number of the policy that allows and refuses these special tokens.
    pub fn add_policy(&self, allowed: &[String], disallowed: &[String]) -> Result<u32> {
        self.0.with(|JsonEncoder { loaded, policies, .. }| {
            policies.push(Arc::new(tokenizer(loaded)?.policy(allowed, disallowed).map_err(from_json)?));
            Ok(policies.len() as u32 - 1)
        })
    }

    /// Calls with the encoder, which is not to be asked for again inside.
    pub fn with<T>(&self, call: impl FnOnce(&mut JsonEncoder) -> Result<T>) -> Result<T> {
        self.0.with(call)
    }

    /// Forgets all policies.
    pub fn drop_policies(&self) -> Result<()> {
        self.0.with(|encoder| {
            encoder.policies.clear();
            Ok(())
        })
    }

    /// A policy that outlives its number.
    pub fn policy(&self, number: u32) -> Result<Arc<Policy>> {
        self.0.with(|encoder| policy_at(&encoder.policies, number).map(Arc::clone))
    }
}

//! Byte-level BPE tokenizers.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Uint8Array, Uint8ArraySlice, Uint32Array, Uint32ArraySlice};
use napi_derive::napi;
use tokenmill_bpe::{Ids, SpecialPolicy, Tokenizer, utf16_length};

use crate::arrays::to_array;
use crate::cancel::CancelFlag;
use crate::crossing::crossing;
use crate::encoder::{EncoderSlot, from_bpe};
use crate::error::Result;
use crate::gathered::GatheredTexts;
use crate::later::Deliver;
use crate::limits::NativeCountIndex;
use crate::memory::push;
use crate::one_text::{OneText, Source};
use crate::text::{JsText, JsTextOrBytes, NewString};
use crate::token_rows::{Rows, Texts, TokenRows, count_rows, encode_rows};
use crate::waiting::{Pending, pending};
use crate::{decode, encodings};

/// A special token and its id.
#[napi(object)]
pub struct SpecialToken {
    pub token: String,
    pub id: u32,
}

/// A tokenizer. The functions of [`encoder`](crate::encoder) take its number.
///
/// Special tokens in text go by a *policy*, a number from [`BpeHandle::add_policy`]. An `ERR_SPECIAL_TOKEN` has the message
/// `<index> <token>`, or `<row>/<index> <token>` when there are several texts; the facade makes the sentence.
///
/// No method takes `&mut self`: napi holds a borrow of the handle until the promise of an asynchronous call is settled, and calls in
/// between must work.
#[napi]
pub struct BpeHandle {
    tokenizer: Arc<Tokenizer>,
    encoder: EncoderSlot,
}

#[napi]
impl BpeHandle {
    /// The encoding called `name`, whose ranks are in `file`. It is loaded once for the whole process.
    #[napi(factory, catch_unwind)]
    pub fn open(name: String, file: String) -> Result<Self> {
        encodings::open(&name, &file).map(Self::new)
    }

    /// The same, of the content of that file.
    #[napi(factory, catch_unwind)]
    pub fn of_ranks(name: String, ranks: Uint8ArraySlice<'_>) -> Result<Self> {
        encodings::of_ranks(&name, &ranks).map(Self::new)
    }

    /// A tokenizer with more special tokens, which shares the tables of this one.
    #[napi(catch_unwind)]
    pub fn with_special_tokens(&self, tokens: Vec<SpecialToken>) -> Result<Self> {
        let tokens = tokens.into_iter().map(|SpecialToken { token, id }| (token, id));
        self.tokenizer.with_special_tokens(tokens).map(|tokenizer| Self::new(Arc::new(tokenizer))).map_err(from_bpe)
    }

    /// Its number among the encoders of this thread.
    #[napi(getter, catch_unwind)]
    pub fn encoder(&self) -> u32 {
        self.encoder.number()
    }

    #[napi(getter, catch_unwind)]
    pub fn vocab_size(&self) -> u32 {
        self.tokenizer.vocab_size()
    }

    #[napi(catch_unwind)]
    pub fn special_tokens(&self) -> Vec<SpecialToken> {
        let tokens = self.tokenizer.special_tokens();
        tokens.into_iter().map(|(token, id)| SpecialToken { token: token.to_owned(), id }).collect()
    }

    #[napi(catch_unwind)]
    pub fn fingerprint(&self) -> String {
        self.tokenizer.fingerprint()
    }

    /// The number of the policy that allows and refuses these special tokens.
    #[napi(catch_unwind)]
    pub fn add_policy(&self, allowed: Vec<String>, disallowed: Vec<String>) -> Result<u32> {
        self.encoder.add_policy(&allowed, &disallowed)
    }

    /// Forgets the policies from number `first` on.
    #[napi(catch_unwind)]
    pub fn drop_policies(&self, first: u32) -> Result<()> {
        self.encoder.drop_policies(first)
    }

    /// The counts of all parts of `text`.
    #[napi(catch_unwind)]
    pub fn count_index<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] text: JsText,
        policy: u32,
    ) -> Result<ClassInstance<'env, NativeCountIndex>> {
        NativeCountIndex::at_once(env, Arc::clone(&self.tokenizer), self.encoder.policy(policy)?, &text)
    }

    /// The length of the longest token, in bytes.
    #[napi(catch_unwind)]
    pub fn longest_token(&self) -> u32 {
        self.tokenizer.longest_token() as u32
    }

    /// The number of ids of each of several texts, counted on all threads.
    #[napi(catch_unwind)]
    pub fn count_batch(
        &self,
        env: Env,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        policy: u32,
    ) -> Result<Uint32Array> {
        let policy = self.encoder.policy(policy)?;
        to_array(env, &crossing::<Vec<u32>>(&self.tokenizer, &texts, strict, &policy)?)
    }

    /// Encodes several texts on all threads.
    #[napi(catch_unwind)]
    pub fn encode_batch(
        &self,
        env: Env,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        policy: u32,
    ) -> Result<TokenRows> {
        let policy = self.encoder.policy(policy)?;
        crossing::<Rows>(&self.tokenizer, &texts, strict, &policy)?.into_copies(env)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn encode_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string | Uint8Array")] text: JsTextOrBytes<'_>,
        strict: bool,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Ids>> {
        let text = self.one_text(&text, strict, policy, cancel)?;
        let cancel = Arc::clone(&text.cancel);
        pending(env, text.is_large(), &cancel, move || text.ids())
    }

    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn count_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string | Uint8Array")] text: JsTextOrBytes<'_>,
        strict: bool,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, u32>> {
        let text = self.one_text(&text, strict, policy, cancel)?;
        let cancel = Arc::clone(&text.cancel);
        pending(env, text.is_large(), &cancel, move || text.count())
    }

    #[napi(catch_unwind, ts_return_type = "Promise<TokenRows>")]
    pub fn encode_batch_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Rows>> {
        self.encode_later(env, Texts::read(&texts, strict)?, policy, cancel)
    }

    /// The same of texts that have crossed before.
    #[napi(catch_unwind, ts_return_type = "Promise<TokenRows>")]
    pub fn encode_gathered_async<'env>(
        &self,
        env: &'env Env,
        texts: &GatheredTexts,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Rows>> {
        self.encode_later(env, texts.take(), policy, cancel)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn count_batch_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Vec<u32>>> {
        self.count_later(env, Texts::read(&texts, strict)?, policy, cancel)
    }

    /// The same of texts that have crossed before.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn count_gathered_async<'env>(
        &self,
        env: &'env Env,
        texts: &GatheredTexts,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Vec<u32>>> {
        self.count_later(env, texts.take(), policy, cancel)
    }

    /// The text of `ids`.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn decode(&self, ids: Uint32ArraySlice<'_>, strict: bool, skip_special: bool) -> Result<NewString> {
        decode::text(&self.tokenizer, &ids, strict, skip_special)
    }

    #[napi(catch_unwind)]
    pub fn decode_bytes(&self, env: Env, ids: Uint32ArraySlice<'_>) -> Result<Uint8Array> {
        to_array(env, &self.tokenizer.decode_bytes(&ids).map_err(from_bpe)?)
    }

    /// Where each piece of `text` ends, in code units. Pieces are merged each on its own.
    #[napi(catch_unwind)]
    pub fn piece_ends(&self, env: Env, #[napi(ts_arg_type = "string")] text: JsText) -> Result<Uint32Array> {
        let text = text.read()?;
        let (mut ends, mut end) = (Vec::new(), 0);
        for piece in self.tokenizer.pattern().try_pieces(&text) {
            end += utf16_length(piece.map_err(from_bpe)?);
            push(&mut ends, end as u32)?;
        }
        to_array(env, &ends)
    }

    #[napi(catch_unwind)]
    pub fn token_to_id(&self, token: Uint8ArraySlice<'_>) -> Option<u32> {
        self.tokenizer.token_to_id(&token)
    }

    #[napi(catch_unwind)]
    pub fn id_to_bytes(&self, env: Env, id: u32) -> Result<Option<Uint8Array>> {
        self.tokenizer.token_bytes(id).map(|token| to_array(env, token)).transpose()
    }
}

impl Deliver for Tokenizer {
    type JsValue = BpeHandle;

    fn deliver(self, _env: Env) -> Result<BpeHandle> {
        Ok(BpeHandle::new(Arc::new(self)))
    }
}

impl BpeHandle {
    /// That of `tokenizer`.
    pub fn new(tokenizer: Arc<Tokenizer>) -> Self {
        Self { encoder: EncoderSlot::new(Arc::clone(&tokenizer)), tokenizer }
    }

    /// What other exports work with.
    pub fn shared(&self) -> Arc<Tokenizer> {
        Arc::clone(&self.tokenizer)
    }

    /// The policy of that number.
    pub fn policy(&self, number: u32) -> Result<Arc<SpecialPolicy>> {
        self.encoder.policy(number)
    }

    fn encode_later<'env>(
        &self,
        env: &'env Env,
        texts: Texts,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Rows>> {
        let (tokenizer, policy, cancel) = (self.shared(), self.encoder.policy(policy)?, CancelFlag::of(cancel));
        let flag = Arc::clone(&cancel);
        pending(env, !texts.are_few(), &cancel, move || encode_rows(&tokenizer, &texts, &policy, Some(&flag)))
    }

    fn count_later<'env>(
        &self,
        env: &'env Env,
        texts: Texts,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Vec<u32>>> {
        let (tokenizer, policy, cancel) = (self.shared(), self.encoder.policy(policy)?, CancelFlag::of(cancel));
        let flag = Arc::clone(&cancel);
        pending(env, !texts.are_few(), &cancel, move || count_rows(&tokenizer, &texts, &policy, Some(&flag)))
    }

    fn one_text(
        &self,
        text: &JsTextOrBytes<'_>,
        strict: bool,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<OneText> {
        Ok(OneText {
            tokenizer: self.shared(),
            policy: self.encoder.policy(policy)?,
            source: Source::read(text, strict)?,
            cancel: CancelFlag::of(cancel),
        })
    }
}

//! Byte-level BPE tokenizers.

use std::cell::RefCell;
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Uint8Array, Uint8ArraySlice, Uint32ArraySlice};
use napi_derive::napi;
use tokenmill_bpe::{Counter, Error as BpeError, Sink, SpecialPolicy, Tokenizer, Worker};

use crate::cancel::CancelFlag;
use crate::encode_task::{EncodeBatch, EncodeText, Source};
use crate::error::{Code, Error, Result};
use crate::task::Work;
use crate::text::{JsText, JsTextOrBytes, Origin, text_of};
use crate::token_rows::{Texts, TokenRows, encode_rows};
use crate::{decode, encodings};

/// A special token and its id.
#[napi(object)]
pub struct SpecialToken {
    pub token: String,
    pub id: u32,
}

/// A tokenizer and what this thread needs to use it.
///
/// Special tokens in text go by a *policy*, a number from [`BpeHandle::add_policy`]. An `ERR_SPECIAL_TOKEN` has the message
/// `<index> <token>`, or `<row>/<index> <token>` when there are several texts; the facade makes the sentence.
#[napi]
pub struct BpeHandle {
    tokenizer: Arc<Tokenizer>,
    /// No method takes `&mut self`: napi holds a borrow of the handle until the promise of an asynchronous call is settled, and
    /// calls in between must work.
    state: RefCell<State>,
}

/// What changes from call to call. It is borrowed only while a call runs, and calls do not nest.
struct State {
    worker: Worker,
    policies: Vec<Arc<SpecialPolicy>>,
    text: Vec<u8>,
    ids: Vec<u32>,
}

/// Bytes of text and ids that are kept from one call to the next; more is given back.
const KEPT: usize = 1 << 20;

#[napi]
impl BpeHandle {
    /// The encoding called `name`, whose ranks are in `file`. It is loaded once for the whole process.
    #[napi(factory, catch_unwind)]
    pub fn open(name: String, file: String) -> Result<Self> {
        let tokenizer = encodings::open(&name, &file)?;
        let worker = tokenizer.worker();
        let state = State { worker, policies: Vec::new(), text: Vec::new(), ids: Vec::new() };
        Ok(Self { tokenizer, state: RefCell::new(state) })
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
        let policy = self.tokenizer.special_policy(&allowed, &disallowed).map_err(from_bpe)?;
        let policies = &mut self.state.borrow_mut().policies;
        policies.push(Arc::new(policy));
        Ok(policies.len() as u32 - 1)
    }

    /// Forgets the policies from number `first` on.
    #[napi(catch_unwind)]
    pub fn drop_policies(&self, first: u32) {
        self.state.borrow_mut().policies.truncate(first as usize);
    }

    /// Encodes `text` and returns the number of its ids. They are in `out` when they fit, else [`BpeHandle::take`] has them.
    #[napi(catch_unwind)]
    pub fn encode(
        &self,
        #[napi(ts_arg_type = "string")] text: JsText,
        policy: u32,
        mut out: Uint32ArraySlice<'_>,
    ) -> Result<u32> {
        let State { worker, policies, text: buffer, ids } = &mut *self.state.borrow_mut();
        buffer.clear();
        ids.clear();
        let text = text.append_to(buffer)?;
        run(&self.tokenizer, text, policy_at(policies, policy)?, worker, ids, Origin::String)?;
        buffer.shrink_to(KEPT);
        give(ids, &mut out)
    }

    /// [`BpeHandle::encode`] of bytes, which are UTF-8.
    #[napi(catch_unwind)]
    pub fn encode_bytes(
        &self,
        bytes: Uint8ArraySlice<'_>,
        strict: bool,
        policy: u32,
        mut out: Uint32ArraySlice<'_>,
    ) -> Result<u32> {
        let State { worker, policies, ids, .. } = &mut *self.state.borrow_mut();
        ids.clear();
        let text = text_of(&bytes, strict, "text")?;
        run(&self.tokenizer, &text, policy_at(policies, policy)?, worker, ids, Origin::Bytes(&bytes))?;
        give(ids, &mut out)
    }

    /// Moves the ids of the last encode to `out`, which is as long as they are.
    #[napi(catch_unwind)]
    pub fn take(&self, mut out: Uint32ArraySlice<'_>) -> Result<()> {
        let ids = &mut self.state.borrow_mut().ids;
        // SAFETY: nobody else looks at the array while this call runs; the facade has just made it.
        unsafe { out.as_mut() }
            .get_mut(..ids.len())
            .ok_or_else(|| Error::new(Code::Internal, "the array is shorter than the ids"))?
            .copy_from_slice(ids);
        ids.clear();
        ids.shrink_to(KEPT / 4);
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn count(&self, #[napi(ts_arg_type = "string")] text: JsText, policy: u32) -> Result<u32> {
        let State { worker, policies, text: buffer, .. } = &mut *self.state.borrow_mut();
        buffer.clear();
        let text = text.append_to(buffer)?;
        let mut count = Counter::default();
        run(&self.tokenizer, text, policy_at(policies, policy)?, worker, &mut count, Origin::String)?;
        buffer.shrink_to(KEPT);
        as_u32(count.0)
    }

    #[napi(catch_unwind)]
    pub fn count_bytes(&self, bytes: Uint8ArraySlice<'_>, strict: bool, policy: u32) -> Result<u32> {
        let State { worker, policies, .. } = &mut *self.state.borrow_mut();
        let text = text_of(&bytes, strict, "text")?;
        let mut count = Counter::default();
        run(&self.tokenizer, &text, policy_at(policies, policy)?, worker, &mut count, Origin::Bytes(&bytes))?;
        as_u32(count.0)
    }

    /// Encodes several texts on all cores.
    #[napi(catch_unwind)]
    pub fn encode_batch(
        &self,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        policy: u32,
    ) -> Result<TokenRows> {
        let policy = self.policy(policy)?;
        encode_rows(&self.tokenizer, &Texts::read(&texts, strict)?, &policy, None).map(TokenRows::from)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn encode_async(
        &self,
        #[napi(ts_arg_type = "string")] text: JsText,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<AsyncTask<Work<EncodeText>>> {
        let policy = self.policy(policy)?;
        Ok(self.encode_source(Source::String(text.read()?), policy, cancel))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn encode_bytes_async(
        &self,
        bytes: Uint8ArraySlice<'_>,
        strict: bool,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<AsyncTask<Work<EncodeText>>> {
        let policy = self.policy(policy)?;
        Ok(self.encode_source(Source::Bytes { bytes: bytes.to_vec(), strict }, policy, cancel))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<TokenRows>")]
    pub fn encode_batch_async(
        &self,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<AsyncTask<Work<EncodeBatch>>> {
        let policy = self.policy(policy)?;
        Ok(AsyncTask::new(Work(EncodeBatch {
            tokenizer: Arc::clone(&self.tokenizer),
            texts: Texts::read(&texts, strict)?,
            policy,
            cancel: cancel.map(CancelFlag::shared),
        })))
    }

    /// The text of `ids`.
    #[napi(catch_unwind)]
    pub fn decode(&self, ids: Uint32ArraySlice<'_>, strict: bool, skip_special: bool) -> Result<String> {
        decode::text(&self.tokenizer, &ids, strict, skip_special)
    }

    #[napi(catch_unwind)]
    pub fn decode_bytes(&self, ids: Uint32ArraySlice<'_>) -> Result<Uint8Array> {
        self.tokenizer.decode_bytes(&ids).map(Uint8Array::new).map_err(from_bpe)
    }

    #[napi(catch_unwind)]
    pub fn token_to_id(&self, token: Uint8ArraySlice<'_>) -> Option<u32> {
        self.tokenizer.token_to_id(&token)
    }

    #[napi(catch_unwind)]
    pub fn id_to_bytes(&self, id: u32) -> Option<Uint8Array> {
        self.tokenizer.token_bytes(id).map(|token| Uint8Array::new(token.to_vec()))
    }
}

impl BpeHandle {
    fn encode_source(
        &self,
        source: Source,
        policy: Arc<SpecialPolicy>,
        cancel: Option<&CancelFlag>,
    ) -> AsyncTask<Work<EncodeText>> {
        AsyncTask::new(Work(EncodeText {
            tokenizer: Arc::clone(&self.tokenizer),
            source,
            policy,
            cancel: cancel.map(CancelFlag::shared),
        }))
    }

    /// A policy that outlives its number.
    fn policy(&self, number: u32) -> Result<Arc<SpecialPolicy>> {
        policy_at(&self.state.borrow().policies, number).map(Arc::clone)
    }
}

/// Writes `ids` to `out` when they fit; returns how many they are.
fn give(ids: &[u32], out: &mut Uint32ArraySlice<'_>) -> Result<u32> {
    let count = as_u32(ids.len())?;
    // SAFETY: nobody else looks at the array while this call runs; the facade keeps it to itself.
    if let Some(out) = unsafe { out.as_mut() }.get_mut(..ids.len()) {
        out.copy_from_slice(ids);
    }
    Ok(count)
}

/// Encodes `text`; the index in an error is one into `origin`.
pub fn run(
    tokenizer: &Tokenizer,
    text: &str,
    policy: &SpecialPolicy,
    worker: &mut Worker,
    sink: &mut impl Sink,
    origin: Origin<'_>,
) -> Result<()> {
    tokenizer.encode_to(text, policy, worker, sink, None).map_err(|error| from_bpe_in(text, origin, error))
}

/// An error about `text` for JavaScript.
pub fn from_bpe_in(text: &str, origin: Origin<'_>, error: BpeError) -> Error {
    match error {
        BpeError::DisallowedSpecialToken { token, at } => {
            Error::new(Code::SpecialToken, format!("{} {token}", origin.index(text, at)))
        }
        error => from_bpe(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub fn from_bpe(error: BpeError) -> Error {
    let code = match error {
        BpeError::InvalidVocabulary { .. } => Code::InvalidFile,
        BpeError::InvalidSpecialToken { .. } => Code::InvalidArgument,
        BpeError::DisallowedSpecialToken { .. } => Code::SpecialToken,
        BpeError::UnknownId { .. } => Code::OutOfRange,
        _ => Code::Internal,
    };
    Error::new(code, error.to_string())
}

/// A number of ids for JavaScript, whose typed arrays are not longer.
pub fn as_u32(count: usize) -> Result<u32> {
    u32::try_from(count).map_err(|_| Error::new(Code::Limit, format!("{count} ids are more than one array can hold")))
}

fn policy_at(policies: &[Arc<SpecialPolicy>], number: u32) -> Result<&Arc<SpecialPolicy>> {
    policies.get(number as usize).ok_or_else(|| Error::new(Code::Internal, format!("there is no policy {number}")))
}

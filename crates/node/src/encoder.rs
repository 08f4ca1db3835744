//! Encoders of byte-level BPE, each a number.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::Env;
use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;
use tokenmill_bpe::{Error as BpeError, Ids, Origin, Sink, SpecialPolicy, Tokenizer, Worker, utf16_length};

use crate::arrays::to_array;
use crate::error::{Code, Error, Result};
use crate::slots::{Slot, Slots};
use crate::text::{JsText, TextBuffers, not_utf8};

/// A tokenizer and what this thread needs to use it.
pub struct Encoder {
    pub tokenizer: Arc<Tokenizer>,
    pub worker: Worker,
    pub policies: Vec<Arc<SpecialPolicy>>,
    pub buffers: TextBuffers,
    pub ids: Ids,
}

/// Ids that are kept from one call to the next; the memory of more is given back.
pub const KEPT: usize = 1 << 18;

thread_local! {
    static ENCODERS: Slots<Encoder> = const { Slots::new() };
}

/// A place among the encoders of this thread, given back when this is dropped.
pub struct EncoderSlot(Slot<Encoder>);

impl EncoderSlot {
    pub fn new(tokenizer: Arc<Tokenizer>) -> Self {
        let worker = tokenizer.worker();
        let (policies, buffers, ids) = (Vec::new(), TextBuffers::default(), Ids::default());
        Self(Slot::new(&ENCODERS, Encoder { tokenizer, worker, policies, buffers, ids }))
    }

    pub fn number(&self) -> u32 {
        self.0.number()
    }

    /// The number of the policy that allows and refuses these special tokens.
    pub fn add_policy(&self, allowed: &[String], disallowed: &[String]) -> Result<u32> {
        self.0.with(|encoder| {
            encoder.policies.push(Arc::new(encoder.tokenizer.special_policy(allowed, disallowed).map_err(from_bpe)?));
            Ok(encoder.policies.len() as u32 - 1)
        })
    }

    /// Forgets the policies from number `first` on.
    pub fn drop_policies(&self, first: u32) -> Result<()> {
        self.0.with(|encoder| {
            encoder.policies.truncate(first as usize);
            Ok(())
        })
    }

    /// A policy that outlives its number.
    pub fn policy(&self, number: u32) -> Result<Arc<SpecialPolicy>> {
        self.0.with(|encoder| policy_at(&encoder.policies, number).map(Arc::clone))
    }
}

/// Calls with the encoder of that number, which is not to be asked for again inside.
pub fn with_encoder<T>(number: u32, call: impl FnOnce(&mut Encoder) -> Result<T>) -> Result<T> {
    ENCODERS.with(|encoders| encoders.with(number, call))
}

/// The ids of the last text that was encoded, or of all its parts.
#[napi(catch_unwind)]
pub fn take_ids(env: Env, encoder: u32) -> Result<Uint32Array> {
    with_encoder(encoder, |Encoder { ids, .. }| {
        let array = ids_to_array(env, ids);
        ids.forget(KEPT);
        array
    })
}

/// Encodes a part of a text, after those that went before it. With the first, `whole` is the number of code units of the text, and the ids of all earlier
/// calls are forgotten; with others it is 0. Returns the number of code units of which the ids are there: all in the `last` part, in others those
/// whose ids are sure whatever follows. [`take_ids`] has the ids.
///
/// A long text crosses part by part: buffers of its whole length would cost more than their use, as each is new memory.
#[napi(catch_unwind)]
pub fn encode_part(
    encoder: u32,
    #[napi(ts_arg_type = "string")] text: JsText,
    policy: u32,
    whole: u32,
    last: bool,
) -> Result<u32> {
    with_encoder(encoder, |Encoder { tokenizer, worker, policies, buffers, ids }| {
        let units = text.units()?;
        let text = buffers.read(&text)?;
        if whole > 0 {
            // About so many bytes: the rest is like the first part, mostly.
            make_room(ids, whole as usize * text.len() / units.max(1));
        }
        let done = run_part(tokenizer, &text, policy_at(policies, policy)?, worker, ids, last);
        let left = done.inspect_err(|_| ids.forget(KEPT))?;
        as_u32(units - left)
    })
}

/// Fewer ids are copied in any case.
const MANY: usize = 1 << 18;

/// Whether an array has the memory of its ids from [`ids_to_array`].
static IS_HANDED_OVER: AtomicBool = AtomicBool::new(false);

/// An array with `ids`: one of many at a time has their memory itself, as for those of the first long text a copy would be the second new memory. They
/// are then gone from `ids`.
pub fn ids_to_array(env: Env, ids: &mut Ids) -> Result<Uint32Array> {
    as_u32(ids.len())?;
    if ids.len() < MANY || IS_HANDED_OVER.swap(true, Ordering::Relaxed) {
        return to_array(env, ids);
    }
    Ok(handed_over(mem::take(ids), || IS_HANDED_OVER.store(false, Ordering::Relaxed)))
}

/// `ids` as an array in the same memory, which goes back when nobody has the array any more; then `after` is called.
pub fn handed_over(mut ids: Ids, after: impl FnOnce() + 'static) -> Uint32Array {
    ids.shrink_to_fit();
    let (start, count) = (ids.as_mut_ptr(), ids.len());
    let give_back = move |_, _| {
        drop(ids);
        after();
    };
    // SAFETY: the memory stays where it is until the ids are dropped, which is when the array says that it is done with it.
    unsafe { Uint32Array::with_external_data(start, count, give_back) }
}

/// Encodes the start of a text, or its `last` part; returns the number of code units that are left at its end: these are few.
pub fn run_part(
    tokenizer: &Tokenizer,
    text: &str,
    policy: &SpecialPolicy,
    worker: &mut Worker,
    sink: &mut impl Sink,
    last: bool,
) -> Result<usize> {
    let done = if last {
        tokenizer.encode_to(text, policy, worker, sink, None).map(|()| text.len())
    } else {
        tokenizer.encode_start(text, policy, worker, sink, None)
    };
    let done = done.map_err(|error| from_bpe_in(Origin::Utf16(text), error))?;
    Ok(utf16_length(&text[done..]))
}

/// Forgets `ids`, and makes room for those of a text of about so many `bytes`.
pub fn make_room(ids: &mut Ids, bytes: usize) {
    ids.forget(KEPT);
    if bytes >= Ids::LONG {
        *ids = Ids::of_text(bytes);
    }
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
    tokenizer.encode_to(text, policy, worker, sink, None).map_err(|error| from_bpe_in(origin, error))
}

/// An error about the text of `origin` for JavaScript.
pub fn from_bpe_in(origin: Origin<'_>, error: BpeError) -> Error {
    match error {
        BpeError::DisallowedSpecialToken { token, at } => {
            Error::new(Code::SpecialToken, format!("{} {token}", origin.place(at)))
        }
        BpeError::InvalidUtf8 { at } => not_utf8("text", at),
        error => from_bpe(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub fn from_bpe(error: BpeError) -> Error {
    let code = match error {
        BpeError::InvalidVocabulary { .. } => Code::InvalidFile,
        BpeError::InvalidSpecialToken { .. } | BpeError::InvalidPattern { .. } | BpeError::InvalidTraining { .. } => {
            Code::InvalidArgument
        }
        BpeError::DisallowedSpecialToken { .. } => Code::SpecialToken,
        BpeError::UnknownId { .. } => Code::OutOfRange,
        BpeError::InvalidUtf8 { .. } => Code::InvalidUtf8,
        BpeError::Scratch(_)
        | BpeError::OutOfMemory { .. }
        | BpeError::PieceTooLong { .. }
        | BpeError::SpecialTokensTooLong { .. }
        | BpeError::PatternLimit { .. }
        | BpeError::NormalizerLimit { .. } => Code::Limit,
        _ => Code::Internal,
    };
    Error::new(code, error.to_string())
}

/// A number of ids for JavaScript, whose typed arrays are not longer.
pub fn as_u32(count: usize) -> Result<u32> {
    u32::try_from(count).map_err(|_| Error::new(Code::Limit, format!("{count} ids are more than one array can hold")))
}

pub fn policy_at<P>(policies: &[Arc<P>], number: u32) -> Result<&Arc<P>> {
    policies.get(number as usize).ok_or_else(|| Error::new(Code::Internal, format!("there is no policy {number}")))
}

//! The calls that servers make on every request.
//!
//! They are functions of Node-API as they are: what napi-rs does around each call, to guard what it borrows until a promise is settled, and to look at an array
//! that is an argument, takes longer than a short text. These borrow for as long as they run, and write ids into an array that they know.

use std::ffi::{CStr, c_void};
use std::{ptr, slice};

use napi::bindgen_prelude::{FromNapiValue, JsValue, ToNapiValue, TypeName, Uint8ArraySlice, Uint32ArraySlice};
use napi::{Env, JsError, ValueType, check_status, sys};
use napi_derive::napi;
use tokenmill_bpe::{Counter, LimitedCounter, Origin, Sink};

use crate::decode::text;
use crate::encoder::{Encoder, KEPT, as_u32, from_bpe_in, make_room, policy_at, run, run_part, with_encoder};
use crate::error::{Code, Error, Result, from_napi};
use crate::json_encoder::with_json_encoder;
use crate::task::catching;
use crate::text::{JsText, text_of};

/// Those of an environment. Texts are read as they are, `encoder` is the number of an encoder and `policy` that of a policy.
#[napi(object, object_from_js = false)]
pub struct Calls {
    /// The number of ids of `text`. They are in the scratch when they fit, else `takeIds` has them.
    #[napi(ts_type = "(encoder: number, text: string, policy: number) => number")]
    pub encode: Value,
    /// The same of bytes, which are UTF-8.
    #[napi(ts_type = "(encoder: number, bytes: Uint8Array, strict: boolean, policy: number) => number")]
    pub encode_bytes: Value,
    /// The number of ids that `encode` gives.
    #[napi(ts_type = "(encoder: number, text: string, policy: number) => number")]
    pub count: Value,
    /// The number of ids that `encodeBytes` gives.
    #[napi(ts_type = "(encoder: number, bytes: Uint8Array, strict: boolean, policy: number) => number")]
    pub count_bytes: Value,
    /// Counts the ids of a part of a text up to `limit`; 4294967295 when there are more. The first number of the scratch becomes what `encodePart` returns.
    #[napi(ts_type = "(encoder: number, text: string, policy: number, limit: number, last: boolean) => number")]
    pub count_part: Value,
    /// The number of ids that `encodeBytes` gives, up to `limit`; 4294967295 when there are more. Bytes after that are not read, unless the policy refuses
    /// special tokens or `strict` bytes that are not UTF-8.
    #[napi(ts_type = "(encoder: number, bytes: Uint8Array, strict: boolean, policy: number, limit: number) => number")]
    pub count_bytes_within: Value,
    /// `encode` by the encoder of a tokenizer.json.
    #[napi(ts_type = "(encoder: number, text: string, policy: number) => number")]
    pub encode_json: Value,
    /// The number of ids that `encodeJson` gives, up to `limit`; 4294967295 when there are more.
    #[napi(ts_type = "(encoder: number, text: string, policy: number, limit: number) => number")]
    pub count_json: Value,
    /// The text of the first `ids` numbers of the scratch.
    #[napi(ts_type = "(encoder: number, ids: number, strict: boolean, skipSpecial: boolean) => string")]
    pub decode: Value,
    /// `decode` by the encoder of a tokenizer.json.
    #[napi(ts_type = "(encoder: number, ids: number, strict: boolean, skipSpecial: boolean) => string")]
    pub decode_json: Value,
}

/// A value of JavaScript, which lives as long as the call that made it.
pub struct Value(sys::napi_value);

impl TypeName for Value {
    fn type_name() -> &'static str {
        "unknown"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl ToNapiValue for Value {
    unsafe fn to_napi_value(_env: sys::napi_env, value: Self) -> napi::Result<sys::napi_value> {
        Ok(value.0)
    }
}

/// Ids that the array for short texts has room for.
const SCRATCH: usize = 1 << 12;

/// The calls of this environment, which write to `scratch`: 4096 numbers that nobody else has.
#[napi(catch_unwind)]
pub fn calls(env: Env, scratch: Uint32ArraySlice<'_>) -> Result<Calls> {
    let ids = kept(env.raw(), &scratch)?;
    let function = |name: &CStr, call| function(env.raw(), name, call, ids).map_err(|error| from_napi(&error));
    Ok(Calls {
        encode: function(c"encode", encode)?,
        encode_bytes: function(c"encodeBytes", encode_bytes)?,
        count: function(c"count", count)?,
        count_bytes: function(c"countBytes", count_bytes)?,
        count_part: function(c"countPart", count_part)?,
        count_bytes_within: function(c"countBytesWithin", count_bytes_within)?,
        encode_json: function(c"encodeJson", encode_json)?,
        count_json: function(c"countJson", count_json)?,
        decode: function(c"decode", decode)?,
        decode_json: function(c"decodeJson", decode_json)?,
    })
}

/// Where the ids of `scratch` are, as long as the environment is there.
fn kept(env: sys::napi_env, scratch: &Uint32ArraySlice<'_>) -> Result<*mut c_void> {
    if scratch.len() != SCRATCH {
        return Err(Error::new(Code::Internal, format!("expected {SCRATCH} numbers, received {}", scratch.len())));
    }
    let mut kept = ptr::null_mut();
    // SAFETY: env belongs to the running call. The reference is deleted with the environment.
    check_status!(unsafe { sys::napi_create_reference(env, scratch.raw(), 1, &raw mut kept) })
        .map_err(|error| from_napi(&error))?;
    Ok(scratch.as_ptr().cast_mut().cast())
}

/// What Node-API calls.
type Call = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// The function that calls `call`, which finds `data` in its callback info.
fn function(env: sys::napi_env, name: &CStr, call: Call, data: *mut c_void) -> napi::Result<Value> {
    let mut value = ptr::null_mut();
    let length = name.count_bytes().cast_signed();
    // SAFETY: env belongs to the running call, and the name is as long.
    check_status!(unsafe { sys::napi_create_function(env, name.as_ptr(), length, Some(call), data, &raw mut value) })?;
    Ok(Value(value))
}

/// The arguments of a call.
struct Arguments<const N: usize> {
    env: sys::napi_env,
    values: [sys::napi_value; N],
}

impl<const N: usize> Arguments<N> {
    fn get<T: FromNapiValue>(&self, index: usize) -> Result<T> {
        // SAFETY: env and value belong to the running call.
        unsafe { T::from_napi_value(self.env, self.values[index]) }.map_err(|error| from_napi(&error))
    }
}

/// What a call with `N` arguments returns to JavaScript: what `work` makes of them, which may write to the ids of the scratch; or it throws.
///
/// # Safety
/// `info` is that of a [`function`] of [`calls`], which runs.
unsafe fn answer<const N: usize, T: ToNapiValue>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    work: impl FnOnce(Arguments<N>, &mut [u32]) -> Result<T>,
) -> sys::napi_value {
    let answered = catching(|| {
        let (mut count, mut values, mut ids) = (N, [ptr::null_mut(); N], ptr::null_mut());
        // SAFETY: env and info belong to the running call; what is missing of the values becomes `undefined`.
        check_status!(unsafe {
            sys::napi_get_cb_info(env, info, &raw mut count, values.as_mut_ptr(), ptr::null_mut(), &raw mut ids)
        })
        .map_err(|error| from_napi(&error))?;
        // SAFETY: they are as many, of an array that is never freed, which nobody else looks at while this call runs; the facade keeps it to itself.
        let ids = unsafe { slice::from_raw_parts_mut(ids.cast(), SCRATCH) };
        let value = work(Arguments { env, values }, ids)?;
        // SAFETY: env belongs to the running call.
        unsafe { T::to_napi_value(env, value) }.map_err(|error| from_napi(&error))
    });
    answered.unwrap_or_else(|error: Error| {
        // SAFETY: env belongs to the running call.
        unsafe { JsError::from(error).throw_into(env) };
        ptr::null_mut()
    })
}

unsafe extern "C" fn encode(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let work = |arguments: Arguments<3>, out: &mut [u32]| {
        let (text, policy) = (arguments.get::<JsText>(1)?, arguments.get(2)?);
        with_encoder(arguments.get(0)?, |Encoder { tokenizer, worker, policies, buffers, ids }| {
            let text = buffers.read(&text)?;
            make_room(ids, 0);
            run(tokenizer, &text, policy_at(policies, policy)?, worker, ids, Origin::Utf16(&text))
                .inspect_err(|_| ids.forget(KEPT))?;
            give(ids, out)
        })
    };
    // SAFETY: it is called by the function of that name.
    unsafe { answer(env, info, work) }
}

unsafe extern "C" fn encode_bytes(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let work = |arguments: Arguments<4>, out: &mut [u32]| {
        let bytes: Uint8ArraySlice<'_> = arguments.get(1)?;
        let (strict, policy) = (arguments.get(2)?, arguments.get(3)?);
        with_encoder(arguments.get(0)?, |Encoder { tokenizer, worker, policies, ids, .. }| {
            let text = text_of(&bytes, strict, "text")?;
            make_room(ids, bytes.len());
            run(tokenizer, &text, policy_at(policies, policy)?, worker, ids, Origin::Bytes(&bytes))
                .inspect_err(|_| ids.forget(KEPT))?;
            give(ids, out)
        })
    };
    // SAFETY: it is called by the function of that name.
    unsafe { answer(env, info, work) }
}

/// Writes `ids` to `out` when they fit; returns how many they are.
fn give(ids: &[u32], out: &mut [u32]) -> Result<u32> {
    let count = as_u32(ids.len())?;
    if let Some(out) = out.get_mut(..ids.len()) {
        out.copy_from_slice(ids);
    }
    Ok(count)
}

unsafe extern "C" fn count(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let work = |arguments: Arguments<3>, _: &mut [u32]| {
        let (text, policy) = (arguments.get::<JsText>(1)?, arguments.get(2)?);
        with_encoder(arguments.get(0)?, |Encoder { tokenizer, worker, policies, buffers, .. }| {
            let text = buffers.read(&text)?;
            let mut count = Counter::default();
            run(tokenizer, &text, policy_at(policies, policy)?, worker, &mut count, Origin::Utf16(&text))?;
            as_u32(count.0)
        })
    };
    // SAFETY: it is called by the function of that name.
    unsafe { answer(env, info, work) }
}

unsafe extern "C" fn count_bytes(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let work = |arguments: Arguments<4>, _: &mut [u32]| {
        let bytes: Uint8ArraySlice<'_> = arguments.get(1)?;
        let (strict, policy) = (arguments.get(2)?, arguments.get(3)?);
        with_encoder(arguments.get(0)?, |Encoder { tokenizer, worker, policies, .. }| {
            let text = text_of(&bytes, strict, "text")?;
            let mut count = Counter::default();
            run(tokenizer, &text, policy_at(policies, policy)?, worker, &mut count, Origin::Bytes(&bytes))?;
            as_u32(count.0)
        })
    };
    // SAFETY: it is called by the function of that name.
    unsafe { answer(env, info, work) }
}

/// What a count up to a limit returns when there are more.
const MORE: u32 = u32::MAX;

fn within(counter: LimitedCounter) -> u32 {
    if counter.is_full() { MORE } else { counter.count as u32 }
}

unsafe extern "C" fn count_part(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let work = |arguments: Arguments<5>, out: &mut [u32]| {
        let (text, policy) = (arguments.get::<JsText>(1)?, arguments.get(2)?);
        let (limit, last) = (arguments.get::<u32>(3)? as usize, arguments.get(4)?);
        with_encoder(arguments.get(0)?, |Encoder { tokenizer, worker, policies, buffers, .. }| {
            let units = text.units()?;
            let text = buffers.read(&text)?;
            let mut counter = LimitedCounter { count: 0, limit };
            let left = run_part(tokenizer, &text, policy_at(policies, policy)?, worker, &mut counter, last)?;
            out[0] = as_u32(units - left)?;
            Ok(within(counter))
        })
    };
    // SAFETY: it is called by the function of that name.
    unsafe { answer(env, info, work) }
}

unsafe extern "C" fn count_bytes_within(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let work = |arguments: Arguments<5>, _: &mut [u32]| {
        let bytes: Uint8ArraySlice<'_> = arguments.get(1)?;
        let (strict, policy, limit) = (arguments.get(2)?, arguments.get(3)?, arguments.get::<u32>(4)? as usize);
        with_encoder(arguments.get(0)?, |Encoder { tokenizer, worker, policies, .. }| {
            let mut counter = LimitedCounter { count: 0, limit };
            let done = tokenizer.count_bytes_to(&bytes, strict, policy_at(policies, policy)?, worker, &mut counter);
            done.map_err(|error| from_bpe_in(Origin::Bytes(&bytes), error))?;
            Ok(within(counter))
        })
    };
    // SAFETY: it is called by the function of that name.
    unsafe { answer(env, info, work) }
}

unsafe extern "C" fn encode_json(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let work = |arguments: Arguments<3>, out: &mut [u32]| {
        let (text, policy) = (arguments.get::<JsText>(1)?, arguments.get(2)?);
        with_json_encoder(arguments.get(0)?, |encoder| {
            encoder.encode(&text, policy, usize::MAX).inspect_err(|_| encoder.forget())?;
            give(&encoder.ids, out)
        })
    };
    // SAFETY: it is called by the function of that name.
    unsafe { answer(env, info, work) }
}

unsafe extern "C" fn count_json(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let work = |arguments: Arguments<4>, _: &mut [u32]| {
        let (text, policy) = (arguments.get::<JsText>(1)?, arguments.get(2)?);
        let limit = arguments.get::<u32>(3)? as usize;
        with_json_encoder(arguments.get(0)?, |encoder| {
            let done = encoder.encode(&text, policy, limit);
            let count = encoder.ids.len();
            encoder.forget();
            done.map(|()| within(LimitedCounter { count, limit }))
        })
    };
    // SAFETY: it is called by the function of that name.
    unsafe { answer(env, info, work) }
}

unsafe extern "C" fn decode(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let work = |arguments: Arguments<4>, scratch: &mut [u32]| {
        let (strict, skip_special) = (arguments.get(2)?, arguments.get(3)?);
        let ids = first(scratch, arguments.get(1)?)?;
        with_encoder(arguments.get(0)?, |Encoder { tokenizer, .. }| text(tokenizer, ids, strict, skip_special))
    };
    // SAFETY: it is called by the function of that name.
    unsafe { answer(env, info, work) }
}

unsafe extern "C" fn decode_json(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let work = |arguments: Arguments<4>, scratch: &mut [u32]| {
        let (strict, skip_special) = (arguments.get(2)?, arguments.get(3)?);
        let ids = first(scratch, arguments.get(1)?)?;
        with_json_encoder(arguments.get(0)?, |encoder| encoder.decode(ids, strict, skip_special))
    };
    // SAFETY: it is called by the function of that name.
    unsafe { answer(env, info, work) }
}

/// The first `count` numbers of the scratch.
fn first(scratch: &[u32], count: u32) -> Result<&[u32]> {
    let ids = scratch.get(..count as usize);
    ids.ok_or_else(|| Error::new(Code::Internal, format!("{count} ids do not fit")))
}

/// A function whose call panics, for the tests of the panic rules.
#[cfg(feature = "test-hooks")]
pub fn panicking(env: Env, scratch: &Uint32ArraySlice<'_>) -> Result<Value> {
    unsafe extern "C" fn call(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
        // SAFETY: it is called by the function that is made here.
        unsafe {
            answer(env, info, |_: Arguments<0>, _| -> Result<u32> { panic!("on purpose, in a call of every request") })
        }
    }
    function(env.raw(), c"panicking", call, kept(env.raw(), scratch)?).map_err(|error| from_napi(&error))
}

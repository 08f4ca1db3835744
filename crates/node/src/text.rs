//! Text as it comes from JavaScript.

use std::borrow::Cow;
use std::fmt::Display;
use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, Uint8ArraySlice, ValidateNapiValue};
use napi::{ValueType, check_status, sys, type_of};

use crate::arrays::ask_for;
use crate::decode::KeptUtf16;
use crate::error::{Code, Error, Result, from_napi};
use crate::utf16::{append_utf8, to_latin1, to_utf16, utf16_length};

/// Strings of more code units are read as UTF-16.
const LONG: usize = 512;

/// A JavaScript string that is not read yet. It lives as long as the call that it is an argument of.
pub struct JsText {
    env: sys::napi_env,
    value: sys::napi_value,
}

impl TypeName for JsText {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> ValueType {
        ValueType::String
    }
}

impl ValidateNapiValue for JsText {}

impl FromNapiValue for JsText {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        Ok(Self { env, value })
    }
}

impl JsText {
    /// The number of UTF-16 code units, which the engine knows without looking at them.
    pub fn units(&self) -> Result<usize> {
        let mut units = 0;
        // SAFETY: env and value belong to the running call; with a null buffer only the length is written.
        check_status!(unsafe {
            sys::napi_get_value_string_utf16(self.env, self.value, ptr::null_mut(), 0, &raw mut units)
        })
        .map_err(|error| from_napi(&error))?;
        Ok(units)
    }

    /// Appends the string to `buffer` as UTF-16, as it is, at the speed of memory; `units` is how long it is.
    pub fn append_units_to(&self, units: usize, buffer: &mut Vec<u16>) -> Result<()> {
        let capacity = units.checked_add(1).and_then(|capacity| buffer.try_reserve(capacity).ok());
        capacity.ok_or_else(|| no_memory_for(units))?;
        let mut written = 0;
        // SAFETY: env and value belong to the running call; the buffer has `spare_capacity` writable units from its end on, and
        // at most that many, with a zero at their end, are written.
        check_status!(unsafe {
            let spare = buffer.spare_capacity_mut();
            let to = spare.as_mut_ptr().cast();
            sys::napi_get_value_string_utf16(self.env, self.value, to, spare.len(), &raw mut written)
        })
        .map_err(|error| from_napi(&error))?;
        // SAFETY: `written` units after the old end have been written.
        unsafe { buffer.set_len(buffer.len() + written) };
        Ok(())
    }

    /// Appends the string to `buffer` as UTF-8, with U+FFFD for lone surrogates; returns what was appended. `scratch` is for long ones.
    pub fn append_to<'a>(&self, buffer: &'a mut Vec<u8>, scratch: &mut Vec<u16>) -> Result<&'a str> {
        let units = self.units()?;
        let start = buffer.len();
        if units > LONG {
            scratch.clear();
            self.append_units_to(units, scratch)?;
            append_utf8(scratch, buffer).ok_or_else(|| no_memory_for(units))?;
        } else {
            self.append_short_to(units, buffer)?;
        }
        // SAFETY: both write valid UTF-8, with U+FFFD for what has no UTF-8 form.
        Ok(unsafe { str::from_utf8_unchecked(&buffer[start..]) })
    }

    /// In one step, by the engine.
    fn append_short_to(&self, units: usize, buffer: &mut Vec<u8>) -> Result<()> {
        // No unit becomes more than three bytes.
        buffer.reserve(3 * units + 1);
        let mut written = 0;
        // SAFETY: env and value belong to the running call; the buffer has `spare_capacity` writable bytes from its end on, and
        // at most that many, with a zero at their end, are written.
        check_status!(unsafe {
            let spare = buffer.spare_capacity_mut();
            let to = spare.as_mut_ptr().cast();
            sys::napi_get_value_string_utf8(self.env, self.value, to, spare.len(), &raw mut written)
        })
        .map_err(|error| from_napi(&error))?;
        // SAFETY: `written` bytes after the old end have been written.
        unsafe { buffer.set_len(buffer.len() + written) };
        Ok(())
    }
}

pub fn no_memory_for(units: usize) -> Error {
    Error::new(Code::Limit, format!("there is not enough memory for a text of {units} code units"))
}

pub fn no_memory_for_bytes(bytes: usize) -> Error {
    Error::new(Code::Limit, format!("there is not enough memory for a text of {bytes} bytes"))
}

/// A copy of bytes that JavaScript may change.
pub fn copied(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| no_memory_for_bytes(bytes.len()))?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// A string on its way to JavaScript.
pub struct NewString(Content);

enum Content {
    Ascii(String),
    Utf16 {
        units: Vec<u16>,
        is_latin1: bool,
    },
    /// The same, in memory that is used again.
    Kept(KeptUtf16),
}

impl NewString {
    /// The longest string that V8 holds, in UTF-16 code units, of which there are at most as many as bytes.
    pub const LONGEST: usize = (1 << 29) - 24;

    /// That of `text`.
    pub fn of(text: String) -> Result<Self> {
        if text.len() > Self::LONGEST {
            Self::check_length(utf16_length(&text))?;
        }
        // The engine takes UTF-8 too, but reads it twice, and several times slower than this.
        if text.is_ascii() {
            ask_for(text.len())?;
            return Ok(Self(Content::Ascii(text)));
        }
        let (units, is_latin1) = to_utf16(&text).ok_or_else(|| no_memory_for_bytes(text.len()))?;
        ask_for(size_of_val(&units[..]))?;
        Ok(Self(Content::Utf16 { units, is_latin1 }))
    }

    /// That of `units`, which are UTF-16 without lone surrogates.
    pub fn of_units(units: KeptUtf16) -> Result<Self> {
        Self::check_length(units.len())?;
        ask_for(size_of_val(&units[..]))?;
        Ok(Self(Content::Kept(units)))
    }

    fn check_length(units: usize) -> Result<()> {
        if units <= Self::LONGEST {
            return Ok(());
        }
        Err(Error::new(Code::Limit, "the text is longer than a JavaScript string can be; use decodeBytes"))
    }
}

impl TypeName for NewString {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> ValueType {
        ValueType::String
    }
}

impl ToNapiValue for NewString {
    unsafe fn to_napi_value(env: sys::napi_env, text: Self) -> napi::Result<sys::napi_value> {
        match text.0 {
            Content::Ascii(text) => latin1_string(env, text.as_bytes()),
            Content::Utf16 { mut units, is_latin1 } => string_of(env, &mut units, is_latin1),
            Content::Kept(mut units) => {
                let is_latin1 = units.iter().fold(0, |all, unit| all | unit) < 0x100;
                string_of(env, &mut units, is_latin1)
            }
        }
    }
}

/// The string of `units`, which are then no longer what they were.
fn string_of(env: sys::napi_env, units: &mut [u16], is_latin1: bool) -> napi::Result<sys::napi_value> {
    if is_latin1 {
        return latin1_string(env, to_latin1(units));
    }
    let mut value = ptr::null_mut();
    // SAFETY: env belongs to the running call; the units are read while it runs.
    check_status!(unsafe {
        sys::napi_create_string_utf16(env, units.as_ptr(), units.len().cast_signed(), &raw mut value)
    })?;
    Ok(value)
}

/// The string of `bytes`, each of which is a character below U+0100.
fn latin1_string(env: sys::napi_env, bytes: &[u8]) -> napi::Result<sys::napi_value> {
    let mut value = ptr::null_mut();
    // SAFETY: env belongs to the running call; the bytes are read while it runs.
    check_status!(unsafe {
        sys::napi_create_string_latin1(env, bytes.as_ptr().cast(), bytes.len().cast_signed(), &raw mut value)
    })?;
    Ok(value)
}

/// A text of several: a string that is not read yet, or bytes. It lives as long as the call that it is an argument of.
pub enum JsTextOrBytes<'a> {
    String(JsText),
    Bytes(Uint8ArraySlice<'a>),
}

impl TypeName for JsTextOrBytes<'_> {
    fn type_name() -> &'static str {
        "string | Uint8Array"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl ValidateNapiValue for JsTextOrBytes<'_> {}

impl FromNapiValue for JsTextOrBytes<'_> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: env and value belong to the running call, for all three.
        unsafe {
            Ok(match type_of!(env, value)? {
                ValueType::String => Self::String(JsText::from_napi_value(env, value)?),
                _ => Self::Bytes(Uint8ArraySlice::from_napi_value(env, value)?),
            })
        }
    }
}

/// `bytes` as text: what is not UTF-8 is an error about `name` when `strict`, else U+FFFD for each maximal invalid part.
pub fn text_of(bytes: &[u8], strict: bool, name: impl Display) -> Result<Cow<'_, str>> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) if strict => Err(Error::new(
            Code::InvalidUtf8,
            format!("expected UTF-8 for {name}, received bytes that are not from byte {} on", error.valid_up_to()),
        )),
        Err(_) => lossy(bytes).map(Cow::Owned),
    }
}

/// `bytes` as text, with U+FFFD for each maximal part that is not UTF-8.
fn lossy(bytes: &[u8]) -> Result<String> {
    let invalid = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
    let longest = bytes.len().saturating_add(invalid.saturating_mul(char::REPLACEMENT_CHARACTER.len_utf8()));
    let mut text = String::new();
    text.try_reserve_exact(longest).map_err(|_| no_memory_for_bytes(bytes.len()))?;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Ok(text)
}

/// What a text was read from, and so what an index into it counts.
#[derive(Clone, Copy)]
pub enum Origin<'a> {
    /// UTF-16 code units.
    String,
    /// Bytes, these ones.
    Bytes(&'a [u8]),
}

impl Origin<'_> {
    /// The index, for JavaScript, of byte `at` of the `text` that was read from here.
    pub fn index(self, text: &str, at: usize) -> usize {
        match self {
            Self::String => utf16_length(&text[..at]),
            Self::Bytes(bytes) => index_before_reading(bytes, at),
        }
    }
}

/// Where byte `at` of the text of `bytes` was before what is not UTF-8 became U+FFFD.
fn index_before_reading(bytes: &[u8], at: usize) -> usize {
    let (mut index, mut read) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        if at <= read + chunk.valid().len() {
            break;
        }
        index += chunk.valid().len() + chunk.invalid().len();
        read += chunk.valid().len() + char::REPLACEMENT_CHARACTER.len_utf8();
    }
    index + (at - read)
}

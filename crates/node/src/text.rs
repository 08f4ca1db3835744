//! Text as it comes from JavaScript.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::Deref;
use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, Uint8ArraySlice, ValidateNapiValue};
use napi::{ValueType, check_status, sys, type_of};
use tokenmill_bpe::{Error as BpeError, Utf16, push_utf16, read_utf8, utf16_length};

use crate::arrays::ask_for;
use crate::encoder::from_bpe;
use crate::error::{Code, Error, Result, from_napi};
use crate::kept_utf16::KeptUtf16;

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
        capacity.ok_or_else(|| no_memory_for_units(units))?;
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

    /// The string as UTF-8, with U+FFFD for lone surrogates.
    pub fn read(&self) -> Result<String> {
        let mut text = String::new();
        self.append_to(&mut text, &mut Vec::new())?;
        Ok(text)
    }

    /// Appends the string to `text`; a long one by way of `units`, which it replaces.
    fn append_to(&self, text: &mut String, units: &mut Vec<u16>) -> Result<()> {
        let count = self.units()?;
        if count <= LONG {
            return self.append_short_to(count, text);
        }
        units.clear();
        self.append_units_to(count, units)?;
        push_utf16(text, units).map_err(from_bpe)
    }

    /// In one step, by the engine.
    fn append_short_to(&self, units: usize, text: &mut String) -> Result<()> {
        // SAFETY: nothing but UTF-8 is made part of it.
        let buffer = unsafe { text.as_mut_vec() };
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
        // SAFETY: `written` bytes after the old end have been written: UTF-8, with U+FFFD for what has no such form.
        unsafe { buffer.set_len(buffer.len() + written) };
        Ok(())
    }
}

/// Memory that strings are read into, one call after the other.
#[derive(Default)]
pub struct TextBuffers {
    text: String,
    units: Vec<u16>,
}

/// Bytes, and code units, that are kept from one call to the next.
const KEPT: usize = 1 << 20;

impl TextBuffers {
    /// Reads `string`. However the call ends, most of what a long one took is then given back.
    pub fn read(&mut self, string: &JsText) -> Result<ReadText<'_>> {
        self.text.clear();
        let read = ReadText(self);
        string.append_to(&mut read.0.text, &mut read.0.units)?;
        Ok(read)
    }
}

/// A string that was read, in memory on loan.
pub struct ReadText<'a>(&'a mut TextBuffers);

impl Deref for ReadText<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        &self.0.text
    }
}

impl Drop for ReadText<'_> {
    fn drop(&mut self) {
        let TextBuffers { text, units } = self.0;
        text.clear();
        text.shrink_to(KEPT);
        units.clear();
        units.shrink_to(KEPT);
    }
}

pub fn no_memory_for_units(units: usize) -> Error {
    Error::new(Code::Limit, format!("there is not enough memory for a text of {units} code units"))
}

/// A string on its way to JavaScript.
pub struct NewString(Content);

enum Content {
    Ascii(String),
    Utf16(KeptUtf16),
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
        let mut units = KeptUtf16::take();
        units.push_str(&text).map_err(from_bpe)?;
        Self::of_units(units)
    }

    /// That of `units`, which are UTF-16 without lone surrogates.
    pub fn of_units(units: KeptUtf16) -> Result<Self> {
        Self::check_length(units.len())?;
        ask_for(size_of_val(&units[..]))?;
        Ok(Self(Content::Utf16(units)))
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
            Content::Utf16(mut units) => utf16_string(env, &mut units),
        }
    }
}

/// The string of `units`, which are then no longer what they were.
fn utf16_string(env: sys::napi_env, units: &mut Utf16) -> napi::Result<sys::napi_value> {
    if units.is_latin1() {
        return latin1_string(env, units.to_latin1());
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
    read_utf8(bytes, strict).map_err(|error| match error {
        BpeError::InvalidUtf8 { at } => not_utf8(name, at),
        error => from_bpe(error),
    })
}

/// The error about the bytes called `name`, which are UTF-8 up to `at`.
pub fn not_utf8(name: impl Display, at: usize) -> Error {
    Error::new(
        Code::InvalidUtf8,
        format!("expected UTF-8 for {name}, received bytes that are not, the first at byte {at}"),
    )
}

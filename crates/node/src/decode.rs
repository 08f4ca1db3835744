//! Ids into JavaScript strings.

use std::cell::Cell;
use std::mem;
use std::ops::{Deref, DerefMut};

use tokenmill_bpe::{Tokenizer, Utf16};

use crate::encoder::from_bpe;
use crate::error::Result;
use crate::text::{NewString, text_of};

/// The text of `ids`, with or without special tokens. Bytes that are not UTF-8 are an error when `strict`, else U+FFFD for each
/// maximal invalid part.
pub fn text(tokenizer: &Tokenizer, ids: &[u32], strict: bool, skip_special: bool) -> Result<NewString> {
    let mut units = KeptUtf16::take();
    if tokenizer.decode_utf16(ids, skip_special, &mut units).is_some() {
        return NewString::of_units(units);
    }
    let bytes = if skip_special { tokenizer.decode_bytes_without_special(ids) } else { tokenizer.decode_bytes(ids) };
    let text = match String::from_utf8(bytes.map_err(from_bpe)?) {
        Ok(text) => text,
        Err(error) => text_of(error.as_bytes(), strict, "the bytes of the ids")?.into_owned(),
    };
    NewString::of(text)
}

thread_local! {
    /// What the last text of this thread was written to: the engine copies a string, so that memory for it is wanted for no longer than a call, but new
    /// memory takes as long as decoding.
    static KEPT: Cell<Utf16> = const { Cell::new(Utf16::new()) };
}

/// Of longer texts the memory is given back: 4 MiB are kept.
const KEPT_UNITS: usize = 2 << 20;

/// A text in the memory that this thread keeps.
pub struct KeptUtf16(Utf16);

impl KeptUtf16 {
    fn take() -> Self {
        Self(KEPT.take())
    }
}

impl Deref for KeptUtf16 {
    type Target = Utf16;

    fn deref(&self) -> &Utf16 {
        &self.0
    }
}

impl DerefMut for KeptUtf16 {
    fn deref_mut(&mut self) -> &mut Utf16 {
        &mut self.0
    }
}

impl Drop for KeptUtf16 {
    fn drop(&mut self) {
        if self.0.longest() <= KEPT_UNITS {
            KEPT.set(mem::take(&mut self.0));
        }
    }
}

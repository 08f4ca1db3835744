//! Ids into JavaScript strings.

use tokenmill_bpe::Tokenizer;

use crate::encoder::from_bpe;
use crate::error::Result;
use crate::kept_utf16::KeptUtf16;
use crate::text::{NewString, text_of};

/// The text of `ids`, with or without special tokens. Bytes that are not UTF-8 are an error when `strict`, else U+FFFD for each
/// maximal invalid part.
pub fn text(tokenizer: &Tokenizer, ids: &[u32], strict: bool, skip_special: bool) -> Result<NewString> {
    let mut units = KeptUtf16::take();
    if tokenizer.decode_utf16(ids, skip_special, &mut units).is_some() {
        return NewString::of_units(units);
    }
    drop(units);
    let bytes = if skip_special { tokenizer.decode_bytes_without_special(ids) } else { tokenizer.decode_bytes(ids) };
    let text = match String::from_utf8(bytes.map_err(from_bpe)?) {
        Ok(text) => text,
        Err(error) => text_of(error.as_bytes(), strict, "the bytes of the ids")?.into_owned(),
    };
    NewString::of(text)
}

//! Ids into JavaScript strings.

use tokenmill_bpe::{Error as BpeError, Tokenizer};

use crate::encoder::from_bpe;
use crate::error::{Code, Error, Result};
use crate::text::text_of;

/// The longest string that V8 holds, in UTF-16 code units, of which there are at most as many as bytes.
const LONGEST: usize = (1 << 29) - 24;

/// The text of `ids`, with or without special tokens. Bytes that are not UTF-8 are an error when `strict`, else U+FFFD for each
/// maximal invalid part.
pub fn text(tokenizer: &Tokenizer, ids: &[u32], strict: bool, skip_special: bool) -> Result<String> {
    let bytes = if skip_special {
        let ids: Vec<u32> = ids.iter().copied().filter(|&id| !tokenizer.is_special(id)).collect();
        tokenizer.decode_bytes(&ids)
    } else {
        tokenizer.decode_bytes(ids)
    }
    .map_err(|error| match error {
        // Among all ids, not among those that are left without special tokens: it is the first such id in both.
        BpeError::UnknownId { id, index, largest } => from_bpe(BpeError::UnknownId {
            id,
            index: ids.iter().position(|&other| other == id).unwrap_or(index),
            largest,
        }),
        error => from_bpe(error),
    })?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => text_of(error.as_bytes(), strict, "the bytes of the ids")?.into_owned(),
    };
    if text.len() > LONGEST && text.encode_utf16().count() > LONGEST {
        return Err(Error::new(Code::Limit, "the text is longer than a JavaScript string can be; use decodeBytes"));
    }
    Ok(text)
}

//! Several texts and their ids, flat.

use std::borrow::Cow;
use std::sync::atomic::AtomicBool;

use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;
use rayon::prelude::*;
use tokenmill_bpe::{Error as BpeError, SpecialPolicy, Tokenizer};

use crate::encoder::{as_u32, from_bpe_in};
use crate::error::{Code, Error, Result};
use crate::text::{JsTextOrBytes, Origin, text_of};

/// Row `i` is `ids[row_starts[i]..row_starts[i + 1]]`.
#[napi(object)]
pub struct TokenRows {
    pub ids: Uint32Array,
    pub row_starts: Uint32Array,
}

impl From<Rows> for TokenRows {
    fn from(Rows { ids, row_starts }: Rows) -> Self {
        Self { ids: Uint32Array::new(ids), row_starts: Uint32Array::new(row_starts) }
    }
}

/// The same, still on this side.
pub struct Rows {
    ids: Vec<u32>,
    row_starts: Vec<u32>,
}

/// Texts, one after the other in one buffer.
pub struct Texts {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    strict: bool,
}

#[derive(Clone, Copy)]
struct Row {
    start: usize,
    end: usize,
    /// Its bytes are those of a string, so they are UTF-8.
    is_string: bool,
}

impl Texts {
    /// Reads them all. Bytes that are not UTF-8 are an error when `strict`, at the time of encoding.
    pub fn read(texts: &[JsTextOrBytes<'_>], strict: bool) -> Result<Self> {
        let (mut bytes, mut rows) = (Vec::new(), Vec::with_capacity(texts.len()));
        for text in texts {
            let start = bytes.len();
            let is_string = match text {
                JsTextOrBytes::String(text) => {
                    text.append_to(&mut bytes)?;
                    true
                }
                JsTextOrBytes::Bytes(text) => {
                    bytes.try_reserve(text.len()).map_err(|_| {
                        Error::new(
                            Code::Limit,
                            format!("there is not enough memory for a text of {} bytes", text.len()),
                        )
                    })?;
                    bytes.extend_from_slice(text);
                    false
                }
            };
            rows.push(Row { start, end: bytes.len(), is_string });
        }
        Ok(Self { bytes, rows, strict })
    }

    fn get(&self, index: usize) -> Result<(Cow<'_, str>, Origin<'_>)> {
        let Row { start, end, is_string } = self.rows[index];
        let bytes = &self.bytes[start..end];
        if is_string {
            // SAFETY: `read` put a string there, as UTF-8.
            return Ok((Cow::Borrowed(unsafe { str::from_utf8_unchecked(bytes) }), Origin::String));
        }
        Ok((text_of(bytes, self.strict, format_args!("texts[{index}]"))?, Origin::Bytes(bytes)))
    }
}

/// The ids of all `texts`, made on all cores, as few texts at a time as keep them busy.
pub fn encode_rows(
    tokenizer: &Tokenizer,
    texts: &Texts,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
) -> Result<Rows> {
    let rows: Vec<Result<Vec<u32>>> = (0..texts.rows.len())
        .into_par_iter()
        .map_init(
            || tokenizer.worker(),
            |worker, index| {
                let (text, origin) = texts.get(index)?;
                let mut ids = Vec::new();
                tokenizer
                    .encode_to(&text, policy, worker, &mut ids, cancel)
                    .map_err(|error| from_bpe_in_row(index, &text, origin, error))?;
                Ok(ids)
            },
        )
        .collect();
    // The error of the first text that has one, whichever thread was the fastest.
    let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;

    let mut row_starts = Vec::with_capacity(rows.len() + 1);
    row_starts.push(0);
    let mut end = 0;
    for row in &rows {
        end += row.len();
        row_starts.push(as_u32(end)?);
    }
    Ok(Rows { ids: rows.concat(), row_starts })
}

fn from_bpe_in_row(row: usize, text: &str, origin: Origin<'_>, error: BpeError) -> Error {
    let special = matches!(error, BpeError::DisallowedSpecialToken { .. });
    let error = from_bpe_in(text, origin, error);
    if special { Error::new(error.status, format!("{row}/{}", error.reason)) } else { error }
}

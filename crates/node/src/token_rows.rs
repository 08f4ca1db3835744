//! Several texts and their ids, flat.

use std::sync::atomic::AtomicBool;

use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;
use rayon::prelude::*;
use tokenmill_bpe::{Error as BpeError, SpecialPolicy, Tokenizer};

use crate::error::Result;
use crate::text::JsText;
use crate::tokenizer::{Unit, as_u32, from_bpe_in};

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
#[derive(Default)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// Reads them all.
    pub fn read(texts: &[JsText]) -> Result<Self> {
        let mut read = Self::default();
        for text in texts {
            text.append_to(&mut read.bytes)?;
            read.ends.push(read.bytes.len());
        }
        Ok(read)
    }

    fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |previous| self.ends[previous]);
        // SAFETY: `read` put a text there, as UTF-8, from `start` to this end.
        unsafe { str::from_utf8_unchecked(&self.bytes[start..self.ends[index]]) }
    }
}

/// The ids of all `texts`, made on all cores, as few texts at a time as keep them busy.
pub fn encode_rows(
    tokenizer: &Tokenizer,
    texts: &Texts,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
) -> Result<Rows> {
    let rows: Vec<Vec<u32>> = (0..texts.ends.len())
        .into_par_iter()
        .map_init(
            || tokenizer.worker(),
            |worker, index| {
                let mut ids = Vec::new();
                tokenizer.encode_to(texts.get(index), policy, worker, &mut ids, cancel).map(|()| ids)
                    .map_err(|error| (index, error))
            },
        )
        .collect::<std::result::Result<_, (usize, BpeError)>>()
        .map_err(|(index, error)| from_bpe_in(texts.get(index), Unit::Utf16, error))?;

    let mut row_starts = Vec::with_capacity(rows.len() + 1);
    row_starts.push(0);
    let mut end = 0;
    for row in &rows {
        end += row.len();
        row_starts.push(as_u32(end)?);
    }
    Ok(Rows { ids: rows.concat(), row_starts })
}

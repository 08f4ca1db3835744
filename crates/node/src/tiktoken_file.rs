//! Tokenizers out of `.tiktoken` files.

use napi::bindgen_prelude::{AsyncTask, Uint8ArraySlice};
use napi_derive::napi;
use tokenmill_bpe::{Tokenizer, Vocabulary};

use crate::encoder::from_bpe;
use crate::error::Result;
use crate::later::{Later, later};
use crate::memory::copied;
use crate::pattern::pattern_of;
use crate::task::Work;

/// The tokenizer of a `.tiktoken` file, which is copied before this returns.
#[napi(catch_unwind, ts_return_type = "Promise<BpeHandle>")]
pub fn read_tiktoken(file: Uint8ArraySlice<'_>, pattern: String) -> Result<AsyncTask<Work<Later<Tokenizer>>>> {
    let pattern = pattern_of(&pattern)?;
    let copy = copied(&file)?;
    Ok(later(move || {
        let vocabulary = Vocabulary::from_tiktoken(&copy).map_err(from_bpe)?;
        Tokenizer::new(vocabulary, pattern, []).map_err(from_bpe)
    }))
}

//! Chat templates.

use napi::Env;
use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;
use tokenmill_bpe::Places;
use tokenmill_tokenizer_json::chat::{ChatTemplate, Error as ChatError, Input};

use crate::arrays::to_array;
use crate::error::{Code, Error, Result};

/// What a template wrote. `special` and `generations` are pairs of places in `text`, in UTF-16 code units.
#[napi(object)]
pub struct RenderedChat {
    pub text: String,
    pub special: Uint32Array,
    pub generations: Uint32Array,
}

/// A chat template, and the special tokens that it may write.
#[napi]
pub struct ChatTemplateHandle {
    template: ChatTemplate,
}

#[napi]
impl ChatTemplateHandle {
    #[napi(constructor, catch_unwind)]
    pub fn new(source: String, special: Vec<String>) -> Result<Self> {
        ChatTemplate::new(&source, &special).map(|template| Self { template }).map_err(from_chat)
    }

    /// Writes the chat of `values`, a JSON object; `trusted` is one of the special tokens that come with the template.
    #[napi(catch_unwind)]
    pub fn render(&self, env: Env, values: String, trusted: String, now: Option<String>) -> Result<RenderedChat> {
        let input = Input { values: &values, trusted: &trusted, now: now.as_deref() };
        let rendered = self.template.render(&input).map_err(from_chat)?;
        let pairs = |ranges: &[std::ops::Range<usize>]| {
            let mut places: Vec<usize> = ranges.iter().flat_map(|range| [range.start, range.end]).collect();
            to_units(&rendered.text, &mut places);
            let places: Vec<u32> = places.into_iter().map(|place| place as u32).collect();
            to_array(env, &places)
        };
        let (special, generations) = (pairs(&rendered.special)?, pairs(&rendered.generations)?);
        Ok(RenderedChat { text: rendered.text, special, generations })
    }
}

/// `places` in bytes of `text`, in any order, as UTF-16 code units.
fn to_units(text: &str, places: &mut [usize]) {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&index| places[index]);
    let mut cursor = Places::of(text);
    for index in order {
        places[index] = cursor.units(places[index]);
    }
}

fn from_chat(error: ChatError) -> Error {
    let code = match error {
        ChatError::Template { .. } => Code::InvalidFile,
        ChatError::Limit { .. } => Code::Limit,
        ChatError::Refused { .. } | ChatError::Values { .. } => Code::InvalidArgument,
        _ => Code::Internal,
    };
    Error::new(code, error.to_string())
}

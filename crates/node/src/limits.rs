//! Texts cut to a number of tokens.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::Env;
use napi::bindgen_prelude::{ClassInstance, ObjectFinalize, Uint32Array, Uint32ArraySlice};
use napi_derive::napi;
use tokenmill_bpe::{
    Boundaries, Boundary, ChunkOptions, Counts, Error as BpeError, Origin, Places, PrefixCounts, SectionLevel,
    SpecialPolicy, Tokenizer, UnitIndex, Worker, utf16_length,
};

use crate::arrays::to_array;
use crate::cancel::CancelFlag;
use crate::encoder::{Encoder, as_u32, from_bpe, from_bpe_in, policy_at, with_encoder};
use crate::error::{Code, Error, Result};
use crate::forgotten;
use crate::held::Held;
use crate::memory::{push, room};
use crate::one_text::with_text_later;
use crate::text::JsText;
use crate::tokenizer::BpeHandle;
use crate::waiting::Pending;

/// The number of code units of the longest prefix of `text` that has at most `most` tokens; or, `from_end`, where the longest such suffix
/// starts. `out[0]` becomes 1 when that is the same if `text` is only a part of the text, else 0.
#[napi(catch_unwind)]
pub fn truncate(
    encoder: u32,
    #[napi(ts_arg_type = "string")] text: JsText,
    policy: u32,
    most: u32,
    from_end: bool,
    mut out: Uint32ArraySlice<'_>,
) -> Result<u32> {
    with_encoder(encoder, |Encoder { tokenizer, worker, policies, buffers, .. }| {
        let text = &*buffers.read(&text)?;
        let policy = policy_at(policies, policy)?;
        let in_text = |error| from_bpe_in(Origin::Utf16(text), error);
        let index = PrefixCounts::new(tokenizer, text, policy, worker, None).map_err(in_text)?;
        let mut counts = Counts::new(&index, tokenizer, text, policy, worker, None);
        let most = most as usize;
        let cut = if from_end { counts.longest_suffix(most) } else { counts.longest_prefix(most) };
        let cut = cut.map_err(in_text)?;
        // SAFETY: nobody else looks at the array while this call runs; the facade keeps it to itself.
        if let Some(out) = unsafe { out.as_mut() }.first_mut() {
            *out = cut.is_sure.into();
        }
        as_u32(utf16_length(&text[..cut.at]))
    })
}

/// The chunks of `text`: for each where it starts and ends, in code units, and how many tokens it has. `boundary` is a number of
/// [`boundary_of`].
#[napi(catch_unwind)]
pub fn chunk_text(
    env: Env,
    encoder: u32,
    #[napi(ts_arg_type = "string")] text: JsText,
    policy: u32,
    max_tokens: u32,
    overlap: u32,
    boundary: u32,
) -> Result<Uint32Array> {
    with_encoder(encoder, |Encoder { tokenizer, worker, policies, buffers, .. }| {
        let text = &*buffers.read(&text)?;
        let options = chunk_options(max_tokens, overlap, boundary)?;
        to_array(env, &chunks_of(tokenizer, text, policy_at(policies, policy)?, worker, options, None)?)
    })
}

#[napi]
#[expect(clippy::too_many_arguments, reason = "they are those of `chunk_text`")]
impl BpeHandle {
    /// [`chunk_text`] off the main thread.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn chunk_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] text: JsText,
        policy: u32,
        max_tokens: u32,
        overlap: u32,
        boundary: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Vec<u32>>> {
        let (tokenizer, policy) = (self.shared(), self.policy(policy)?);
        let options = chunk_options(max_tokens, overlap, boundary)?;
        with_text_later(env, text, cancel, move |text, cancel| {
            chunks_of(&tokenizer, text, &policy, &mut tokenizer.idle_worker(), options, Some(cancel))
        })
    }
}

fn chunk_options(max_tokens: u32, overlap: u32, boundary: u32) -> Result<ChunkOptions> {
    let boundary = boundary_of(boundary)?;
    Ok(ChunkOptions { max_tokens: max_tokens as usize, overlap: overlap as usize, boundary })
}

/// The chunks of `text`, as [`chunk_text`] gives them.
fn chunks_of(
    tokenizer: &Tokenizer,
    text: &str,
    policy: &SpecialPolicy,
    worker: &mut Worker,
    options: ChunkOptions,
    cancel: Option<&AtomicBool>,
) -> Result<Vec<u32>> {
    let in_text = |error| match error {
        BpeError::CharacterTooLarge { at, tokens, most } => Error::new(
            Code::Limit,
            format!(
                "expected options.maxTokens to be at least the tokens of every character, received {most}; the one at index {} has {tokens}",
                utf16_length(&text[..at])
            ),
        ),
        error => from_bpe_in(Origin::Utf16(text), error),
    };
    let index = PrefixCounts::new(tokenizer, text, policy, worker, cancel).map_err(in_text)?;
    let mut counts = Counts::new(&index, tokenizer, text, policy, worker, cancel);
    let chunks = counts.chunks(options).map_err(in_text)?;
    let (mut starts, mut ends) = (Places::of(text), Places::of(text));
    let mut flat = room(3 * chunks.len())?;
    for chunk in chunks {
        flat.extend([starts.units(chunk.start) as u32, ends.units(chunk.end) as u32, chunk.tokens as u32]);
    }
    as_u32(flat.len())?;
    Ok(flat)
}

/// The places, in code units, of the boundaries of `text` with number `boundary`, without its ends.
#[napi(catch_unwind)]
pub fn boundaries_of(env: Env, #[napi(ts_arg_type = "string")] text: JsText, boundary: u32) -> Result<Uint32Array> {
    to_array(env, &places_of(&text.read()?, boundary_of(boundary)?, None)?)
}

/// [`boundaries_of`] off the main thread.
#[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
pub fn boundaries_of_async<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "string")] text: JsText,
    boundary: u32,
    cancel: Option<&CancelFlag>,
) -> Result<Pending<'env, Vec<u32>>> {
    let boundary = boundary_of(boundary)?;
    with_text_later(env, text, cancel, move |text, cancel| places_of(text, boundary, Some(cancel)))
}

fn places_of(text: &str, boundary: Boundary, cancel: Option<&AtomicBool>) -> Result<Vec<u32>> {
    let (mut boundaries, mut cursor, mut places) = (Boundaries::new(text), Places::of(text), Vec::new());
    let mut from = 1;
    while let Some(place) = boundaries.first_in(boundary, from, text.len()).map_err(from_bpe)? {
        if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Err(from_bpe(BpeError::Cancelled));
        }
        push(&mut places, cursor.units(place) as u32)?;
        from = place + 1;
    }
    Ok(places)
}

/// The boundary of a number: 0 characters, 1 tokens, 2 words, 3 sentences, 4 paragraphs, 5 items, 6 blocks, 7 to 12 sections of level 6
/// to 1.
fn boundary_of(number: u32) -> Result<Boundary> {
    Ok(match number {
        0 => Boundary::Character,
        1 => Boundary::Token,
        2 => Boundary::Word,
        3 => Boundary::Sentence,
        4 => Boundary::Paragraph,
        5 => Boundary::Item,
        6 => Boundary::Block,
        7..=12 => Boundary::Section(SectionLevel(13 - number as u8)),
        _ => return Err(Error::new(Code::Internal, format!("there is no boundary {number}"))),
    })
}

/// The counts of the parts of a text.
#[napi(custom_finalize)]
pub struct NativeCountIndex {
    parts: Rc<Held<Arc<Parts>>>,
}

struct Parts {
    tokenizer: Arc<Tokenizer>,
    policy: Arc<SpecialPolicy>,
    text: String,
    index: PrefixCounts,
    units: UnitIndex,
}

impl NativeCountIndex {
    pub fn at_once<'env>(
        env: &'env Env,
        tokenizer: Arc<Tokenizer>,
        policy: Arc<SpecialPolicy>,
        text: &JsText,
    ) -> Result<ClassInstance<'env, Self>> {
        forgotten::watched(env, || Self::new(*env, tokenizer, policy, text), |index| &index.parts)
    }

    fn new(env: Env, tokenizer: Arc<Tokenizer>, policy: Arc<SpecialPolicy>, text: &JsText) -> Result<Self> {
        let mut text = text.read()?;
        text.shrink_to_fit();
        let index = PrefixCounts::new(&tokenizer, &text, &policy, &mut tokenizer.idle_worker(), None)
            .map_err(|error| from_bpe_in(Origin::Utf16(&text), error))?;
        let units = UnitIndex::of(&text).map_err(|error| from_bpe_in(Origin::Utf16(&text), error))?;
        let bytes = text.capacity() + index.memory() + units.memory();
        let parts = Arc::new(Parts { tokenizer, policy, text, index, units });
        Ok(Self { parts: Rc::new(Held::new(env, "count index", parts, bytes)?) })
    }
}

#[napi]
impl NativeCountIndex {
    /// The number of tokens of the whole text.
    #[napi(getter, catch_unwind)]
    pub fn total(&self) -> Result<u32> {
        as_u32(self.parts.get()?.index.total())
    }

    /// The number of tokens of the text from code unit `start` to `end`, neither of them in the middle of a character.
    #[napi(catch_unwind)]
    pub fn count(&self, start: u32, end: u32) -> Result<u32> {
        let parts = self.parts.get()?;
        let Parts { tokenizer, policy, text, index, units } = &*parts;
        let (start, end) = (units.byte(text, start as usize), units.byte(text, end as usize));
        if start > end {
            return Err(Error::new(Code::Internal, "the part ends before it starts"));
        }
        let mut worker = tokenizer.idle_worker();
        let mut counts = Counts::new(index, tokenizer, text, policy, &mut worker, None);
        as_u32(counts.count(start, end).map_err(|error| from_bpe_in(Origin::Utf16(text), error))?)
    }
}

impl ObjectFinalize for NativeCountIndex {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.parts.finalize(env)
    }
}

//! Ids that come in chunks.

use tokenmill_bpe::{Error as TextError, TextOfBytes};

use crate::byte_level::is_of_bytes;
use crate::decode::{Steps, apply_to_some, byte_of};
use crate::error::{Error, Result};
use crate::memory::not_enough;
use crate::steps::strip;
use crate::tokenizer::Tokenizer;

/// The text of ids that come in chunks, as soon as it is sure: joined, it is that of [`Tokenizer::decode`].
pub struct DecodeStream {
    skip_special: bool,
    /// How many ids have come.
    ids: usize,
    made: Made,
}

enum Made {
    /// Of bytes of tokens, one after the other.
    Bytes(TextOfBytes),
    Tokens(OfTokens),
}

impl DecodeStream {
    /// `None` when the text of `tokenizer` is not sure before all ids have come.
    pub fn new(tokenizer: &Tokenizer, skip_special: bool, strict: bool) -> Option<Self> {
        let made = if is_of_bytes(tokenizer.decoders.as_deref()) {
            Made::Bytes(TextOfBytes::new(strict))
        } else {
            let steps = Steps::of(tokenizer.decoders.as_deref().unwrap_or_default())?;
            Made::Tokens(OfTokens { strict, steps, seen: Seen::default(), held: Vec::new() })
        };
        Some(Self { skip_special, ids: 0, made })
    }

    /// The text of `ids`, of the tokenizer that it was made for, and of what was kept before, as far as it is sure.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode`]; the index of an unknown id counts all ids of the stream.
    pub fn push(&mut self, tokenizer: &Tokenizer, ids: &[u32]) -> Result<String> {
        let before = self.ids;
        let after = |error| match error {
            Error::UnknownId { id, index, largest } => Error::UnknownId { id, index: before + index, largest },
            error => error,
        };
        let text = match &mut self.made {
            Made::Bytes(text) => {
                let bytes = tokenizer.bytes_of(ids, self.skip_special).map_err(after)?;
                text.push(bytes).map_err(failed)
            }
            Made::Tokens(text) => {
                let tokens = tokenizer.decoded_tokens(ids, self.skip_special).map_err(after)?;
                text.add(tokenizer, tokens, false)
            }
        };
        self.ids += ids.len();
        text
    }

    /// What is left when no more ids come.
    ///
    /// # Errors
    /// [`Error::InvalidUtf8`].
    pub fn end(&mut self, tokenizer: &Tokenizer) -> Result<String> {
        match &mut self.made {
            Made::Bytes(text) => text.end().map(str::to_owned).map_err(failed),
            Made::Tokens(text) => text.add(tokenizer, Vec::new(), true),
        }
    }
}

/// What an error about text of bytes means.
#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn failed(error: TextError) -> Error {
    match error {
        TextError::OutOfMemory { bytes } => not_enough(bytes),
        _ => Error::InvalidUtf8,
    }
}

/// Text of decoders of models that were made of `sentencepiece`'s, and of BERT's kin. What they make of a token they make of it alone, but that the first one
/// is special to some, tokens for bytes are taken together, and in the end the start of the text may be taken off.
struct OfTokens {
    strict: bool,
    /// Of what is taken off, what still may be.
    steps: Steps,
    seen: Seen,
    /// Tokens for bytes, which the next may go on.
    held: Vec<String>,
}

/// Whether there have been tokens, and texts of bytes that were put together: then the next one is not the first.
#[derive(Default)]
struct Seen {
    tokens: bool,
    texts: bool,
}

impl OfTokens {
    /// What is sure after `tokens`, or all where it `is_end`.
    fn add(&mut self, tokenizer: &Tokenizer, tokens: Vec<String>, is_end: bool) -> Result<String> {
        let is_later = self.seen.tokens;
        self.seen.tokens |= !tokens.is_empty();
        let Some(decoders) = &tokenizer.decoders else {
            let space = if is_later && !tokens.is_empty() { " " } else { "" };
            return Ok(space.to_owned() + &tokens.join(" "));
        };
        let Steps { bytes, end, ref mut strips } = self.steps;
        let mut texts = apply_to_some(&decoders[..bytes], tokens, is_later, self.strict)?;
        let are_bytes = texts.iter().rev().take_while(|token| byte_of(token).is_some()).count();
        let goes_on = if bytes < end && !is_end { are_bytes } else { 0 };
        let mut held = texts.split_off(texts.len() - goes_on);
        if texts.is_empty() && !is_end {
            self.held.append(&mut held);
        } else {
            texts.splice(..0, std::mem::replace(&mut self.held, held));
        }
        let is_later = self.seen.texts;
        self.seen.texts |= !texts.is_empty();
        let texts = apply_to_some(&decoders[bytes..end], texts, is_later, self.strict)?;
        let mut text = texts.concat();
        for (content, left) in strips {
            let rest = strip(&text, *content, *left, 0);
            *left = if rest.is_empty() { *left - text.len() / content.len_utf8() } else { 0 };
            text = rest.to_owned();
        }
        Ok(text)
    }
}

//! From ids to text.

use std::sync::atomic::Ordering;

use tokenizers::DecoderWrapper;

use crate::bounded::within_time;
use crate::error::{Error, Result};
use crate::steps::{Decode, strip};
use crate::texts::Texts;
use crate::tokenizer::{Tokenizer, failed};

impl Tokenizer {
    /// The text of `ids`.
    ///
    /// # Errors
    /// [`Error::UnknownId`] names the first id that no token has; with `strict`, [`Error::InvalidUtf8`].
    pub fn decode(&self, ids: &[u32], skip_special: bool, strict: bool) -> Result<String> {
        if let Some(texts) = self.texts_for(ids.len())
            && let Some(text) = texts.decode(self, ids, skip_special, strict)?
        {
            return Ok(text);
        }
        let tokens = self.decoded_tokens(ids, skip_special)?;
        let Some(decoders) = &self.decoders else { return Ok(tokens.join(" ")) };
        let before = replaced_in(&tokens);
        let texts = apply(decoders, tokens)?;
        if strict && replaced_in(&texts) > before {
            return Err(Error::InvalidUtf8);
        }
        Ok(texts.concat())
    }

    /// What a decoder gets for `ids`.
    fn decoded_tokens(&self, ids: &[u32], skip_special: bool) -> Result<Vec<String>> {
        let mut tokens = Vec::with_capacity(ids.len());
        for (index, &id) in ids.iter().enumerate() {
            if !(skip_special && self.is_special(id)) {
                let token = self.decoded_token(id).ok_or_else(|| self.unknown_id(id, index))?;
                tokens.push(token.to_owned());
            }
        }
        Ok(tokens)
    }

    /// What a decoder gets for `id`; `None` when there is no such token.
    pub(crate) fn decoded_token(&self, id: u32) -> Option<&str> {
        self.added.decoded(id).or_else(|| self.model_token(id))
    }

    pub(crate) fn is_special(&self, id: u32) -> bool {
        self.added.get(id).is_some_and(|token| token.special)
    }

    pub(crate) fn unknown_id(&self, id: u32, index: usize) -> Error {
        Error::UnknownId { id, index, largest: self.vocab_size().saturating_sub(1) }
    }

    /// The texts of tokens, once so many ids were decoded that a table is worth it; `None` also where the decoders do not allow it.
    fn texts_for(&self, ids: usize) -> Option<&Texts> {
        const MUCH: usize = 1 << 12;
        let is_much = || self.decoded.fetch_add(ids, Ordering::Relaxed).saturating_add(ids) >= MUCH;
        match self.texts.get() {
            Some(texts) => texts.as_ref(),
            None if is_much() => self.texts.get_or_init(|| Texts::new(self)).as_ref(),
            None => None,
        }
    }
}

fn apply(decoders: &[Decode], tokens: Vec<String>) -> Result<Vec<String>> {
    let bytes = tokens.iter().map(String::len).sum();
    within_time(bytes, || decoders.iter().try_fold(tokens, |tokens, decoder| decoder.apply(tokens)).map_err(failed))
}

/// How many characters of `text` stand for bytes that are not UTF-8.
pub(crate) fn replaced(text: &str) -> usize {
    text.matches('\u{fffd}').count()
}

fn replaced_in(texts: &[String]) -> usize {
    texts.iter().map(|text| replaced(text)).sum()
}

/// The text of ids that come in chunks, as soon as it is sure: joined, it is that of [`Tokenizer::decode`].
///
/// What the decoders of models that were made of `sentencepiece`'s, and of BERT's kin, make of a token they make of it alone, but that the first one is special
/// to some, tokens for bytes are taken together, and in the end the start of the text may be taken off.
pub struct DecodeStream {
    skip_special: bool,
    strict: bool,
    /// Of what is taken off, what still may be.
    steps: Steps,
    /// How many ids have come.
    ids: usize,
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

/// Where in a list of decoders is what.
pub(crate) struct Steps {
    /// What puts tokens for bytes together; the end of what is done to each token where nothing does.
    pub bytes: usize,
    /// The end of what is done to each token. What follows puts all together.
    pub end: usize,
    /// What is then taken off the start of the text: each of these up to so many times, one kind after the other.
    pub strips: Vec<(char, usize)>,
}

impl Steps {
    /// `None` when what is made of a token depends on more than whether others are before it and which are bytes beside it.
    pub fn of(decoders: &[Decode]) -> Option<Self> {
        let is = |wanted: fn(&DecoderWrapper) -> bool| move |decoder: &Decode| matches!(decoder, Decode::Crate(decoder) if wanted(decoder));
        let end = decoders.iter().position(is(|decoder| matches!(decoder, DecoderWrapper::Fuse(_))));
        let end = end.unwrap_or(decoders.len());
        let is_of_bytes = is(|decoder| matches!(decoder, DecoderWrapper::ByteFallback(_)));
        let bytes = decoders[..end].iter().position(is_of_bytes).unwrap_or(end);
        let is_of_each = is(|decoder| matches!(decoder, DecoderWrapper::Metaspace(_) | DecoderWrapper::WordPiece(_)));
        let are_of_each = (decoders[..end].iter().enumerate()).all(|(at, decoder)| match decoder {
            Decode::Strip { .. } | Decode::Replace { .. } => true,
            Decode::Crate(_) => at == bytes || is_of_each(decoder),
        });
        let strips = decoders.iter().skip(end + 1).map(|decoder| match decoder {
            Decode::Strip { content, start, stop: 0 } => Some((*content, *start)),
            _ => None,
        });
        let strips = strips.collect::<Option<_>>()?;
        are_of_each.then_some(Self { bytes, end, strips })
    }
}

impl DecodeStream {
    /// `None` when the text of `tokenizer` is not sure before all ids have come.
    pub fn new(tokenizer: &Tokenizer, skip_special: bool, strict: bool) -> Option<Self> {
        let decoders = tokenizer.decoders.as_deref().unwrap_or_default();
        let steps = Steps::of(decoders)?;
        Some(Self { skip_special, strict, steps, ids: 0, seen: Seen::default(), held: Vec::new() })
    }

    /// The text of `ids`, of the tokenizer that it was made for, and of what was kept before, as far as it is sure.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode`]; the index of an unknown id counts all ids of the stream.
    pub fn push(&mut self, tokenizer: &Tokenizer, ids: &[u32]) -> Result<String> {
        let tokens = tokenizer.decoded_tokens(ids, self.skip_special).map_err(|error| match error {
            Error::UnknownId { id, index, largest } => Error::UnknownId { id, index: self.ids + index, largest },
            error => error,
        })?;
        self.ids += ids.len();
        self.add(tokenizer, tokens, false)
    }

    /// What is left when no more ids come.
    ///
    /// # Errors
    /// [`Error::InvalidUtf8`].
    pub fn end(&mut self, tokenizer: &Tokenizer) -> Result<String> {
        self.add(tokenizer, Vec::new(), true)
    }

    fn add(&mut self, tokenizer: &Tokenizer, tokens: Vec<String>, is_end: bool) -> Result<String> {
        let before = replaced_in(&tokens);
        let is_later = self.seen.tokens;
        self.seen.tokens |= !tokens.is_empty();
        let Some(decoders) = &tokenizer.decoders else {
            let space = if is_later && !tokens.is_empty() { " " } else { "" };
            return Ok(space.to_owned() + &tokens.join(" "));
        };
        let Steps { bytes, end, ref mut strips } = self.steps;
        let mut texts = std::mem::take(&mut self.held);
        texts.extend(apply_to_some(&decoders[..bytes], tokens, is_later)?);
        if bytes < end && !is_end {
            let goes_on = texts.iter().rev().take_while(|token| byte_of(token).is_some()).count();
            self.held = texts.split_off(texts.len() - goes_on);
        }
        let is_later = self.seen.texts;
        self.seen.texts |= !texts.is_empty();
        let texts = apply_to_some(&decoders[bytes..end], texts, is_later)?;
        if self.strict && replaced_in(&texts) > before {
            return Err(Error::InvalidUtf8);
        }
        let mut text = texts.concat();
        for (content, left) in strips {
            let rest = strip(&text, *content, *left, 0);
            *left = if rest.is_empty() { *left - text.len() / content.len_utf8() } else { 0 };
            text = rest.to_owned();
        }
        Ok(text)
    }
}

/// What `decoders` make of `tokens`, before which others have been where `is_later` says so.
pub(crate) fn apply_to_some(decoders: &[Decode], mut tokens: Vec<String>, is_later: bool) -> Result<Vec<String>> {
    if tokens.is_empty() || !is_later {
        return apply(decoders, tokens);
    }
    // Another one is the first, of which there is one text.
    tokens.insert(0, "a".to_owned());
    let mut texts = apply(decoders, tokens)?;
    texts.remove(0);
    Ok(texts)
}

/// The byte that `ByteFallback` takes a token for.
pub(crate) fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 2)
}

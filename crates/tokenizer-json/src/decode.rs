//! From ids to text.

use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use tokenizers::DecoderWrapper;

use crate::bounded::within_time;
use crate::byte_level::{TokenBytes, bytes_of_ids, decoded, is_of_bytes};
use crate::error::{Error, Result};
use crate::steps::Decode;
use crate::texts::Texts;
use crate::tokenizer::{Tokenizer, failed};

impl Tokenizer {
    /// The text of `ids`.
    ///
    /// # Errors
    /// [`Error::UnknownId`] names the first id that no token has; with `strict`, [`Error::InvalidUtf8`].
    pub fn decode(&self, ids: &[u32], skip_special: bool, strict: bool) -> Result<String> {
        if is_of_bytes(self.decoders.as_deref()) {
            let text = String::from_utf8(self.bytes_of(ids, skip_special)?);
            return match text {
                Err(_) if strict => Err(Error::InvalidUtf8),
                text => Ok(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())),
            };
        }
        if let Some(Some(texts)) = self.table_for(ids.len(), &self.texts, Texts::new)
            && let Some(text) = texts.decode(self, ids, skip_special, strict)?
        {
            return Ok(text);
        }
        let tokens = self.decoded_tokens(ids, skip_special)?;
        let Some(decoders) = &self.decoders else { return Ok(tokens.join(" ")) };
        apply(decoders, tokens, strict).map(|texts| texts.concat())
    }

    /// The bytes of `ids`: where all that decoders do is to put bytes together, be they UTF-8 or not, else those of their text.
    ///
    /// # Errors
    /// [`Error::UnknownId`] names the first id that no token has; [`Error::Limit`] when there is not enough memory.
    pub fn decode_bytes(&self, ids: &[u32]) -> Result<Vec<u8>> {
        if is_of_bytes(self.decoders.as_deref()) {
            return self.bytes_of(ids, false);
        }
        self.decode(ids, false, false).map(String::into_bytes)
    }

    /// The bytes of `ids` where all that decoders do is to put bytes together.
    pub(crate) fn bytes_of(&self, ids: &[u32], skip_special: bool) -> Result<Vec<u8>> {
        let table = self.table_for(ids.len(), &self.bytes, TokenBytes::new);
        bytes_of_ids(self, table, ids, skip_special)
    }

    /// What a decoder gets for `ids`.
    pub(crate) fn decoded_tokens(&self, ids: &[u32], skip_special: bool) -> Result<Vec<String>> {
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

    /// A table of tokens, once so many ids were decoded that it is worth it.
    fn table_for<'a, T>(&self, ids: usize, table: &'a OnceLock<T>, new: impl FnOnce(&Self) -> T) -> Option<&'a T> {
        const MUCH: usize = 1 << 12;
        let is_much = || self.decoded.fetch_add(ids, Ordering::Relaxed).saturating_add(ids) >= MUCH;
        match table.get() {
            None if is_much() => Some(table.get_or_init(|| new(self))),
            made => made,
        }
    }
}

fn apply(decoders: &[Decode], tokens: Vec<String>, strict: bool) -> Result<Vec<String>> {
    let bytes = tokens.iter().map(String::len).sum();
    let apply_one = |tokens: Vec<String>, decoder: &Decode| {
        if strict && !puts_utf8_together(decoder, &tokens) {
            return Err(Error::InvalidUtf8);
        }
        decoder.apply(tokens).map_err(failed)
    };
    let apply = || decoders.iter().try_fold(tokens, apply_one);
    // To look at the clock takes longer than a few tokens.
    let has_expressions = decoders.iter().any(|decoder| matches!(decoder, Decode::Replace { .. }));
    if has_expressions { within_time(bytes, apply) } else { apply() }
}

/// Whether the bytes of `tokens` that `decoder` puts together, if it does, are UTF-8. What it makes of them does not say: U+FFFD may be what they are.
fn puts_utf8_together(decoder: &Decode, tokens: &[String]) -> bool {
    match decoder {
        Decode::Crate(DecoderWrapper::ByteFallback(_)) => tokens
            .split(|token| byte_of(token).is_none())
            .all(|run| String::from_utf8(run.iter().filter_map(|token| byte_of(token)).collect()).is_ok()),
        Decode::Crate(DecoderWrapper::ByteLevel(_)) => {
            String::from_utf8(tokens.iter().flat_map(|token| decoded(token)).collect()).is_ok()
        }
        _ => true,
    }
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

/// What `decoders` make of `tokens`, before which others have been where `is_later` says so.
///
/// # Errors
/// Those of [`Tokenizer::decode`] but for unknown ids.
pub(crate) fn apply_to_some(
    decoders: &[Decode],
    mut tokens: Vec<String>,
    is_later: bool,
    strict: bool,
) -> Result<Vec<String>> {
    if tokens.is_empty() || !is_later {
        return apply(decoders, tokens, strict);
    }
    // Another one is the first, of which there is one text.
    tokens.insert(0, "a".to_owned());
    let mut texts = apply(decoders, tokens, strict)?;
    texts.remove(0);
    Ok(texts)
}

/// The byte that `ByteFallback` takes a token for.
pub(crate) fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 2)
}

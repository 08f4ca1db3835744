//! The texts of tokens that stand behind others, for decoders that make of a token what depends on no more than that.

use crate::decode::{Steps, apply_to_some, byte_of};
use crate::error::{Error, Result};
use crate::memory::with_room;
use crate::steps::{Decode, strip};
use crate::tokenizer::Tokenizer;

/// By id.
pub(crate) struct Texts {
    all: String,
    entries: Box<[Entry]>,
    steps: Steps,
}

#[derive(Clone, Copy)]
struct Entry {
    kind: Kind,
    is_special: bool,
    start: u32,
    length: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    /// There is no token.
    None,
    Text,
    /// A byte, which is put together with others beside it.
    Byte(u8),
}

const REPLACED: &str = "\u{fffd}";

impl Texts {
    /// `None` for other decoders, and for such as make characters that stand for bytes which are not UTF-8, or take them away.
    pub fn new(tokenizer: &Tokenizer) -> Option<Self> {
        let decoders = tokenizer.decoders.as_ref()?;
        let steps = Steps::of(decoders)?;
        if steps.bytes + 1 < steps.end {
            return None;
        }
        let ids = 0..tokenizer.vocab_size();
        let tokens: Vec<(u32, &str)> = ids.filter_map(|id| Some((id, tokenizer.decoded_token(id)?))).collect();
        let written = tokens.iter().map(|(_, token)| (*token).to_owned()).collect();
        let texts = apply_to_some(&decoders[..steps.bytes], written, true).ok()?;
        let none = Entry { kind: Kind::None, is_special: false, start: 0, length: 0 };
        let mut entries = vec![none; tokenizer.vocab_size() as usize];
        let mut all = String::new();
        for ((id, token), text) in tokens.into_iter().zip(&texts) {
            if token.matches(REPLACED).count() != text.matches(REPLACED).count() {
                return None;
            }
            let byte = byte_of(text).filter(|_| steps.bytes < steps.end);
            entries[id as usize] = Entry {
                kind: byte.map_or(Kind::Text, Kind::Byte),
                is_special: tokenizer.is_special(id),
                start: u32::try_from(all.len()).ok()?,
                length: text.len() as u32,
            };
            all.push_str(text);
        }
        Some(Self { all, entries: entries.into(), steps })
    }

    /// [`Tokenizer::decode`] by `tokenizer`, which it was made for.
    pub fn decode(&self, tokenizer: &Tokenizer, ids: &[u32], skip_special: bool, strict: bool) -> Result<String> {
        let mut length = 0_usize;
        for (index, &id) in ids.iter().enumerate() {
            match self.entries.get(id as usize) {
                Some(entry) if !matches!(entry.kind, Kind::None) => {
                    length = length.saturating_add(entry.length as usize);
                }
                _ => return Err(tokenizer.unknown_id(id, index)),
            }
        }
        let decoders = tokenizer.decoders.as_deref().unwrap_or_default();
        let mut kept = ids.iter().copied().filter(|&id| !(skip_special && self.entries[id as usize].is_special));
        let first = kept.next().and_then(|id| tokenizer.decoded_token(id)).map(str::to_owned);
        let first = apply_to_some(&decoders[..self.steps.bytes], first.into_iter().collect(), false)?.concat();
        let mut text = with_room(first.len().saturating_add(length))?;
        let mut bytes = Vec::new();
        match byte_of(&first).filter(|_| self.steps.bytes < self.steps.end) {
            Some(byte) => bytes.push(byte),
            None => text.push_str(&first),
        }
        let mut is_utf8 = true;
        for id in kept {
            let entry = &self.entries[id as usize];
            if let Kind::Byte(byte) = entry.kind {
                bytes.push(byte);
                continue;
            }
            if !bytes.is_empty() {
                is_utf8 &= add_bytes(&mut bytes, &mut text);
            }
            text.push_str(&self.all[entry.start as usize..][..entry.length as usize]);
        }
        is_utf8 &= add_bytes(&mut bytes, &mut text);
        if strict && !is_utf8 {
            return Err(Error::InvalidUtf8);
        }
        for decoder in decoders.iter().skip(self.steps.end + 1) {
            if let Decode::Strip { content, start, .. } = decoder {
                text.drain(..text.len() - strip(&text, *content, *start, 0).len());
            }
        }
        Ok(text)
    }
}

/// Adds what `bytes` are, and empties them; where they are not UTF-8 a character for each, and `false`.
fn add_bytes(bytes: &mut Vec<u8>, text: &mut String) -> bool {
    let found = str::from_utf8(bytes);
    match found {
        Ok(found) => text.push_str(found),
        Err(_) => text.extend(std::iter::repeat_n(REPLACED, bytes.len())),
    }
    let is_utf8 = found.is_ok();
    bytes.clear();
    is_utf8
}

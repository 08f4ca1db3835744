//! The work of a thread of a preparation: documents to ids, and all that does not need their order.

use super::prepare::PrepareOptions;
use super::seen::Digest;
use crate::documents::Documents;
use crate::dtype::DType;
use crate::manifest::{Separator, SeparatorPosition, Validation};
use crate::{Error, Fault, Unit};

/// The ids of one block of documents.
#[derive(Clone, Debug, Default)]
pub struct Encoded {
    /// Those of all documents.
    pub ids: Vec<u32>,
    /// Where those of each document end.
    pub ends: Vec<usize>,
}

/// Documents as they are written.
pub struct Ready {
    /// With separators.
    pub tokens: Vec<u8>,
    pub documents: Vec<ReadyDocument>,
    pub empty: u64,
    /// What faults are counted by.
    pub unit: Unit,
    pub faults: Vec<(u64, Fault)>,
}

pub struct ReadyDocument {
    /// The bytes of its ids.
    pub end: usize,
    pub text_bytes: usize,
    pub digest: Digest,
    pub split: usize,
}

/// The work of a thread: the ids of documents, and all that does not need their order.
pub fn encoded(
    documents: Documents,
    encode: &mut impl FnMut(&[&str]) -> Result<Encoded, Error>,
    options: &PrepareOptions,
) -> Result<Ready, Error> {
    let mut texts = documents.texts();
    let all = texts.len();
    texts.retain(|text| !text.is_empty());
    let Encoded { ids, ends } = encode(&texts).map_err(|error| match error {
        Error::Refused { text, reason } => refused(&documents, text, reason),
        error => error,
    })?;
    let dtype = DType::of(options.tokenizer.vocab_size);
    if ends.len() != texts.len() || ends.last().is_some_and(|&end| end != ids.len()) {
        return Err(Error::Encode(format!("expected ids of {} texts, received those of {}", texts.len(), ends.len())));
    }
    let vocab_size = options.tokenizer.vocab_size;
    if let Some(&id) = ids.iter().find(|&&id| id >= vocab_size) {
        return Err(Error::IdOutOfRange { id, vocab_size });
    }
    let (before, after) = match &options.separator {
        Some(Separator { id, position: SeparatorPosition::Before }) => (Some(*id), None),
        Some(Separator { id, position: SeparatorPosition::After }) => (None, Some(*id)),
        None => (None, None),
    };
    let mut tokens = Vec::new();
    let length = (ids.len() + texts.len()) * dtype.width();
    tokens.try_reserve_exact(length).map_err(|_| crate::blocks::no_memory(length))?;
    let mut ready = Vec::with_capacity(texts.len());
    let mut start = 0;
    for (text, end) in texts.iter().zip(ends) {
        let ids = ids.get(start..end).ok_or_else(|| Error::Encode("expected ends that rise".to_owned()))?;
        start = end;
        dtype.append(before.as_slice(), &mut tokens);
        dtype.append(ids, &mut tokens);
        dtype.append(after.as_slice(), &mut tokens);
        let digest = if options.deduplicate || options.validation.is_some() { digest(text) } else { 0 };
        let split = options.validation.as_ref().map_or(0, |validation| split(digest, validation));
        ready.push(ReadyDocument { end: tokens.len(), text_bytes: text.len(), digest, split });
    }
    let empty = (all - texts.len()) as u64;
    Ok(Ready { tokens, documents: ready, empty, unit: documents.unit, faults: documents.faults })
}

/// The error of the `text`-th document that is not empty.
fn refused(documents: &Documents, text: usize, reason: String) -> Error {
    let texts = documents.texts().into_iter().zip(documents.lines());
    let number = texts.filter(|(text, _)| !text.is_empty()).nth(text).map_or(1, |(_, line)| line);
    Error::Document { path: documents.path.clone(), unit: documents.unit, number, fault: Fault::Refused(reason) }
}

fn digest(text: &str) -> Digest {
    let mut start = [0; 16];
    start.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    Digest::from_le_bytes(start)
}

/// A document's split depends on it and the seed alone: files that are added move no other document.
fn split(digest: Digest, validation: &Validation) -> usize {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&validation.seed.to_le_bytes());
    bytes[8..].copy_from_slice(&digest.to_le_bytes());
    let mut start = [0; 8];
    start.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..8]);
    // 53 bits: what an f64 holds.
    let place = (u64::from_le_bytes(start) >> 11) as f64 / (1_u64 << 53) as f64;
    usize::from(place < validation.share)
}

//! Where the characters of a text in normal form C are from.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use tokenizers::NormalizedString;
use tokenizers::normalizer::Range as Of;
use tokenmill_bpe::{Error as TextError, SpecialPolicy, Tokenizer, Unit};

use crate::error::EncodeError;
use crate::nfc::{changed_parts, reserve};
use crate::placed::Placed;
use crate::tokenizer::Encoded;

/// What a text comes to, and where its characters were.
#[derive(Default)]
pub(crate) struct Aligned {
    normalized: String,
    /// The parts that are not as they were.
    parts: Vec<Part>,
    /// Of the characters of all parts.
    characters: Vec<Character>,
}

struct Part {
    /// In the normalized text.
    place: Range<usize>,
    /// Where it ended in the text.
    end: usize,
}

struct Character {
    /// In the normalized text.
    start: usize,
    /// In the text, as the crate has it.
    origin: (usize, usize),
}

impl Aligned {
    /// What `text` comes to, in normal form C where `nfc` says so, and with a space before it where `prefix` does; that is from the first character.
    ///
    /// # Errors
    /// [`TextError::NormalizerLimit`], [`TextError::OutOfMemory`].
    pub fn of(text: &str, nfc: bool, prefix: bool) -> Result<Self, TextError> {
        let mut aligned = Self::default();
        if prefix {
            reserve(&mut aligned.normalized, 1)?;
            aligned.normalized.push(' ');
            aligned.parts.push(Part { place: 0..1, end: 0 });
            aligned.characters.push(Character { start: 0, origin: (0, 0) });
        }
        let mut done = 0;
        if nfc {
            for part in changed_parts(text) {
                let part = part?;
                aligned.push(text, &part, done)?;
                done = part.end;
            }
        }
        reserve(&mut aligned.normalized, text.len() - done)?;
        aligned.normalized.push_str(&text[done..]);
        if prefix {
            aligned.characters[0].origin = aligned.origin(1);
        }
        Ok(aligned)
    }

    /// Adds what `text` has from `done` on, and `part` of it, which is not as it was.
    fn push(&mut self, text: &str, part: &Range<usize>, done: usize) -> Result<(), TextError> {
        let mut normalized = NormalizedString::from(&text[part.clone()]);
        normalized.nfc();
        let more = normalized.get();
        reserve(&mut self.normalized, part.start - done + more.len())?;
        make_room(&mut self.characters, more.len())?;
        make_room(&mut self.parts, 1)?;
        self.normalized.push_str(&text[done..part.start]);
        let start = self.normalized.len();
        self.normalized.push_str(more);
        self.characters.extend(more.char_indices().map(|(at, character)| {
            let origin = normalized.convert_offsets(Of::Normalized(at..at + character.len_utf8())).unwrap_or(0..0);
            Character { start: start + at, origin: (part.start + origin.start, part.start + origin.end) }
        }));
        self.parts.push(Part { place: start..self.normalized.len(), end: part.end });
        Ok(())
    }

    /// Where the character was that byte `at` of the normalized text is of.
    fn origin(&self, at: usize) -> (usize, usize) {
        let before = self.parts.partition_point(|part| part.place.start <= at);
        let part = before.checked_sub(1).map(|before| &self.parts[before]);
        if part.is_some_and(|part| at < part.place.end) {
            return self.characters[self.characters.partition_point(|character| character.start <= at) - 1].origin;
        }
        let (place, end) = part.map_or((0, 0), |part| (part.place.end, part.end));
        let [start, after] = [self.normalized.floor_char_boundary(at), self.normalized.ceil_char_boundary(at + 1)];
        (start - place + end, after - place + end)
    }
}

fn make_room<T>(items: &mut Vec<T>, more: usize) -> Result<(), TextError> {
    items.try_reserve(more).map_err(|_| TextError::OutOfMemory { bytes: (items.len() + more) * size_of::<T>() })
}

/// Adds to `placed` the ids of a stretch of text that is at `base`, by `tokenizer`, and where they are from. `id` tells which one is given for one of these;
/// `nothing` is the policy of a stretch, which has no special tokens.
///
/// # Errors
/// Those of [`Tokenizer::encode_with_offsets`]; [`crate::Error::Limit`] when there is not enough memory.
pub(crate) fn place(
    (tokenizer, nothing): (&Tokenizer, &SpecialPolicy),
    (aligned, base): (&Aligned, usize),
    id: impl Fn(u32) -> u32,
    placed: &mut Placed,
) -> Result<(), EncodeError> {
    let worker = &mut tokenizer.idle_worker();
    let found = tokenizer.encode_with_offsets(&aligned.normalized, Unit::Byte, true, nothing, worker, placed.cancel)?;
    placed.reserve(found.ids.len())?;
    let (before, mut from) = (placed.word, 0);
    for ((&found, &to), word) in found.ids.iter().zip(&found.byte_ends).zip(&found.words) {
        let (start, _) = aligned.origin(std::mem::replace(&mut from, to as usize));
        let (_, end) = aligned.origin(to as usize - 1);
        placed.word = before + word;
        placed.push(id(found), (base + start, base + end));
    }
    placed.word += u32::from(!found.words.is_empty());
    Ok(())
}

/// [`crate::Tokenizer::encode_with_offsets`] by `tokenizer`, which brings texts to normal form C and made `policy`.
///
/// # Errors
/// [`TextError::DisallowedSpecialToken`], [`TextError::NormalizerLimit`], [`TextError::Cancelled`]; [`crate::Error::Limit`] when there is not enough
/// memory.
pub fn encode_normalized_with_offsets(
    tokenizer: &Tokenizer,
    text: &str,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
) -> Result<Encoded, EncodeError> {
    policy.check(text, cancel)?;
    let (nothing, mut start) = (SpecialPolicy::of_nothing(), 0);
    let mut placed = Placed { cancel, ..Placed::default() };
    loop {
        let special = policy.next_allowed(text, start, cancel)?;
        let end = special.as_ref().map_or(text.len(), |special| special.start);
        let aligned = Aligned::of(&text[start..end], true, false)?;
        place((tokenizer, &nothing), (&aligned, start), |id| id, &mut placed)?;
        let Some(special) = special else { break };
        placed.push_token(special.id, (special.start, special.end))?;
        start = special.end;
    }
    Ok(placed.into_encoded(text)?)
}

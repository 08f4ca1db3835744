//! Where the characters of a text in normal form C are from.

use std::ops::Range;

use tokenizers::NormalizedString;
use tokenizers::normalizer::Range as Of;
use tokenmill_bpe::{Error as TextError, SpecialPolicy, Tokenizer, Unit};

use crate::error::EncodeError;
use crate::nfc::{changed_parts, reserve};
use crate::tokenizer::{Encoded, whole_ends};

/// What a text comes to, and where its characters were.
#[derive(Default)]
struct Aligned {
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
    fn of(text: &str) -> Result<Self, EncodeError> {
        let mut aligned = Self::default();
        let mut done = 0;
        for part in changed_parts(text) {
            let part = part?;
            aligned.push(text, &part, done)?;
            done = part.end;
        }
        reserve(&mut aligned.normalized, text.len() - done)?;
        aligned.normalized.push_str(&text[done..]);
        Ok(aligned)
    }

    /// Adds what `text` has from `done` on, and `part` of it, which is not as it was.
    fn push(&mut self, text: &str, part: &Range<usize>, done: usize) -> Result<(), EncodeError> {
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

/// [`crate::Tokenizer::encode_with_offsets`] by `tokenizer`, which brings texts to normal form C and made `policy`.
///
/// # Errors
/// [`TextError::DisallowedSpecialToken`], [`TextError::NormalizerLimit`]; [`crate::Error::Limit`] when there is not enough memory.
pub fn encode_normalized_with_offsets(
    tokenizer: &Tokenizer,
    text: &str,
    policy: &SpecialPolicy,
) -> Result<Encoded, EncodeError> {
    policy.check(text, None)?;
    let (nothing, mut worker) = (SpecialPolicy::of_nothing(), tokenizer.idle_worker());
    let (mut encoded, mut start, mut word) = (Encoded::default(), 0, 0);
    loop {
        let special = policy.next_allowed(text, start, None)?;
        let end = special.as_ref().map_or(text.len(), |special| special.start);
        let aligned = Aligned::of(&text[start..end])?;
        let found =
            tokenizer.encode_with_offsets(&aligned.normalized, Unit::Byte, true, &nothing, &mut worker, None)?;
        let count = found.ids.len() + 1;
        let Encoded { ids, spans, words, .. } = &mut encoded;
        make_room(ids, count)?;
        make_room(spans, count)?;
        make_room(words, count)?;
        ids.extend_from_slice(&found.ids);
        let mut from = 0;
        spans.extend(found.byte_ends.iter().map(|&to| {
            let (first, _) = aligned.origin(std::mem::replace(&mut from, to as usize));
            (start + first, start + aligned.origin(to as usize - 1).1)
        }));
        words.extend(found.words.iter().map(|inside| word + inside));
        word += found.words.last().map_or(0, |last| last + 1);
        let Some(special) = special else { break };
        ids.push(special.id);
        spans.push((special.start, special.end));
        words.push(word);
        (start, word) = (special.end, word + 1);
    }
    encoded.ends = whole_ends(text, &encoded.spans)?;
    Ok(encoded)
}

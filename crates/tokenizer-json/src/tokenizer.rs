//! A tokenizer that the `tokenizers` crate runs.

use std::fmt::Write;
use std::iter;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokenizers::{Encoding, Model as _, OffsetReferential, OffsetType, PreTokenizedString};
use unicode_normalization_alignments::char::is_combining_mark;

use crate::added::{AddedTokens, Found, Policy, TooMuchShared};
use crate::bounded::{OutOfBounds, within_time};
use crate::by_words::ByWords;
use crate::byte_level::TokenBytes;
use crate::crate_model::CrateModel;
use crate::decode::byte_of;
use crate::error::{Error, Result};
use crate::limits::LARGEST_TEXT;
use crate::memory::collected;
use crate::placed::Placed;
use crate::segments::Segments;
use crate::steps::{Decode, Normalize, Split, TooLong};
use crate::texts::Texts;
use crate::words::{Ended, Start, Until, is_cancelled};

/// Normalizers, pre-tokenizers, model and decoders of the `tokenizers` crate, with added tokens of our own. Immutable and shared freely
/// between threads.
pub struct Tokenizer {
    pub(crate) model: CrateModel,
    pub(crate) added: AddedTokens,
    pub(crate) normalizers: Vec<Normalize>,
    pub(crate) splits: Vec<Split>,
    pub(crate) decoders: Option<Vec<Decode>>,
    pub(crate) vocab_size: u32,
    pub(crate) byte_fallback: bool,
    pub(crate) byte_level: bool,
    pub(crate) fingerprint: String,
    /// Ids of texts without the crate, where the file is like one of those that this is known for.
    pub(crate) by_words: Option<ByWords>,
    /// Whether added tokens that are looked for in what is normalized are found in the text as it is, too.
    pub(crate) finds_normalized: bool,
    /// See [`Texts`] and [`TokenBytes`]; how many ids were decoded without them.
    pub(crate) texts: OnceLock<Option<Texts>>,
    pub(crate) bytes: OnceLock<TokenBytes>,
    pub(crate) decoded: AtomicUsize,
}

/// The ids of a text, and where they are from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The ids.
    pub ids: Vec<u32>,
    /// Where the text of each starts and ends, in bytes, as the crate has it: of a character that a normalizer composes, the first one.
    pub spans: Vec<(usize, usize)>,
    /// Where the text of each ends, in bytes, with what its last character was composed of.
    pub ends: Vec<usize>,
    /// The number, from 0 on, of the part of the text that each is of, among those that the model gets and added tokens.
    pub words: Vec<u32>,
}

/// The ends of `spans` in `text`. What goes on a character and is in no span was composed with it, or left out: both are of the token before.
pub(crate) fn whole_ends(text: &str, spans: &[(usize, usize)]) -> Result<Vec<usize>> {
    let mut ends = collected(iter::repeat_n(0, spans.len()))?;
    // Where the next token starts that is not of the same character.
    let mut next = text.len();
    for (at, &(_, end)) in spans.iter().enumerate().rev() {
        ends[at] = match spans.get(at + 1) {
            Some(after) if after.1 == end => ends[at + 1],
            after => {
                next = after.map_or(next, |after| after.0.max(end));
                let left_out = text.get(end..next).unwrap_or_default().chars();
                end + left_out.take_while(|&character| goes_on(character)).map(char::len_utf8).sum::<usize>()
            }
        };
    }
    Ok(ends)
}

/// Whether `character` may be composed with the one before it: combining marks, and the later parts of Hangul syllables.
fn goes_on(character: char) -> bool {
    is_combining_mark(character) || matches!(character, '\u{1160}'..='\u{11ff}')
}

impl Tokenizer {
    /// The largest id + 1.
    pub fn vocab_size(&self) -> u32 {
        self.vocab_size
    }

    /// The special tokens and their ids, by ascending id; of several with one id first what the id is decoded to.
    pub fn special_tokens(&self) -> Vec<(&str, u32)> {
        let special = self.added.all().iter().rev().filter(|token| token.special);
        let mut tokens: Vec<_> = special.map(|token| (&*token.content, token.id)).collect();
        tokens.sort_by_key(|&(_, id)| id);
        tokens
    }

    /// The SHA-256, in hexadecimal, of all that decides the ids.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Which special tokens a call reads as such (`allowed`) and refuses (`disallowed`, which wins where both name a token); all others are
    /// plain text.
    ///
    /// # Errors
    /// [`Error::Limit`] when there are too many to look for.
    pub fn policy<S: AsRef<str>>(&self, allowed: &[S], disallowed: &[S]) -> Result<Policy> {
        self.added.policy(allowed, disallowed)
    }

    /// The ids of `text`, with special tokens by `policy`.
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`]; [`Error::Limit`] when the crate has to be asked for a text that is longer than [`LARGEST_TEXT`] or in which added
    /// tokens take the same white space too often, a regular expression of the file does not come to an end on it, or there is not enough memory;
    /// [`Error::UnknownWord`]; [`Error::Cancelled`].
    pub fn encode(&self, text: &str, policy: &Policy, cancel: Option<&AtomicBool>) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        self.encode_until(text, policy, &mut ids, Until { cancel, most: usize::MAX })?;
        Ok(ids)
    }

    /// Puts the ids of `text`, if they are at most `most`, to `ids`, which are none before: else `false`, and the work ends soon after these, where it is
    /// not the crate's.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`] for what is read of the text.
    pub fn encode_within(&self, text: &str, policy: &Policy, most: usize, ids: &mut Vec<u32>) -> Result<bool> {
        self.encode_until(text, policy, ids, Until { cancel: None, most })?;
        Ok(ids.len() <= most)
    }

    fn encode_until(&self, text: &str, policy: &Policy, ids: &mut Vec<u32>, until: Until) -> Result<()> {
        if !self.encode_by_words(text, Start::OfText, policy, ids, until)? {
            *ids = self.encode_by_crate(text, policy, until.cancel)?;
        }
        Ok(())
    }

    fn encode_by_crate(&self, text: &str, policy: &Policy, cancel: Option<&AtomicBool>) -> Result<Vec<u32>> {
        let pieces = self.tokenize(text, policy, cancel)?;
        let splits = pieces.get_splits(OffsetReferential::Normalized, OffsetType::None);
        Ok(splits.iter().flat_map(|(_, _, tokens)| tokens.iter().flatten()).map(|token| token.id).collect())
    }

    /// [`Tokenizer::encode`], and where the ids are from.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`]; [`Error::Limit`] when there is not enough memory.
    pub fn encode_with_offsets(&self, text: &str, policy: &Policy, cancel: Option<&AtomicBool>) -> Result<Encoded> {
        if let Some(placed) = self.place_by_words(text, policy, cancel)? {
            return placed.into_encoded(text);
        }
        let pieces = self.tokenize(text, policy, cancel)?;
        let encoding = pieces.into_encoding(None, 0, OffsetType::Byte).map_err(failed)?;
        let spans = collected(encoding.get_offsets().iter().copied())?;
        Ok(Encoded {
            ids: collected(encoding.get_ids().iter().copied())?,
            ends: whole_ends(text, &spans)?,
            words: collected(encoding.get_word_ids().iter().map(|word| word.unwrap_or_default()))?,
            spans,
        })
    }

    /// [`Tokenizer::encode_with_offsets`] without the `tokenizers` crate; `None` where it has to be asked.
    fn place_by_words<'a>(
        &self,
        text: &str,
        policy: &Policy,
        cancel: Option<&'a AtomicBool>,
    ) -> Result<Option<Placed<'a>>> {
        let Some(words) = self.words(policy) else { return Ok(None) };
        policy.check(text)?;
        let characters = |id: u32| self.model_token(id).map_or(0, |token| token.chars().count());
        let (mut done, mut start) = (0, Start::OfText);
        let mut placed = Placed { cancel, ..Placed::default() };
        for found in self.added.find_in(text, policy).map(Some).chain([None]) {
            let next = found.as_ref().map_or(text.len(), |found| found.start);
            let stretch = text.get(done..next).unwrap_or_default();
            if !words.place((stretch, done), start, characters, &mut placed)? {
                return Ok(None);
            }
            let Some(found) = found else { break };
            placed.push_token(found.id, (found.start, found.end))?;
            (done, start) = (found.end, Start::AfterToken);
        }
        Ok(Some(placed))
    }

    /// How many ids `text` has, if they are at most `most`.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode_within`].
    pub fn count_within(&self, text: &str, policy: &Policy, most: usize) -> Result<Option<usize>> {
        let mut ids = Vec::new();
        Ok(self.encode_within(text, policy, most, &mut ids)?.then_some(ids.len()))
    }

    /// How many bytes of `text` have ids that are sure, whatever follows: those of a part of its own, behind which [`Tokenizer::encode_rest`] goes on.
    pub(crate) fn sure_end(&self, text: &str, policy: &Policy) -> usize {
        let Some(words) = self.words(policy) else { return 0 };
        // What starts before this is there to its end and what follows, and so is any longer token that starts with it.
        let Some(to) = text.len().checked_sub(policy.longest() + 1) else { return 0 };
        let mut stops = self.added.find_stops(text, policy);
        stops.sort_unstable();
        let (mut stretches, mut start) = (Vec::new(), 0);
        for (found, end) in stops.into_iter().take_while(|&(found, _)| found <= to) {
            stretches.push((start, found.saturating_sub(1)));
            start = start.max(end);
        }
        // Neither a token nor what it takes beside it is cut: no white space ends at such a place, and no token starts or ends there.
        let rest = std::iter::once((start, to));
        let mut all = rest.chain(stretches.into_iter().rev());
        all.find_map(|(from, to)| words.cut_before(text, from, to)).unwrap_or_default()
    }

    /// [`Tokenizer::encode`] of what is behind [`Tokenizer::sure_end`], up to where that is again, or the end.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`].
    pub(crate) fn encode_rest(&self, text: &str, policy: &Policy, cancel: Option<&AtomicBool>) -> Result<Vec<u32>> {
        let (mut ids, until) = (Vec::new(), Until { cancel, most: usize::MAX });
        if self.encode_by_words(text, Start::AtCut, policy, &mut ids, until)? {
            return Ok(ids);
        }
        if self.words(policy).is_some_and(ByWords::are_parts_of_crate) {
            return self.encode_by_crate(text, policy, cancel);
        }
        Err(Error::Limit { reason: format!("expected words of at most {LARGEST_TEXT} bytes for this tokenizer") })
    }

    /// What finds ids without the `tokenizers` crate, where that need not look for added tokens in what it normalizes.
    pub(crate) fn words(&self, policy: &Policy) -> Option<&ByWords> {
        self.by_words.as_ref().filter(|_| self.finds_normalized || !policy.reads_normalized())
    }

    /// Puts the ids of `text` to `ids`, which are none before, without the `tokenizers` crate; `false` where it has to be asked. When there are more ids than are
    /// asked for, some more.
    fn encode_by_words(
        &self,
        text: &str,
        mut start: Start,
        policy: &Policy,
        ids: &mut Vec<u32>,
        until: Until,
    ) -> Result<bool> {
        let Some(words) = self.words(policy) else { return Ok(false) };
        policy.check(text)?;
        let mut done = 0;
        let end = Found { id: u32::MAX, start: text.len(), end: text.len(), at: text.len() };
        for found in self.added.find_in(text, policy).map(Some).chain([None]) {
            let next = found.as_ref().unwrap_or(&end);
            // A token may stand in the white space that the one before took.
            let stretch = text.get(done..next.start).unwrap_or_default();
            if !self.encode_stretch(words, stretch, start, ids, until)?.has_ids()? {
                return Ok(false);
            }
            if ids.len() > until.most {
                break;
            }
            (done, start) = (next.end, Start::AfterToken);
            ids.extend(found.map(|found| found.id));
        }
        Ok(true)
    }

    /// Adds the ids of a stretch between added tokens.
    pub(crate) fn encode_stretch(
        &self,
        words: &ByWords,
        stretch: &str,
        start: Start,
        ids: &mut Vec<u32>,
        until: Until,
    ) -> Result<Ended> {
        let before = ids.len();
        let ended = words.encode(stretch, start, ids, until);
        if ended == Ended::Untold && words.are_of_parts() {
            ids.truncate(before);
            return self.encode_parts(words, stretch, ids, until);
        }
        Ok(ended)
    }

    /// Adds the ids of a stretch between added tokens part by part, of which the crate is asked for some.
    fn encode_parts(&self, words: &ByWords, mut stretch: &str, ids: &mut Vec<u32>, until: Until) -> Result<Ended> {
        /// A part goes on behind so many bytes to the next space.
        const PART: usize = 1 << 10;
        while !stretch.is_empty() {
            let is_end = |byte: &u8| matches!(byte, b' ' | b'\n');
            let end = stretch.bytes().skip(PART).position(|byte| is_end(&byte));
            let (part, rest) = stretch.split_at(end.map_or(stretch.len(), |end| PART + end));
            let before = ids.len();
            match words.encode(part, Start::AfterToken, ids, until) {
                Ended::WithIds => {}
                Ended::Untold => {
                    ids.truncate(before);
                    ids.extend(self.encode_by_crate(part, &Policy::of_nothing(), until.cancel)?);
                }
                ended => return Ok(ended),
            }
            if let Some(ended) = until.ended(ids) {
                return Ok(ended);
            }
            stretch = rest;
        }
        Ok(Ended::WithIds)
    }

    fn tokenize(&self, text: &str, policy: &Policy, cancel: Option<&AtomicBool>) -> Result<PreTokenizedString> {
        policy.check(text)?;
        self.tokenize_pieces(text, cancel, || self.added.split(text, policy, &self.normalizers))
    }

    /// What the crate makes of segments as one text.
    pub(crate) fn encoding_of_segments(&self, segments: &Segments, between: &Policy) -> Result<Encoding> {
        let split = || self.added.split_segments(segments, between, &self.normalizers);
        let pieces = self.tokenize_pieces(&segments.text, None, split)?;
        pieces.into_encoding(None, 0, OffsetType::Byte).map_err(failed)
    }

    fn tokenize_pieces(
        &self,
        text: &str,
        cancel: Option<&AtomicBool>,
        split: impl FnOnce() -> tokenizers::Result<PreTokenizedString>,
    ) -> Result<PreTokenizedString> {
        check(text)?;
        let model = self.model.get()?;
        within_time(text.len(), || {
            let mut pieces = split().map_err(failed)?;
            for split in &self.splits {
                if is_cancelled(cancel) {
                    return Err(Error::Cancelled);
                }
                split.apply(&mut pieces).map_err(failed)?;
            }
            let done = pieces
                .tokenize(|piece| if is_cancelled(cancel) { Err(Stopped.into()) } else { model.tokenize(piece.get()) });
            done.map_err(|error| if error.is::<Stopped>() { Error::Cancelled } else { failed(error) })?;
            Ok(pieces)
        })
    }

    /// What tokens of the model that go on with a word start with, where such are marked, as by `WordPiece`.
    pub fn continuing_prefix(&self) -> Option<&str> {
        self.model.continuing_prefix()
    }

    /// The id of a token, added ones first.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        let tokens = self.model.tokens();
        self.added.id(token).or_else(|| Some(tokens.id(tokens.place(token).filter(|_| !token.is_empty())?)))
    }

    /// The token `id` as it is written in the file.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.added.get(id).map(|token| &*token.content).or_else(|| self.model_token(id))
    }

    /// The bytes that token `id` stands for: of a token for a byte that byte, of others their text as it is written in the file.
    pub fn token_bytes(&self, id: u32) -> Option<Vec<u8>> {
        if let Some(token) = self.added.get(id) {
            return Some(token.content.clone().into_bytes());
        }
        let token = self.model_token(id)?;
        if self.byte_level
            && let Some(bytes) = crate::byte_level::bytes_of(token)
        {
            return Some(bytes);
        }
        let byte = self.byte_fallback.then(|| byte_of(token)).flatten();
        Some(byte.map_or_else(|| token.as_bytes().to_vec(), |byte| vec![byte]))
    }

    pub(crate) fn model_token(&self, id: u32) -> Option<&str> {
        let tokens = self.model.tokens();
        tokens.places_of_id(id).last().map(|place| tokens.text(place))
    }
}

/// [`Error::Limit`] for a text that is too long.
fn check(text: &str) -> Result<()> {
    if text.len() > LARGEST_TEXT {
        return Err(Error::Limit {
            reason: format!(
                "expected a text of at most {LARGEST_TEXT} bytes for this tokenizer, received one of {}",
                text.len()
            ),
        });
    }
    Ok(())
}

/// The fingerprint of the parts of a file.
pub(crate) fn fingerprint(
    model: &crate::model::Model,
    added: &AddedTokens,
    normalizer: &Value,
    pre_tokenizer: &Value,
) -> String {
    let mut hash = Sha256::new();
    hash.update(b"tokenizer.json 1");
    model.hash(&mut hash);
    let mut tokens: Vec<_> = added.all().iter().collect();
    tokens.sort_by_key(|token| token.id);
    for token in tokens {
        hash.update(format!("{token:?}\n"));
    }
    for part in [normalizer, pre_tokenizer] {
        write_canonically(part, &mut hash);
        hash.update(b"\n");
    }
    hash.finalize().iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string does not fail.
        _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// The same bytes for the same value, in whatever order its keys are.
fn write_canonically(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_unstable_by_key(|&(key, _)| key);
            hash.update(b"{");
            for (key, value) in keys {
                hash.update(format!("{key:?}:"));
                write_canonically(value, hash);
                hash.update(b",");
            }
            hash.update(b"}");
        }
        Value::Array(list) => {
            hash.update(b"[");
            for value in list {
                write_canonically(value, hash);
                hash.update(b",");
            }
            hash.update(b"]");
        }
        other => hash.update(other.to_string()),
    }
}

/// The work on a text was cancelled.
#[derive(Debug, thiserror::Error)]
#[error("cancelled")]
struct Stopped;

/// What an error of the crate on a text means.
#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub(crate) fn failed(error: tokenizers::Error) -> Error {
    use tokenizers::models::{bpe, unigram, wordlevel, wordpiece};
    let reason = error.to_string();
    if error.is::<OutOfBounds>() || error.is::<TooLong>() || error.is::<TooMuchShared>() {
        return Error::Limit { reason };
    }
    let unknown = matches!(error.downcast_ref(), Some(unigram::UnigramError::MissingUnkId))
        || matches!(error.downcast_ref(), Some(wordlevel::Error::MissingUnkToken))
        || matches!(error.downcast_ref(), Some(wordpiece::Error::MissingUnkToken))
        || matches!(error.downcast_ref(), Some(bpe::Error::UnkTokenOutOfVocabulary(_)));
    if unknown {
        return Error::UnknownWord {
            reason: format!("expected words of the vocabulary, as it has no unknown token: {reason}"),
        };
    }
    Error::Failed { reason }
}

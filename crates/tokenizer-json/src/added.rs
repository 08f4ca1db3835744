//! Added tokens: found in a text before the model sees it.
//!
//! They are looked for as the `tokenizers` crate does, in two rounds: those that are not normalized in the text as it is, then the others
//! in what is left and normalized. Special ones count only where a policy allows them; the others always.

use std::collections::HashMap;
use std::iter;

use serde_json::Value;
use tokenizers::normalizer::Range;
use tokenizers::{NormalizedString, PreTokenizedString, Token};
use tokenmill_bpe::{Match, Search, check_lengths};

use crate::error::{Error, Result, invalid};
use crate::file::Added;
use crate::limits::LARGEST_NORMALIZED;
use crate::nfc;
use crate::segments::Segments;
use crate::steps::{Normalize, flat, kind, normalize};

/// The added tokens of a tokenizer.
pub(crate) struct AddedTokens {
    tokens: Vec<Added>,
    /// What a token looks like in a normalized text.
    normalized: Vec<String>,
    by_content: HashMap<String, usize>,
    by_id: HashMap<u32, usize>,
}

impl AddedTokens {
    /// Special tokens may share an id, as the two names of one in `o200k_harmony`: both are found, and the last is what the id is decoded to.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] when two of them have one content, or one id and are not both special.
    pub fn new(tokens: Vec<Added>, normalizers: &[Normalize]) -> Result<Self> {
        let mut added =
            Self { tokens: Vec::new(), normalized: Vec::new(), by_content: HashMap::new(), by_id: HashMap::new() };
        let mut room = LARGEST_NORMALIZED;
        for token in tokens {
            // The crate skips them too.
            if token.content.is_empty() {
                continue;
            }
            let place = added.tokens.len();
            if let Some(&first) = added.by_content.get(&token.content) {
                if added.tokens[first] == token {
                    continue;
                }
                return Err(invalid(format!("added_tokens: the token {:?} is there twice", token.content)));
            }
            if let Some(&first) = added.by_id.get(&token.id)
                && !(added.tokens[first].special && token.special)
            {
                return Err(invalid(format!(
                    "added_tokens: {:?} and {:?} have the same id {}",
                    added.tokens[first].content, token.content, token.id
                )));
            }
            let mut normalized = NormalizedString::from(token.content.as_str());
            if token.normalized {
                normalize(normalizers, &mut normalized, &mut room).map_err(|error| {
                    invalid(format!("added_tokens: {:?} cannot be normalized: {error}", token.content))
                })?;
            }
            added.by_content.insert(token.content.clone(), place);
            added.by_id.insert(token.id, place);
            added.normalized.push(normalized.get().to_owned());
            added.tokens.push(token);
        }
        Ok(added)
    }

    /// All of them, in the order of the file.
    pub fn all(&self) -> &[Added] {
        &self.tokens
    }

    pub fn id(&self, content: &str) -> Option<u32> {
        self.by_content.get(content).map(|&place| self.tokens[place].id)
    }

    /// Whether `content` is a special token, and has this id.
    pub fn is_special(&self, content: &str, id: u32) -> bool {
        self.by_content.get(content).is_some_and(|&place| self.tokens[place].special && self.tokens[place].id == id)
    }

    pub fn get(&self, id: u32) -> Option<&Added> {
        self.by_id.get(&id).map(|&place| &self.tokens[place])
    }

    /// What a decoder gets for `id`: the token as it is in a normalized text, so that it can undo that.
    pub fn decoded(&self, id: u32) -> Option<&str> {
        self.by_id.get(&id).map(|&place| &*self.normalized[place])
    }

    /// Whether all of them look in a normalized text as they are.
    pub fn are_unchanged(&self) -> bool {
        self.tokens.iter().zip(&self.normalized).all(|(token, normalized)| token.content == *normalized)
    }

    /// Which special tokens a call reads as such and which it refuses, which wins where both name a token. Other names have no effect in
    /// `allowed`, and are refused in `disallowed`.
    ///
    /// # Errors
    /// [`Error::Limit`] when names that are not tokens of the file are as long as [`check_lengths`]
    /// refuses.
    pub fn policy<S: AsRef<str>>(&self, allowed: &[S], disallowed: &[S]) -> Result<Policy> {
        let allowed: std::collections::HashSet<&str> = allowed.iter().map(AsRef::as_ref).collect();
        let (mut raw, mut normalized) = (Vec::new(), Vec::new());
        for (place, token) in self.tokens.iter().enumerate() {
            if token.special && !allowed.contains(&*token.content) {
                continue;
            }
            if token.normalized {
                // A normalizer may leave nothing of it, and then it is nowhere.
                if !self.normalized[place].is_empty() {
                    normalized.push((&*self.normalized[place], place));
                }
            } else {
                raw.push((&*token.content, place));
            }
        }
        let names: Vec<&str> = disallowed.iter().map(AsRef::as_ref).filter(|name| !name.is_empty()).collect();
        let of_the_call = names.iter().copied().filter(|&name| !self.by_content.contains_key(name));
        check_lengths(of_the_call).map_err(|error| Error::Limit { reason: error.to_string() })?;
        Ok(Policy {
            longest: (raw.iter().chain(&normalized))
                .map(|(text, _)| text.len())
                .chain(names.iter().map(|name| name.len()))
                .max()
                .unwrap_or(0),
            raw: Find::new(&raw),
            normalized: Find::new(&normalized),
            disallowed: Search::of(names),
        })
    }

    /// Cuts `text` at its added tokens and normalizes what is between them.
    pub fn split(
        &self,
        text: &str,
        policy: &Policy,
        normalizers: &[Normalize],
    ) -> tokenizers::Result<PreTokenizedString> {
        // Of an empty text no piece is left.
        let is_cut = !policy.raw.is_empty() || text.is_empty();
        self.split_at(text, is_cut.then(|| self.find(text, &policy.raw)), policy, normalizers)
    }

    /// [`AddedTokens::split`] of segments as one text.
    pub fn split_segments(
        &self,
        segments: &Segments,
        policy: &Policy,
        normalizers: &[Normalize],
    ) -> tokenizers::Result<PreTokenizedString> {
        self.split_at(&segments.text, Some(self.find_raw(segments)), policy, normalizers)
    }

    /// Cuts `text` at the tokens that were `found`, normalizes what is between them, and cuts that at those of `policy` that are looked for there.
    fn split_at(
        &self,
        text: &str,
        found: Option<impl Iterator<Item = Found>>,
        policy: &Policy,
        normalizers: &[Normalize],
    ) -> tokenizers::Result<PreTokenizedString> {
        let mut pieces = PreTokenizedString::from(text);
        let mut shared = LARGEST_NORMALIZED;
        if let Some(mut found) = found {
            pieces.split(|_, piece| cut(&piece, &mut found, &mut shared))?;
        }
        if normalizers.is_empty() && policy.normalized.is_empty() {
            return Ok(pieces);
        }
        let mut room = LARGEST_NORMALIZED;
        pieces.split(|_, mut piece| {
            normalize(normalizers, &mut piece, &mut room)?;
            // Also where nothing is looked for: a piece starts where what is left of it does.
            cut(&piece, self.find(piece.get(), &policy.normalized), &mut shared)
        })?;
        Ok(pieces)
    }

    /// Whether those that are looked for in what is normalized are found in the text as it is, too.
    pub fn are_found_as_they_are(&self, normalizer: &Value) -> bool {
        match flat("", "normalizers", normalizer).as_deref() {
            Ok([]) => true,
            Ok([one]) if kind(one) == "NFC" => {
                // What is beside one may be no word before, and one after it.
                self.tokens.iter().all(|token| !token.normalized || !token.single_word && nfc::is_kept(&token.content))
            }
            _ => false,
        }
    }

    /// The added tokens of `text`, from left to right, where they [are found as they are](Self::are_found_as_they_are).
    pub fn find_in<'a>(&'a self, text: &'a str, policy: &'a Policy) -> impl Iterator<Item = Found> + 'a {
        self.with_normalized(text, self.find(text, &policy.raw), policy)
    }

    /// [`AddedTokens::find_in`] of segments as one text.
    pub fn find_in_segments<'a>(
        &'a self,
        segments: &'a Segments<'a>,
        policy: &'a Policy,
    ) -> impl Iterator<Item = Found> + 'a {
        self.with_normalized(&segments.text, self.find_raw(segments), policy)
    }

    /// The tokens that were `found` in `text`, and those of `policy` that are looked for in what is between them.
    fn with_normalized<'a>(
        &'a self,
        text: &'a str,
        found: impl Iterator<Item = Found> + 'a,
        policy: &'a Policy,
    ) -> impl Iterator<Item = Found> + 'a {
        let mut done = 0;
        found.map(Some).chain([None]).flat_map(move |token| {
            let (start, end) = token.as_ref().map_or((text.len(), text.len()), |token| (token.start, token.end));
            let before = std::mem::replace(&mut done, end);
            // A token may stand in the white space that the one before took.
            let stretch = text.get(before..start).unwrap_or_default();
            let inside = self.find(stretch, &policy.normalized);
            inside
                .map(move |found| Found {
                    start: before + found.start,
                    end: before + found.end,
                    at: before + found.at,
                    ..found
                })
                .chain(token)
        })
    }

    /// Where in `text` the searches for tokens stop, be it one or not, in any order: where each starts and ends.
    pub fn find_stops(&self, text: &str, policy: &Policy) -> Vec<(usize, usize)> {
        let mut stops: Vec<_> = policy.raw.find_all(text).map(|found| (found.start, found.end)).collect();
        if !policy.normalized.is_empty() {
            let mut done = 0;
            for (start, end) in
                self.find(text, &policy.raw).map(|token| (token.start, token.end)).chain([(text.len(), 0)])
            {
                let stretch = text.get(done..start).unwrap_or_default();
                stops.extend(policy.normalized.find_all(stretch).map(|found| (done + found.start, done + found.end)));
                done = end;
            }
        }
        stops
    }

    fn find<'a>(&'a self, text: &'a str, find: &'a Find) -> impl Iterator<Item = Found> + 'a {
        let places = find.find_all(text).map(|Match { start, end, number }| (start, end, find.places[number]));
        self.with_white_space(text, places)
    }

    /// Those that are looked for in a text as it is: special ones only in segments that are trusted.
    fn find_raw<'a>(&'a self, segments: &'a Segments<'a>) -> impl Iterator<Item = Found> + 'a {
        let places = segments.each().flat_map(|(start, text, policy)| {
            let places =
                policy.raw.find_all(text).map(|found| (found.start, found.end, policy.raw.places[found.number]));
            // One that is looked for in what is normalized, too, if it is all of the segment.
            let whole = self
                .by_content
                .get(text)
                .copied()
                .filter(|place| self.tokens[*place].special && policy.normalized.places.contains(place));
            places
                .chain(whole.map(|place| (0, text.len(), place)))
                .map(move |(from, to, place)| (start + from, start + to, place))
        });
        self.with_white_space(&segments.text, places)
    }

    /// The tokens among those that may be at some places of `text`, each from where to where, with the white space that they take.
    fn with_white_space<'a>(
        &'a self,
        text: &'a str,
        places: impl Iterator<Item = (usize, usize, usize)> + 'a,
    ) -> impl Iterator<Item = Found> + 'a {
        // In a run of white space every character may be a token: what was looked through is remembered, from where to where.
        let (mut done, mut white) = (0, 0..=0);
        places.filter_map(move |(mut start, mut end, place)| {
            let (token, at) = (&self.tokens[place], start);
            if token.single_word && !(is_word_end(&text[..start]) && is_word_start(&text[end..])) {
                return None;
            }
            if token.lstrip {
                // What an earlier token took is taken.
                start = done + text.get(done..start).unwrap_or_default().trim_end().len();
            }
            if token.rstrip {
                if !white.contains(&end) {
                    white = end..=text.len() - text[end..].trim_start().len();
                }
                end = *white.end();
            }
            if end <= start {
                // An earlier token took all of it.
                return None;
            }
            done = end;
            Some(Found { id: token.id, start, end, at })
        })
    }
}

/// Cuts `piece` at the tokens that were `found` in it. They may have as many bytes in common with those before as are left of `shared`: each gets its own copy
/// of them.
fn cut(
    piece: &NormalizedString,
    found: impl Iterator<Item = Found>,
    shared: &mut usize,
) -> tokenizers::Result<Vec<(NormalizedString, Option<Vec<Token>>)>> {
    let slice =
        |start: usize, end: usize| piece.slice(Range::Normalized(start..end)).ok_or("an added token cuts a character");
    let text = piece.get();
    let (mut parts, mut done, mut taken) = (Vec::new(), 0, 0);
    for Found { id, start, end, .. } in found {
        *shared = shared.checked_sub(end.min(taken).saturating_sub(start)).ok_or(TooMuchShared)?;
        taken = end.max(taken);
        if done < start {
            parts.push((slice(done, start)?, None));
        }
        let found = slice(start, end)?;
        let length = found.get().len();
        let token = Token::new(id, found.get().to_owned(), (0, length));
        parts.push((found, Some(vec![token])));
        done = end;
    }
    if done != text.len() {
        parts.push((slice(done, text.len())?, None));
    }
    Ok(parts)
}

/// An added token in a text, with the white space that it takes.
pub(crate) struct Found {
    pub id: u32,
    pub start: usize,
    pub end: usize,
    /// Where what is written of it starts.
    pub at: usize,
}

/// A text in which tokens take the same white space too often.
#[derive(Debug, thiserror::Error)]
#[error("expected added tokens that have at most {LARGEST_NORMALIZED} bytes of white space in common, received more")]
pub(crate) struct TooMuchShared;

/// Whether no word goes on at the end of `text`.
fn is_word_end(text: &str) -> bool {
    !text.chars().next_back().is_some_and(regex_syntax::is_word_character)
}

/// Whether no word goes on at the start of `text`.
fn is_word_start(text: &str) -> bool {
    !text.chars().next().is_some_and(regex_syntax::is_word_character)
}

/// Which added tokens a call reads as such, and which special ones it refuses.
pub struct Policy {
    raw: Find,
    normalized: Find,
    disallowed: Search,
    longest: usize,
}

impl Policy {
    /// Nothing is an added token.
    pub(crate) fn of_nothing() -> Self {
        Self { raw: Find::new(&[]), normalized: Find::new(&[]), disallowed: Search::default(), longest: 0 }
    }

    /// The length of the longest token that is looked for, in bytes; 0 without any.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// Whether any token is refused.
    pub(crate) fn refuses(&self) -> bool {
        !self.disallowed.is_empty()
    }

    /// Where the first token from `from` on starts that is refused, and the token.
    pub(crate) fn next_disallowed(&self, text: &str, from: usize) -> Option<(usize, &str)> {
        let found = first(&self.disallowed, text, from)?;
        Some((found.start, self.disallowed.token(found.number)))
    }

    /// Whether added tokens are looked for in what is normalized.
    pub(crate) fn reads_normalized(&self) -> bool {
        !self.normalized.is_empty()
    }

    /// # Errors
    /// [`Error::DisallowedSpecialToken`] when `text` holds one.
    pub fn check(&self, text: &str) -> Result<()> {
        match self.next_disallowed(text, 0) {
            None => Ok(()),
            Some((at, token)) => Err(Error::DisallowedSpecialToken { token: token.to_owned(), at }),
        }
    }
}

/// Finds some of the added tokens: from left to right, of several that start at one place the longest.
struct Find {
    search: Search,
    /// Of each, its place among all added tokens.
    places: Vec<usize>,
}

impl Find {
    fn new(tokens: &[(&str, usize)]) -> Self {
        let search = Search::of(tokens.iter().map(|&(text, _)| text));
        Self { search, places: tokens.iter().map(|&(_, place)| place).collect() }
    }

    fn is_empty(&self) -> bool {
        self.search.is_empty()
    }

    fn find_all<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Match> + 'a {
        let mut from = 0;
        iter::from_fn(move || {
            let found = first(&self.search, text, from)?;
            from = found.end;
            Some(found)
        })
    }
}

fn first(search: &Search, text: &str, from: usize) -> Option<Match> {
    search.find(text, from, None).expect("nobody cancels it")
}

#[cfg(test)]
mod tests;

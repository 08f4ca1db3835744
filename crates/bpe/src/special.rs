//! Special tokens in text.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use std::collections::HashMap;

use crate::Error;

/// The special tokens of a tokenizer.
#[derive(Clone, Debug, Default)]
pub(crate) struct SpecialTokens {
    by_token: HashMap<String, u32>,
    by_id: HashMap<u32, String>,
}

impl SpecialTokens {
    /// Of several tokens with one id the first is the one that the id is decoded to.
    pub fn new(tokens: impl IntoIterator<Item = (String, u32)>) -> Result<Self, Error> {
        let mut special = Self::default();
        for (token, id) in tokens {
            let invalid = |reason: &str| Error::InvalidSpecialToken { token: token.clone(), reason: reason.to_owned() };
            if token.is_empty() {
                return Err(invalid("it is empty"));
            }
            if special.by_token.contains_key(&token) {
                return Err(invalid("it is there twice"));
            }
            special.by_id.entry(id).or_insert_with(|| token.clone());
            special.by_token.insert(token, id);
        }
        Ok(special)
    }

    pub fn id(&self, token: &str) -> Option<u32> {
        self.by_token.get(token).copied()
    }

    pub fn token(&self, id: u32) -> Option<&str> {
        self.by_id.get(&id).map(String::as_str)
    }

    pub fn largest_id(&self) -> Option<u32> {
        self.by_id.keys().copied().max()
    }

    /// All tokens and their ids, by ascending id and then by token.
    pub fn sorted(&self) -> Vec<(&str, u32)> {
        let mut tokens: Vec<_> = self.by_token.iter().map(|(token, &id)| (token.as_str(), id)).collect();
        tokens.sort_by_key(|&(token, id)| (id, token));
        tokens
    }

    /// The policy that reads the special tokens `allowed` as such and refuses text with one of `disallowed`, which wins where
    /// both name a token. A name that is no special token has no effect in `allowed`; in `disallowed` it is refused all the same.
    pub fn policy<S: AsRef<str>>(&self, allowed: &[S], disallowed: &[S]) -> Result<SpecialPolicy, Error> {
        let allowed: Vec<_> =
            allowed.iter().filter_map(|token| Some((token.as_ref(), self.id(token.as_ref())?))).collect();
        let refused: Vec<&str> = disallowed.iter().map(AsRef::as_ref).collect();
        Ok(SpecialPolicy {
            allowed: automaton(allowed.iter().map(|&(token, _)| token))?,
            allowed_ids: allowed.iter().map(|&(_, id)| id).collect(),
            disallowed: automaton(refused.iter().copied())?,
            disallowed_tokens: refused.into_iter().map(str::to_owned).collect(),
        })
    }
}

/// Which special tokens a call reads as such, which it refuses; all others are plain text.
#[derive(Clone, Debug, Default)]
pub struct SpecialPolicy {
    allowed: Option<AhoCorasick>,
    allowed_ids: Vec<u32>,
    disallowed: Option<AhoCorasick>,
    disallowed_tokens: Vec<String>,
}

impl SpecialPolicy {
    /// An error when `text` holds a disallowed token.
    pub(crate) fn check(&self, text: &str) -> Result<(), Error> {
        match self.disallowed.as_ref().and_then(|automaton| automaton.find(text)) {
            None => Ok(()),
            Some(found) => Err(Error::DisallowedSpecialToken {
                token: self.disallowed_tokens[found.pattern().as_usize()].clone(),
                at: found.start(),
            }),
        }
    }

    /// The next allowed token from `from` on: where it starts and ends, and its id.
    pub(crate) fn next_allowed(&self, text: &str, from: usize) -> Option<(usize, usize, u32)> {
        let found = self.allowed.as_ref()?.find(aho_corasick::Input::new(text).range(from..))?;
        Some((found.start(), found.end(), self.allowed_ids[found.pattern().as_usize()]))
    }
}

/// Finds the leftmost of `tokens`, the longest of several that start there; `None` without tokens.
fn automaton<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Result<Option<AhoCorasick>, Error> {
    let tokens: Vec<&str> = tokens.into_iter().collect();
    if tokens.is_empty() {
        return Ok(None);
    }
    AhoCorasickBuilder::new()
        .match_kind(MatchKind::LeftmostLongest)
        .build(&tokens)
        .map(Some)
        .map_err(|error| Error::InvalidSpecialToken { token: tokens[0].to_owned(), reason: error.to_string() })
}

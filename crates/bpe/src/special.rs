//! Special tokens in text.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::atomic::AtomicBool;

use crate::Error;
use crate::search::{Search, check_lengths};

/// The special tokens of a tokenizer.
#[derive(Clone, Debug)]
pub(crate) struct SpecialTokens {
    by_token: HashMap<String, u32>,
    by_id: HashMap<u32, String>,
    /// The ids are in here, and few others.
    ids: RangeInclusive<u32>,
    /// Those that are found in every text and are not special: added tokens of a tokenizer.json.
    added: BTreeMap<u32, String>,
}

impl SpecialTokens {
    /// `tokens`, and `added` ones, which are found in every text. Of several tokens with one id the first is the one that the id is decoded to.
    pub fn new(
        tokens: impl IntoIterator<Item = (String, u32)>,
        added: impl IntoIterator<Item = (String, u32)>,
    ) -> Result<Self, Error> {
        let (mut by_token, mut by_id) = (HashMap::new(), HashMap::new());
        let (mut first, mut last) = (u32::MAX, 0);
        let added: BTreeMap<u32, String> = added.into_iter().map(|(token, id)| (id, token)).collect();
        let all = tokens.into_iter().chain(added.iter().map(|(&id, token)| (token.clone(), id)));
        for (token, id) in all {
            let invalid = |reason: &str| Error::InvalidSpecialToken { token: token.clone(), reason: reason.to_owned() };
            if token.is_empty() {
                return Err(invalid("it is empty"));
            }
            if by_token.contains_key(&token) {
                return Err(invalid("it is there twice"));
            }
            by_id.entry(id).or_insert_with(|| token.clone());
            by_token.insert(token, id);
            (first, last) = (first.min(id), last.max(id));
        }
        check_lengths(by_token.keys().map(String::as_str))?;
        Ok(Self { by_token, by_id, ids: first..=last, added })
    }

    pub fn id(&self, token: &str) -> Option<u32> {
        self.by_token.get(token).copied()
    }

    pub fn token(&self, id: u32) -> Option<&str> {
        self.by_id.get(&id).map(String::as_str)
    }

    /// Whether `id` is that of a special token: fast for the ids of ordinary ones.
    #[inline(always)]
    pub fn has(&self, id: u32) -> bool {
        self.ids.contains(&id) && self.by_id.contains_key(&id) && !self.added.contains_key(&id)
    }

    /// Those that are found in every text, by ascending id.
    pub fn added(&self) -> impl Iterator<Item = (&str, u32)> {
        self.added.iter().map(|(&id, token)| (token.as_str(), id))
    }

    pub fn largest_id(&self) -> Option<u32> {
        (!self.by_id.is_empty()).then_some(*self.ids.end())
    }

    /// All special tokens and their ids, by ascending id; of several with one id first the one that it is decoded to, then by token.
    pub fn sorted(&self) -> Vec<(&str, u32)> {
        let all = self.by_token.iter().map(|(token, &id)| (token.as_str(), id));
        let mut tokens: Vec<_> = all.filter(|(_, id)| !self.added.contains_key(id)).collect();
        tokens.sort_by_key(|&(token, id)| (id, self.token(id) != Some(token), token));
        tokens
    }

    /// The policy that reads the special tokens `allowed` as such and refuses text with one of `disallowed`, which wins where
    /// both name a token. A name that is no special token has no effect in `allowed`; in `disallowed` it is refused all the same.
    pub fn policy<S: AsRef<str>>(&self, allowed: &[S], disallowed: &[S]) -> Result<SpecialPolicy, Error> {
        let named = allowed.iter().filter_map(|token| Some((token.as_ref(), self.id(token.as_ref())?)));
        let named = named.filter(|(_, id)| !self.added.contains_key(id));
        let allowed: Vec<(&str, u32)> = named.chain(self.added()).collect();
        let disallowed: Vec<&str> = disallowed.iter().map(AsRef::as_ref).collect();
        Ok(SpecialPolicy {
            allowed: Search::new(allowed.iter().map(|&(token, _)| token))?,
            allowed_ids: allowed.iter().map(|&(_, id)| id).collect(),
            disallowed: Search::new(disallowed)?,
        })
    }
}

/// Which special tokens a call reads as such, which it refuses; all others are plain text.
#[derive(Debug, Default)]
pub struct SpecialPolicy {
    allowed: Search,
    allowed_ids: Vec<u32>,
    disallowed: Search,
}

/// An allowed special token in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialToken {
    /// Where it starts, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its id.
    pub id: u32,
}

impl SpecialPolicy {
    /// Every token is plain text, added ones too.
    ///
    /// # Panics
    /// Never.
    pub fn of_nothing() -> Self {
        let nothing = SpecialTokens::new([], []).and_then(|tokens| tokens.policy::<&str>(&[], &[]));
        nothing.expect("no tokens are not too long")
    }

    /// Whether it refuses any text.
    pub fn refuses(&self) -> bool {
        !self.disallowed.is_empty()
    }

    /// An error when `text` holds a disallowed token. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`], [`Error::Cancelled`].
    pub fn check(&self, text: &str, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        match self.disallowed.find(text, 0, cancel)? {
            None => Ok(()),
            Some(found) => Err(Error::DisallowedSpecialToken {
                token: self.disallowed.token(found.number).to_owned(),
                at: found.start,
            }),
        }
    }

    /// Where the next disallowed token from `from` on starts, and which it is.
    pub(crate) fn next_disallowed(
        &self,
        text: &str,
        from: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Option<(usize, &str)>, Error> {
        let found = self.disallowed.find(text, from, cancel)?;
        Ok(found.map(|found| (found.start, self.disallowed.token(found.number))))
    }

    /// The next allowed token from `from` on. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn next_allowed(
        &self,
        text: &str,
        from: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Option<SpecialToken>, Error> {
        let found = self.allowed.find(text, from, cancel)?;
        Ok(found.map(|found| SpecialToken { start: found.start, end: found.end, id: self.allowed_ids[found.number] }))
    }

    /// The length of the longest token that is looked for, in bytes; 0 without any.
    pub(crate) fn longest(&self) -> usize {
        self.allowed.longest().max(self.disallowed.longest())
    }
}

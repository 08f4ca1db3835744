//! The tokens of a byte-level BPE and the merges that make them.

use std::collections::HashMap;
use std::ops::Range;

use ahash::RandomState;
use bytes::Bytes;

use crate::compact::{Compact, NO_PARTS};
use crate::copies::Copies;
use crate::parts::{parts, parts_among};
use crate::{Error, spread};

/// Ids are less than this: three of them fit one word of the pair table.
pub(crate) const MAX_IDS: usize = (1 << 21) - 1;
/// No token is longer, in bytes.
pub(crate) const MAX_TOKEN: usize = 4096;
/// All tokens together are not longer, in bytes.
const MAX_TOTAL: usize = 1 << 28;

/// The tokens of a byte-level BPE, by id. A smaller id is a higher priority, as in tiktoken, where it is called the rank.
///
/// Every token longer than a byte that merging can reach has one pair of parts: merging its own bytes, without itself, ends in
/// two tokens, and no other pair can ever stand side by side in its place. For as long as no merge reaches over the two
/// ends of a stretch of text, the merges inside it are the same, in the same order, whatever is around it. So merging by
/// pair of ids is the same as merging by concatenated bytes, which is how tiktoken defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// What [`Vocabulary::as_compact`] gives.
    file: Bytes,
    /// Token `id` is `bytes()[starts[id]..starts[id + 1]]`; an empty one is a hole in the ids.
    starts: Vec<u32>,
}

impl Vocabulary {
    /// The vocabulary of `tokens` and their ids, in any order.
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] when a token is empty, too long or there twice, an id is there twice or too large,
    /// one of the 243 bytes that UTF-8 has is not a token, or tokens are made so that tables take long to fill.
    pub fn from_tokens<'a>(tokens: impl IntoIterator<Item = (&'a [u8], u32)>) -> Result<Self, Error> {
        Self::of_tokens(tokens, None::<[[u32; 3]; 0]>)
    }

    /// [`Vocabulary::from_tokens`] of tokens that `merges` make, each given as the ids of two tokens and of what they make. They are only where to look
    /// first: the vocabulary is the same with any, and made faster with its own.
    ///
    /// # Errors
    /// Those of [`Vocabulary::from_tokens`].
    pub fn from_tokens_and_merges<'a>(
        tokens: impl IntoIterator<Item = (&'a [u8], u32)>,
        merges: impl IntoIterator<Item = [u32; 3]>,
    ) -> Result<Self, Error> {
        Self::of_tokens(tokens, Some(merges))
    }

    fn of_tokens<'a>(
        tokens: impl IntoIterator<Item = (&'a [u8], u32)>,
        merges: Option<impl IntoIterator<Item = [u32; 3]>>,
    ) -> Result<Self, Error> {
        let tokens = tokens.into_iter();
        let mut ids = HashMap::with_capacity_and_hasher(tokens.size_hint().0.min(MAX_IDS), RandomState::new());
        let mut by_id: Vec<&[u8]> = Vec::new();
        for (token, id) in tokens {
            let index = id as usize;
            if index >= MAX_IDS {
                return Err(invalid(format!("expected ids below {MAX_IDS}, found {id}")));
            }
            if token.is_empty() || token.len() > MAX_TOKEN {
                return Err(invalid(format!(
                    "expected tokens of 1 to {MAX_TOKEN} bytes, token {id} has {}",
                    token.len()
                )));
            }
            if let Some(first) = ids.insert(token, id) {
                return Err(invalid(format!("tokens {first} and {id} are the same")));
            }
            if by_id.len() <= index {
                by_id.resize(index + 1, &[]);
            }
            if !std::mem::replace(&mut by_id[index], token).is_empty() {
                return Err(invalid(format!("two tokens have the id {id}")));
            }
        }
        let total: usize = by_id.iter().map(|token| token.len()).sum();
        if total > MAX_TOTAL {
            return Err(invalid(format!("expected at most {MAX_TOTAL} bytes of tokens, found {total}")));
        }
        let mut starts = vec![0];
        starts.extend(by_id.iter().scan(0, |end, token| {
            *end += token.len() as u32;
            Some(*end)
        }));
        let parts = merges.map_or_else(|| parts(&by_id), |merges| parts_among(&by_id, merges));
        let vocabulary = Self::from_compact(Compact::write(&starts, &parts, &by_id.concat()))?;
        spread::check(&vocabulary)?;
        Ok(vocabulary)
    }

    /// The same vocabulary without the tokens of `ids`, none of which has parts or is one of another token; the others are numbered anew, in their order.
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] when one of `ids` is a byte, or has parts, or is one.
    pub fn without(&self, ids: &[u32]) -> Result<Self, Error> {
        let mut is_left_out = vec![false; self.len()];
        for &id in ids {
            if self.get(id).is_none_or(|token| token.len() < 2) || self.parts(id).is_some() {
                return Err(invalid(format!("expected a token that merging does not make, {id} is none")));
            }
            is_left_out[id as usize] = true;
        }
        let numbers = is_left_out.into_iter().scan(0, |next, is_left_out| {
            Some(if is_left_out { None } else { Some(std::mem::replace(next, *next + 1)) })
        });
        let numbers: Vec<Option<u32>> = numbers.collect();
        let (mut starts, mut parts, mut bytes) = (vec![0], Vec::new(), Vec::new());
        for id in (0..self.len() as u32).filter(|&id| numbers[id as usize].is_some()) {
            bytes.extend_from_slice(self.token(id));
            starts.push(bytes.len() as u32);
            parts.push(match self.parts(id) {
                None => [NO_PARTS; 2],
                Some((left, right)) => match [left, right].map(|part| numbers[part as usize]) {
                    [Some(left), Some(right)] => [left, right],
                    _ => return Err(invalid(format!("token {id} has parts that merging does not make"))),
                },
            });
        }
        Self::from_compact(Compact::write(&starts, &parts, &bytes))
    }

    /// The vocabulary of the form that [`Vocabulary::as_compact`] gives, which is used where it is. That the parts of a token are its parts is
    /// believed, since to look would take most of the time: see [`Vocabulary::check_parts`].
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] when `file` is not that form, with what was expected.
    pub fn from_compact(file: impl Into<Bytes>) -> Result<Self, Error> {
        let file = file.into();
        let compact = Compact::read(&file)?;
        let (starts, total, longest) = compact.starts();
        if longest > MAX_TOKEN {
            return Err(invalid(format!("expected tokens of at most {MAX_TOKEN} bytes, found one of {longest}")));
        }
        if total != compact.bytes.len() as u64 || compact.bytes.len() > MAX_TOTAL {
            return Err(invalid(format!("expected {total} bytes of tokens, found {}", compact.bytes.len())));
        }
        if let Some(id) = compact.with_unknown_parts() {
            return Err(invalid(format!("token {id} joins {:?}, which are not both tokens", compact.parts(id))));
        }
        // Text is UTF-8, which never has the others.
        let mut missing: [bool; 256] = std::array::from_fn(|byte| !matches!(byte, 0xc0 | 0xc1 | 0xf5..));
        for id in compact.of_length(1) {
            missing[usize::from(compact.bytes[starts[id as usize] as usize])] = false;
        }
        match missing.iter().position(|&missing| missing) {
            Some(byte) => Err(invalid(format!("expected every byte of UTF-8 to be a token, 0x{byte:02x} is not"))),
            None => Ok(Self { file, starts }),
        }
    }

    /// The vocabulary of tokens whose merges are known: after `holes` ids without a token the 256 bytes in the order of `alphabet`, then the
    /// tokens that `merges` make, by pairs of ids that are there before them and make tokens of at most [`MAX_TOKEN`] bytes, no two the same.
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] when they are too long together.
    pub(crate) fn from_merges(holes: u32, alphabet: &[u8; 256], merges: &[[u32; 2]]) -> Result<Self, Error> {
        let mut starts = vec![0; holes as usize];
        starts.extend(0..=alphabet.len() as u32);
        let mut parts = vec![[NO_PARTS; 2]; holes as usize + alphabet.len()];
        let mut bytes = alphabet.to_vec();
        for &pair in merges {
            for part in pair {
                let range = starts[part as usize] as usize..starts[part as usize + 1] as usize;
                bytes.extend_from_within(range);
            }
            if bytes.len() > MAX_TOTAL {
                return Err(invalid(format!("expected at most {MAX_TOTAL} bytes of tokens, found more")));
            }
            starts.push(bytes.len() as u32);
            parts.push(pair);
        }
        Self::from_compact(Compact::write(&starts, &parts, &bytes))
    }

    /// Whether the parts of each token make the token.
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] that names the first one of which they do not.
    pub fn check_parts(&self) -> Result<(), Error> {
        for (id, token) in self.tokens() {
            if let Some((left, right)) = self.parts(id)
                && token.strip_prefix(self.token(left)) != Some(self.token(right))
            {
                return Err(invalid(format!("token {id} is not {left} and {right} joined")));
            }
        }
        Ok(())
    }

    /// A form that is used where it is, so that to load a file of it takes no time: the bytes of the tokens, and the ids of their two parts. What
    /// is where is said in `crates/bpe/src/compact.rs`.
    pub fn as_compact(&self) -> &[u8] {
        &self.file
    }

    /// The largest id + 1.
    #[expect(clippy::len_without_is_empty, reason = "never empty: bytes are in it")]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The bytes of token `id`; `None` when there is no such token.
    pub fn get(&self, id: u32) -> Option<&[u8]> {
        ((id as usize) < self.len()).then(|| self.token(id)).filter(|token| !token.is_empty())
    }

    /// The ids and bytes of all tokens, by ascending id.
    pub fn tokens(&self) -> impl Iterator<Item = (u32, &[u8])> {
        (0..self.len() as u32).map(|id| (id, self.token(id))).filter(|(_, token)| !token.is_empty())
    }

    /// The two tokens whose merge is token `id`; `None` for bytes, holes, and tokens that no merge reaches.
    pub fn parts(&self, id: u32) -> Option<(u32, u32)> {
        let [left, right] = self.compact().parts(id as usize);
        (left != NO_PARTS).then_some((left, right))
    }

    /// Where the bytes of token `id` are in [`Vocabulary::bytes`]; empty for a hole. Panics when `id` is not below `len`.
    pub(crate) fn range(&self, id: u32) -> Range<usize> {
        self.starts[id as usize] as usize..self.starts[id as usize + 1] as usize
    }

    /// The bytes of the tokens, to be copied.
    pub(crate) fn copies(&self) -> Copies<'_, u8> {
        Copies::new(self.bytes(), &self.starts)
    }

    /// The bytes of all tokens, one after the other.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.compact().bytes
    }

    fn token(&self, id: u32) -> &[u8] {
        &self.bytes()[self.range(id)]
    }

    /// Its lengths and parts as they are in its file.
    #[inline]
    pub(crate) fn compact(&self) -> Compact<'_> {
        Compact::of(&self.file, self.len())
    }
}

pub(crate) fn invalid(reason: String) -> Error {
    Error::InvalidVocabulary { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes and then `more`.
    fn tokens(more: &[&[u8]]) -> Vec<(Vec<u8>, u32)> {
        let bytes = (0..=u8::MAX).map(|byte| vec![byte]);
        bytes.chain(more.iter().map(|token| token.to_vec())).zip(0..).collect()
    }

    fn of(tokens: &[(Vec<u8>, u32)]) -> Vocabulary {
        Vocabulary::from_tokens(tokens.iter().map(|(token, id)| (&token[..], *id))).expect("all differ")
    }

    #[test]
    fn merges_only_tell_where_to_look_first() {
        let tokens = tokens(&[b"ab", b"cd", b"abcd", b"xyz", b"bc"]);
        let by_tokens = of(&tokens);
        for merges in [
            &[][..],
            &[[97, 98, 256], [99, 100, 257], [256, 257, 258], [98, 99, 260]],
            &[[97, 99, 256], [98, 97, 256], [256, 256, 258], [7, 8, 9], [u32::MAX, 0, 1], [0, 0, u32::MAX]],
        ] {
            let tokens = tokens.iter().map(|(token, id)| (&token[..], *id));
            let vocabulary = Vocabulary::from_tokens_and_merges(tokens, merges.iter().copied()).expect("all differ");
            assert_eq!(vocabulary, by_tokens, "{merges:?}");
        }
    }

    #[test]
    fn tokens_that_are_never_made_are_left_out() {
        let vocabulary = of(&tokens(&[b"ab", b"xyz", b"abc", b"xyzab"]));
        let without = vocabulary.without(&[257, 259]).expect("merging makes neither");
        assert_eq!(without, of(&tokens(&[b"ab", b"abc"])));
        assert_eq!(vocabulary.without(&[]).expect("none is left out"), vocabulary);
        for id in [97, 256, 258, 260] {
            assert!(matches!(vocabulary.without(&[id]), Err(Error::InvalidVocabulary { .. })), "{id}");
        }
    }
}

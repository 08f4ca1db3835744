//! The model of a file, checked: it contradicts neither itself nor the added tokens nor what the `tokenizers` crate takes for granted.

use std::collections::HashSet;
use std::fmt::Write;

use ahash::RandomState;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::added::AddedTokens;
use crate::error::{Error, Result, invalid};
use crate::file::{RawModel, Text, parse_merges, parse_part};
use crate::limits::{LONGEST_UNIGRAM, LONGEST_WORD};
use crate::score::Score;
use crate::tokens::{List, Tokens};

/// A checked model.
pub(crate) struct Model {
    pub kind: Kind,
    /// No token is there twice, and no id but for several special tokens.
    pub tokens: Tokens,
    /// The token for what the model does not know.
    pub unknown: Option<String>,
    pub byte_fallback: bool,
}

pub(crate) enum Kind {
    Bpe {
        merges: Vec<Merge>,
        continuing_subword_prefix: Option<String>,
        end_of_word_suffix: Option<String>,
        fuse_unk: bool,
        ignore_merges: bool,
    },
    WordPiece {
        continuing_subword_prefix: String,
        max_input_chars_per_word: usize,
    },
    WordLevel,
    Unigram {
        /// Of the token at each place, which is its id.
        scores: Vec<f64>,
        unk_id: Option<usize>,
    },
}

/// A merge, by the places of its two tokens and of what they make.
#[derive(Clone, Copy)]
pub(crate) struct Merge {
    pub left: u32,
    pub right: u32,
    pub made: u32,
}

impl Kind {
    /// The name of the type in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bpe { .. } => "BPE",
            Self::WordPiece { .. } => "WordPiece",
            Self::WordLevel => "WordLevel",
            Self::Unigram { .. } => "Unigram",
        }
    }

    /// What tokens that go on with a word start with, where such are marked.
    pub fn continuing_prefix(&self) -> Option<&str> {
        let prefix = match self {
            Self::Bpe { continuing_subword_prefix, .. } => continuing_subword_prefix.as_deref(),
            Self::WordPiece { continuing_subword_prefix, .. } => Some(continuing_subword_prefix.as_str()),
            Self::WordLevel | Self::Unigram { .. } => None,
        };
        prefix.filter(|prefix| !prefix.is_empty())
    }
}

impl Model {
    /// # Errors
    /// [`Error::InvalidFile`] that names the field; [`Error::Limit`].
    pub fn parse(raw: RawModel, added: &AddedTokens) -> Result<Self> {
        let kind = match &raw.kind {
            Some(kind) => kind.as_str(),
            // Files of old versions do not say.
            None if raw.merges.is_some() => "BPE",
            None if raw.vocab.is_some_and(|vocab| vocab.get().starts_with('[')) => "Unigram",
            None if raw.max_input_chars_per_word.is_some() => "WordPiece",
            None => "WordLevel",
        };
        let model = match kind {
            "BPE" => Self::bpe(raw)?,
            "WordPiece" => Self::word_piece(raw)?,
            "WordLevel" => Self::word_level(raw)?,
            "Unigram" => Self::unigram(&raw)?,
            other => {
                return Err(invalid(format!(
                    "expected model.type to be BPE, WordPiece, WordLevel or Unigram, received {other:?}"
                )));
            }
        };
        model.check_ids(added)?;
        Ok(model)
    }

    fn bpe(raw: RawModel) -> Result<Self> {
        if raw.dropout.is_some_and(|dropout| dropout != 0.0) {
            return Err(invalid("expected model.dropout to be null or 0, as the same text must have the same ids"));
        }
        let tokens = Tokens::new(parse_part("vocab", raw.vocab)?)?;
        let prefix = raw.continuing_subword_prefix.filter(|prefix| !prefix.is_empty());
        let merges = merges(raw.merges, &tokens, prefix.as_deref().unwrap_or_default().len())?;
        Ok(Self {
            kind: Kind::Bpe {
                merges,
                continuing_subword_prefix: prefix,
                end_of_word_suffix: raw.end_of_word_suffix.filter(|suffix| !suffix.is_empty()),
                fuse_unk: raw.fuse_unk.unwrap_or(false),
                ignore_merges: raw.ignore_merges.unwrap_or(false),
            },
            tokens,
            unknown: raw.unk_token,
            byte_fallback: raw.byte_fallback.unwrap_or(false),
        })
    }

    fn word_piece(raw: RawModel) -> Result<Self> {
        let tokens = Tokens::new(parse_part("vocab", raw.vocab)?)?;
        let longest = raw.max_input_chars_per_word.unwrap_or(100);
        if longest > LONGEST_WORD {
            return Err(Error::Limit {
                reason: format!(
                    "expected model.max_input_chars_per_word to be at most {LONGEST_WORD}, received {longest}"
                ),
            });
        }
        let unknown = raw.unk_token.unwrap_or_else(|| "[UNK]".to_owned());
        Ok(Self {
            kind: Kind::WordPiece {
                continuing_subword_prefix: raw.continuing_subword_prefix.unwrap_or_else(|| "##".to_owned()),
                max_input_chars_per_word: longest as usize,
            },
            tokens,
            unknown: Some(unknown),
            byte_fallback: false,
        })
    }

    fn word_level(raw: RawModel) -> Result<Self> {
        let tokens = Tokens::new(parse_part("vocab", raw.vocab)?)?;
        let unknown = raw.unk_token.unwrap_or_else(|| "<unk>".to_owned());
        Ok(Self { kind: Kind::WordLevel, tokens, unknown: Some(unknown), byte_fallback: false })
    }

    fn unigram(raw: &RawModel) -> Result<Self> {
        let list: Vec<(Text, Score)> = parse_part("vocab", raw.vocab)?;
        if u32::try_from(list.len()).is_err() {
            return Err(invalid("expected fewer tokens in model.vocab"));
        }
        let unk_id = match raw.unk_id {
            Some(id) if id >= list.len() as u64 => {
                return Err(invalid(format!("expected model.unk_id to be below {}, received {id}", list.len())));
            }
            id => id.map(|id| id as usize),
        };
        let (mut tokens, mut scores) = (List::default(), Vec::with_capacity(list.len()));
        for (id, (Text(token), Score(score))) in list.into_iter().enumerate() {
            if token.len() > LONGEST_UNIGRAM {
                return Err(Error::Limit {
                    reason: format!(
                        "expected tokens of at most {LONGEST_UNIGRAM} bytes in model.vocab, token {id} has {}",
                        token.len()
                    ),
                });
            }
            tokens.push(&token, id as u32);
            scores.push(score);
        }
        let tokens = Tokens::new(tokens)?;
        let unknown = unk_id.map(|id| tokens.text(id as u32).to_owned());
        Ok(Self {
            kind: Kind::Unigram { scores, unk_id },
            tokens,
            unknown,
            byte_fallback: raw.byte_fallback.unwrap_or(false),
        })
    }

    /// Only special tokens may share an id.
    fn check_ids(&self, added: &AddedTokens) -> Result<()> {
        let tokens = self.tokens.iter();
        for ((first, id), (token, next)) in tokens.clone().zip(tokens.skip(1)) {
            if id == next && !(added.is_special(first, id) && added.is_special(token, id)) {
                return Err(invalid(format!("model.vocab: {first:?} and {token:?} have the same id {id}")));
            }
        }
        Ok(())
    }

    /// Adds all that decides ids to `hash`.
    pub fn hash(&self, hash: &mut Sha256) {
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        let mut options = format!("{} {:?} {}", self.kind.name(), self.unknown, self.byte_fallback);
        // Writing to a string does not fail.
        _ = match &self.kind {
            Kind::Bpe { continuing_subword_prefix, end_of_word_suffix, fuse_unk, ignore_merges, .. } => {
                write!(options, " {continuing_subword_prefix:?} {end_of_word_suffix:?} {fuse_unk} {ignore_merges}")
            }
            Kind::WordPiece { continuing_subword_prefix, max_input_chars_per_word } => {
                write!(options, " {continuing_subword_prefix:?} {max_input_chars_per_word}")
            }
            Kind::WordLevel => Ok(()),
            Kind::Unigram { unk_id, .. } => write!(options, " {unk_id:?}"),
        };
        field(options.as_bytes());
        for (token, id) in self.tokens.iter() {
            field(&id.to_le_bytes());
            field(token.as_bytes());
        }
        match &self.kind {
            Kind::Bpe { merges, .. } => merges.iter().for_each(|merge| {
                field(self.tokens.text(merge.left).as_bytes());
                field(self.tokens.text(merge.right).as_bytes());
            }),
            Kind::Unigram { scores, .. } => scores.iter().for_each(|score| field(&score.to_le_bytes())),
            _ => {}
        }
    }

    /// The places of the tokens that the model must not give as one of its own: special ones.
    pub fn hidden(&self, added: &AddedTokens) -> Hidden {
        let special = added.all().iter().filter(|token| token.special);
        special.filter_map(|token| self.tokens.place(&token.content)).collect()
    }

    /// What of it is shown.
    pub fn visible<'a>(&'a self, hidden: &'a Hidden) -> Visible<'a> {
        let looked_up = self.unknown.as_deref().filter(|_| !matches!(self.kind, Kind::Unigram { .. }));
        let looked_up = looked_up.and_then(|unknown| self.tokens.place(unknown));
        Visible { model: self, hidden, looked_up }
    }
}

/// Places of tokens.
pub(crate) type Hidden = HashSet<u32, RandomState>;

/// A model without its hidden tokens. The unknown token is there where it is looked up by its text.
#[derive(Clone, Copy)]
pub(crate) struct Visible<'a> {
    pub model: &'a Model,
    hidden: &'a Hidden,
    looked_up: Option<u32>,
}

impl<'a> Visible<'a> {
    pub fn has(&self, place: u32) -> bool {
        !self.hidden.contains(&place) || self.looked_up == Some(place)
    }

    /// The id of a token.
    pub fn id(&self, token: &str) -> Option<u32> {
        let place = self.model.tokens.place(token).filter(|&place| self.has(place))?;
        Some(self.model.tokens.id(place))
    }

    /// The tokens and their ids.
    pub fn tokens(self) -> impl Iterator<Item = (&'a str, u32)> + Clone {
        (0..).zip(self.model.tokens.iter()).filter(move |&(place, _)| self.has(place)).map(|(_, token)| token)
    }

    /// The merges of a BPE model all of whose tokens are shown, and their places in the list.
    pub fn merges(self) -> impl Iterator<Item = (usize, Merge)> + Clone {
        let merges: &[Merge] = if let Kind::Bpe { merges, .. } = &self.model.kind { merges } else { &[] };
        let is_shown = move |merge: &Merge| [merge.left, merge.right, merge.made].iter().all(|&place| self.has(place));
        merges.iter().copied().enumerate().filter(move |(_, merge)| is_shown(merge))
    }
}

/// The merges of a list. Each joins two tokens to a third, longer than both: then none is missing, and none leads round in a circle. Of the right one
/// a prefix of so many bytes is left out.
fn merges(raw: Option<&RawValue>, tokens: &Tokens, prefix: usize) -> Result<Vec<Merge>> {
    let (mut merges, mut wrong, mut joined) = (Vec::new(), None, String::new());
    let mut merge = |index: usize, left: &str, right: &str| {
        let place = |token: &str| {
            let missing = || format!("model.merges[{index}]: expected tokens of model.vocab, {token:?} is none");
            tokens.place(token).ok_or_else(|| invalid(missing()))
        };
        let (left_place, right_place) = (place(left)?, place(right)?);
        let Some(rest) = right.get(prefix..).filter(|rest| !rest.is_empty() && !left.is_empty()) else {
            return Err(invalid(format!(
                "model.merges[{index}]: expected two tokens that make a longer one, received {left:?} and {right:?}"
            )));
        };
        joined.clear();
        joined.extend([left, rest]);
        Ok(Merge { left: left_place, right: right_place, made: place(&joined)? })
    };
    parse_merges(raw, |left, right| {
        if wrong.is_none() {
            match merge(merges.len(), left, right) {
                Ok(merge) => merges.push(merge),
                Err(error) => wrong = Some(error),
            }
        }
    })?;
    wrong.map_or(Ok(merges), Err)
}

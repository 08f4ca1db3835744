//! The model of a file: checked, then handed to the `tokenizers` crate.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use ahash::AHashMap;
use sha2::{Digest, Sha256};
use tokenizers::ModelWrapper;
use tokenizers::models::bpe::BpeBuilder;
use tokenizers::models::unigram::Unigram;
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::models::wordpiece::WordPiece;

use crate::added::AddedTokens;
use crate::error::{Error, Result, invalid};
use crate::file::{Entries, Merge, RawModel, Text, parse_part};
use crate::limits::{LONGEST_UNIGRAM, LONGEST_WORD};
use crate::score::Score;

/// A model that contradicts neither itself nor the added tokens nor what the `tokenizers` crate takes for granted.
pub(crate) struct Model<'a> {
    pub kind: Kind<'a>,
    /// Tokens and their ids. No token is there twice, and no id but for several special tokens.
    pub entries: Vec<(Cow<'a, str>, u32)>,
    /// The token for what the model does not know.
    pub unknown: Option<String>,
    pub byte_fallback: bool,
}

pub(crate) enum Kind<'a> {
    Bpe {
        merges: Vec<Merge<'a>>,
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
        scores: Vec<f64>,
        unk_id: Option<usize>,
    },
}

impl Kind<'_> {
    /// The name of the type in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bpe { .. } => "BPE",
            Self::WordPiece { .. } => "WordPiece",
            Self::WordLevel => "WordLevel",
            Self::Unigram { .. } => "Unigram",
        }
    }
}

impl<'a> Model<'a> {
    /// # Errors
    /// [`Error::InvalidFile`] that names the field; [`Error::Limit`].
    pub fn parse(raw: RawModel<'a>, added: &AddedTokens) -> Result<Self> {
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
        model.check_entries(added)?;
        Ok(model)
    }

    fn bpe(raw: RawModel<'a>) -> Result<Self> {
        if raw.dropout.is_some_and(|dropout| dropout != 0.0) {
            return Err(invalid("expected model.dropout to be null or 0, as the same text must have the same ids"));
        }
        let Entries(entries) = parse_part("vocab", raw.vocab)?;
        let merges: Vec<Merge> = parse_part("merges", raw.merges)?;
        let prefix = raw.continuing_subword_prefix.filter(|prefix| !prefix.is_empty());
        check_merges(&entries, &merges, prefix.as_deref().unwrap_or_default())?;
        Ok(Self {
            kind: Kind::Bpe {
                merges,
                continuing_subword_prefix: prefix,
                end_of_word_suffix: raw.end_of_word_suffix.filter(|suffix| !suffix.is_empty()),
                fuse_unk: raw.fuse_unk.unwrap_or(false),
                ignore_merges: raw.ignore_merges.unwrap_or(false),
            },
            entries,
            unknown: raw.unk_token,
            byte_fallback: raw.byte_fallback.unwrap_or(false),
        })
    }

    fn word_piece(raw: RawModel<'a>) -> Result<Self> {
        let Entries(entries) = parse_part("vocab", raw.vocab)?;
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
            entries,
            unknown: Some(unknown),
            byte_fallback: false,
        })
    }

    fn word_level(raw: RawModel<'a>) -> Result<Self> {
        let Entries(entries) = parse_part("vocab", raw.vocab)?;
        let unknown = raw.unk_token.unwrap_or_else(|| "<unk>".to_owned());
        Ok(Self { kind: Kind::WordLevel, entries, unknown: Some(unknown), byte_fallback: false })
    }

    fn unigram(raw: &RawModel<'a>) -> Result<Self> {
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
        let (mut entries, mut scores) = (Vec::with_capacity(list.len()), Vec::with_capacity(list.len()));
        for (id, (Text(token), Score(score))) in list.into_iter().enumerate() {
            if token.len() > LONGEST_UNIGRAM {
                return Err(Error::Limit {
                    reason: format!(
                        "expected tokens of at most {LONGEST_UNIGRAM} bytes in model.vocab, token {id} has {}",
                        token.len()
                    ),
                });
            }
            entries.push((token, id as u32));
            scores.push(score);
        }
        let unknown = unk_id.map(|id| entries[id].0.clone().into_owned());
        Ok(Self {
            kind: Kind::Unigram { scores, unk_id },
            entries,
            unknown,
            byte_fallback: raw.byte_fallback.unwrap_or(false),
        })
    }

    fn check_entries(&self, added: &AddedTokens) -> Result<()> {
        let (mut tokens, mut ids) =
            (HashSet::with_capacity(self.entries.len()), HashMap::with_capacity(self.entries.len()));
        for (token, id) in &self.entries {
            if !tokens.insert(&**token) {
                return Err(invalid(format!("model.vocab: the token {token:?} is there twice")));
            }
            if let Some(first) = ids.insert(*id, token)
                && !(added.is_special(first, *id) && added.is_special(token, *id))
            {
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
        let mut sorted: Vec<_> = self.entries.iter().map(|(token, id)| (*id, &**token)).collect();
        sorted.sort_unstable();
        for (id, token) in sorted {
            field(&id.to_le_bytes());
            field(token.as_bytes());
        }
        match &self.kind {
            Kind::Bpe { merges, .. } => merges.iter().for_each(|Merge(left, right)| {
                field(left.as_bytes());
                field(right.as_bytes());
            }),
            Kind::Unigram { scores, .. } => scores.iter().for_each(|score| field(&score.to_le_bytes())),
            _ => {}
        }
    }

    /// The tokens that are not hidden, and their ids. The unknown token is not where it is looked up by its text.
    pub fn visible<'s>(&'s self, hidden: &'s HashSet<&str>) -> impl Iterator<Item = (&'s str, u32)> + Clone {
        let looked_up = self.unknown.as_deref().filter(|_| !matches!(self.kind, Kind::Unigram { .. }));
        let entries = self.entries.iter().map(|(token, id)| (&**token, *id));
        entries.filter(move |(token, _)| !is_hidden(token, hidden, looked_up))
    }

    /// The model of the `tokenizers` crate, which never gives the id of one of `hidden`: plain text must not become a special token. The
    /// unknown token stays where the crate looks it up by its text.
    pub fn into_wrapper(self, hidden: &HashSet<&str>) -> Result<ModelWrapper> {
        let Self { kind, entries, unknown, byte_fallback } = self;
        let is_hidden = |token: &str| is_hidden(token, hidden, unknown.as_deref());
        let vocabulary = |entries: Vec<(Cow<str>, u32)>| -> AHashMap<String, u32> {
            entries
                .into_iter()
                .filter(|(token, _)| !is_hidden(token))
                .map(|(token, id)| (token.into_owned(), id))
                .collect()
        };
        let model = match kind {
            Kind::Bpe { merges, continuing_subword_prefix, end_of_word_suffix, fuse_unk, ignore_merges } => {
                let prefix = continuing_subword_prefix.as_deref().unwrap_or_default().len();
                let merges = merges
                    .into_iter()
                    .filter(|Merge(left, right)| {
                        hidden.is_empty()
                            || !is_hidden(left)
                                && !is_hidden(right)
                                && !is_hidden(&format!("{left}{}", &right[prefix..]))
                    })
                    .map(|Merge(left, right)| (left.into_owned(), right.into_owned()))
                    .collect();
                let mut builder = BpeBuilder::new()
                    .vocab_and_merges(vocabulary(entries), merges)
                    .fuse_unk(fuse_unk)
                    .byte_fallback(byte_fallback)
                    .ignore_merges(ignore_merges);
                if let Some(unknown) = unknown {
                    builder = builder.unk_token(unknown);
                }
                if let Some(prefix) = continuing_subword_prefix {
                    builder = builder.continuing_subword_prefix(prefix);
                }
                if let Some(suffix) = end_of_word_suffix {
                    builder = builder.end_of_word_suffix(suffix);
                }
                ModelWrapper::BPE(builder.build().map_err(refused)?)
            }
            Kind::WordPiece { continuing_subword_prefix, max_input_chars_per_word } => ModelWrapper::WordPiece(
                WordPiece::builder()
                    .vocab(vocabulary(entries))
                    .unk_token(unknown.unwrap_or_default())
                    .continuing_subword_prefix(continuing_subword_prefix)
                    .max_input_chars_per_word(max_input_chars_per_word)
                    .build()
                    .map_err(refused)?,
            ),
            Kind::WordLevel => ModelWrapper::WordLevel(
                WordLevel::builder()
                    .vocab(vocabulary(entries))
                    .unk_token(unknown.unwrap_or_default())
                    .build()
                    .map_err(refused)?,
            ),
            Kind::Unigram { scores, unk_id } => {
                // An empty token is never found in a text; ids, which are places in the list, stay as they are.
                let tokens = entries
                    .into_iter()
                    .map(|(token, _)| if hidden.contains(&*token) { String::new() } else { token.into_owned() });
                ModelWrapper::Unigram(
                    Unigram::from(tokens.zip(scores).collect(), unk_id, byte_fallback).map_err(refused)?,
                )
            }
        };
        Ok(model)
    }
}

/// Whether `token` is one of `hidden`, but for the unknown token where that is `looked_up` by its text.
fn is_hidden(token: &str, hidden: &HashSet<&str>, looked_up: Option<&str>) -> bool {
    hidden.contains(token) && looked_up != Some(token)
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn refused(error: tokenizers::Error) -> Error {
    invalid(format!("model: {error}"))
}

/// Each merge joins two tokens to a third, longer than both: then none is missing, and none leads round in a circle.
fn check_merges(entries: &[(Cow<str>, u32)], merges: &[Merge], prefix: &str) -> Result<()> {
    let tokens: HashSet<&str> = entries.iter().map(|(token, _)| &**token).collect();
    let mut joined = String::new();
    for (index, Merge(left, right)) in merges.iter().enumerate() {
        let missing =
            |token: &str| invalid(format!("model.merges[{index}]: expected tokens of model.vocab, {token:?} is none"));
        for token in [left, right] {
            if !tokens.contains(&**token) {
                return Err(missing(token));
            }
        }
        let Some(rest) = right.get(prefix.len()..).filter(|rest| !rest.is_empty() && !left.is_empty()) else {
            return Err(invalid(format!(
                "model.merges[{index}]: expected two tokens that make a longer one, received {left:?} and {right:?}"
            )));
        };
        joined.clear();
        joined.push_str(left);
        joined.push_str(rest);
        if !tokens.contains(&*joined) {
            return Err(missing(&joined));
        }
    }
    Ok(())
}

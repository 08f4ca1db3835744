//! Ids of Unigram and character-level BPE models by words, for files that were made of `sentencepiece`'s: T5, XLM-R, Llama 2, Gemma and their like.
//!
//! In them `▁` stands for a space. Where `Metaspace` splits a text, words start with it ([`by_spaces`]); where a text is merged as a whole, it falls into
//! words between characters that no merge joins ([`by_pairs`]). Ids of words are remembered; those of others are found by [`unigram`] and [`merges`].
//! Where words are from is told by [`places`], and what is rare by the `tokenizers` crate. In words, and in tokens here, a space stands for `▁`.

mod alphabet;
mod by_engine;
mod by_pairs;
mod by_spaces;
mod bytes;
mod characters;
mod merges;
mod places;
mod unigram;

use serde_json::{Value, json};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper};

use crate::error::{Error, Result};
use crate::memory::not_enough;
use crate::model::{Kind, Visible};
use crate::placed::Placed;
use crate::steps::{flat, kind};
use crate::words::{Ended, Memories, Model as _, Start, Until};
use alphabet::Alphabet;
use by_engine::ByEngine;
use by_spaces::{BySpaces, Spaces, Stripped};
use bytes::{ByteTokens, MARK};
use merges::Merges;
use unigram::Unigram;

/// Ids of texts, by the words in them.
pub(crate) struct SentencePiece {
    cut: Cut,
    /// Whether a stretch of text gets a mark before it.
    prefix: PrependScheme,
    memories: Memories,
}

/// From text to words, and from words to ids.
enum Cut {
    UnigramBySpaces(Box<BySpaces>, Unigram),
    MergesBySpaces(Box<BySpaces>, Box<Merges>),
    /// With `true` a text gets a mark even where it starts with one.
    MergesOfAll(Box<Whole>, bool),
}

/// Merges of a text as a whole.
enum Whole {
    ByEngine(Alphabet, Box<ByEngine>),
    ByPairs(Merges),
}

impl Whole {
    fn new(model: Visible) -> Option<Self> {
        let alphabet = alphabet_of(model)?;
        Some(match ByEngine::new(model, &alphabet) {
            Some(engine) => Self::ByEngine(alphabet, Box::new(engine)),
            None => Self::ByPairs(Merges::new(model, alphabet)),
        })
    }

    fn alphabet(&self) -> &Alphabet {
        match self {
            Self::ByEngine(alphabet, _) => alphabet,
            Self::ByPairs(merges) => &merges.alphabet,
        }
    }
}

/// What the steps before the model come to.
enum Steps {
    BySpaces(Box<BySpaces>),
    /// As in [`Cut::MergesOfAll`].
    ByPairs(bool),
}

impl SentencePiece {
    /// `None` when the file has another model, or other steps before it.
    pub fn new(model: Visible, normalizer: &Value, pre_tokenizer: &Value) -> Option<Self> {
        let kind = &model.model.kind;
        if !matches!(kind, Kind::Unigram { .. } | Kind::Bpe { .. }) {
            return None;
        }
        let (steps, prefix) = steps(normalizer, pre_tokenizer)?;
        let cut = match (steps, kind) {
            (Steps::BySpaces(words), Kind::Unigram { .. }) => Cut::UnigramBySpaces(words, unigram_of(model)?),
            (Steps::BySpaces(words), _) => {
                Cut::MergesBySpaces(words, Box::new(Merges::new(model, alphabet_of(model)?)))
            }
            (Steps::ByPairs(again), Kind::Bpe { .. }) => Cut::MergesOfAll(Box::new(Whole::new(model)?), again),
            (Steps::ByPairs(_), _) => return None,
        };
        Some(Self { cut, prefix, memories: Memories::default() })
    }

    #[cfg(test)]
    fn is_by_engine(&self) -> bool {
        matches!(&self.cut, Cut::MergesOfAll(whole, _) if matches!(**whole, Whole::ByEngine(..)))
    }

    /// Whether `text` can be cut at `at`.
    pub fn is_cut(&self, text: &str, at: usize) -> bool {
        match &self.cut {
            Cut::UnigramBySpaces(words, _) | Cut::MergesBySpaces(words, _) => {
                // What the crate is asked for has a mark again where its space is stripped.
                (self.prefix == PrependScheme::Always || !words.strips()) && words.is_cut(text, at)
            }
            Cut::MergesOfAll(model, _) => model.alphabet().is_cut(text, at),
        }
    }

    /// See [`crate::by_words::ByWords::are_parts_of_crate`].
    pub fn are_parts_of_crate(&self) -> bool {
        !matches!(self.cut, Cut::MergesOfAll(..))
    }

    /// See [`crate::by_words::ByWords::place`].
    pub fn place(
        &self,
        (text, base): (&str, usize),
        start: Start,
        length: impl Fn(u32) -> usize,
        placed: &mut Placed,
    ) -> Result<bool> {
        let prefix = self.is_prefixed(start);
        let (words, model) = match &self.cut {
            Cut::UnigramBySpaces(words, model) => (words, Ok(model)),
            Cut::MergesBySpaces(words, model) => (words, Err(model)),
            Cut::MergesOfAll(model, again) => {
                let mut ids = Vec::new();
                match self.encode(text, start, &mut ids, Until { cancel: placed.cancel, most: usize::MAX }) {
                    Ended::WithIds => {}
                    Ended::Cancelled => return Err(Error::Cancelled),
                    Ended::TooLarge(bytes) => return Err(not_enough(bytes)),
                    _ => return Ok(false),
                }
                placed.reserve(ids.len())?;
                let all = by_pairs::characters(text, base, by_pairs::has_prefix(text, prefix, *again));
                by_pairs::place(all, model.alphabet(), ids, length, placed);
                placed.word += u32::from(!text.is_empty());
                return Ok(true);
            }
        };
        let mut reserved = Ok(());
        let is_told = words.each_word(text, base, prefix, |word| {
            // Of a character that is unknown each byte may be one, and a mark has three.
            reserved = placed.reserve(MARK.len_utf8() * word.text.len());
            let is_known = reserved.is_ok()
                && match model {
                    Ok(unigram) => unigram.each(word.text.as_bytes(), |id, start, end| {
                        placed.push(id, (word.origins[start].0, word.origins[end - 1].1));
                    }),
                    Err(merges) => {
                        let mut ids = Vec::new();
                        let is_known = merges.add(word.text.as_bytes(), &mut ids);
                        let all = word.text.char_indices().map(|(at, character)| (word.origins[at], character));
                        by_pairs::place(all, &merges.alphabet, ids, &length, placed);
                        is_known
                    }
                };
            placed.word += 1;
            is_known
        });
        reserved.map(|()| is_told)
    }

    /// See [`crate::by_words::ByWords::keeps_spaces`].
    pub fn keeps_spaces(&self) -> bool {
        matches!(self.cut, Cut::MergesOfAll(..))
    }

    /// Whether a stretch of text gets a mark.
    fn is_prefixed(&self, start: Start) -> bool {
        match self.prefix {
            PrependScheme::Always => start != Start::AtCut,
            PrependScheme::First => start == Start::OfText,
            PrependScheme::Never => false,
        }
    }

    /// Adds the ids of `text`, a stretch between added tokens, to `ids`; of those that were added none counts when it ends in another way.
    pub fn encode(&self, text: &str, start: Start, ids: &mut Vec<u32>, until: Until) -> Ended {
        let (prefix, is_cut) = (self.is_prefixed(start), start == Start::AtCut);
        match &self.cut {
            Cut::UnigramBySpaces(words, model) => {
                self.memories.with(|memory| words.walk(text, (prefix, is_cut), model, (ids, memory), until))
            }
            Cut::MergesBySpaces(words, model) => {
                self.memories.with(|memory| words.walk(text, (prefix, is_cut), &**model, (ids, memory), until))
            }
            Cut::MergesOfAll(model, again) => {
                let prefix = by_pairs::has_prefix(text, prefix, *again);
                match &**model {
                    Whole::ByEngine(_, engine) => engine.encode(text, prefix, ids, until),
                    Whole::ByPairs(model) => {
                        self.memories.with(|memory| by_pairs::walk(text, prefix, model, (ids, memory), until))
                    }
                }
            }
        }
    }
}

fn unigram_of(model: Visible) -> Option<Unigram> {
    let Kind::Unigram { scores, unk_id } = &model.model.kind else { return None };
    let bytes = model.model.byte_fallback.then(|| ByteTokens::new(|token| model.id(token)));
    let found = model.tokens().filter(|(token, _)| !token.contains(' '));
    let tokens: Vec<(String, u32)> = found.map(|(token, id)| (token.replace(MARK, " "), id)).collect();
    let tokens = tokens.iter().map(|(token, id)| (token.as_bytes(), *id)).collect();
    let unknown = unk_id.map(|id| id as u32);
    Some(Unigram::new(tokens, scores, unknown, bytes))
}

fn alphabet_of(model: Visible) -> Option<Alphabet> {
    match &model.model.kind {
        Kind::Bpe {
            continuing_subword_prefix: None, end_of_word_suffix: None, fuse_unk, ignore_merges: false, ..
        } => Alphabet::new(model, *fuse_unk),
        _ => None,
    }
}

/// What the steps before the model make of a text, and whether they put a mark before it.
fn steps(normalizer: &Value, pre_tokenizer: &Value) -> Option<(Steps, PrependScheme)> {
    let normalizer = flat("normalizer", "normalizers", normalizer).ok()?;
    let pre_tokenizer = flat("pre_tokenizer", "pretokenizers", pre_tokenizer).ok()?;
    let replaces_spaces = |part: &Value| is_replace(part, &json!({ "String": " " }), &[MARK]);
    // Where no spaces are left, nothing is split at them.
    let splits_at_spaces = |part: &&Value| {
        kind(part) == "Split" && part["pattern"] == json!({ "String": " " }) && part["invert"] == json!(false)
    };
    match (&normalizer[..], &pre_tokenizer[..]) {
        ([replace], []) if replaces_spaces(replace) => Some((Steps::ByPairs(false), PrependScheme::Never)),
        ([replace], [split]) if replaces_spaces(replace) && splits_at_spaces(split) => {
            Some((Steps::ByPairs(false), PrependScheme::Never))
        }
        ([prepend, replace], []) if replaces_spaces(replace) && is_prepend(prepend) => {
            Some((Steps::ByPairs(true), PrependScheme::Always))
        }
        (normalizer, [metaspace]) => {
            let metaspace = metaspace_of(metaspace)?;
            if metaspace.split {
                return Some((words_by_spaces(normalizer, None, &metaspace)?, metaspace.prepend_scheme));
            }
            normalizer.is_empty().then_some((Steps::ByPairs(false), metaspace.prepend_scheme))
        }
        (normalizer, [split, metaspace]) if kind(split) == "WhitespaceSplit" => {
            let metaspace = metaspace_of(metaspace).filter(|metaspace| metaspace.split)?;
            Some((words_by_spaces(normalizer, Some(Spaces::Dropped), &metaspace)?, metaspace.prepend_scheme))
        }
        _ => None,
    }
}

fn is_replace(part: &Value, pattern: &Value, contents: &[char]) -> bool {
    let is_content = |text: &str| contents.iter().any(|content| text.chars().eq([*content]));
    kind(part) == "Replace" && part["pattern"] == *pattern && part["content"].as_str().is_some_and(is_content)
}

fn is_prepend(part: &Value) -> bool {
    kind(part) == "Prepend" && part["prepend"].as_str().is_some_and(|text| text.chars().eq([MARK]))
}

fn metaspace_of(part: &Value) -> Option<Metaspace> {
    match serde_json::from_value(part.clone()).ok()? {
        PreTokenizerWrapper::Metaspace(metaspace) if metaspace.get_replacement() == MARK => Some(metaspace),
        _ => None,
    }
}

/// Words by `metaspace` after `normalizer`, of which these are known: a map of characters, with white space taken off before or after it, and in the end
/// one space, or a mark, for several.
fn words_by_spaces(normalizer: &[&Value], spaces: Option<Spaces>, metaspace: &Metaspace) -> Option<Steps> {
    let several = json!({ "Regex": " {2,}" });
    // A mark is no white space to what drops that.
    let contents: &[char] = if spaces.is_some() { &[' '] } else { &[' ', MARK] };
    let (normalizer, joins) = match normalizer {
        [rest @ .., last] if is_replace(last, &several, contents) => (rest, true),
        all => (all, false),
    };
    let spaces = spaces.unwrap_or(if joins { Spaces::Joined } else { Spaces::Kept });
    let (mut map, mut before, mut after) = (None, Stripped::NOTHING, Stripped::NOTHING);
    for part in normalizer {
        match serde_json::from_value((*part).clone()).ok()? {
            NormalizerWrapper::Precompiled(found) if map.is_none() => map = Some(found),
            NormalizerWrapper::StripNormalizer(strip) => {
                let place = if map.is_none() { &mut before } else { &mut after };
                if *place != Stripped::NOTHING {
                    return None;
                }
                *place = Stripped { left: strip.strip_left, right: strip.strip_right };
            }
            _ => return None,
        }
    }
    let is_told = match metaspace.prepend_scheme {
        PrependScheme::Always => true,
        // Only what starts where the text does gets a mark: nothing may be dropped there.
        PrependScheme::First => normalizer.is_empty() && spaces != Spaces::Dropped,
        PrependScheme::Never => spaces != Spaces::Dropped,
    };
    let is_told = is_told && (spaces != Spaces::Kept || after == Stripped::NOTHING);
    is_told.then(|| Steps::BySpaces(Box::new(BySpaces::new(map, spaces, before, after))))
}

#[cfg(test)]
pub(crate) mod tests;

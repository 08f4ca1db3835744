//! Pre-tokenizers: text into pieces, the way a regular expression of a published tokenizer would, by scanners.
//!
//! A scanner says where the piece that starts at a given place ends; it reads every byte at most a few times, so the
//! work is linear in the text. Pieces cover the text without gaps. Regular expressions that are not of the known family go to an engine
//! that backtracks, within bounds ([`splits`]).

mod block;
mod class;
mod class_table;
mod deepseek;
mod han;
mod masks;
mod names;
mod one;
mod recognise;
mod rules;
mod runs;
mod scan;
mod split;
mod splits;
pub mod timed;
mod unjoined;
mod unspaced;
mod wide;

use std::borrow::Cow;
use std::sync::Arc;

pub(crate) use masks::BLOCK;
pub use rules::Rules;
pub(crate) use scan::{Parts, Scan};
use scan::{Scanner, fixed};
pub use splits::Splits;
pub(crate) use unjoined::Unjoined;

use crate::{Error, Level};

/// The rule by which text is split into pieces, which are then merged each on its own. Cheap to clone.
///
/// Where patterns have one name they are those of many models: see [`Pattern::names`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pattern {
    /// GPT-2, r50k, p50k; `ByteLevel` of Hugging Face's tokenizers.
    R50k,
    /// GPT-3.5 and GPT-4.
    Cl100k,
    /// GPT-4o and later, gpt-oss, Llama 4.
    O200k,
    /// Llama 3, `OLMo` 2, GLM-4: cl100k, but for white space at the end of the text.
    Llama3,
    /// Qwen 2, 2.5 and 3: Llama 3 with single digits.
    Qwen2,
    /// Qwen 3.5: Qwen 2 with marks in words.
    Qwen35,
    /// nanochat: Llama 3 with two digits at most.
    Nanochat,
    /// Mistral's tekken: o200k with single digits and no contractions.
    Tekken,
    /// Kimi K2: o200k with Han on its own, and no slashes after punctuation.
    KimiK2,
    /// `StarCoder`, `SmolLM`: single digits are split off, the rest is split as by GPT-2.
    Starcoder,
    /// `DeepSeek` V3 and R1: numbers and then CJK are split off, the rest by rules of its own.
    DeepseekV3,
    /// A relative of these without a name, such as cl100k with two digits: from [`Pattern::from_regex`].
    Rules(Rules),
    /// Regular expressions of another kind: from [`Pattern::from_regex`] and [`Pattern::from_splits`].
    Splits(Arc<Splits>),
}

impl Pattern {
    /// Numbers one by one: what the pre-tokenizer `Digits` with `individual_digits` is to [`Pattern::from_splits`].
    pub const DIGITS: &'static str = r"\p{N}";
    /// What the pre-tokenizer `ByteLevel` with `use_regex` is to [`Pattern::from_splits`].
    pub const BYTE_LEVEL: &'static str = recognise::GPT2;

    /// The pattern of a regular expression: a scanner for those of published tokenizers (tiktoken's and Hugging Face's spellings
    /// alike) and their relatives, for all others a regex engine (`fancy-regex`: look-around, possessive and lazy quantifiers).
    ///
    /// Text is cut where a match starts and where one ends, and nothing is lost: text between two matches is a piece as well, as it is
    /// to the `Split` pre-tokenizer of Hugging Face with the behavior `Isolated`. (tiktoken drops it.) Searching is bounded: text on which
    /// the engine goes back too often, or takes much too long, is [`Error::PatternLimit`]. The text of such a pattern is one stretch to
    /// [`Pattern::split_before`]: it is not cut for threads, and nothing of a stream is known before its end.
    ///
    /// ```
    /// use tokenmill_bpe::Pattern;
    ///
    /// let qwen = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    /// assert_eq!(Pattern::from_regex(qwen)?, Pattern::Qwen2);
    /// let words = Pattern::from_regex("[a-z]+")?;
    /// assert_eq!(words.pieces("ab, cd").collect::<Vec<_>>(), ["ab", ", ", "cd"]);
    /// # Ok::<(), tokenmill_bpe::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidPattern`] when it is no regular expression, or too large a one.
    pub fn from_regex(regex: &str) -> Result<Self, Error> {
        Self::from_splits(&[regex])
    }

    /// The pattern of several regular expressions, each of which splits the pieces of the one before as that of [`Pattern::from_regex`]
    /// does: a `Sequence` of pre-tokenizers. Without any a text is one piece. Known sequences get a scanner.
    ///
    /// ```
    /// use tokenmill_bpe::Pattern;
    ///
    /// assert_eq!(Pattern::from_splits(&[Pattern::DIGITS, Pattern::BYTE_LEVEL])?, Pattern::Starcoder);
    /// # Ok::<(), tokenmill_bpe::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidPattern`] when one is no regular expression, or too large a one, or there are too many.
    pub fn from_splits<S: AsRef<str>>(regexes: &[S]) -> Result<Self, Error> {
        let regexes: Vec<String> = regexes.iter().map(|regex| regex.as_ref().to_owned()).collect();
        let rules = match &regexes[..] {
            [regex] => recognise::rules(regex),
            several => recognise::rules_after_numbers(several),
        };
        if let Some(rules) = rules {
            let has_rules = |pattern: &Self| pattern.rules() == Some(rules);
            return Ok(Self::named().find(has_rules).unwrap_or(Self::Rules(rules)));
        }
        if recognise::is_deepseek_v3(&regexes) {
            return Ok(Self::DeepseekV3);
        }
        Ok(Self::Splits(Arc::new(Splits::new(regexes)?)))
    }

    /// Its name, as [`Pattern::from_name`] takes it; of a pattern without a name its regular expression, or those that split one after
    /// the other, a line each.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Rules(rules) => rules.regexes().join("\n").into(),
            Self::Splits(splits) => splits.sources().join("\n").into(),
            named => named.own_name().unwrap_or_default().into(),
        }
    }

    /// The regular expressions that split a text as it does, one after the other.
    pub(crate) fn regexes(&self) -> Vec<String> {
        match self {
            Self::DeepseekV3 => recognise::DEEPSEEK_V3.map(str::to_owned).into(),
            Self::Splits(splits) => splits.sources().to_vec(),
            other => other.rules().map(Rules::regexes).unwrap_or_default(),
        }
    }

    /// What decides the pieces, for fingerprints: differs for any two patterns.
    pub(crate) fn identity(&self) -> Vec<u8> {
        let sources = match self {
            Self::Rules(rules) => rules.regexes(),
            Self::Splits(splits) => splits.sources().to_vec(),
            named => return named.own_name().unwrap_or_default().into(),
        };
        let with_length = |source: &String| [&(source.len() as u64).to_le_bytes(), source.as_bytes()].concat();
        // No name starts so.
        std::iter::once(vec![0]).chain(sources.iter().map(with_length)).flatten().collect()
    }

    /// Its rules, if it has some.
    fn rules(&self) -> Option<Rules> {
        Some(match self {
            Self::R50k => Rules::R50K,
            Self::Cl100k => Rules::CL100K,
            Self::O200k => Rules::O200K,
            Self::Llama3 => Rules::LLAMA3,
            Self::Qwen2 => Rules::QWEN2,
            Self::Qwen35 => Rules::QWEN35,
            Self::Nanochat => Rules::NANOCHAT,
            Self::Tekken => Rules::TEKKEN,
            Self::KimiK2 => Rules::KIMI,
            Self::Starcoder => Rules::STARCODER,
            &Self::Rules(rules) => rules,
            Self::DeepseekV3 | Self::Splits(_) => return None,
        })
    }

    /// Whether every text is one piece.
    pub(crate) fn is_of_one_piece(&self) -> bool {
        matches!(self, Self::Splits(splits) if splits.sources().is_empty())
    }

    /// The pieces of `text`, in order; joined they are `text`. One by one: the levels of instructions are compared with this.
    ///
    /// # Panics
    /// For a pattern of regular expressions, where [`Pattern::try_pieces`] gives an error.
    pub fn pieces<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        self.try_pieces(text).map(|piece| piece.expect("the text is within the limits of the pattern"))
    }

    /// The pieces of `text`, in order; joined they are `text`.
    ///
    /// # Errors
    /// [`Error::PatternLimit`], for a pattern of regular expressions; it is then the last item.
    pub fn try_pieces<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Result<&'a str, Error>> {
        let mut cuts = if let Self::Splits(splits) = self { Some(splits.cuts(text)) } else { None };
        let (mut start, mut failed) = (0, false);
        std::iter::from_fn(move || {
            if start == text.len() || failed {
                return None;
            }
            let end = match cuts.as_mut().map(splits::Cuts::next) {
                None => Ok(self.piece_end(text.as_bytes(), start)),
                Some(end) => end.map(|end| end.unwrap_or(text.len())),
            };
            failed = end.is_err();
            Some(end.map(|end| &text[std::mem::replace(&mut start, end)..end]))
        })
    }

    /// The end of the piece that starts at `start`; of a pattern that is no scanner, of the text.
    fn piece_end(&self, text: &[u8], start: usize) -> usize {
        match self {
            Self::R50k => fixed::R50k.piece_end(text, start),
            Self::Cl100k => fixed::Cl100k.piece_end(text, start),
            Self::O200k => fixed::O200k.piece_end(text, start),
            Self::DeepseekV3 => deepseek::V3.piece_end(text, start),
            Self::Splits(_) => text.len(),
            other => other.rules().map_or(text.len(), |rules| rules.piece_end(text, start)),
        }
    }

    /// The pieces of `text` by the instructions of `level`: the same ones.
    ///
    /// # Panics
    /// Where [`Pattern::pieces`] does.
    pub fn pieces_by<'a>(&self, level: Level, text: &'a str) -> Vec<&'a str> {
        let (mut pieces, mut start, mut ends) = (Vec::new(), 0, [0; 4 * BLOCK]);
        let mut scan = Scan::new(self, level, text);
        while !scan.is_done() {
            let count = scan.next(&mut ends).expect("the text is within the limits of the pattern");
            for &end in &ends[..count] {
                pieces.push(&text[start..end]);
                start = end;
            }
        }
        pieces
    }
}

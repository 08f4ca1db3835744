//! Normalizers, pre-tokenizers and decoders: those of the `tokenizers` crate, and own ones where it would panic or not end.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokenizers::normalizers;
use tokenizers::pattern::{Invert, Pattern};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{
    Decoder, DecoderWrapper, NormalizedString, Normalizer, NormalizerWrapper, PreTokenizedString, PreTokenizer,
    PreTokenizerWrapper, SplitDelimiterBehavior,
};

use crate::bounded::Bounded;
use crate::charsmap::check_charsmap;
use crate::error::{Error, Result, invalid};
use crate::limits::{LARGEST_NORMALIZED, LONGEST_PREFIX, LONGEST_REGEX, MOST_STEPS};
use crate::nowhere::change;
use crate::oniguruma::translated;

/// The parts of `value`, sequences laid flat. `key` is what a sequence calls its list.
pub(crate) fn flat<'a>(name: &str, key: &str, value: &'a Value) -> Result<Vec<&'a Value>> {
    let (mut parts, mut open) = (Vec::new(), vec![value]);
    while let Some(part) = open.pop() {
        let kind = part.get("type").and_then(Value::as_str);
        match part {
            Value::Null => {}
            Value::Object(_) if kind == Some("Sequence") || kind.is_none() && part.get(key).is_some() => {
                let list = part.get(key).and_then(Value::as_array);
                let list = list.ok_or_else(|| invalid(format!("{name}: expected a list of {key} in a Sequence")))?;
                open.extend(list.iter().rev());
            }
            Value::Object(_) => parts.push(part),
            other => return Err(invalid(format!("{name}: expected an object, received {other}"))),
        }
        if parts.len() + open.len() > MOST_STEPS {
            return Err(Error::Limit { reason: format!("expected at most {MOST_STEPS} parts in {name}") });
        }
    }
    Ok(parts)
}

pub(crate) fn kind(part: &Value) -> &str {
    part.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn of_crate<T: DeserializeOwned>(name: &str, part: &Value) -> Result<T> {
    serde_json::from_value(part.clone())
        .map_err(|error| invalid(format!("{name}: expected what the type {:?} has: {error}", kind(part))))
}

#[derive(Deserialize)]
enum Wanted {
    String(String),
    Regex(String),
}

impl Wanted {
    fn compile(&self, name: &str) -> Result<Bounded> {
        match self {
            Self::String(text) => Bounded::new(name, &regex_syntax::escape(text)),
            Self::Regex(source) => Bounded::of_oniguruma(name, source),
        }
    }
}

/// What a text goes through before it is split.
pub(crate) enum Normalize {
    Crate {
        normalizer: NormalizerWrapper,
        /// How many times longer a text may become, in bytes.
        growth: usize,
    },
    Replace {
        pattern: Bounded,
        content: String,
    },
}

impl Normalize {
    pub fn parse(value: &Value) -> Result<Vec<Self>> {
        // With a prefix of nothing the crate loses where characters are from, and panics on most texts.
        let is_nothing = |part: &&Value| kind(part) == "Prepend" && part.get("prepend") == Some(&Value::from(""));
        let parts = flat("normalizer", "normalizers", value)?.into_iter();
        parts.filter(|part| !is_nothing(part)).map(Self::one).collect()
    }

    fn one(part: &Value) -> Result<Self> {
        #[derive(Deserialize)]
        struct Replace {
            pattern: Wanted,
            content: String,
        }
        match kind(part) {
            "Replace" => {
                let Replace { pattern, content } = of_crate("normalizer", part)?;
                return Ok(Self::Replace { pattern: pattern.compile("normalizer")?, content });
            }
            "Prepend" => {
                let prefix = part.get("prepend").and_then(Value::as_str).unwrap_or_default();
                if prefix.len() > LONGEST_PREFIX {
                    return Err(Error::Limit {
                        reason: format!("expected at most {LONGEST_PREFIX} bytes for a normalizer to prepend"),
                    });
                }
            }
            "Precompiled" => {
                let growth = check_charsmap(part)?;
                return Ok(Self::Crate { normalizer: of_crate("normalizer", part)?, growth });
            }
            _ => {}
        }
        let normalizer = of_crate("normalizer", part)?;
        let growth = growth_of(&normalizer);
        Ok(Self::Crate { normalizer, growth })
    }

    /// The text may have `room` bytes when it is normalized.
    fn apply(&self, text: &mut NormalizedString, room: usize) -> tokenizers::Result<()> {
        match self {
            Self::Crate { normalizer, growth } => {
                if text.get().len().saturating_mul(*growth) > room {
                    check_growth(normalizer, text.get(), room)?;
                }
                match normalizer {
                    NormalizerWrapper::Prepend(_) => normalizer.normalize(text)?,
                    _ => change(text, |text| normalizer.normalize(text))?,
                }
            }
            Self::Replace { pattern, content } => {
                let longest = pattern.count(text.get())?.saturating_mul(content.len()).saturating_add(text.get().len());
                if longest > room {
                    return Err(TooLong.into());
                }
                text.replace(pattern, content)?;
            }
        }
        if text.get().len() > room { Err(TooLong.into()) } else { Ok(()) }
    }
}

/// Normalizes `text`, which takes of `room` as many bytes as it has then. [`TooLong`] when it is longer after any step, found out before
/// memory is asked for: the crate keeps more than a hundred bytes for each.
pub(crate) fn normalize(
    normalizers: &[Normalize],
    text: &mut NormalizedString,
    room: &mut usize,
) -> tokenizers::Result<()> {
    normalizers.iter().try_for_each(|normalizer| normalizer.apply(text, *room))?;
    *room = room.checked_sub(text.get().len()).ok_or(TooLong)?;
    Ok(())
}

/// How many times longer a text may become in UTF-8, by those whose numbers are in no file.
fn growth_of(normalizer: &NormalizerWrapper) -> usize {
    match normalizer {
        // U+FDFA is 33 bytes instead of 3.
        NormalizerWrapper::NFKC(_) | NormalizerWrapper::NFKD(_) => 11,
        // Syllables of Hangul, and U+0390.
        NormalizerWrapper::NFC(_) | NormalizerWrapper::NFD(_) => 3,
        // Decomposed, or with a space on each side.
        NormalizerWrapper::BertNormalizer(_) => 4,
        NormalizerWrapper::Lowercase(_) | NormalizerWrapper::ByteLevel(_) => 2,
        _ => 1,
    }
}

/// Normalizes parts of `text`, one after the other, to know whether the whole is too long.
fn check_growth(normalizer: &NormalizerWrapper, text: &str, room: usize) -> tokenizers::Result<()> {
    /// So short that no part takes much memory.
    const PART: usize = 1 << 16;
    // Characters on both sides of a cut are not joined; the exact length is looked at later.
    let most = room + room / 16;
    let (mut rest, mut length) = (text, 0);
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(PART));
        let mut part = NormalizedString::from(part);
        normalizer.normalize(&mut part)?;
        length += part.get().len();
        if length > most {
            return Err(TooLong.into());
        }
        rest = after;
    }
    Ok(())
}

/// A text that normalizers make too long.
#[derive(Debug, thiserror::Error)]
#[error("expected a text of at most {LARGEST_NORMALIZED} bytes when it is normalized, received a longer one")]
pub(crate) struct TooLong;

/// What splits a text into words.
pub(crate) enum Split {
    Crate(PreTokenizerWrapper),
    /// That of the crate, with a scanner for its expression, and for texts that start with what is from nowhere.
    ByteLevel {
        prefix_space: bool,
        scanner: Option<Scanner>,
    },
    /// An expression of a published tokenizer, whose every match is a piece, and which leaves nothing out.
    Scanner(Scanner),
    Regex {
        pattern: Bounded,
        behavior: SplitDelimiterBehavior,
        invert: bool,
    },
}

impl Split {
    pub fn parse(value: &Value) -> Result<Vec<Self>> {
        flat("pre_tokenizer", "pretokenizers", value)?.into_iter().map(Self::one).collect()
    }

    fn one(part: &Value) -> Result<Self> {
        #[derive(Deserialize)]
        struct Parts {
            pattern: Wanted,
            behavior: SplitDelimiterBehavior,
            invert: bool,
        }
        match kind(part) {
            "Split" => {
                let Parts { pattern, behavior, invert } = of_crate("pre_tokenizer", part)?;
                if let (Wanted::Regex(source), SplitDelimiterBehavior::Isolated, false) = (&pattern, behavior, invert)
                    && source.len() <= LONGEST_REGEX
                    && let Ok(pattern) = tokenmill_bpe::Pattern::from_regex(&translated(source))
                    && !matches!(pattern, tokenmill_bpe::Pattern::Splits(_))
                {
                    return Ok(Self::Scanner(Scanner(pattern)));
                }
                return Ok(Self::Regex { pattern: pattern.compile("pre_tokenizer")?, behavior, invert });
            }
            "FixedLength" if part.get("length").and_then(Value::as_u64) == Some(0) => {
                return Err(invalid("pre_tokenizer: expected the length of FixedLength to be at least 1, received 0"));
            }
            _ => {}
        }
        Ok(match of_crate("pre_tokenizer", part)? {
            PreTokenizerWrapper::ByteLevel(ByteLevel { add_prefix_space, use_regex, .. }) => Self::ByteLevel {
                prefix_space: add_prefix_space,
                scanner: use_regex.then_some(Scanner(tokenmill_bpe::Pattern::R50k)),
            },
            other => Self::Crate(other),
        })
    }

    pub fn apply(&self, text: &mut PreTokenizedString) -> tokenizers::Result<()> {
        match self {
            Self::Crate(splitter) => splitter.pre_tokenize(text),
            Self::ByteLevel { prefix_space, scanner } => {
                text.split(|_, mut piece| {
                    if *prefix_space && !piece.get().starts_with(' ') {
                        piece.prepend(" ");
                    }
                    match scanner {
                        Some(scanner) => piece.split(scanner, SplitDelimiterBehavior::Isolated),
                        None => Ok(vec![piece]),
                    }
                })?;
                text.normalize(|piece| change(piece, |piece| normalizers::ByteLevel.normalize(piece)))
            }
            Self::Scanner(scanner) => text.split(|_, piece| piece.split(scanner, SplitDelimiterBehavior::Isolated)),
            Self::Regex { pattern, behavior, invert: false } => text.split(|_, piece| piece.split(pattern, *behavior)),
            Self::Regex { pattern, behavior, invert: true } => {
                text.split(|_, piece| piece.split(Invert(pattern), *behavior))
            }
        }
    }
}

/// A hand-written scanner of `crates/bpe` in place of a regular expression.
pub(crate) struct Scanner(tokenmill_bpe::Pattern);

impl Pattern for &Scanner {
    fn find_matches(&self, inside: &str) -> tokenizers::Result<Vec<(tokenizers::Offsets, bool)>> {
        if inside.is_empty() {
            return Ok(vec![((0, 0), false)]);
        }
        let mut end = 0;
        let pieces = self.0.pieces(inside).map(|piece| {
            let start = end;
            end += piece.len();
            ((start, end), true)
        });
        Ok(pieces.collect())
    }
}

/// What makes text of tokens.
pub(crate) enum Decode {
    Crate(DecoderWrapper),
    Strip { content: char, start: usize, stop: usize },
    Replace { pattern: Bounded, content: String },
}

impl Decode {
    /// `None` where the file has no decoder.
    pub fn parse(value: &Value) -> Result<Option<Vec<Self>>> {
        if value.is_null() {
            return Ok(None);
        }
        flat("decoder", "decoders", value)?.into_iter().map(Self::one).collect::<Result<_>>().map(Some)
    }

    fn one(part: &Value) -> Result<Self> {
        #[derive(Deserialize)]
        struct Strip {
            content: char,
            start: usize,
            stop: usize,
        }
        #[derive(Deserialize)]
        struct Replace {
            pattern: Wanted,
            content: String,
        }
        match kind(part) {
            "Strip" => {
                let Strip { content, start, stop } = of_crate("decoder", part)?;
                Ok(Self::Strip { content, start, stop })
            }
            "Replace" => {
                let Replace { pattern, content } = of_crate("decoder", part)?;
                Ok(Self::Replace { pattern: pattern.compile("decoder")?, content })
            }
            _ => of_crate("decoder", part).map(Self::Crate),
        }
    }

    pub fn apply(&self, tokens: Vec<String>) -> tokenizers::Result<Vec<String>> {
        match self {
            Self::Crate(decoder) => decoder.decode_chain(tokens),
            Self::Strip { content, start, stop } => {
                Ok(tokens.iter().map(|token| strip(token, *content, *start, *stop).to_owned()).collect())
            }
            Self::Replace { pattern, content } => {
                let mut total = 0_usize;
                tokens
                    .into_iter()
                    .map(|token| {
                        total = pattern.count(&token)?.saturating_mul(content.len()).saturating_add(total);
                        if total > LARGEST_NORMALIZED {
                            return Err(TooLong.into());
                        }
                        let mut text = NormalizedString::from(token);
                        text.replace(pattern, content)?;
                        Ok(text.get().to_owned())
                    })
                    .collect()
            }
        }
    }
}

/// `token` without up to `start` of `content` at its start and up to `stop` at its end.
pub(crate) fn strip(token: &str, content: char, start: usize, stop: usize) -> &str {
    let mut rest = token;
    for _ in 0..start {
        let Some(stripped) = rest.strip_prefix(content) else { break };
        rest = stripped;
    }
    for _ in 0..stop {
        let Some(stripped) = rest.strip_suffix(content) else { break };
        rest = stripped;
    }
    rest
}

//! A tokenizer.json as it is written, parsed once, with borrowed strings where they are many.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, Result, invalid};
use crate::limits::LARGEST_FILE;

/// The top level. What is not named is ignored, as the `tokenizers` crate does.
#[derive(Deserialize)]
pub(crate) struct File<'a> {
    pub version: Option<String>,
    pub truncation: Option<Truncation>,
    pub padding: Option<Padding>,
    #[serde(default)]
    pub added_tokens: Vec<Added>,
    #[serde(default)]
    pub normalizer: Value,
    #[serde(default)]
    pub pre_tokenizer: Value,
    #[serde(default)]
    pub post_processor: Value,
    #[serde(default)]
    pub decoder: Value,
    #[serde(borrow)]
    pub model: Option<&'a RawValue>,
}

/// Added tokens, special or not.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "it is as it is written")]
pub(crate) struct Added {
    pub id: u32,
    pub content: String,
    pub single_word: bool,
    pub lstrip: bool,
    pub rstrip: bool,
    pub normalized: bool,
    pub special: bool,
}

/// How encodings are cut when they are too long.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Truncation {
    #[serde(default)]
    pub direction: Direction,
    pub max_length: u64,
    pub strategy: Strategy,
    pub stride: u64,
}

/// How encodings are filled up.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Padding {
    pub strategy: PaddingStrategy,
    pub direction: Direction,
    pub pad_to_multiple_of: Option<u64>,
    pub pad_id: u32,
    pub pad_type_id: u32,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) enum Direction {
    Left,
    #[default]
    Right,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) enum Strategy {
    LongestFirst,
    OnlyFirst,
    OnlySecond,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) enum PaddingStrategy {
    BatchLongest,
    Fixed(u64),
}

/// The model, whose lists are parsed when its type is known.
#[derive(Deserialize)]
pub(crate) struct RawModel<'a> {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub unk_token: Option<String>,
    pub unk_id: Option<u64>,
    pub dropout: Option<f64>,
    pub continuing_subword_prefix: Option<String>,
    pub end_of_word_suffix: Option<String>,
    pub fuse_unk: Option<bool>,
    pub byte_fallback: Option<bool>,
    pub ignore_merges: Option<bool>,
    pub max_input_chars_per_word: Option<u64>,
    #[serde(borrow)]
    pub vocab: Option<&'a RawValue>,
    #[serde(borrow)]
    pub merges: Option<&'a RawValue>,
}

impl<'a> File<'a> {
    /// # Errors
    /// [`Error::Limit`] when `bytes` are too many, [`Error::InvalidFile`] when they are no tokenizer.json.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > LARGEST_FILE {
            return Err(Error::Limit {
                reason: format!("expected a tokenizer.json of at most {LARGEST_FILE} bytes, received {}", bytes.len()),
            });
        }
        let file: Self =
            serde_json::from_slice(bytes).map_err(|error| invalid(format!("expected a tokenizer.json: {error}")))?;
        match &file.version {
            Some(version) if version != "1.0" => {
                Err(invalid(format!("expected version \"1.0\", received {version:?}")))
            }
            _ => Ok(file),
        }
    }
}

/// Parses one list or map of the model.
pub(crate) fn parse_part<'a, T: Deserialize<'a>>(name: &str, raw: Option<&'a RawValue>) -> Result<T> {
    let raw = required(name, raw)?;
    serde_json::from_str(raw.get()).map_err(|error| invalid(format!("model.{name}: {error}")))
}

fn required<'a>(name: &str, raw: Option<&'a RawValue>) -> Result<&'a RawValue> {
    raw.ok_or_else(|| invalid(format!("expected model.{name}, received none")))
}

/// A string, borrowed when it is written without escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Calls `each` with the two tokens of each merge of a list.
pub(crate) fn parse_merges(raw: Option<&RawValue>, each: impl FnMut(&str, &str)) -> Result<()> {
    struct List<F>(F);
    impl<'de, F: FnMut(&str, &str)> Visitor<'de> for List<F> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("a list of merges")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> std::result::Result<(), A::Error> {
            while let Some(Merge(left, right)) = seq.next_element()? {
                (self.0)(&left, &right);
            }
            Ok(())
        }
    }
    let raw = required("merges", raw)?;
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    deserializer.deserialize_seq(List(each)).map_err(|error| invalid(format!("model.merges: {error}")))
}

/// One merge: two tokens, written as a pair or as one string with a space between them.
struct Merge<'a>(Cow<'a, str>, Cow<'a, str>);

impl<'de> Deserialize<'de> for Merge<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Merge<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("two tokens, as an array or in one string with a space between them")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> std::result::Result<Self::Value, E> {
                let (left, right) =
                    halves(text).ok_or_else(|| E::custom("expected two tokens with a space between"))?;
                Ok(Merge(left.into(), right.into()))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Self::Value, E> {
                let (left, right) =
                    halves(text).ok_or_else(|| E::custom("expected two tokens with a space between"))?;
                Ok(Merge(left.to_owned().into(), right.to_owned().into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Self::Value, A::Error> {
                match (seq.next_element()?, seq.next_element()?, seq.next_element::<serde::de::IgnoredAny>()?) {
                    (Some(Text(left)), Some(Text(right)), None) => Ok(Merge(left, right)),
                    _ => Err(A::Error::custom("expected two tokens")),
                }
            }
        }
        deserializer.deserialize_any(Pair)
    }
}

fn halves(text: &str) -> Option<(&str, &str)> {
    text.split_once(' ').filter(|(_, right)| !right.contains(' '))
}

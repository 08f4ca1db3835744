//! Byte-level BPE by the engine of `crates/bpe`: it takes whole texts ([`mod@engine`]), or what is between added tokens ([`words`]).

mod decode;
mod engine;
pub(crate) mod words;

use serde_json::Value;
use tokenmill_bpe::Pattern;

pub(crate) use decode::{TokenBytes, bytes_of_ids, decoded, is_of_bytes};
pub use engine::Engine;
pub(crate) use engine::{Around, engine};
pub(crate) use words::ByteWords;

use crate::limits::LONGEST_REGEX;
use crate::oniguruma::translated;
use crate::steps::{flat, kind};

/// The byte that each character of a byte-level token stands for: printable Latin-1 for itself, the others from U+0100 on.
pub(crate) fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => Some(code as u8),
        0x100..=0x120 => Some((code - 0x100) as u8),
        0x121..=0x142 => Some((code - 0x121 + 0x7f) as u8),
        0x143 => Some(0xad),
        _ => None,
    }
}

/// The bytes of a byte-level token; `None` when it has other characters.
pub(crate) fn bytes_of(token: &str) -> Option<Vec<u8>> {
    token.chars().map(byte_of).collect()
}

/// Whether it is what merges start from.
fn is_byte(token: &[u8]) -> bool {
    token.len() == 1
}

/// What is done to a text before its model.
struct Before {
    /// Whether it comes to normal form C.
    nfc: bool,
    pattern: Pattern,
    /// Whether a space is put before what does not start with one.
    prefix: bool,
}

/// `None` for other steps than these.
fn before(normalizer: &Value, pre_tokenizer: &Value) -> Option<Before> {
    let nfc = match flat("", "normalizers", normalizer).ok()?[..] {
        [] => false,
        [one] if kind(one) == "NFC" => true,
        _ => return None,
    };
    let (pattern, prefix) = split_by(pre_tokenizer)?;
    Some(Before { nfc, pattern, prefix })
}

/// The pattern of a pre-tokenizer that ends with `ByteLevel`, and whether that puts a space before a text.
fn split_by(pre_tokenizer: &Value) -> Option<(Pattern, bool)> {
    let parts = flat("", "pretokenizers", pre_tokenizer).ok()?;
    let (last, before) = parts.split_last()?;
    let flag = |part: &Value, name: &str, default: bool| part.get(name).map_or(Some(default), Value::as_bool);
    let prefix = flag(last, "add_prefix_space", true)?;
    // Else it is put before what others left.
    if kind(last) != "ByteLevel" || prefix && !before.is_empty() {
        return None;
    }
    let (mut regexes, mut must_cover) = (Vec::new(), false);
    for part in before {
        match kind(part) {
            "Split" => {
                let pattern = part.get("pattern")?;
                let regex = pattern.get("Regex").and_then(Value::as_str);
                let regex = regex.filter(|source| source.len() <= LONGEST_REGEX).map(translated);
                regexes
                    .push(regex.or_else(|| pattern.get("String").and_then(Value::as_str).map(regex_syntax::escape))?);
                match (part.get("behavior")?.as_str()?, part.get("invert")?.as_bool()?) {
                    ("Isolated", false) => {}
                    // What is matched is kept, and the rest dropped: the same where all is matched.
                    ("Removed", true) => must_cover = true,
                    _ => return None,
                }
            }
            "Digits" if flag(part, "individual_digits", false)? => regexes.push(Pattern::DIGITS.to_owned()),
            "Digits" => regexes.push(r"\p{N}+".to_owned()),
            _ => return None,
        }
    }
    if flag(last, "use_regex", true)? {
        regexes.push(Pattern::BYTE_LEVEL.to_owned());
    }
    if regexes.is_empty() || must_cover && regexes.len() > 1 {
        return None;
    }
    let regexes: Vec<&str> = regexes.iter().map(String::as_str).collect();
    let pattern = Pattern::from_splits(&regexes).ok()?;
    // Scanners match all of a text. Of other expressions the crate's engine and ours may differ; the crate's is the reference.
    (!matches!(pattern, Pattern::Splits(_))).then_some((pattern, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_character() {
        let mut bytes: Vec<u8> = (0..0x200).filter_map(char::from_u32).filter_map(byte_of).collect();
        bytes.sort_unstable();
        assert!(bytes.iter().copied().eq(0..=255));
    }

    #[test]
    fn a_space_is_written_as_g_with_dot() {
        assert_eq!(bytes_of("Ġa"), Some(b" a".to_vec()));
        assert_eq!(bytes_of("a b"), None);
    }
}

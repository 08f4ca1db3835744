//! Ids of byte-level BPE models whose tokens say where words end, by words, for files like CLIP's.
//!
//! Their normalizer makes letters small, and their pre-tokenizer drops white space and makes each number a word: the words are the pieces that a scanner
//! of `crates/bpe` finds where each white space is the end of a line, which goes with no word. Ids of words are remembered ([`crate::words`]); others are
//! merged from bytes, the last of which is another token than inside of words. Where ids are from is told by the `tokenizers` crate.

use std::borrow::Cow;

use serde_json::{Value, json};
use tokenmill_bpe::{Error as TextError, Pattern};

use crate::byte_level::byte_of;
use crate::model::{Kind, Visible};
use crate::nfc::{NFC, reserve};
use crate::pairs::Pairs;
use crate::steps::{flat, kind};
use crate::words::{Ended, Memories, Memory, Model, SOON, Until};

/// What CLIP's files split by.
const WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// Ids of texts, by the words in them.
pub(crate) struct EndOfWord {
    nfc: bool,
    lowercase: bool,
    pattern: Pattern,
    merges: Merges,
    memories: Memories,
}

/// Merges of a word from its bytes.
struct Merges {
    /// By byte, inside of a word.
    inside: [u32; 256],
    /// By byte, at its end.
    last: [u32; 256],
    pairs: Pairs,
}

impl EndOfWord {
    /// `None` when the file has another model, or other steps before it.
    pub fn new(model: Visible, normalizer: &Value, pre_tokenizer: &Value) -> Option<Self> {
        let (mut nfc, mut lowercase) = (false, false);
        for part in flat("normalizer", "normalizers", normalizer).ok()? {
            match kind(part) {
                "NFC" if !lowercase => nfc = true,
                "Lowercase" => lowercase = true,
                // White space is dropped, be it one or several.
                "Replace" if part["pattern"] == json!({ "Regex": r"\s+" }) && part["content"] == " " => {}
                _ => return None,
            }
        }
        let pre_tokenizer = flat("pre_tokenizer", "pretokenizers", pre_tokenizer).ok()?;
        let [split, byte_level] = pre_tokenizer[..] else { return None };
        let is_split = kind(split) == "Split"
            && split["pattern"] == json!({ "Regex": WORDS })
            && (&split["behavior"], &split["invert"]) == (&json!("Removed"), &json!(true));
        if !is_split || kind(byte_level) != "ByteLevel" || byte_level["add_prefix_space"] != json!(false) {
            return None;
        }
        let pattern = Pattern::from_splits(&[Pattern::DIGITS, Pattern::BYTE_LEVEL]).ok()?;
        Some(Self { nfc, lowercase, pattern, merges: Merges::new(model)?, memories: Memories::default() })
    }

    /// Whether `text` can be cut at `at`: between a letter or a digit and white space.
    pub fn is_cut(text: &str, at: usize) -> bool {
        let bytes = text.as_bytes();
        at > 0 && bytes[at - 1].is_ascii_alphanumeric() && bytes.get(at).is_some_and(u8::is_ascii_whitespace)
    }

    /// Adds the ids of `text`, a stretch between added tokens, to `ids`; of those that were added none counts when it ends in another way.
    pub fn encode(&self, mut text: &str, ids: &mut Vec<u32>, until: Until) -> Ended {
        self.memories.with(|memory| {
            while !text.is_empty() {
                if let Some(ended) = until.ended(ids) {
                    return ended;
                }
                let cut = (SOON..text.len()).find(|&at| Self::is_cut(text, at));
                let (part, rest) = text.split_at(cut.unwrap_or(text.len()));
                match self.add(part, ids, memory) {
                    Ok(true) => text = rest,
                    Err(TextError::OutOfMemory { bytes }) => return Ended::TooLarge(bytes),
                    Ok(false) | Err(_) => return Ended::Untold,
                }
            }
            Ended::WithIds
        })
    }

    /// Adds the ids of a part of a text; `false` when a word is too long.
    fn add(&self, text: &str, ids: &mut Vec<u32>, memory: &mut Memory) -> Result<bool, TextError> {
        let text = if self.nfc { (NFC.normalized)(text)? } else { Cow::Borrowed(text) };
        let words = self.with_lines_for_spaces(&text)?;
        for word in self.pattern.try_pieces(&words) {
            let word = word?;
            if !word.starts_with('\n') && !memory.add_any(word.as_bytes(), &self.merges, ids) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `text` with small letters, where the file says so, and the end of a line for each white space.
    fn with_lines_for_spaces(&self, text: &str) -> Result<String, TextError> {
        let mut words = String::new();
        reserve(&mut words, text.len())?;
        for character in text.chars() {
            if character.is_whitespace() {
                words.push('\n');
            } else if !self.lowercase {
                words.push(character);
            } else if character.is_ascii() {
                words.push(character.to_ascii_lowercase());
            } else {
                // At most three characters, for one of two bytes or more.
                reserve(&mut words, 12)?;
                words.extend(character.to_lowercase());
            }
        }
        Ok(words)
    }
}

impl Merges {
    fn new(model: Visible) -> Option<Self> {
        let Kind::Bpe {
            continuing_subword_prefix: None,
            end_of_word_suffix: Some(suffix),
            fuse_unk: false,
            ignore_merges: false,
            ..
        } = &model.model.kind
        else {
            return None;
        };
        if model.model.byte_fallback {
            return None;
        }
        let unknown = model.model.unknown.as_deref().and_then(|unknown| model.id(unknown));
        let (mut inside, mut last) = ([unknown; 256], [unknown; 256]);
        for (token, id) in model.tokens() {
            let (text, place) = token.strip_suffix(&**suffix).map_or((token, &mut inside), |text| (text, &mut last));
            let mut characters = text.chars();
            if let (Some(one), None) = (characters.next(), characters.next())
                && let Some(byte) = byte_of(one)
            {
                place[usize::from(byte)] = Some(id);
            }
        }
        let mut pairs = Pairs::default();
        let tokens = &model.model.tokens;
        pairs.reserve(model.merges().size_hint().1.unwrap_or_default());
        for (rank, merge) in model.merges() {
            let (left, right) = (tokens.id(merge.left), tokens.id(merge.right));
            // What is unknown would be joined to what is beside it.
            if unknown.is_some_and(|unknown| [left, right].contains(&unknown)) {
                return None;
            }
            pairs.insert(left, right, rank, tokens.id(merge.made));
        }
        // Of bytes that UTF-8 does not have, or not at the end of a character, none is asked for.
        let any = |ids: [Option<u32>; 256], is_there: fn(u8) -> bool| -> Option<[u32; 256]> {
            let ids = (0..=255).zip(ids).map(|(byte, id)| if is_there(byte) { id } else { Some(0) });
            ids.collect::<Option<Vec<u32>>>()?.try_into().ok()
        };
        let inside = any(inside, |byte| !matches!(byte, 0xc0 | 0xc1 | 0xf5..))?;
        Some(Self { inside, last: any(last, |byte| byte < 0xc0)?, pairs })
    }
}

impl Model for Merges {
    fn add(&self, word: &[u8], ids: &mut Vec<u32>) -> bool {
        let Some((&last, inside)) = word.split_last() else { return true };
        let tokens = inside.iter().map(|&byte| self.inside[usize::from(byte)]);
        let tokens = tokens.chain([self.last[usize::from(last)]]);
        if word.len() <= Pairs::SHORT {
            self.pairs.add_short(|few| tokens.for_each(|id| few.push(id)), ids);
        } else {
            self.pairs.add_long(tokens.collect(), ids);
        }
        true
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! Ids of a `WordPiece` model by words, for files like BERT's.
//!
//! What their normalizer and pre-tokenizer do to a text they do to each of its characters alone ([`characters`]), so that a text is walked through once,
//! and words come out. Their ids are remembered ([`crate::words`]); others are looked for in the vocabulary ([`pieces`]). Where ids are from is told by
//! a walk of its own ([`places`]), and what is rare by the `tokenizers` crate.

mod characters;
mod pieces;
mod places;

use serde_json::Value;
use tokenizers::NormalizerWrapper;
use tokenizers::normalizers::BertNormalizer;

use crate::model::{Kind, Visible};
use crate::steps::{flat, kind};
use crate::words::{Ended, Key, Memories, Memory, SOON, Until};
use characters::{Characters, Form};
use pieces::Pieces;

/// Ids of texts, by the words in them.
pub(crate) struct WordPiece {
    characters: Characters,
    ascii: [Ascii; 256],
    /// Whether the letters of ASCII are made small.
    lowercase: bool,
    pieces: Pieces,
    memories: Memories,
}

/// What to do at a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ascii {
    Space,
    /// A word of its own: a punctuation mark.
    Mark,
    /// Of a word, as it is or made small.
    Letter,
    /// Another one, or a part of a character.
    Other,
}

impl WordPiece {
    /// `None` when the file has another model, or other steps before it.
    pub fn new(model: Visible, normalizer: &Value, pre_tokenizer: &Value) -> Option<Self> {
        let Kind::WordPiece { continuing_subword_prefix, max_input_chars_per_word } = &model.model.kind else {
            return None;
        };
        let one = |name, key, value| flat(name, key, value).ok().filter(|parts| parts.len() <= 1);
        let normalizer = match one("normalizer", "normalizers", normalizer)?[..] {
            [] => None,
            [part] if kind(part) == "BertNormalizer" => match serde_json::from_value(part.clone()).ok()? {
                NormalizerWrapper::BertNormalizer(normalizer) => Some(normalizer),
                _ => return None,
            },
            _ => return None,
        };
        if kind(one("pre_tokenizer", "pretokenizers", pre_tokenizer)?.first()?) != "BertPreTokenizer" {
            return None;
        }
        let unknown = model.model.unknown.as_deref();
        let pieces =
            Pieces::new(model.tokens().collect(), continuing_subword_prefix, unknown, *max_input_chars_per_word);
        Some(Self::with(pieces, normalizer))
    }

    fn with(pieces: Pieces, normalizer: Option<BertNormalizer>) -> Self {
        let lowercase = normalizer.is_some_and(|normalizer| normalizer.lowercase);
        let characters = Characters::new(normalizer);
        let ascii = std::array::from_fn(|byte| {
            let byte = byte as u8;
            let expected = if lowercase { byte.to_ascii_lowercase() } else { byte };
            match characters.form(char::from(byte)) {
                _ if !byte.is_ascii() => Ascii::Other,
                Form::Space => Ascii::Space,
                Form::Mark(mark) if mark == char::from(byte) => Ascii::Mark,
                Form::Letter(letter) if letter == char::from(expected) => Ascii::Letter,
                _ => Ascii::Other,
            }
        });
        Self { characters, ascii, lowercase, pieces, memories: Memories::default() }
    }

    /// Whether `text` can be cut at `at`: before a space or the end of a line, which no mark is ordered across.
    pub fn is_cut(text: &str, at: usize) -> bool {
        matches!(text.as_bytes()[at], b' ' | b'\n')
    }

    /// Adds the ids of `text` to `ids`; of those that were added none counts when it ends in another way.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>, until: Until) -> Ended {
        self.memories.with(|memory| self.walk(text, ids, memory, until))
    }

    fn walk(&self, text: &str, ids: &mut Vec<u32>, memory: &mut Memory, until: Until) -> Ended {
        let bytes = text.as_bytes();
        let class = |at: usize| bytes.get(at).map(|&byte| self.ascii[usize::from(byte)]);
        let (mut at, mut ask_at) = (0, SOON);
        while let Some(found) = class(at) {
            if at >= ask_at {
                if let Some(ended) = until.ended(ids) {
                    return ended;
                }
                ask_at = at + SOON;
            }
            let told = match found {
                Ascii::Space => {
                    at += 1;
                    true
                }
                Ascii::Mark => {
                    at += 1;
                    memory.add(Key::of(bytes, at - 1, at), &bytes[at - 1..at], &self.pieces, ids)
                }
                Ascii::Letter | Ascii::Other => {
                    let mut end = at;
                    while class(end) == Some(Ascii::Letter) {
                        end += 1;
                    }
                    if class(end) == Some(Ascii::Other) {
                        self.add_by_characters(text, &mut at, ask_at, ids, memory)
                    } else {
                        let start = std::mem::replace(&mut at, end);
                        self.add_ascii(bytes, start, end, ids, memory)
                    }
                }
            };
            if !told {
                return Ended::Untold;
            }
        }
        Ended::WithIds
    }

    /// Adds the ids of the word `bytes[start..end]` of letters of ASCII.
    #[inline(always)]
    fn add_ascii(&self, bytes: &[u8], start: usize, end: usize, ids: &mut Vec<u32>, memory: &mut Memory) -> bool {
        if end - start <= Key::LONGEST {
            let key = Key::of(bytes, start, end);
            let key = if self.lowercase { key.with_small_letters() } else { key };
            return memory.add(key, &key.bytes()[..end - start], &self.pieces, ids);
        }
        let word = self.pieces.within_longest(&bytes[start..end]);
        memory.word.clear();
        memory.word.extend_from_slice(word);
        if self.lowercase {
            memory.word.make_ascii_lowercase();
        }
        memory.add_word(&self.pieces, ids)
    }

    /// Adds the ids of what is in `text` from `at` on, to the next space or mark of ASCII, or where it comes by `until` at the end of a word.
    fn add_by_characters(
        &self,
        text: &str,
        at: &mut usize,
        until: usize,
        ids: &mut Vec<u32>,
        memory: &mut Memory,
    ) -> bool {
        memory.word.clear();
        let mut told = true;
        for character in text[*at..].chars() {
            if character.is_ascii() && matches!(self.ascii[character as usize], Ascii::Space | Ascii::Mark) {
                break;
            }
            *at += character.len_utf8();
            let form = self.characters.form(character);
            match form {
                Form::Letter(letter) => self.pieces.push(letter, memory),
                Form::Several => {
                    for form in self.characters.forms(character) {
                        told &= self.add_form(form, ids, memory);
                    }
                }
                _ => told &= self.add_form(form, ids, memory),
            }
            if !told {
                return false;
            }
            if *at >= until && memory.word.is_empty() {
                return true;
            }
        }
        memory.add_word(&self.pieces, ids)
    }

    /// Adds to the word that is being read, or ends it and starts the next.
    #[inline(always)]
    fn add_form(&self, form: Form, ids: &mut Vec<u32>, memory: &mut Memory) -> bool {
        match form {
            Form::Nothing => true,
            Form::Letter(letter) => {
                self.pieces.push(letter, memory);
                true
            }
            Form::Space => memory.add_word(&self.pieces, ids),
            Form::Mark(alone) | Form::Alone(alone) => {
                memory.add_word(&self.pieces, ids) && {
                    self.pieces.push(alone, memory);
                    memory.add_word(&self.pieces, ids)
                }
            }
            Form::Several | Form::Untold => false,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

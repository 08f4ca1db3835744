//! The pieces of a word: from its start on the longest token, again and again.

use std::collections::HashMap;

use ahash::RandomState;
use tokenizers::Model as _;
use tokenizers::models::wordpiece::WordPiece;

use crate::words::{Memory, Model};

/// Tokens by their bytes, with a secret of the process: files can be made whose tokens meet in one place.
struct Tokens {
    ids: HashMap<Box<[u8]>, u32, RandomState>,
    /// The bytes of the longest.
    longest: usize,
}

impl Tokens {
    fn new(tokens: impl Iterator<Item = (Box<[u8]>, u32)>) -> Self {
        let ids: HashMap<_, _, RandomState> = tokens.collect();
        let longest = ids.keys().map(|token| token.len()).max().unwrap_or_default();
        Self { ids, longest }
    }

    /// The longest token that `bytes` start with, and its length. It ends where a character does, as all tokens.
    #[inline(always)]
    fn longest_start(&self, bytes: &[u8]) -> Option<(u32, usize)> {
        let is_end = |&end: &usize| bytes.get(end).is_none_or(|&next| next & 0xc0 != 0x80);
        let mut ends = (1..=bytes.len().min(self.longest)).rev().filter(is_end);
        ends.find_map(|end| self.ids.get(&bytes[..end]).map(|&id| (id, end)))
    }
}

/// A `WordPiece` vocabulary.
pub(super) struct Pieces {
    starts: Tokens,
    /// What goes on inside of a word, without the prefix that says so.
    rest: Tokens,
    unknown: Option<u32>,
    /// The most characters of a word that is looked into; longer ones are unknown.
    most: usize,
}

impl Pieces {
    pub fn new(model: &WordPiece) -> Self {
        let vocabulary = model.get_vocab();
        let prefix = &*model.continuing_subword_prefix;
        let rest = |(token, &id): (&String, &u32)| Some((token.strip_prefix(prefix)?.as_bytes().into(), id));
        Self {
            rest: Tokens::new(vocabulary.iter().filter_map(rest)),
            unknown: vocabulary.get(&model.unk_token).copied(),
            most: model.max_input_chars_per_word,
            starts: Tokens::new(vocabulary.into_iter().map(|(token, id)| (token.into_bytes().into(), id))),
        }
    }

    /// `word`, of ASCII, or a start of it that is too long too.
    pub fn within_longest<'a>(&self, word: &'a [u8]) -> &'a [u8] {
        &word[..word.len().min(self.most.saturating_add(1))]
    }

    /// Puts `letter` to the word that is read, unless that is too long already.
    #[inline(always)]
    pub fn push(&self, letter: char, memory: &mut Memory) {
        // So many bytes are more characters than are looked at.
        if memory.word.len() <= 4 * self.most {
            memory.push(letter);
        }
    }
}

impl Model for Pieces {
    fn add(&self, word: &[u8], ids: &mut Vec<u32>) -> bool {
        let before = ids.len();
        let characters = word.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        if characters <= self.most {
            let (mut at, mut tokens) = (0, &self.starts);
            while let Some((id, length)) = tokens.longest_start(&word[at..]) {
                ids.push(id);
                (at, tokens) = (at + length, &self.rest);
            }
            if at == word.len() {
                return true;
            }
        }
        ids.truncate(before);
        ids.extend(self.unknown);
        self.unknown.is_some()
    }
}

//! The pieces of a word: from its start on the longest token, again and again.

use crate::trie::Trie;
use crate::words::{Memory, Model};

/// A `WordPiece` vocabulary.
pub(super) struct Pieces {
    starts: Trie,
    /// What goes on inside of a word, without the prefix that says so.
    rest: Trie,
    unknown: Option<u32>,
    /// The most characters of a word that is looked into; longer ones are unknown.
    most: usize,
}

impl Pieces {
    /// `tokens` and their ids; `prefix` is that of tokens inside of words.
    pub fn new(tokens: Vec<(&str, u32)>, prefix: &str, unknown: Option<&str>, most: usize) -> Self {
        let unknown = tokens.iter().find(|&&(token, _)| Some(token) == unknown).map(|&(_, id)| id);
        let rest = tokens.iter().filter_map(|&(token, id)| Some((token.strip_prefix(prefix)?.as_bytes(), id)));
        Self {
            rest: Trie::new(rest.collect()),
            starts: Trie::new(tokens.into_iter().map(|(token, id)| (token.as_bytes(), id)).collect()),
            unknown,
            most,
        }
    }

    /// `word`, of ASCII, or a start of it that is too long too.
    pub fn within_longest<'a>(&self, word: &'a [u8]) -> &'a [u8] {
        &word[..word.len().min(self.most.saturating_add(1))]
    }

    /// Puts `letter` to the word that is read, unless that is too long already.
    #[inline(always)]
    pub fn push(&self, letter: char, memory: &mut Memory) {
        if !self.is_too_long(&memory.word) {
            memory.push(letter);
        }
    }

    /// Whether a word is unknown that starts with `word`, as it has more characters than are looked at.
    #[inline(always)]
    pub fn is_too_long(&self, word: &[u8]) -> bool {
        word.len() > 4 * self.most
    }

    /// The token for what is unknown.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// Calls `each` with the tokens of `word` and where they end in it; `false` when it is unknown.
    #[inline(always)]
    pub fn each(&self, word: &[u8], mut each: impl FnMut(u32, usize)) -> bool {
        let characters = word.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        let (mut at, mut tokens) = (0, &self.starts);
        while characters <= self.most
            && let Some((id, length)) = tokens.longest_start(&word[at..])
        {
            (at, tokens) = (at + length, &self.rest);
            each(id, at);
        }
        at == word.len()
    }
}

impl Model for Pieces {
    fn add(&self, word: &[u8], ids: &mut Vec<u32>) -> bool {
        let before = ids.len();
        if self.each(word, |id, _| ids.push(id)) {
            return true;
        }
        ids.truncate(before);
        ids.extend(self.unknown);
        self.unknown.is_some()
    }
}

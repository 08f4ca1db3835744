//! Where words with marks are from: each step before the model, as the `tokenizers` crate does it, of characters with their places.

use unicode_segmentation::UnicodeSegmentation;

use super::by_spaces::{Ascii, BySpaces, Spaces};
use super::bytes::MARK;
use super::characters::LONGEST;
use crate::limits::LARGEST_TEXT;

/// Where a character is from.
type Origin = (usize, usize);

/// A word, with spaces for marks.
#[derive(Default)]
pub(super) struct Word {
    pub text: String,
    /// Of each byte where its character is from.
    pub origins: Vec<Origin>,
}

/// Characters and how many more or fewer they are than what they stand for, as the crate counts: 1 for one more, -1 for one that stands for two.
#[derive(Default)]
struct Changes(Vec<(char, isize)>);

impl Changes {
    /// Puts `new` for `old`. Where it has fewer characters, the last one stands for the rest, be it that of another part.
    fn put(&mut self, new: &str, old: &str) {
        let before = self.0.len();
        self.0.extend(new.chars().map(|character| (character, 0)));
        let more = (self.0.len() - before).cast_signed() - old.chars().count().cast_signed();
        if more > 0 {
            self.0.iter_mut().rev().take(more as usize).for_each(|(_, change)| *change = 1);
        } else if let Some((_, change)) = self.0.last_mut() {
            *change += more;
        }
    }

    /// The characters and where they are from, in `text`, which is at `base`.
    fn placed(self, text: &str, base: usize) -> Vec<(char, Origin)> {
        let mut old = text.char_indices().map(|(at, character)| (base + at, base + at + character.len_utf8()));
        let mut last = (base, base);
        let placed = self.0.into_iter().map(|(character, change)| {
            if change > 0 {
                return (character, last);
            }
            let origin = old.next().unwrap_or(last);
            last = old.by_ref().take(change.unsigned_abs()).last().unwrap_or(origin);
            (character, origin)
        });
        placed.collect()
    }
}

impl BySpaces {
    /// Calls `each` with the words of `text`, which is at `base`, and gets a mark where it has none at its start and `prefix` is set, until it says `false`.
    pub fn each_word(&self, text: &str, base: usize, prefix: bool, mut each: impl FnMut(&Word) -> bool) -> bool {
        if text.len() > LARGEST_TEXT {
            return false;
        }
        let start = if self.before.left { text.len() - text.trim_start().len() } else { 0 };
        let text = &text[start..];
        let text = if self.before.right { text.trim_end() } else { text };
        let all = self.changes(text).placed(text, base + start);
        let mut all = &all[..];
        let is_white = |&(character, _): &(char, Origin)| character.is_whitespace();
        if self.after.left {
            all = &all[all.iter().position(|placed| !is_white(placed)).unwrap_or(all.len())..];
        }
        if self.after.right {
            all = &all[..all.iter().rposition(|placed| !is_white(placed)).map_or(0, |last| last + 1)];
        }
        let joined: Vec<(char, Origin)>;
        if self.spaces == Spaces::Joined {
            // Of spaces side by side the last one stays.
            let is_space = |at: usize| all.get(at).is_some_and(|&(character, _)| character == ' ');
            let kept = (0..all.len()).filter(|&at| !(is_space(at) && is_space(at + 1)));
            joined = kept.map(|at| all[at]).collect();
            all = &joined;
        }
        let mut parts = all.split(|placed| self.spaces == Spaces::Dropped && is_white(placed));
        parts.all(|part| each_word_of(part, prefix, &mut each))
    }

    /// What the map makes of `text`.
    fn changes(&self, text: &str) -> Changes {
        let class = |at: usize| text.as_bytes().get(at).map(|&byte| self.ascii[usize::from(byte)]);
        // Of ASCII before ASCII each is a grapheme.
        let is_plain = |at: usize| class(at) != Some(Ascii::Other) && class(at + 1) != Some(Ascii::Other);
        let mut changes = Changes(Vec::with_capacity(text.len()));
        let mut at = 0;
        while at < text.len() {
            while at < text.len() && is_plain(at) {
                let character = if class(at) == Some(Ascii::Space) { ' ' } else { char::from(text.as_bytes()[at]) };
                changes.0.push((character, 0));
                at += 1;
            }
            for grapheme in text[at..].graphemes(true) {
                if is_plain(at) {
                    break;
                }
                at += grapheme.len();
                if let Some(new) =
                    Some(grapheme).filter(|part| part.len() <= LONGEST).and_then(|part| self.characters.put_for(part))
                {
                    changes.put(new, grapheme);
                    continue;
                }
                let mut four = [0; 4];
                for character in grapheme.chars() {
                    let part = character.encode_utf8(&mut four);
                    match self.characters.put_for(part) {
                        Some(new) => changes.put(new, part),
                        None => changes.0.push((character, 0)),
                    }
                }
            }
        }
        changes
    }
}

/// Calls `each` with the words of `part`: each mark starts one.
fn each_word_of(part: &[(char, Origin)], prefix: bool, each: &mut impl FnMut(&Word) -> bool) -> bool {
    let is_mark = |character: char| matches!(character, ' ' | MARK);
    // A mark that is put there is from the first character.
    let first = part.first().filter(|&&(first, _)| prefix && !is_mark(first)).map(|&(_, origin)| (' ', origin));
    let mut word = Word::default();
    for (character, origin) in first.into_iter().chain(part.iter().copied()) {
        if is_mark(character) && !word.text.is_empty() {
            if !each(&word) {
                return false;
            }
            word.text.clear();
            word.origins.clear();
        }
        let character = if is_mark(character) { ' ' } else { character };
        word.text.push(character);
        word.origins.resize(word.text.len(), origin);
    }
    word.text.is_empty() || each(&word)
}

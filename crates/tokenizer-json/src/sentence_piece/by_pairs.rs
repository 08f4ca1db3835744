//! Words of a text that is merged as a whole: cut between characters that no merge joins.

use super::alphabet::{Alphabet, Tokens};
use super::bytes::{MARK, spaced};
use super::merges::Merges;
use crate::limits::LARGEST_TEXT;
use crate::placed::Placed;
use crate::words::{Ended, Key, Memory, SOON, Until};

/// Adds the ids of `text`, with a mark before it where `prefix` is set.
pub(super) fn walk(
    text: &str,
    prefix: bool,
    model: &Merges,
    (ids, memory): (&mut Vec<u32>, &mut Memory),
    until: Until,
) -> Ended {
    let bytes = text.as_bytes();
    let (mut at, mut ask_at) = (0, SOON);
    memory.word.clear();
    if prefix && !text.is_empty() {
        at = model.alphabet.word_at(text, Some(' ')).end;
        memory.word.push(b' ');
        if !add_spaced(&text[..at], model, ids, memory) {
            return Ended::Untold;
        }
    }
    while at < bytes.len() {
        if at >= ask_at {
            if let Some(ended) = until.ended(ids) {
                return ended;
            }
            ask_at = at + SOON;
        }
        let (start, word) = (at, model.alphabet.word_at(&text[at..], None));
        at += word.end;
        let told = if word.has_marks {
            add_spaced(&text[start..at], model, ids, memory)
        } else if at - start <= Key::LONGEST {
            memory.add(Key::of(bytes, start, at), &bytes[start..at], model, ids)
        } else {
            memory.add_any(&bytes[start..at], model, ids)
        };
        if !told {
            return Ended::Untold;
        }
    }
    Ended::WithIds
}

/// Whether a mark is put before `text` where one `prefix` is asked for: where it starts with one, only `again`.
pub(super) fn has_prefix(text: &str, prefix: bool, again: bool) -> bool {
    prefix && (again || !text.starts_with([' ', MARK]))
}

/// The characters of `text`, which is at `base`, with spaces for marks, and where they are from. A mark before it is from its first character.
pub(super) fn characters(text: &str, base: usize, prefix: bool) -> impl Iterator<Item = ((usize, usize), char)> {
    let all = text.char_indices().map(move |(at, character)| {
        let start = base + at;
        ((start, start + character.len_utf8()), spaced(character))
    });
    let first = all.clone().next().filter(|_| prefix).map(|(origin, _)| (origin, ' '));
    first.into_iter().chain(all)
}

/// Adds the `ids` of `all` characters, and where they are from. `length` tells how many characters a token has.
pub(super) fn place(
    all: impl Iterator<Item = ((usize, usize), char)>,
    alphabet: &Alphabet,
    ids: Vec<u32>,
    length: impl Fn(u32) -> usize,
    placed: &mut Placed,
) {
    let (mut all, mut ids) = (all.peekable(), ids.into_iter());
    while let Some(((start, mut end), character)) = all.next()
        && let Some(id) = ids.next()
    {
        let mut more = 0;
        match alphabet.tokens_of(character) {
            Tokens::One => {
                for _ in 1..length(id) {
                    end = all.next().map_or(end, |((_, end), _)| end);
                }
            }
            Tokens::Bytes(count) => more = count - 1,
            Tokens::Unknown { fuses } => {
                while fuses && let Some(((_, after), _)) = all.next_if(|&(_, next)| !alphabet.is_known(next)) {
                    end = after;
                }
            }
        }
        placed.push(id, (start, end));
        ids.by_ref().take(more).for_each(|id| placed.push(id, (start, end)));
    }
}

/// Adds the ids of `word`, with spaces for its marks, behind what is in the memory's word.
fn add_spaced(word: &str, model: &Merges, ids: &mut Vec<u32>, memory: &mut Memory) -> bool {
    word.len() <= LARGEST_TEXT && {
        word.chars().for_each(|character| memory.push(spaced(character)));
        memory.add_word(model, ids)
    }
}

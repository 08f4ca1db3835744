//! Words of a text that is merged as a whole: cut between characters that no merge joins.

use super::bytes::spaced;
use super::merges::Merges;
use crate::limits::LARGEST_TEXT;
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
        at = model.word_at(text, Some(' ')).end;
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
        let (start, word) = (at, model.word_at(&text[at..], None));
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

/// Adds the ids of `word`, with spaces for its marks, behind what is in the memory's word.
fn add_spaced(word: &str, model: &Merges, ids: &mut Vec<u32>, memory: &mut Memory) -> bool {
    word.len() <= LARGEST_TEXT && {
        word.chars().for_each(|character| memory.push(spaced(character)));
        memory.add_word(model, ids)
    }
}

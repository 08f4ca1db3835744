//! Words of a text that is merged as a whole: cut between characters that no merge joins.

use std::sync::atomic::AtomicBool;

use super::bytes::spaced;
use super::merges::Merges;
use crate::words::{Ended, Key, Memory, SOON, is_cancelled};

/// Adds the ids of `text`, with a mark before it where `prefix` is set.
pub(super) fn walk(
    text: &str,
    prefix: bool,
    model: &Merges,
    (ids, memory): (&mut Vec<u32>, &mut Memory),
    cancel: Option<&AtomicBool>,
) -> Ended {
    let bytes = text.as_bytes();
    let (mut at, mut ask_at) = (0, SOON);
    memory.word.clear();
    let mut told = true;
    if prefix && !text.is_empty() {
        memory.word.push(b' ');
        told &= add_characters(text, (&mut at, ask_at), Some(' '), model, (ids, memory));
    }
    while at < bytes.len() && told {
        if at >= ask_at {
            if is_cancelled(cancel) {
                return Ended::Cancelled;
            }
            ask_at = at + SOON;
        }
        let start = at;
        let (mut last, mut end) = (bytes[start], start + 1);
        while let Some(&next) = bytes.get(end)
            && next.is_ascii()
            && model.joins_ascii(last, next)
        {
            last = next;
            end += 1;
        }
        if !last.is_ascii() || bytes.get(end).is_some_and(|next| !next.is_ascii()) {
            told = add_characters(text, (&mut at, ask_at), None, model, (ids, memory));
            continue;
        }
        at = end;
        if end - start <= Key::LONGEST {
            told = memory.add(Key::of(bytes, start, end), &bytes[start..end], model, ids);
        } else {
            memory.word.extend_from_slice(&bytes[start..end]);
            told = memory.add_word(model, ids);
        }
    }
    if told { Ended::WithIds } else { Ended::Untold }
}

/// Adds what is in `text` from `at` on to the word that has been begun, and ends with `last`; to a word that begins
/// in ASCII, or one beyond `until`.
fn add_characters(
    text: &str,
    (at, until): (&mut usize, usize),
    mut last: Option<char>,
    model: &Merges,
    (ids, memory): (&mut Vec<u32>, &mut Memory),
) -> bool {
    let (bytes, start) = (text.as_bytes(), *at);
    for character in text[start..].chars() {
        let length = character.len_utf8();
        let character = spaced(character);
        if last.is_none_or(|last| !model.joins(last, character)) {
            if !memory.add_word(model, ids) {
                return false;
            }
            let goes_on_in_ascii = character.is_ascii() && bytes.get(*at + length).is_none_or(u8::is_ascii);
            if *at > start && (goes_on_in_ascii || *at >= until) {
                return true;
            }
        }
        memory.push(character);
        last = Some(character);
        *at += length;
    }
    memory.add_word(model, ids)
}

//! Paragraphs: what stands between blank lines.

use memchr::memchr_iter;

/// The starts of the paragraphs of `text` but the first one: the places after one or more blank lines, which stay with what is before
/// them.
pub(super) fn paragraphs(text: &str) -> Vec<u32> {
    let mut places = Vec::new();
    let (mut start, mut after_blank, mut seen) = (0, false, false);
    let mut line = |start: usize, end: usize| {
        let is_blank = text[start..end].bytes().all(|byte| byte.is_ascii_whitespace());
        if !is_blank && after_blank && seen {
            places.push(start as u32);
        }
        after_blank = is_blank;
        seen |= !is_blank;
    };
    for newline in memchr_iter(b'\n', text.as_bytes()) {
        line(start, newline + 1);
        start = newline + 1;
    }
    if start < text.len() {
        line(start, text.len());
    }
    places
}

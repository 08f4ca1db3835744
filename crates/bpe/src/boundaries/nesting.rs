//! How deep the blocks of Markdown nest.
//!
//! Whatever a line goes on with, the parser passes all containers that are open: items, quotes, footnotes. A line of them opens one for every other
//! byte, and lines of a byte each may follow, which go on in the innermost: that would take time by the square of the text's length.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use crate::Error;
use crate::sink::reserve;

/// A line opens containers up to this depth. What would nest deeper is text.
const DEEPEST: usize = 256;

/// `text` as the parser gets it: as long, and a letter is written over what would open a container that is too deep.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(super) fn bounded(text: &str) -> Result<Cow<'_, str>, Error> {
    let (bytes, mut bounded, mut start) = (text.as_bytes(), Vec::new(), 0);
    for end in memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        if let Some(at) = too_deep(&bytes[start..end]) {
            if bounded.is_empty() {
                reserve(&mut bounded, bytes.len())?;
                bounded.extend_from_slice(bytes);
            }
            bounded[start + at] = b'x';
        }
        start = end + 1;
    }
    if bounded.is_empty() {
        return Ok(text.into());
    }
    Ok(String::from_utf8(bounded).expect("a letter of ASCII is where other ASCII was").into())
}

/// Where `line` opens a container that may be too deep: a list needs two columns for each item that it is in, a quote a character.
fn too_deep(line: &[u8]) -> Option<usize> {
    if line.len() <= DEEPEST {
        return None;
    }
    let (mut at, mut columns, mut markers) = (0, 0, 0);
    loop {
        match line.get(at)? {
            b' ' => (at, columns) = (at + 1, columns + 1),
            b'\t' => (at, columns) = (at + 1, columns + 4),
            _ => {
                let length = marker(&line[at..])?;
                markers += 1;
                if markers + columns / 2 > DEEPEST {
                    return Some(at).filter(|_| !is_rule(line));
                }
                at += length;
            }
        }
    }
}

/// The length of the marker of a container at the start of `line`.
fn marker(line: &[u8]) -> Option<usize> {
    let is_blank = |at: usize| line.get(at).is_none_or(u8::is_ascii_whitespace);
    match line {
        [b'>', ..] => Some(1),
        [b'-' | b'+' | b'*', ..] => Some(1).filter(|&end| is_blank(end)),
        [b'[', b'^', label @ ..] => {
            let end = 2 + memchr(b']', label)? + 1;
            (line.get(end) == Some(&b':')).then_some(end + 1)
        }
        _ => {
            let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let is_number = digits > 0 && matches!(line.get(digits), Some(b'.' | b')'));
            Some(digits + 1).filter(|&end| is_number && is_blank(end))
        }
    }
}

/// Whether `line` is a thematic break.
fn is_rule(line: &[u8]) -> bool {
    let mut marks = line.iter().filter(|byte| !byte.is_ascii_whitespace());
    let first = marks.next();
    matches!(first, Some(b'-' | b'*')) && marks.all(|mark| Some(mark) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_too_deep_stays_as_it_is() {
        let rule = "* ".repeat(1000);
        let items: String = (0..200).map(|depth| "  ".repeat(depth) + "- a\n").collect();
        let code = " ".repeat(2000) + "x - y";
        for text in ["", "\n\n", "> - a\n\n1. b", &rule, &items, &code, &"> ".repeat(100), &"-".repeat(2000)] {
            assert!(matches!(bounded(text), Ok(Cow::Borrowed(_))), "{text:?}");
        }
    }

    #[test]
    fn what_is_too_deep_is_text() {
        for (marker, from) in [("> ", 171), ("+ ", 171), (">", 256), ("10) ", 171), ("[^é]: ", 171), ("+\t", 86)] {
            let text = marker.repeat(400) + "\n" + marker;
            let bounded = bounded(&text).expect("little memory");
            let at = marker.len() * from;
            assert_eq!(bounded.len(), text.len());
            assert_eq!([&bounded[..at], &bounded[at + 1..]], [&text[..at], &text[at + 1..]], "{marker:?}");
            assert_eq!(&bounded[at..=at], "x", "{marker:?}");
        }
    }
}

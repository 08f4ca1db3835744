//! Paragraphs: what stands between blank lines.

use memchr::memchr_iter;

use crate::Error;
use crate::sink::reserve;

/// The starts of the paragraphs of `text` but the first one: the places after one or more blank lines, which stay with what is before
/// them.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(super) fn paragraphs(text: &str) -> Result<Vec<u32>, Error> {
    let mut places = Vec::new();
    let (mut start, mut after_blank, mut seen) = (0, false, false);
    let mut line = |start: usize, end: usize| -> Result<(), Error> {
        let is_blank = text[start..end].bytes().all(|byte| byte.is_ascii_whitespace());
        if !is_blank && after_blank && seen {
            reserve(&mut places, 1)?;
            places.push(start as u32);
        }
        after_blank = is_blank;
        seen |= !is_blank;
        Ok(())
    };
    for newline in memchr_iter(b'\n', text.as_bytes()) {
        line(start, newline + 1)?;
        start = newline + 1;
    }
    if start < text.len() {
        line(start, text.len())?;
    }
    Ok(places)
}

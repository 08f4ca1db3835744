//! Words and sentences, as Unicode (UAX #29) has them: found line by line, where somebody asks.

use unicode_segmentation::UnicodeSegmentation;

use crate::Error;
use crate::bits::Bits;

/// Places of a text, known in one stretch of it. What has to be looked at is a whole number of lines, after each of which there is
/// always a boundary of both kinds.
pub(super) struct Segments {
    places: Bits,
    known: std::ops::Range<usize>,
}

impl Segments {
    pub fn new(length: usize) -> Result<Self, Error> {
        Ok(Self { places: Bits::new(length)?, known: 0..0 })
    }

    /// The places of `text`, complete in `from..=to`; `find` sets those of some lines.
    pub fn in_window(&mut self, text: &str, from: usize, to: usize, find: impl Fn(&str, usize, &mut Bits)) -> &Bits {
        if self.known.start < from && to < self.known.end {
            return &self.places;
        }
        let bytes = text.as_bytes();
        let start = memchr::memrchr(b'\n', &bytes[..from.saturating_sub(1)]).map_or(0, |newline| newline + 1);
        let end = memchr::memchr(b'\n', &bytes[to..]).map_or(text.len(), |newline| to + newline + 1);
        let known = self.known.clone();
        // What lies apart is given up, not wrong.
        if known.is_empty() || end < known.start || known.end < start {
            find(&text[start..end], start, &mut self.places);
            self.known = start..end;
            return &self.places;
        }
        if start < known.start {
            find(&text[start..known.start], start, &mut self.places);
        }
        if known.end < end {
            find(&text[known.end..end], known.end, &mut self.places);
        }
        self.known = start.min(known.start)..end.max(known.end);
        &self.places
    }
}

fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// White space that stays with what is after it.
fn is_blank(character: char) -> bool {
    character.is_whitespace() && !is_line_break(character)
}

/// Sets the places between the words of `lines`, which start at `base`: not those after a blank.
pub(super) fn words(lines: &str, base: usize, places: &mut Bits) {
    let mut after_blank = true;
    for (start, segment) in lines.split_word_bound_indices() {
        if start > 0 && !after_blank {
            places.set(base + start);
        }
        after_blank = segment.chars().next_back().is_some_and(is_blank);
    }
    if !after_blank {
        places.set(base + lines.len());
    }
}

/// Sets the places between the sentences of `lines`, which start at `base`: before the blanks after each.
pub(super) fn sentences(lines: &str, base: usize, places: &mut Bits) {
    for (start, sentence) in lines.split_sentence_bound_indices() {
        let end = start + sentence.trim_end_matches(is_blank).len();
        if end > start && end < lines.len() {
            places.set(base + end);
        }
    }
    if lines.ends_with(is_line_break) {
        places.set(base + lines.len());
    }
}

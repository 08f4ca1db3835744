//! The blocks of Markdown, as `CommonMark` and GitHub's tables have them.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};

use super::nesting::bounded;
use super::{Boundary, SectionLevel};
use crate::Error;
use crate::sink::reserve;

/// The places where blocks of `text` start, with the coarsest boundary that is there. The start of the text is none, and neither is the
/// start of what follows a heading.
///
/// The parser keeps a tree of the text, and asks for its memory as if there always were enough.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(super) fn blocks(text: &str) -> Result<Vec<(u32, Boundary)>, Error> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut places: Vec<(u32, Boundary)> = Vec::new();
    let (mut depth, mut after_heading) = (0, false);
    let mut lines = Lines { text: text.as_bytes(), seen: 0, start: 0 };
    for (event, range) in Parser::new_ext(&bounded(text)?, options).into_offset_iter() {
        let boundary = match &event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => Some(Boundary::Section(section(*level))),
            Event::Start(Tag::Item | Tag::TableRow) => Some(Boundary::Item),
            Event::Start(_) | Event::Rule if depth == 0 => Some(Boundary::Block),
            Event::Start(Tag::Paragraph | Tag::CodeBlock(_)) => Some(Boundary::Item),
            _ => None,
        };
        if let Some(boundary) = boundary {
            let place = lines.start_of(range.start);
            let is_behind = places.last().is_none_or(|&(last, _)| (last as usize) < place);
            if place > 0 && is_behind && !after_heading {
                reserve(&mut places, 1)?;
                places.push((place as u32, boundary));
            }
            after_heading = matches!(boundary, Boundary::Section(_));
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
    }
    Ok(places)
}

fn section(level: HeadingLevel) -> SectionLevel {
    SectionLevel(level as u8)
}

/// The starts of lines, for places that ascend: thousands of items may begin in one line, which is looked through once for all of them.
struct Lines<'t> {
    text: &'t [u8],
    /// The text up to here was looked through.
    seen: usize,
    /// Where the line that `seen` is in starts.
    start: usize,
}

impl Lines<'_> {
    /// The start of the line that `at` is in; of a place before the last one, that of the last one.
    fn start_of(&mut self, at: usize) -> usize {
        if let Some(since) = self.text.get(self.seen..at) {
            if let Some(newline) = memchr::memrchr(b'\n', since) {
                self.start = self.seen + newline + 1;
            }
            self.seen = at;
        }
        self.start
    }
}

//! The blocks of Markdown, as `CommonMark` and GitHub's tables have them.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};

use super::{Boundary, SectionLevel};

/// The places where blocks of `text` start, with the coarsest boundary that is there. The start of the text is none, and neither is the
/// start of what follows a heading.
pub(super) fn blocks(text: &str) -> Vec<(u32, Boundary)> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut places: Vec<(u32, Boundary)> = Vec::new();
    let (mut depth, mut after_heading) = (0, false);
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        let boundary = match &event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => Some(Boundary::Section(section(*level))),
            Event::Start(Tag::Item | Tag::TableRow) => Some(Boundary::Item),
            Event::Start(_) | Event::Rule if depth == 0 => Some(Boundary::Block),
            Event::Start(Tag::Paragraph | Tag::CodeBlock(_)) => Some(Boundary::Item),
            _ => None,
        };
        if let Some(boundary) = boundary {
            let place = start_of_line(text, range.start);
            let is_behind = places.last().is_none_or(|&(last, _)| (last as usize) < place);
            if place > 0 && is_behind && !after_heading {
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
    places
}

fn section(level: HeadingLevel) -> SectionLevel {
    SectionLevel(level as u8)
}

fn start_of_line(text: &str, at: usize) -> usize {
    memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |newline| newline + 1)
}

//! Where a text can be cut with regard to what it says: between words, sentences, paragraphs and the blocks of Markdown.
//!
//! White space stays with the word after it, as in the tokens of all encodings, and line breaks with what is before them. So a cut
//! before a word costs no token.

mod lines;
mod markdown;
mod nesting;
mod segments;

use crate::Error;
use crate::bits::Bits;
use lines::paragraphs;
use markdown::blocks;
use segments::{Segments, sentences, words};

/// What a text can be cut between, from fine to coarse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Boundary {
    /// Any characters.
    Character,
    /// Tokens; never inside a character.
    Token,
    /// Words, as Unicode (UAX #29) has them.
    Word,
    /// Sentences, as Unicode (UAX #29) has them.
    Sentence,
    /// Paragraphs: after blank lines.
    Paragraph,
    /// Items of lists and rows of tables in Markdown.
    Item,
    /// Blocks of Markdown: paragraphs, lists, tables, code. What follows a heading belongs to its block.
    Block,
    /// Sections of Markdown: before headings of this level (1 to 6) or a higher one.
    Section(SectionLevel),
}

/// 1 is the highest, so it is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionLevel(pub u8);

impl Ord for SectionLevel {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.cmp(&self.0)
    }
}

impl PartialOrd for SectionLevel {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Boundary {
    /// The coarsest one that is not of Markdown, and so on to the finest.
    pub const PLAIN: [Self; 5] = [Self::Paragraph, Self::Sentence, Self::Word, Self::Token, Self::Character];

    /// The next finer one.
    pub fn finer(self) -> Option<Self> {
        Some(match self {
            Self::Section(SectionLevel(..6)) => {
                let Self::Section(SectionLevel(level)) = self else { return None };
                Self::Section(SectionLevel(level + 1))
            }
            Self::Section(_) => Self::Block,
            Self::Block => Self::Item,
            Self::Item => Self::Paragraph,
            Self::Paragraph => Self::Sentence,
            Self::Sentence => Self::Word,
            Self::Word => Self::Token,
            Self::Token => Self::Character,
            Self::Character => return None,
        })
    }
}

/// Bytes in which words and sentences are looked for at first.
const WINDOW: usize = 64;

/// The boundaries of a text, found when they are asked for. Its ends are none.
pub struct Boundaries<'t> {
    text: &'t str,
    words: Option<Segments>,
    sentences: Option<Segments>,
    paragraphs: Option<Vec<u32>>,
    /// Places with the coarsest boundary that is there.
    blocks: Option<Vec<(u32, Boundary)>>,
}

impl std::fmt::Debug for Boundaries<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Boundaries").finish_non_exhaustive()
    }
}

impl<'t> Boundaries<'t> {
    /// Those of `text`.
    pub fn new(text: &'t str) -> Self {
        Self { text, words: None, sentences: None, paragraphs: None, blocks: None }
    }

    /// The last place in `from..=to` where a boundary is; `to` may be the text's length. Not for tokens.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn last_in(&mut self, boundary: Boundary, from: usize, to: usize) -> Result<Option<usize>, Error> {
        let (from, to) = (from.max(1), to.min(self.text.len().saturating_sub(1)));
        if from > to {
            return Ok(None);
        }
        Ok(match boundary {
            Boundary::Character | Boundary::Token => {
                Some(self.text.floor_char_boundary(to)).filter(|&place| place >= from)
            }
            Boundary::Word | Boundary::Sentence => {
                // It is near `to`, mostly, and only so much is looked at.
                let mut length = WINDOW;
                loop {
                    let start = to.saturating_sub(length).max(from);
                    let found = self.segments(boundary, start, to)?.last_in(start, to);
                    if found.is_some() || start == from {
                        return Ok(found);
                    }
                    length *= 4;
                }
            }
            Boundary::Paragraph => {
                let places = self.paragraphs()?;
                let after = places.partition_point(|&place| place as usize <= to);
                after.checked_sub(1).map(|last| places[last] as usize).filter(|&place| place >= from)
            }
            coarse => {
                let places = self.blocks()?;
                let after = places.partition_point(|&(place, _)| place as usize <= to);
                let fitting = places[..after].iter().rev().take_while(|(place, _)| *place as usize >= from);
                fitting.into_iter().find(|(_, other)| *other >= coarse).map(|&(place, _)| place as usize)
            }
        })
    }

    /// The first place in `from..=to` where a boundary is. Not for tokens.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn first_in(&mut self, boundary: Boundary, from: usize, to: usize) -> Result<Option<usize>, Error> {
        let (from, to) = (from.max(1), to.min(self.text.len().saturating_sub(1)));
        if from > to {
            return Ok(None);
        }
        Ok(match boundary {
            Boundary::Character | Boundary::Token => {
                Some(self.text.ceil_char_boundary(from)).filter(|&place| place <= to)
            }
            Boundary::Word | Boundary::Sentence => {
                let mut length = WINDOW;
                loop {
                    let end = from.saturating_add(length).min(to);
                    let found = self.segments(boundary, from, end)?.first_in(from, end);
                    if found.is_some() || end == to {
                        return Ok(found);
                    }
                    length *= 4;
                }
            }
            Boundary::Paragraph => {
                let places = self.paragraphs()?;
                let first = places.partition_point(|&place| (place as usize) < from);
                places.get(first).map(|&place| place as usize).filter(|&place| place <= to)
            }
            coarse => {
                let places = self.blocks()?;
                let first = places.partition_point(|&(place, _)| (place as usize) < from);
                let fitting = places[first..].iter().take_while(|(place, _)| *place as usize <= to);
                fitting.into_iter().find(|(_, other)| *other >= coarse).map(|&(place, _)| place as usize)
            }
        })
    }

    fn segments(&mut self, boundary: Boundary, from: usize, to: usize) -> Result<&Bits, Error> {
        let (kept, find): (_, fn(&str, usize, &mut Bits)) = match boundary {
            Boundary::Word => (&mut self.words, words),
            _ => (&mut self.sentences, sentences),
        };
        let segments = match kept {
            Some(segments) => segments,
            None => kept.insert(Segments::new(self.text.len())?),
        };
        Ok(segments.in_window(self.text, from, to, find))
    }

    fn paragraphs(&mut self) -> Result<&[u32], Error> {
        known(&mut self.paragraphs, || paragraphs(self.text))
    }

    fn blocks(&mut self) -> Result<&[(u32, Boundary)], Error> {
        known(&mut self.blocks, || blocks(self.text))
    }
}

/// What is `kept`, found first where nothing is.
fn known<T>(kept: &mut Option<Vec<T>>, find: impl FnOnce() -> Result<Vec<T>, Error>) -> Result<&[T], Error> {
    Ok(match kept {
        Some(places) => places,
        None => kept.insert(find()?),
    })
}

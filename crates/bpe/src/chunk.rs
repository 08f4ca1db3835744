//! Cutting a text into chunks of at most so many tokens.

use crate::Error;
use crate::boundaries::{Boundaries, Boundary};
use crate::prefix_counts::Counts;
use crate::sink::reserve;

/// How to cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkOptions {
    /// The most tokens of a chunk; at least 1.
    pub max_tokens: usize,
    /// The most tokens that a chunk has in common with the one before it; less than `max_tokens`.
    pub overlap: usize,
    /// The coarsest boundary to cut at. Where no chunk ends at one, the next finer one is taken.
    pub boundary: Boundary,
}

/// A part of a text, in bytes, and how many tokens it has as a text of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Where it starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its tokens.
    pub tokens: usize,
}

impl Counts<'_> {
    /// The chunks of the text: each ends after the one before it, starts in it or at its end, and is as long as can be. None of an empty
    /// text.
    ///
    /// # Errors
    /// [`Error::CharacterTooLarge`]; [`Error::OutOfMemory`]; those of [`Counts::count`].
    pub fn chunks(&mut self, options: ChunkOptions) -> Result<Vec<Chunk>, Error> {
        let ChunkOptions { max_tokens, overlap, boundary } = options;
        let length = self.text.len();
        let mut boundaries = Boundaries::new(self.text);
        let mut chunks = Vec::new();
        // The chunk to come starts at `start` and ends after `least`, where the last one ends.
        let (mut start, mut least) = (0, 0);
        while least < length {
            if let Some(end) = self.end_of_part(&mut boundaries, boundary, start, least, max_tokens)? {
                reserve(&mut chunks, 1)?;
                chunks.push(Chunk { start, end, tokens: self.count(start, end)? });
                if end < length {
                    start = self.start_of_tail(&mut boundaries, boundary.min(Boundary::Block), start, end, overlap)?;
                }
                least = end;
            } else if start < least {
                // What both have in common leaves no room.
                let fewer = self.count(start, least)?.saturating_sub(1);
                start = self.start_of_tail(&mut boundaries, boundary.min(Boundary::Block), start, least, fewer)?;
            } else {
                let mut end = start + 1;
                while end < length && !self.is_uncut(end) {
                    end += 1;
                }
                return Err(Error::CharacterTooLarge { at: start, tokens: self.count(start, end)?, most: max_tokens });
            }
        }
        Ok(chunks)
    }
}

//! Where ids are from, in what their text was read from.

use tokenmill_bpe::Origin;

use crate::error::{Error, Result};
use crate::memory::collected;
use crate::tokenizer::Encoded;

/// Ids and where their tokens are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    /// The ids.
    pub ids: Vec<u32>,
    /// For each id where the character starts that it starts in, in what the text was read from; at last the length of that.
    pub offsets: Vec<u32>,
    /// For each id where the last character ends that it is of, in what the text was read from.
    pub ends: Vec<u32>,
    /// For each id the byte of the text where it starts, be it inside a character; at last the length of the text.
    pub byte_offsets: Vec<u32>,
    /// For each id the byte of the text where it ends, be it inside a character.
    pub byte_ends: Vec<u32>,
    /// See [`Encoded::words`].
    pub words: Vec<u32>,
}

impl Encoded {
    /// Where the ids are from, which are those of `text`; that was read from `origin`.
    ///
    /// # Errors
    /// [`Error::Limit`] when there is not enough memory.
    pub fn into_offsets(self, text: &str, origin: Origin<'_>) -> Result<Offsets> {
        let places = origin.places().map_err(|error| Error::Limit { reason: error.to_string() })?;
        let Self { ids, spans, ends, words } = self;
        let count = spans.len() + 1;
        let start = |index: usize| spans.get(index).map_or(text.len(), |&(start, _)| start);
        let starts = || (0..count).map(start);
        Ok(Offsets {
            ids,
            offsets: collected(starts().map(|start| places[start.min(text.len())]))?,
            ends: collected(ends.iter().map(|&end| places[text.ceil_char_boundary(end)]))?,
            byte_offsets: collected(starts().map(|start| start as u32))?,
            byte_ends: collected(ends.iter().map(|&end| end as u32))?,
            words,
        })
    }
}

//! Characters that a normalizer put before all of a text, as a `Replace` of `^` does: they are from nowhere in it.
//!
//! The crate changes a text between the first and the last character that are from somewhere, by changes to all of its characters, and panics
//! for want of characters. (Where all of a piece is from nowhere, it puts what the piece becomes before the piece.)

use tokenizers::normalizer::Range;
use tokenizers::{NormalizedString, Result};

/// Does `change` to `text`, also where the text starts with characters from nowhere.
pub(crate) fn change(text: &mut NormalizedString, change: impl Fn(&mut NormalizedString) -> Result<()>) -> Result<()> {
    let length = from_nowhere(text);
    if length == 0 || text.get_original().is_empty() {
        return change(text);
    }
    if length == text.get().len() {
        let mut alone = NormalizedString::from(text.get());
        change(&mut alone)?;
        text.transform_range(Range::Normalized(..), alone.get().chars().map(|character| (character, 1)), 0);
        return Ok(());
    }
    let mut placed = text.clone();
    placed.transform_range(Range::Normalized(..length), [], 0);
    // They are then from where the first other character is from.
    placed.prepend(&text.get()[..length]);
    change(&mut placed)?;
    if placed.get() != text.get() {
        *text = placed;
    }
    Ok(())
}

/// How many bytes `text` starts with that are from nowhere.
fn from_nowhere(text: &NormalizedString) -> usize {
    let places = text.get().char_indices().map(|(at, character)| at..at + character.len_utf8());
    let is_nowhere = |place: &std::ops::Range<usize>| {
        text.convert_offsets(Range::Normalized(place.clone())).is_some_and(|original| original.is_empty())
    };
    places.take_while(is_nowhere).last().map_or(0, |place| place.end)
}

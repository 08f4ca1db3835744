//! What is done to a text before it is split.

use std::borrow::Cow;

use crate::Error;

/// A normalizer of what is between special tokens: a normal form of Unicode.
#[derive(Clone, Copy, Debug)]
pub struct Normalizer {
    /// What a text comes to.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::NormalizerLimit`].
    pub normalized: fn(&str) -> Result<Cow<'_, str>, Error>,
    /// Whether a character stays as it is, whatever is before it, and what is before it and what starts with it come to the same as if they were two texts.
    pub is_stable: fn(char) -> bool,
    /// A text comes to at most so many times its bytes, and to one of so many at least.
    pub factor: usize,
}

impl Normalizer {
    /// Whether the characters on both sides of `at` stay as they are, side by side: then a place that is known by them is one of what `text` comes to.
    pub(crate) fn keeps(self, text: &str, at: usize) -> bool {
        let mut after = text[at..].chars();
        let around = [text[..at].chars().next_back(), after.next(), after.next()];
        around.into_iter().all(|character| character.is_some_and(self.is_stable))
    }
}

//! Ids of words and where they are from.

use std::sync::atomic::AtomicBool;

use crate::error::{Error, Result};
use crate::memory::not_enough;
use crate::tokenizer::{Encoded, whole_ends};
use crate::words::is_cancelled;

/// Ids, and of each where in the text it is from and of which word.
#[derive(Default)]
pub(crate) struct Placed<'a> {
    pub ids: Vec<u32>,
    pub spans: Vec<(usize, usize)>,
    pub words: Vec<u32>,
    /// The number of the word that is read.
    pub word: u32,
    pub cancel: Option<&'a AtomicBool>,
}

impl Placed<'_> {
    /// Asked for before the ids of each word.
    ///
    /// # Errors
    /// [`Error::Limit`] when there is not enough memory; [`Error::Cancelled`].
    pub fn reserve(&mut self, more: usize) -> Result<()> {
        if is_cancelled(self.cancel) {
            return Err(Error::Cancelled);
        }
        let Self { ids, spans, words, .. } = self;
        let bytes = |length: usize, each: usize| length.saturating_add(more).saturating_mul(each);
        ids.try_reserve(more).map_err(|_| not_enough(bytes(ids.len(), size_of::<u32>())))?;
        spans.try_reserve(more).map_err(|_| not_enough(bytes(spans.len(), size_of::<(usize, usize)>())))?;
        words.try_reserve(more).map_err(|_| not_enough(bytes(words.len(), size_of::<u32>())))
    }

    /// Adds an id of the word that is read.
    pub fn push(&mut self, id: u32, span: (usize, usize)) {
        self.ids.push(id);
        self.spans.push(span);
        self.words.push(self.word);
    }

    /// Adds an added token, which is a word.
    ///
    /// # Errors
    /// Those of [`Placed::reserve`].
    pub fn push_token(&mut self, id: u32, span: (usize, usize)) -> Result<()> {
        self.reserve(1)?;
        self.push(id, span);
        self.word += 1;
        Ok(())
    }

    /// All of them, which are those of `text`.
    ///
    /// # Errors
    /// [`Error::Limit`] when there is not enough memory.
    pub fn into_encoded(self, text: &str) -> Result<Encoded> {
        let Self { ids, spans, words, .. } = self;
        Ok(Encoded { ids, ends: whole_ends(text, &spans)?, spans, words })
    }
}

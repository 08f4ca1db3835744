//! Text and ids that come in chunks.

mod decode;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokenmill_bpe::{Error as TextError, Incoming, StreamEngine};

use crate::added::Policy;
use crate::error::EncodeError;
use crate::load::Loaded;
use crate::memory::not_enough;
use crate::tokenizer::Tokenizer;

pub use decode::DecodeStream;

/// A tokenizer that finds ids by words, and what it knows of the kept text of a stream.
pub struct WordsEngine {
    loaded: Arc<Loaded>,
    policy: Arc<Policy>,
    max_piece: usize,
    /// The kept text is looked at when it has so many bytes.
    enough: usize,
    /// No disallowed special token starts before this.
    checked: usize,
    /// Whether ids were given.
    has_started: bool,
}

impl WordsEngine {
    /// One of `loaded`, whose tokenizer made `policy`. More than `max_piece` bytes of text without a place where it can be cut are an error. `None` where
    /// no ids are sure before the text ends.
    pub fn new(loaded: Arc<Loaded>, policy: Arc<Policy>, max_piece: usize) -> Option<Self> {
        loaded.tokenizer()?.words(&policy)?;
        Some(Self { loaded, policy, max_piece, enough: 0, checked: 0, has_started: false })
    }

    fn tokenizer(&self) -> &Tokenizer {
        self.loaded.tokenizer().expect("there is one since the stream was made")
    }
}

impl StreamEngine for WordsEngine {
    type Error = EncodeError;

    fn refuses(&self) -> bool {
        self.policy.refuses()
    }

    fn look(&mut self, incoming: &mut Incoming, is_end: bool) -> Result<usize, EncodeError> {
        /// So many bytes are looked at again whenever more come; longer ones when a quarter more has come, so that all work is linear in the text.
        const LITTLE: usize = 1 << 12;
        let (policy, sure) = (&self.policy, incoming.sure(self.policy.longest(), is_end));
        self.checked = incoming.check(self.checked, sure, |text, from| Ok(policy.next_disallowed(text, from)))?;
        let length = incoming.text().len();
        if is_end {
            return Ok(length);
        }
        let is_too_long = length > self.max_piece.saturating_add(self.policy.longest());
        if length < self.enough && !is_too_long {
            return Ok(0);
        }
        let sure = self.tokenizer().sure_end(incoming.text(), &self.policy);
        let rest = length - sure;
        self.enough = if rest <= LITTLE { 0 } else { rest + rest / 4 };
        if rest > self.max_piece.saturating_add(self.policy.longest()) {
            return Err(TextError::PieceTooLong { limit: self.max_piece }.into());
        }
        Ok(sure)
    }

    fn encode(&mut self, text: &str, ids: &mut Vec<u32>, cancel: Option<&AtomicBool>) -> Result<(), EncodeError> {
        let tokenizer = self.tokenizer();
        let found = if self.has_started {
            tokenizer.encode_rest(text, &self.policy, cancel)
        } else {
            tokenizer.encode(text, &self.policy, cancel)
        };
        let found = found?;
        ids.try_reserve(found.len()).map_err(|_| not_enough(size_of_val(&*found)))?;
        ids.extend_from_slice(&found);
        self.checked -= text.len();
        self.has_started = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

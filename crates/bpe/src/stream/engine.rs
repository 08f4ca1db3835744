//! The engine behind a stream of text.
//!
//! What has come is kept until its ids are sure: up to the last allowed special token, and from there to the last place where
//! [`Tokenizer::split_before`] allows a cut. Every place is looked at once, when it has come: however small the
//! chunks are and however long no place comes, the work is linear in the text.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Incoming, StreamEngine};
use crate::{Error, Sink, SpecialPolicy, Tokenizer};

/// A tokenizer and what it knows of the kept text of a stream.
pub struct BpeEngine {
    tokenizer: Arc<Tokenizer>,
    policy: Arc<SpecialPolicy>,
    max_piece: usize,
    /// How many bytes of text ids were given for.
    given: usize,
    /// Where a piece starts whatever follows, the last such place that is known.
    ready: usize,
    /// From `ready` to here there is neither a place for a cut nor the start of an allowed special token.
    searched: usize,
    /// No disallowed special token starts before this.
    checked: usize,
}

impl BpeEngine {
    pub(super) fn new(tokenizer: Arc<Tokenizer>, policy: Arc<SpecialPolicy>, max_piece: usize) -> Self {
        Self { tokenizer, policy, max_piece, given: 0, ready: 0, searched: 0, checked: 0 }
    }

    /// Looks for special tokens and for places to cut in what was not looked at yet.
    fn search(&mut self, incoming: &mut Incoming, is_end: bool) -> Result<(), Error> {
        let length = incoming.text().len();
        let sure = incoming.sure(self.policy.longest(), is_end);
        let policy = &self.policy;
        self.checked = incoming.check(self.checked, sure, |text, from| policy.next_disallowed(text, from, None))?;
        while let Some(special) = self.policy.next_allowed(incoming.text(), self.searched, None)?
            && special.start < sure
        {
            // Where a disallowed one may still overlap it, it waits; it is then found again.
            if special.end > self.checked && self.policy.refuses() {
                (self.ready, self.searched) = (special.start, special.start);
                return self.check_length(length);
            }
            (self.ready, self.searched) = (special.end, special.end);
            self.checked = self.checked.max(special.end);
        }
        if is_end {
            self.ready = length;
            (self.searched, self.checked) = (length, length);
            return Ok(());
        }
        let to = sure.min(length.saturating_sub(1));
        if self.searched < to {
            let rest = &incoming.text()[self.ready..];
            if let Some(cut) = self.tokenizer.split_before(rest, self.searched - self.ready, to - self.ready) {
                self.ready += cut;
            }
            self.searched = to;
        }
        self.check_length(length)
    }

    fn check_length(&self, length: usize) -> Result<(), Error> {
        // The start of a special token may be kept beside the piece.
        if length - self.ready > self.max_piece.saturating_add(self.policy.longest()) {
            return Err(Error::PieceTooLong { limit: self.max_piece });
        }
        Ok(())
    }
}

impl StreamEngine for BpeEngine {
    type Error = Error;

    fn refuses(&self) -> bool {
        self.policy.refuses()
    }

    fn look(&mut self, incoming: &mut Incoming, is_end: bool) -> Result<usize, Error> {
        self.search(incoming, is_end)?;
        Ok(self.ready)
    }

    /// # Errors
    /// [`Error::Cancelled`]; [`Error::OutOfMemory`]; [`Error::PatternLimit`], which counts bytes of UTF-8 from the start of the stream.
    fn encode(&mut self, text: &str, ids: &mut Vec<u32>, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        let Self { tokenizer, policy, given, .. } = &*self;
        let (mut worker, mut start) = (tokenizer.idle_worker(), 0);
        let in_stream = |error: Error| error.after(*given);
        // Disallowed ones are not in it: they were looked for before it was ready.
        while let Some(special) = policy.next_allowed(text, start, cancel)? {
            tokenizer.encode_part(text, start..special.start, &mut worker, ids, cancel).map_err(in_stream)?;
            Sink::reserve(ids, 1)?;
            ids.push(special.id);
            start = special.end;
        }
        tokenizer.encode_part(text, start..text.len(), &mut worker, ids, cancel).map_err(in_stream)?;
        drop(worker);
        let length = text.len();
        self.given += length;
        self.ready -= length;
        self.searched -= length;
        self.checked -= length;
        Ok(())
    }
}

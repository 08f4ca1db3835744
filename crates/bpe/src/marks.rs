//! Encoding that also tells where in the text pieces and tokens end.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;
use crate::pretokenize::Scan;
use crate::sink::Sink;
use crate::special::SpecialPolicy;
use crate::tokenizer::Tokenizer;
use crate::vocabulary::Vocabulary;
use crate::worker::Worker;

/// Takes tokens and pieces with the bytes of the text where they end, each kind in ascending order.
pub(crate) trait Marks {
    /// Makes room for so many more tokens.
    fn reserve(&mut self, _tokens: usize) -> Result<(), Error> {
        Ok(())
    }

    fn token(&mut self, id: u32, end: usize);

    fn piece(&mut self, end: usize);

    /// An allowed special token, of `start..end`.
    fn special(&mut self, id: u32, start: usize, end: usize) -> Result<(), Error>;
}

/// Gives ids of ordinary tokens with their ends to marks.
struct Placing<'a, M> {
    vocabulary: &'a Vocabulary,
    marks: &'a mut M,
    at: usize,
}

impl<M: Marks> Sink for Placing<'_, M> {
    #[inline(always)]
    fn push(&mut self, id: u32) {
        self.at += self.vocabulary.range(id).len();
        self.marks.token(id, self.at);
    }
}

impl Tokenizer {
    /// Encodes `text` like [`Tokenizer::encode_to`].
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`], before any mark is given; [`Error::Cancelled`]; [`Error::OutOfMemory`]; [`Error::PatternLimit`].
    pub(crate) fn encode_marked(
        &self,
        text: &str,
        policy: &SpecialPolicy,
        worker: &mut Worker,
        marks: &mut impl Marks,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        policy.check(text, cancel)?;
        let mut start = 0;
        while let Some(special) = policy.next_allowed(text, start, cancel)? {
            self.mark_plain(&text[start..special.start], start, worker, marks, cancel)?;
            marks.special(special.id, special.start, special.end)?;
            start = special.end;
        }
        self.mark_plain(&text[start..], start, worker, marks, cancel)
    }

    /// `text`, without special tokens, starts at byte `base` of the whole.
    fn mark_plain(
        &self,
        text: &str,
        base: usize,
        worker: &mut Worker,
        marks: &mut impl Marks,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        let mut scan = Scan::new(self.pattern(), self.level, text);
        while !scan.is_done() {
            let start = scan.at();
            let count = scan.next(&mut worker.ends[..]).map_err(|error| error.after(base))?;
            // No token is of less than a byte.
            marks.reserve(scan.at() - start)?;
            worker.memory.scratch.reserve(scan.at() - start)?;
            let mut placing = Placing { vocabulary: self.vocabulary(), marks: &mut *marks, at: base + start };
            self.encode_pieces(text.as_bytes(), start, count, worker, &mut placing, cancel);
            worker.memory.scratch.check()?;
            // The tokens of a cancelled piece are any.
            if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
                return Err(Error::Cancelled);
            }
            debug_assert_eq!(placing.at, base + scan.at());
            worker.ends[..count].iter().for_each(|end| marks.piece(base + end));
        }
        Ok(())
    }
}

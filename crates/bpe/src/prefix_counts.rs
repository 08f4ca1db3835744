//! How many tokens any part of a text has, without encoding all of it again.
//!
//! A text is encoded once, and where its pieces and tokens end is remembered, a bit for each byte. The pieces of a part of it are those of
//! the whole, except at its two cuts:
//!
//! - *At its start.* No pattern looks back, so from the first place on where a piece of the part and a piece of the whole both end, all are
//!   the same. The scanner runs from the start of the part to that place, which is one or two pieces away.
//! - *At its end.* A pattern looks ahead, as far as it likes. But up to the last place where [`Pattern::split_before`] says that a text can be
//!   cut the pieces are the same, whatever follows. What is after that place is encoded again.
//!
//! Between the two, tokens are counted by their ends. A pattern that knows no places to cut may look back too: there a part is encoded
//! whole.
//!
//! [`Pattern::split_before`]: crate::Pattern::split_before

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;
use crate::bits::Bits;
use crate::marks::Marks;
use crate::offsets::within_u32;
use crate::sink::{Counter, reserve};
use crate::special::SpecialPolicy;
use crate::tokenizer::Tokenizer;
use crate::worker::{BATCH, Worker};

/// What is remembered of an encoded text: less than half of its bytes.
#[derive(Debug)]
pub struct PrefixCounts {
    /// Where tokens end, and where pieces do.
    tokens: Bits,
    pieces: Bits,
    /// The special tokens in it, as they are one after the other.
    specials: Vec<(usize, usize)>,
    length: usize,
    total: usize,
}

struct Building(PrefixCounts);

impl Marks for Building {
    #[inline(always)]
    fn token(&mut self, _: u32, end: usize) {
        self.0.tokens.set(end);
    }

    #[inline(always)]
    fn piece(&mut self, end: usize) {
        self.0.pieces.set(end);
    }

    fn special(&mut self, _: u32, start: usize, end: usize) -> Result<(), Error> {
        self.0.tokens.set(end);
        self.0.pieces.set(end);
        reserve(&mut self.0.specials, 1)?;
        self.0.specials.push((start, end));
        Ok(())
    }
}

impl PrefixCounts {
    /// Encodes `text`, with special tokens by `policy`.
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`]; [`Error::OutOfMemory`], also for a text of 4 GiB or more; [`Error::PatternLimit`], for a pattern of
    /// regular expressions; [`Error::Cancelled`].
    pub fn new(
        tokenizer: &Tokenizer,
        text: &str,
        policy: &SpecialPolicy,
        worker: &mut Worker,
        cancel: Option<&AtomicBool>,
    ) -> Result<Self, Error> {
        within_u32(text)?;
        let mut building = Building(Self {
            tokens: Bits::new(text.len())?,
            pieces: Bits::new(text.len())?,
            specials: Vec::new(),
            length: text.len(),
            total: 0,
        });
        tokenizer.encode_marked(text, policy, worker, &mut building, cancel)?;
        let Building(mut counts) = building;
        // Where a piece starts one ends too.
        counts.pieces.set(0);
        counts.tokens.finish();
        counts.total = counts.tokens.rank(text.len());
        Ok(counts)
    }

    /// The number of tokens of the whole text.
    pub fn total(&self) -> usize {
        self.total
    }

    /// The memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        self.tokens.memory() + self.pieces.memory() + self.specials.capacity() * size_of::<(usize, usize)>()
    }

    /// The tokens of the text that end up to byte `place`.
    pub(crate) fn before(&self, place: usize) -> usize {
        self.tokens.rank(place)
    }

    /// The byte where token `number` of the text ends, counted from 1; 0 for 0, and the text's length when there are fewer.
    pub(crate) fn end_of_token(&self, number: usize) -> usize {
        if number == 0 { 0 } else { self.tokens.select(number).unwrap_or(self.length) }
    }

    /// Where tokens of the text end.
    pub(crate) fn token_ends(&self) -> &Bits {
        &self.tokens
    }

    /// Whether a special token of the text is cut at `place`.
    pub(crate) fn cuts_special(&self, place: usize) -> bool {
        let index = self.specials.partition_point(|&(_, end)| end <= place);
        self.specials.get(index).is_some_and(|&(start, _)| start < place)
    }

    /// The stretch without special tokens that `place` is in, or at an end of: of two the one after it.
    fn stretch(&self, place: usize) -> (usize, usize) {
        let index = self.specials.partition_point(|&(_, end)| end <= place);
        let start = index.checked_sub(1).map_or(0, |before| self.specials[before].1);
        (start, self.specials.get(index).map_or(self.length, |&(start, _)| start))
    }
}

/// [`PrefixCounts`] with what is needed to ask it.
pub struct Counts<'a> {
    pub(crate) index: &'a PrefixCounts,
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) text: &'a str,
    policy: &'a SpecialPolicy,
    worker: &'a mut Worker,
    cancel: Option<&'a AtomicBool>,
}

impl fmt::Debug for Counts<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Counts").field("total", &self.index.total).finish_non_exhaustive()
    }
}

impl<'a> Counts<'a> {
    /// `index` is that of the same tokenizer, text and policy. Work ends soon after `cancel` is set.
    pub fn new(
        index: &'a PrefixCounts,
        tokenizer: &'a Tokenizer,
        text: &'a str,
        policy: &'a SpecialPolicy,
        worker: &'a mut Worker,
        cancel: Option<&'a AtomicBool>,
    ) -> Self {
        Self { index, tokenizer, text, policy, worker, cancel }
    }

    /// The number of tokens of `text[start..end]` as a text of its own. Both are ends of characters, and `start <= end`.
    ///
    /// # Errors
    /// [`Error::PatternLimit`]: regular expressions may reach a limit on a part where they do not on the whole. [`Error::OutOfMemory`];
    /// [`Error::Cancelled`].
    pub fn count(&mut self, start: usize, end: usize) -> Result<usize, Error> {
        let index = self.index;
        if start == end {
            return Ok(0);
        }
        if self.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Err(Error::Cancelled);
        }
        if index.cuts_special(start) || index.cuts_special(end) {
            return self.count_anew(start, end);
        }
        let (last_start, last_end) = index.stretch(end);
        let from = start.max(last_start);
        let tail = if end == last_end || end == last_start {
            end
        } else {
            let stretch = &self.text[last_start..last_end];
            let cut = self.tokenizer.pattern().split_before(stretch, from - last_start, end - last_start);
            match cut {
                Some(at) => last_start + at,
                None if from > start => from,
                None => return self.count_plain(start, end),
            }
        };
        // Without special tokens, and for a pattern that looks back, the start may be felt everywhere.
        if !self.tokenizer.pattern().can_split() && start > 0 && index.stretch(start).0 != start {
            return self.count_anew(start, end);
        }
        let (head, counted) = self.count_head(start, tail)?;
        Ok(counted + index.before(tail) - index.before(head) + self.count_plain(tail, end)?)
    }

    /// The first place from `start` on that is an end of pieces both of the whole and of the part that starts at `start`, and the tokens of
    /// that part up to there. Both have one at `limit`.
    fn count_head(&mut self, start: usize, limit: usize) -> Result<(usize, usize), Error> {
        let index = self.index;
        if index.pieces.has(start) {
            return Ok((start, 0));
        }
        let (_, stretch_end) = index.stretch(start);
        let stretch = &self.text[..stretch_end];
        let mut counter = Counter::default();
        let (mut from, mut at, mut count) = (start, start, 0);
        for piece in self.tokenizer.pattern().try_pieces(&stretch[start..]) {
            at += piece.map_err(|error| error.after(start))?.len();
            self.worker.ends[count] = at;
            count += 1;
            let is_shared = at >= limit || index.pieces.has(at);
            if is_shared || count == BATCH {
                self.worker.memory.scratch.reserve(at - from)?;
                self.tokenizer.encode_pieces(stretch.as_bytes(), from, count, self.worker, &mut counter, self.cancel);
                self.worker.memory.scratch.check()?;
                (from, count) = (at, 0);
            }
            if is_shared {
                break;
            }
        }
        Ok((at, counter.0))
    }

    /// `text[start..end]`, in which there is no special token, as a text of its own.
    fn count_plain(&mut self, start: usize, end: usize) -> Result<usize, Error> {
        let mut counter = Counter::default();
        self.tokenizer.encode_part(self.text, start..end, self.worker, &mut counter, self.cancel)?;
        Ok(counter.0)
    }

    fn count_anew(&mut self, start: usize, end: usize) -> Result<usize, Error> {
        let mut counter = Counter::default();
        // No part of the text holds a disallowed token, as the text holds none.
        let result =
            self.tokenizer.encode_to(&self.text[start..end], self.policy, self.worker, &mut counter, self.cancel);
        result.map_err(|error| error.after(start))?;
        Ok(counter.0)
    }
}

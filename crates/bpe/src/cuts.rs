//! Where to cut a text so that a part of it has at most so many tokens.
//!
//! The number of tokens of a part does not always grow with the part: a cut inside a word can give more tokens than the word has. So a
//! place is never trusted, but counted, with [`Counts::count`]; which places to count follows from the places where the text can be cut
//! safely: what is up to there has its tokens whatever follows, so a longer part has no fewer.

use crate::Error;
use crate::boundaries::{Boundaries, Boundary};
use crate::prefix_counts::Counts;

/// How far from the likely place a safe one is looked for, in bytes. Without one, in a long run of letters, say, only shorter parts than
/// the likely one are tried.
const WINDOW: usize = 256;

/// Where a text was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The place, in bytes.
    pub at: usize,
    /// Whether it is the same however the text goes on, or what is before it. In a long run without a safe place it is only as good.
    pub is_sure: bool,
}

impl Counts<'_> {
    /// The longest prefix that has at most `most` tokens; empty when the first character has more.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; those of [`Counts::count`].
    pub fn longest_prefix(&mut self, most: usize) -> Result<Cut, Error> {
        let mut boundaries = Boundaries::new(self.text);
        let search = self.search_end(0, 0, most)?;
        let at = self.last_fitting(&mut boundaries, Boundary::Character, 0, 0, search.bound, most)?;
        Ok(Cut { at: at.unwrap_or(0), is_sure: search.is_sure })
    }

    /// The longest suffix that has at most `most` tokens, as [`Counts::longest_prefix`]; the place is where it starts.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; those of [`Counts::count`].
    pub fn longest_suffix(&mut self, most: usize) -> Result<Cut, Error> {
        let end = self.text.len();
        let search = self.search_start(0, end, most)?;
        if search.bound == 0 && self.count(0, end)? <= most {
            return Ok(Cut { at: 0, is_sure: false });
        }
        let mut boundaries = Boundaries::new(self.text);
        let at = self.first_fitting(&mut boundaries, Boundary::Character, search.bound, end, most)?;
        Ok(Cut { at: at.unwrap_or(end), is_sure: search.is_sure })
    }

    /// The end of the longest part from `start` on that ends after `least`, at the coarsest boundary from `boundary` down that there is,
    /// and has at most `most` tokens; `None` when even a cut after the next character makes it too long. The end of the text is a
    /// boundary of every kind.
    pub(crate) fn end_of_part(
        &mut self,
        boundaries: &mut Boundaries<'_>,
        boundary: Boundary,
        start: usize,
        least: usize,
        most: usize,
    ) -> Result<Option<usize>, Error> {
        let bound = self.search_end(start, least, most)?.bound;
        let mut next = Some(boundary);
        while let Some(boundary) = next {
            if let Some(end) = self.last_fitting(boundaries, boundary, start, least, bound, most)? {
                return Ok(Some(end));
            }
            next = boundary.finer();
        }
        Ok(None)
    }

    /// The start of the longest tail of `start..end` that starts after `start`, at the coarsest boundary from `boundary` down that there is,
    /// and has at most `most` tokens; `end` when there is none.
    pub(crate) fn start_of_tail(
        &mut self,
        boundaries: &mut Boundaries<'_>,
        boundary: Boundary,
        start: usize,
        end: usize,
        most: usize,
    ) -> Result<usize, Error> {
        if most == 0 {
            return Ok(end);
        }
        let bound = self.search_start(start, end, most)?.bound.max(start + 1);
        let mut next = Some(boundary);
        while let Some(boundary) = next {
            if let Some(place) = self.first_fitting(boundaries, boundary, bound, end, most)? {
                return Ok(place);
            }
            next = boundary.finer();
        }
        Ok(end)
    }

    /// The last place at which a part from `start` on may end.
    fn search_end(&mut self, start: usize, least: usize, most: usize) -> Result<Search, Error> {
        let length = self.text.len();
        let number = self.index.before(start).saturating_add(most);
        let likely = self.text.floor_char_boundary(self.index.end_of_token(number)).max(least);
        let mut from = likely;
        loop {
            let to = self.text.floor_char_boundary(from.saturating_add(WINDOW).min(length));
            match self.first_safe(from, to) {
                // From here on all parts are too long.
                Some(place) if self.count(start, place)? > most => {
                    return Ok(Search { bound: place - 1, is_sure: place < length });
                }
                Some(place) if place == length => return Ok(Search { bound: length, is_sure: false }),
                Some(place) => from = place,
                None => {
                    let next = self.text.ceil_char_boundary(least + 1);
                    return Ok(Search { bound: from.max(next), is_sure: to < length });
                }
            }
        }
    }

    /// The first place after `start` from which a part that ends at `end` may start; `start` counts when it is 0.
    fn search_start(&mut self, start: usize, end: usize, most: usize) -> Result<Search, Error> {
        let number = self.index.before(end).saturating_sub(most);
        let likely = self.text.ceil_char_boundary(self.index.end_of_token(number)).clamp(start, end);
        let mut to = likely;
        loop {
            let from = self.text.floor_char_boundary(to.saturating_sub(WINDOW)).max(start);
            match self.last_safe(from, to) {
                Some(place) if self.count(place, end)? > most => {
                    return Ok(Search { bound: place + 1, is_sure: place > 0 });
                }
                Some(place) if place <= start => return Ok(Search { bound: start, is_sure: false }),
                Some(place) => to = place - 1,
                None if from == start => return Ok(Search { bound: start, is_sure: false }),
                None => return Ok(Search { bound: to.min(likely), is_sure: true }),
            }
        }
    }

    /// The last place in `least + 1..=bound` at a boundary where the part from `start` on has at most `most` tokens.
    fn last_fitting(
        &mut self,
        boundaries: &mut Boundaries<'_>,
        boundary: Boundary,
        start: usize,
        least: usize,
        bound: usize,
        most: usize,
    ) -> Result<Option<usize>, Error> {
        let length = self.text.len();
        if bound == length && length > least && self.count(start, length)? <= most {
            return Ok(Some(length));
        }
        let mut to = bound.min(length.saturating_sub(1));
        while to > least {
            let place = match boundary {
                Boundary::Token => self.index.token_ends().last_in(least + 1, to),
                _ => boundaries.last_in(boundary, least + 1, to)?,
            };
            let Some(place) = place else { return Ok(None) };
            if self.is_uncut(place) && self.count(start, place)? <= most {
                return Ok(Some(place));
            }
            to = place - 1;
        }
        Ok(None)
    }

    /// The first place in `bound..end` at a boundary from which the part up to `end` has at most `most` tokens.
    fn first_fitting(
        &mut self,
        boundaries: &mut Boundaries<'_>,
        boundary: Boundary,
        bound: usize,
        end: usize,
        most: usize,
    ) -> Result<Option<usize>, Error> {
        let mut from = bound.max(1);
        while from < end {
            let place = match boundary {
                Boundary::Token => self.index.token_ends().first_in(from, end - 1),
                _ => boundaries.first_in(boundary, from, end - 1)?,
            };
            let Some(place) = place else { return Ok(None) };
            if self.is_uncut(place) && self.count(place, end)? <= most {
                return Ok(Some(place));
            }
            from = place + 1;
        }
        Ok(None)
    }

    /// Whether no character and no special token is cut at `place`.
    pub(crate) fn is_uncut(&self, place: usize) -> bool {
        self.text.is_char_boundary(place) && !self.index.cuts_special(place)
    }

    /// The first safe place after `from` and up to `to`; the end of the text is one.
    fn first_safe(&self, from: usize, to: usize) -> Option<usize> {
        let mut at = from;
        while at < to {
            at = self.text.ceil_char_boundary(at + 1);
            if self.is_safe(at) {
                return Some(at);
            }
        }
        None
    }

    /// The last safe place from `from` on and up to `to`; the start of the text is one.
    fn last_safe(&self, from: usize, to: usize) -> Option<usize> {
        let mut at = to;
        loop {
            if self.is_safe(at) {
                return Some(at);
            }
            if at <= from {
                return None;
            }
            at = self.text.floor_char_boundary(at - 1);
        }
    }

    /// Whether the pieces before and after `place` are the same whatever else the text holds.
    fn is_safe(&self, place: usize) -> bool {
        if place == 0 || place == self.text.len() {
            return true;
        }
        if self.index.cuts_special(place) {
            return false;
        }
        // At an end of a special token, which are where they are only in the whole text.
        self.tokenizer.pattern().split_before(self.text, place - 1, place) == Some(place)
    }
}

struct Search {
    bound: usize,
    /// Whether more text would not change it.
    is_sure: bool,
}

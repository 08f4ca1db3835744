//! Searches of a regular expression that end in time.
//!
//! The engine counts how often it goes back, but one attempt at a match can look far ahead from every place without going back once. It asks
//! for the text at each step, so that is where the clock is looked at, and where a search is left that takes too long.

use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use fancy_regex::{Error, Input, Regex, RegexBuilder, RegexInput};

use crate::deadline::Deadline;

/// How often the engine may go back within one match.
pub const BACKTRACKS: usize = 1_000_000;
/// What each automaton may take, in bytes.
const AUTOMATON: usize = 10 << 20;
/// The steps that a program may have.
const PROGRAM: usize = 1 << 18;
/// What each search may remember, in bytes.
const SEARCH: usize = 2 << 20;

/// A regular expression for [`Matches`].
///
/// # Errors
/// Those of the engine: `source` is none, or too large.
pub fn compile(source: &str) -> Result<Regex, Error> {
    RegexBuilder::new(source)
        .backtrack_limit(BACKTRACKS)
        .delegate_size_limit(AUTOMATON)
        .delegate_dfa_size_limit(SEARCH)
        .max_prog_size(PROGRAM)
        // Asked for by `Matches`; without `\G` it would only cost time.
        .allow_input_assertion_overrides(source.contains(r"\G"))
        .build()
}

/// The time of all searches in one text.
#[derive(Debug)]
pub struct Clock {
    time: Duration,
    /// Set when it is first looked at.
    deadline: Cell<Option<Deadline>>,
    /// How often the engine may ask for the text before the clock is looked at again.
    left: Cell<usize>,
    between: usize,
}

impl Clock {
    /// The engine may read so many bytes between two looks: a step may read all of the text.
    const BYTES: usize = 1 << 28;
    /// And so often ask for it.
    const MOST: usize = 4096;

    /// A text of `length` bytes may take `time`.
    pub fn new(time: Duration, length: usize) -> Self {
        let between = (Self::BYTES / length.max(1)).clamp(1, Self::MOST);
        Self { time, deadline: Cell::new(None), left: Cell::new(0), between }
    }

    /// A text of `length` bytes may take until `deadline`.
    pub fn until(deadline: Deadline, length: usize) -> Self {
        Self { deadline: Cell::new(Some(deadline)), ..Self::new(deadline.time(), length) }
    }

    /// The time that there is.
    pub fn time(&self) -> Duration {
        self.time
    }

    #[inline]
    fn tick(&self) {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => self.look(),
        }
    }

    #[cold]
    fn look(&self) {
        self.left.set(self.between);
        match self.deadline.get() {
            None => self.deadline.set(Some(Deadline::after(self.time))),
            // The engine has no other way out. No panic hook is called.
            Some(deadline) if deadline.is_over() => resume_unwind(Box::new(Late)),
            Some(_) => {}
        }
    }
}

/// What a search is left with.
struct Late;

/// Why there is no next match.
#[derive(Debug)]
pub enum Stopped {
    /// It takes too long.
    Late,
    /// What the engine says.
    Engine(Error),
}

/// A text that is read by the clock.
struct Timed<'a> {
    text: &'a str,
    clock: &'a Clock,
}

impl Input for Timed<'_> {
    type Match<'t>
        = Range<usize>
    where
        Self: 't;

    #[inline]
    fn len(&self) -> usize {
        self.text.len()
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        self.clock.tick();
        self.text.as_bytes()
    }

    #[inline]
    fn is_char_boundary(&self, at: usize) -> bool {
        self.text.is_char_boundary(at)
    }

    fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    fn prev_codepoint_ix(&self, at: usize) -> usize {
        Input::prev_codepoint_ix(self.text, at)
    }

    fn make_match(&self, start: usize, end: usize) -> Range<usize> {
        start..end
    }

    #[inline]
    fn advance_position(&self, at: usize) -> usize {
        self.text.advance_position(at)
    }
}

/// The matches of a regular expression of [`compile`] in a text, those of [`Regex::find_iter`].
pub struct Matches<'a> {
    regex: &'a Regex,
    text: &'a str,
    from: usize,
    /// Where the last match ended.
    last: Option<usize>,
    /// Whether `from` is right after an empty match, where `\G` does not hold.
    is_apart: bool,
}

impl<'a> Matches<'a> {
    /// None is looked for yet.
    pub fn new(regex: &'a Regex, text: &'a str) -> Self {
        Self { regex, text, from: 0, last: None, is_apart: false }
    }

    /// The next one. After an error there is none.
    ///
    /// # Errors
    /// [`Stopped`]; when it is late by `clock`.
    pub fn next(&mut self, clock: &Clock) -> Result<Option<Range<usize>>, Stopped> {
        let text = Timed { text: self.text, clock };
        while self.from <= self.text.len() {
            let input = RegexInput::new(&text).from_pos(self.from).continue_from_previous_match_end(!self.is_apart);
            // Nothing is kept of a search that was left: the engine makes its state anew for each.
            let found = catch_unwind(AssertUnwindSafe(|| self.regex.find_input(input)));
            let start = std::mem::replace(&mut self.from, self.text.len() + 1);
            let found = match found {
                Ok(found) => found.map_err(Stopped::Engine)?,
                Err(payload) if payload.is::<Late>() => return Err(Stopped::Late),
                Err(payload) => resume_unwind(payload),
            };
            let Some(found) = found else { break };
            let is_empty = found.is_empty();
            self.is_apart = is_empty && found.end == start;
            self.from = if is_empty { self.text.advance_position(found.end) } else { found.end };
            // An empty match where the last one ended is none.
            if !is_empty || self.last != Some(found.end) {
                self.last = Some(found.end);
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::time;

    use super::*;

    fn all(regex: &Regex, text: &str, time: Duration) -> Result<Vec<Range<usize>>, Stopped> {
        let (clock, mut matches) = (Clock::new(time, text.len()), Matches::new(regex, text));
        std::iter::from_fn(|| matches.next(&clock).transpose()).collect()
    }

    #[test]
    fn matches_are_those_of_the_engine() {
        let sources = [
            "",
            "a*",
            "(?=a)",
            r"\Ga",
            r"\G",
            r"\G(?=a)|b",
            r"a\Kb|\G",
            r"\b",
            "$",
            "(?!)",
            "é|.",
            r"(.)\1",
            r"(?<=a)b*",
        ];
        for source in sources {
            let regex = compile(source).expect("it is one");
            for text in ["", "a", "aab ab b", "aé é a", "ééa\nb😀b", "baab\n"] {
                let expected: Vec<_> = Regex::new(source)
                    .expect("it is one")
                    .find_iter(text)
                    .map(|found| found.expect("a match").range())
                    .collect();
                let found = all(&regex, text, Duration::from_mins(1)).ok();
                assert_eq!(found, Some(expected), "{source:?} in {text:?}");
            }
        }
    }

    #[test]
    fn an_attempt_that_looks_ahead_from_every_place_ends_in_time() {
        // It would read more than 10^11 bytes, and goes back only once.
        let text = "a".repeat(1 << 19) + "b";
        for source in ["(?:(?=a*b)a)*c", "(?:(?=.*b)a)+", "(?:a(?!a*c))*"] {
            let regex = compile(source).expect("it is one");
            let (found, took) = time::took(|| all(&regex, &text, Duration::from_millis(100)));
            assert!(matches!(found, Err(Stopped::Late)), "{source}");
            assert!(took < Duration::from_secs(10), "{source}: {took:?}");
            // It is as good as new.
            let expected: Vec<_> = regex.find_iter("aab ab").map(|found| found.expect("a match").range()).collect();
            assert_eq!(all(&regex, "aab ab", Duration::from_mins(1)).ok(), Some(expected), "{source}");
        }
    }
}

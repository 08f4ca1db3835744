//! Patterns of the caller's own: regular expressions by an engine that backtracks, within bounds.

use std::fmt;
use std::time::{Duration, Instant};

use fancy_regex::{Matches, Regex, RegexBuilder, RuntimeError};

use crate::Error;

/// Regular expressions, each of which splits the pieces of the one before.
pub struct Splits {
    sources: Vec<String>,
    regexes: Vec<Regex>,
}

impl Splits {
    /// The most regular expressions.
    const MOST: usize = 32;
    /// The longest regular expression, in bytes.
    const LONGEST: usize = 1 << 16;
    /// How often the engine may go back within one match.
    const BACKTRACKS: usize = 1_000_000;
    /// What each automaton may take, in bytes.
    const AUTOMATON: usize = 10 << 20;
    /// The steps that a program may have.
    const PROGRAM: usize = 1 << 18;
    /// What each search may remember, in bytes.
    const SEARCH: usize = 2 << 20;

    /// # Errors
    /// [`Error::InvalidPattern`].
    pub(super) fn new(sources: Vec<String>) -> Result<Self, Error> {
        let invalid = |reason| Error::InvalidPattern { reason };
        if sources.len() > Self::MOST {
            return Err(invalid(format!(
                "expected at most {} regular expressions, received {}",
                Self::MOST,
                sources.len()
            )));
        }
        let compile = |source: &String| {
            if source.len() > Self::LONGEST {
                return Err(invalid(format!(
                    "expected a regular expression of at most {} bytes, received {}",
                    Self::LONGEST,
                    source.len()
                )));
            }
            RegexBuilder::new(source)
                .backtrack_limit(Self::BACKTRACKS)
                .delegate_size_limit(Self::AUTOMATON)
                .delegate_dfa_size_limit(Self::SEARCH)
                .max_prog_size(Self::PROGRAM)
                .build()
                .map_err(|error| invalid(format!("the regular expression {source:?} cannot be compiled: {error}")))
        };
        let regexes = sources.iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { sources, regexes })
    }

    /// The regular expressions in order.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    pub(super) fn cuts<'a>(&'a self, text: &'a str) -> Cuts<'a> {
        let mut cuts = Cuts { text, regexes: &self.regexes, levels: Vec::new(), start: 0, done: 0, started: None };
        cuts.levels.extend(self.regexes.first().map(|regex| Stretch::new(regex, text, 0, text.len())));
        for _ in self.regexes.iter().skip(1) {
            // Opened when there is a piece to split.
            cuts.levels.push(Stretch::new(&self.regexes[0], text, 0, 0));
        }
        cuts
    }
}

impl fmt::Debug for Splits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(&self.sources).finish()
    }
}

impl PartialEq for Splits {
    fn eq(&self, other: &Self) -> bool {
        self.sources == other.sources
    }
}

impl Eq for Splits {}

impl std::hash::Hash for Splits {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.sources.hash(state);
    }
}

/// The places where a text is cut, found one after the other: what it takes does not grow with the text.
pub(super) struct Cuts<'a> {
    text: &'a str,
    regexes: &'a [Regex],
    /// The stretch that each regular expression is splitting, those of the later ones within those of the earlier ones.
    levels: Vec<Stretch<'a>>,
    /// The last place.
    start: usize,
    /// How many have been found.
    done: u64,
    started: Option<Instant>,
}

/// What one regular expression is splitting.
struct Stretch<'a> {
    matches: Matches<'a, 'a, str>,
    start: usize,
    end: usize,
    /// The last place, and that where the match after it ends.
    at: usize,
    match_end: Option<usize>,
}

impl<'a> Stretch<'a> {
    fn new(regex: &'a Regex, text: &'a str, start: usize, end: usize) -> Self {
        Self { matches: regex.find_iter(&text[start..end]), start, end, at: start, match_end: None }
    }

    /// The next place, `end` at last.
    fn next(&mut self) -> Result<Option<usize>, Error> {
        while self.at < self.end {
            let place = match self.match_end.take() {
                Some(end) => end,
                None => match self.matches.next() {
                    None => self.end,
                    Some(Ok(found)) => {
                        self.match_end = Some(self.start + found.end());
                        self.start + found.start()
                    }
                    Some(Err(error)) => return Err(Cuts::limit(self.at, &error)),
                },
            };
            // Nothing is between two matches, and an empty one cuts once.
            if place > self.at {
                self.at = place;
                return Ok(Some(place));
            }
        }
        Ok(None)
    }
}

impl Cuts<'_> {
    /// A text may take this long, and as long again for each [`Cuts::BYTES`] bytes. A search that goes back little can still look far
    /// ahead for every piece; that is seen only by the clock.
    const TIME: Duration = Duration::from_secs(10);
    const BYTES: u32 = 1_000_000;
    /// The clock is read once for so many pieces.
    const PIECES: u64 = 64;

    /// The end of the next piece.
    ///
    /// # Errors
    /// [`Error::PatternLimit`]; then there is no next piece.
    pub fn next(&mut self) -> Result<Option<usize>, Error> {
        if self.done.is_multiple_of(Self::PIECES) {
            let started = *self.started.get_or_insert_with(Instant::now);
            let time = Self::TIME * (1 + u32::try_from(self.text.len()).unwrap_or(u32::MAX) / Self::BYTES);
            if started.elapsed() > time {
                let reason = format!("it took more than {} seconds", time.as_secs());
                return Err(Error::PatternLimit { at: self.start, reason });
            }
        }
        self.done += 1;
        let end = match self.levels.len() {
            // Without a regular expression the text is one piece.
            0 => (self.start < self.text.len()).then_some(self.text.len()),
            levels => self.next_of(levels - 1)?,
        };
        self.start = end.unwrap_or(self.start);
        Ok(end)
    }

    fn next_of(&mut self, level: usize) -> Result<Option<usize>, Error> {
        loop {
            if let Some(place) = self.levels[level].next()? {
                return Ok(Some(place));
            }
            if level == 0 {
                return Ok(None);
            }
            let start = self.levels[level - 1].at;
            let Some(end) = self.next_of(level - 1)? else { return Ok(None) };
            self.levels[level] = Stretch::new(&self.regexes[level], self.text, start, end);
        }
    }

    fn limit(at: usize, error: &fancy_regex::Error) -> Error {
        let reason = match error {
            fancy_regex::Error::RuntimeError(RuntimeError::BacktrackLimitExceeded) => {
                format!("it goes back more than {} times within one match", Splits::BACKTRACKS)
            }
            fancy_regex::Error::RuntimeError(RuntimeError::StackOverflow) => {
                "it has too many places to go back to".to_owned()
            }
            error => error.to_string(),
        };
        Error::PatternLimit { at, reason }
    }
}

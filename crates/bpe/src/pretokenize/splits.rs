//! Patterns of the caller's own: regular expressions by an engine that backtracks, within bounds.

use std::fmt;
use std::time::Duration;

use fancy_regex::{Regex, RuntimeError};

use super::timed::{BACKTRACKS, Clock, Matches, Stopped, compile};
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
        let checked = |source: &String| {
            if source.len() > Self::LONGEST {
                return Err(invalid(format!(
                    "expected a regular expression of at most {} bytes, received {}",
                    Self::LONGEST,
                    source.len()
                )));
            }
            compile(source)
                .map_err(|error| invalid(format!("the regular expression {source:?} cannot be compiled: {error}")))
        };
        let regexes = sources.iter().map(checked).collect::<Result<_, _>>()?;
        Ok(Self { sources, regexes })
    }

    /// The regular expressions in order.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    pub(super) fn cuts<'a>(&'a self, text: &'a str) -> Cuts<'a> {
        let clock = Clock::new(Cuts::time(text), text.len());
        let mut cuts = Cuts { text, regexes: &self.regexes, levels: Vec::new(), start: 0, clock };
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
    clock: Clock,
}

/// What one regular expression is splitting.
struct Stretch<'a> {
    matches: Matches<'a>,
    start: usize,
    end: usize,
    /// The last place, and that where the match after it ends.
    at: usize,
    match_end: Option<usize>,
}

impl<'a> Stretch<'a> {
    fn new(regex: &'a Regex, text: &'a str, start: usize, end: usize) -> Self {
        Self { matches: Matches::new(regex, &text[start..end]), start, end, at: start, match_end: None }
    }

    /// The next place, `end` at last.
    fn next(&mut self, clock: &Clock) -> Result<Option<usize>, Error> {
        while self.at < self.end {
            let place = match self.match_end.take() {
                Some(end) => end,
                None => match self.matches.next(clock) {
                    Ok(None) => self.end,
                    Ok(Some(found)) => {
                        self.match_end = Some(self.start + found.end);
                        self.start + found.start
                    }
                    Err(stopped) => return Err(Cuts::limit(self.at, &stopped, clock)),
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
    /// A text may take this long, and as long again for each [`Cuts::BYTES`] bytes.
    const TIME: Duration = Duration::from_secs(10);
    const BYTES: usize = 1_000_000;

    fn time(text: &str) -> Duration {
        Self::TIME.saturating_mul(u32::try_from(1 + text.len() / Self::BYTES).unwrap_or(u32::MAX))
    }

    /// The end of the next piece.
    ///
    /// # Errors
    /// [`Error::PatternLimit`]; then there is no next piece.
    pub fn next(&mut self) -> Result<Option<usize>, Error> {
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
            if let Some(place) = self.levels[level].next(&self.clock)? {
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

    fn limit(at: usize, stopped: &Stopped, clock: &Clock) -> Error {
        let reason = match stopped {
            Stopped::Late => format!("it took more than {} seconds", clock.time().as_secs()),
            Stopped::Engine(fancy_regex::Error::RuntimeError(RuntimeError::BacktrackLimitExceeded)) => {
                format!("it goes back more than {BACKTRACKS} times within one match")
            }
            Stopped::Engine(fancy_regex::Error::RuntimeError(RuntimeError::StackOverflow)) => {
                "it has too many places to go back to".to_owned()
            }
            Stopped::Engine(error) => error.to_string(),
        };
        Error::PatternLimit { at, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_takes_too_long_is_an_error_where_it_is() {
        let splits = Splits::new(vec![r"(?:(?=a*b)a)*c|\s".to_owned(), "x".to_owned()]).expect("well-formed");
        let text = "x ".to_owned() + &"a".repeat(1 << 19) + "b";
        let mut cuts = splits.cuts(&text);
        assert_eq!(cuts.clock.time(), Duration::from_secs(10));
        cuts.clock = Clock::new(Duration::from_millis(100), text.len());
        assert_eq!([cuts.next().ok(), cuts.next().ok()], [Some(Some(1)), Some(Some(2))]);
        let Err(Error::PatternLimit { at, reason }) = cuts.next() else { panic!("it is within the limit") };
        assert_eq!((at, &reason[..]), (2, "it took more than 0 seconds"));
    }

    #[test]
    fn longer_texts_may_take_longer() {
        let seconds = |length: usize| Cuts::time(&" ".repeat(length)).as_secs();
        assert_eq!([0, 999_999, 1_000_000, 5_500_000].map(seconds), [10, 10, 20, 60]);
    }
}

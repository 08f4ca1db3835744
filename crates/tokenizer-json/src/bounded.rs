//! Regular expressions of a file, which must not run without end.
//!
//! Expressions without look-around are those of a finite automaton: one search is linear in the text, and the clock is looked at between
//! matches. Most others go through a machine that steps back. How far it may is bounded by the length of the text, so that no attempt at one
//! place takes more than [`WORK`]; places are tried one by one, with a look at the clock between them. What such an expression may hold is
//! bounded too: what it looks around at has a bounded length, and what it refers back to is compared where it moves on by as much, or steps
//! back. Those that hold more, as ` (?=(?:\d{3})*\b)`, go through the engine that splits by patterns of the caller's own, which looks at the clock
//! within a search too, and is slower.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Duration;

use fancy_regex::{Expr, Regex, RegexBuilder};
use tokenizers::pattern::Pattern;
use tokenmill_bpe::Deadline;
use tokenmill_bpe::timed::{self, Clock, Matches, Stopped};

use crate::error::{Result, invalid};
use crate::limits::LONGEST_REGEX;
use crate::oniguruma::translated;

/// What the compiled expression may take, in bytes.
const COMPILED: usize = 8 << 20;
/// Time for all expressions on one text: this, and [`PER_BYTE`] for each byte. Ordinary ones take a twentieth of it.
const AT_LEAST: Duration = Duration::from_millis(500);
const PER_BYTE: Duration = Duration::from_micros(2);
/// Bytes that may be read at one place, over and over again: about a second.
const WORK: usize = 1 << 30;
/// Matches or places between two looks at the clock; in long texts there are none between places.
const BETWEEN: usize = 16;
/// Texts up to so many bytes have a machine of their own.
const SIZES: [usize; 4] = [1 << 10, 1 << 15, 1 << 20, 1 << 25];
/// Repetitions of what is looked around at, and of those within one another together.
const LOOK_AROUND: usize = 64;
const LOOK_AROUND_NESTED: usize = 1024;
/// How often, at one place, an automaton may read far beyond what it matches.
const FAR: usize = 16;

thread_local! {
    static DEADLINE: Cell<Option<Deadline>> = const { Cell::new(None) };
}

/// Does `work` on a text of `bytes` bytes, in which expressions have so much time as is right for it.
pub(crate) fn within_time<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    struct Reset(Option<Deadline>);
    impl Drop for Reset {
        fn drop(&mut self) {
            DEADLINE.set(self.0);
        }
    }
    // The work may panic.
    let _reset = Reset(DEADLINE.replace(Some(deadline(bytes))));
    work()
}

/// For a text of `bytes` bytes, from now on.
fn deadline(bytes: usize) -> Deadline {
    Deadline::after(AT_LEAST + PER_BYTE * u32::try_from(bytes).unwrap_or(u32::MAX))
}

fn is_late() -> bool {
    DEADLINE.get().is_some_and(|deadline| deadline.is_over())
}

/// A regular expression whose matches are looked for in bounded time.
pub(crate) enum Bounded {
    /// A finite automaton.
    Linear(Regex),
    /// A machine that steps back: for texts up to each of [`SIZES`] one that may do so fewer times.
    Backtracking(Box<Machines>),
    /// The engine that looks at the clock as it goes.
    Timed(Regex),
}

/// See [`Bounded::Backtracking`].
pub(crate) struct Machines {
    source: String,
    by_size: [OnceLock<Regex>; SIZES.len()],
}

impl Machines {
    fn of(&self, size: usize) -> tokenizers::Result<&Regex> {
        if let Some(machine) = self.by_size[size].get() {
            return Ok(machine);
        }
        let machine = compile(&anchored(&self.source), WORK / SIZES[size])?;
        Ok(self.by_size[size].get_or_init(|| machine))
    }
}

impl Bounded {
    /// # Errors
    /// [`crate::Error::InvalidFile`] when `source` is no regular expression, too large a one, or one whose time cannot be bounded; `name` is
    /// where it stands.
    pub fn new(name: &str, source: &str) -> Result<Self> {
        Self::written(name, source, str::to_owned)
    }

    /// [`Bounded::new`] of an expression that is written for Oniguruma.
    ///
    /// # Errors
    /// Those of [`Bounded::new`], which show it as it is written.
    pub fn of_oniguruma(name: &str, source: &str) -> Result<Self> {
        Self::written(name, source, translated)
    }

    fn written(name: &str, written: &str, translated: impl Fn(&str) -> String) -> Result<Self> {
        let refused = |why: &str| {
            let shown: String = written.chars().take(100).collect();
            invalid(format!("{name}: expected a regular expression {why}, received {shown:?}"))
        };
        if written.len() > LONGEST_REGEX {
            return Err(refused(&format!("of at most {LONGEST_REGEX} bytes")));
        }
        let source = &translated(written)[..];
        let tree = Expr::parse_tree(source).map_err(|error| refused(&format!("({error})")))?;
        if is_regular(&tree.expr) {
            let regex = compile(source, WORK).map_err(|error| refused(&format!("({error})")))?;
            return Ok(Self::Linear(regex));
        }
        if !Seen::default().is_bounded(&tree.expr, 1) {
            check_timed(&tree.expr).map_err(refused)?;
            return timed::compile(source).map(Self::Timed).map_err(|error| refused(&format!("({error})")));
        }
        // All sizes compile when one does.
        let first = compile(&anchored(source), WORK / SIZES[0]).map_err(|error| refused(&format!("({error})")))?;
        Ok(Self::Backtracking(Box::new(Machines {
            source: source.to_owned(),
            by_size: [first.into(), OnceLock::new(), OnceLock::new(), OnceLock::new()],
        })))
    }

    /// How many matches there are in `text`.
    pub fn count(&self, text: &str) -> tokenizers::Result<usize> {
        let mut count = 0;
        self.each(text, |_, _| count += 1)?;
        Ok(count)
    }

    /// Calls `see` with the start and end of each match.
    fn each(&self, text: &str, mut see: impl FnMut(usize, usize)) -> tokenizers::Result<()> {
        match self {
            Self::Linear(regex) => {
                for (index, found) in regex.find_iter(text).enumerate() {
                    let found = found.map_err(|error| OutOfBounds(error.to_string()))?;
                    if index % BETWEEN == 0 && is_late() {
                        return Err(OutOfBounds("it takes too long".to_owned()).into());
                    }
                    see(found.start(), found.end());
                }
                Ok(())
            }
            Self::Backtracking(machines) => {
                let size = SIZES.iter().position(|&size| text.len() <= size);
                let size = size.ok_or_else(|| OutOfBounds("the text is too long for it".to_owned()))?;
                each_place(machines.of(size)?, text, see)
            }
            Self::Timed(regex) => {
                let clock = Clock::until(DEADLINE.get().unwrap_or_else(|| deadline(text.len())), text.len());
                let mut matches = Matches::new(regex, text);
                let late = |stopped| match stopped {
                    Stopped::Late => OutOfBounds("it takes too long".to_owned()),
                    Stopped::Engine(error) => OutOfBounds(error.to_string()),
                };
                while let Some(found) = matches.next(&clock).map_err(late)? {
                    see(found.start, found.end);
                }
                Ok(())
            }
        }
    }
}

/// The matches of a machine that looks at one place only, from left to right, as `find_iter` of one that looks everywhere gives them.
fn each_place(machine: &Regex, text: &str, mut see: impl FnMut(usize, usize)) -> tokenizers::Result<()> {
    let (mut at, mut last, mut tries) = (0, None, 0);
    while at <= text.len() {
        tries += 1;
        if (tries % BETWEEN == 0 || text.len() > SIZES[1]) && is_late() {
            return Err(OutOfBounds("it takes too long".to_owned()).into());
        }
        let found = machine.find_from_pos(text, at).map_err(|error| OutOfBounds(error.to_string()))?;
        // An empty match where the last one ended is none.
        let found = found.filter(|found| found.end() > at || last != Some(at));
        if let Some(found) = &found {
            see(found.start(), found.end());
            last = Some(found.end());
        }
        at = match found {
            Some(found) if found.end() > at => found.end(),
            _ => at + text[at..].chars().next().map_or(1, char::len_utf8),
        };
    }
    Ok(())
}

fn anchored(source: &str) -> String {
    format!("\\G(?:{source})")
}

fn compile(source: &str, backtracks: usize) -> std::result::Result<Regex, fancy_regex::Error> {
    RegexBuilder::new(source)
        .backtrack_limit(backtracks)
        .delegate_size_limit(COMPILED)
        .delegate_dfa_size_limit(COMPILED)
        .max_prog_size(1 << 16)
        .build()
}

/// Whether a finite automaton can do it all.
fn is_regular(expr: &Expr) -> bool {
    match expr {
        Expr::Concat(_) | Expr::Alt(_) | Expr::Group(_) | Expr::Repeat { .. } => expr.children_iter().all(is_regular),
        Expr::Empty | Expr::Any { .. } | Expr::Literal { .. } | Expr::Delegate { .. } => true,
        _ => false,
    }
}

/// Refuses what the clock cannot bound either.
fn check_timed(expr: &Expr) -> std::result::Result<(), &'static str> {
    match expr {
        Expr::Concat(_)
        | Expr::Alt(_)
        | Expr::Group(_)
        | Expr::LookAround(..)
        | Expr::Repeat { .. }
        | Expr::AtomicGroup(_) => expr.children_iter().try_for_each(check_timed),
        Expr::Empty
        | Expr::Any { .. }
        | Expr::Assertion(_)
        | Expr::Literal { .. }
        | Expr::Delegate { .. }
        | Expr::KeepOut
        | Expr::ContinueFromPreviousMatchEnd => Ok(()),
        // With (?i) it takes a thousand times as long; and Oniguruma knows a group also from an alternative that failed.
        Expr::Backref { .. } => Err(
            "that refers back only to a group that has surely matched, outside of (?i) and of what is looked around at",
        ),
        _ => Err("without conditions, calls of groups and the like"),
    }
}

/// What was seen of an expression, from left to right.
#[derive(Default)]
struct Seen {
    /// Of each group, whether what it matched is known from here on.
    groups: Vec<bool>,
    /// How often, at one place, automata may read far beyond what they match.
    far: usize,
}

impl Seen {
    /// Whether an attempt at one place is bounded by its steps back, with `expr` repeated so many `times`.
    fn is_bounded(&mut self, expr: &Expr, times: usize) -> bool {
        match expr {
            Expr::LookAround(inner, _) => is_short(inner, 1) && self.is_bounded_apart(inner, times),
            Expr::Group(inner) => {
                let group = self.groups.len();
                self.groups.push(false);
                let is_bounded = self.is_bounded(inner, times);
                self.groups[group] = true;
                is_bounded
            }
            // Oniguruma knows a group also from an alternative that failed.
            Expr::Backref { group, casei: false } => self.groups.get(group.wrapping_sub(1)) == Some(&true),
            Expr::Repeat { child, lo: 0, hi, .. } => self.is_bounded_apart(child, times.saturating_mul(*hi)),
            Expr::Repeat { child, hi, .. } => self.is_bounded(child, times.saturating_mul(*hi)),
            // An automaton is asked for all that is in it.
            Expr::AtomicGroup(inner) => {
                self.far = self.far.saturating_add(if is_prompt(inner) { 0 } else { times });
                self.far <= FAR && self.is_bounded(inner, times)
            }
            Expr::Concat(parts) => parts.iter().all(|part| self.is_bounded(part, times)),
            Expr::Alt(parts) => parts.iter().all(|part| self.is_bounded_apart(part, times)),
            Expr::Empty | Expr::Any { .. } | Expr::Assertion(_) | Expr::Literal { .. } | Expr::Delegate { .. } => true,
            _ => false,
        }
    }

    /// [`Seen::is_bounded`] of what may not have matched, or is done again: its groups are not known behind it.
    fn is_bounded_apart(&mut self, expr: &Expr, times: usize) -> bool {
        let before = self.groups.len();
        let is_bounded = self.is_bounded(expr, times);
        self.groups[before..].fill(false);
        is_bounded
    }
}

/// Whether an automaton is at the end of what it matches when it has read not much more.
fn is_prompt(expr: &Expr) -> bool {
    match expr {
        Expr::Repeat { child, lo, .. } if *lo <= LOOK_AROUND && child.children_iter().next().is_none() => true,
        Expr::Alt(_) | Expr::Group(_) | Expr::AtomicGroup(_) => expr.children_iter().all(is_prompt),
        Expr::Concat(parts) => parts
            .split_last()
            .is_none_or(|(last, before)| is_prompt(last) && before.iter().all(|part| is_short(part, 1))),
        _ => is_short(expr, 1),
    }
}

/// Whether what it matches, `times` in a row, has a bounded length.
fn is_short(expr: &Expr, times: usize) -> bool {
    let times = match expr {
        Expr::Backref { .. } => return false,
        Expr::Repeat { hi, .. } if *hi > LOOK_AROUND => return false,
        Expr::Repeat { hi, .. } => times * (*hi).max(1),
        _ => times,
    };
    times <= LOOK_AROUND_NESTED && expr.children_iter().all(|child| is_short(child, times))
}

/// A regular expression that does not come to an end on a text.
#[derive(Debug, thiserror::Error)]
#[error("a regular expression of the tokenizer.json does not come to an end on the text: {0}")]
pub(crate) struct OutOfBounds(String);

impl Pattern for &Bounded {
    fn find_matches(&self, inside: &str) -> tokenizers::Result<Vec<(tokenizers::Offsets, bool)>> {
        if inside.is_empty() {
            return Ok(vec![((0, 0), false)]);
        }
        let (mut pieces, mut end) = (Vec::new(), 0);
        self.each(inside, |from, to| {
            if end != from {
                pieces.push(((end, from), false));
            }
            pieces.push(((from, to), true));
            end = to;
        })?;
        if end != inside.len() {
            pieces.push(((end, inside.len()), false));
        }
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::time;

    use super::*;

    /// The patterns of published tokenizers, and some that match nothing.
    const SOURCES: [&str; 16] = [
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"(?<=\d)(?=(?:\d{3}){1,9}\b)",
        r"\p{L}++|\s++$|.",
        "",
        "a*(?=b)",
        "(?=a)",
        r"\bx\b",
        "(?!)",
        r"(a)\1*",
        r"(?:(a|b)\1)+|(\p{L})\2",
        r"(?:(?!b)a*)+",
        r"\p{Nd}{1,3}(?=(?:\p{Nd}{3})*\b)",
        "(?<=a+)b",
        "(?=(a+))b|a*",
        r"(?=.*b)a|(?=\s*)",
    ];

    #[test]
    fn places_tried_one_by_one_give_the_matches_of_a_search() {
        let texts = ["", "a", "aab ab b", "don't stop  now\n\n 1234567 x.x", "  é日😀 \u{301}a  ", "x x1 x"];
        for source in SOURCES {
            let all = Regex::new(source).expect("an expression");
            for text in texts {
                let expected: Vec<_> = all
                    .find_iter(text)
                    .map(|found| found.expect("a match"))
                    .map(|found| (found.start(), found.end()))
                    .collect();
                let mut found = Vec::new();
                let machine = compile(&anchored(source), 1000).expect("an expression");
                each_place(&machine, text, |from, to| found.push((from, to))).expect("matches");
                assert_eq!(found, expected, "{source:?} in {text:?}");
                found.clear();
                Bounded::new("test", source)
                    .expect("a bounded one")
                    .each(text, |from, to| found.push((from, to)))
                    .expect("matches");
                assert_eq!(found, expected, "{source:?} in {text:?}");
            }
        }
    }

    #[test]
    fn what_steps_back_do_not_bound_is_bounded_by_the_clock() {
        for source in [
            "(?=.*b)a",
            r"\p{Nd}{1,3}(?=(?:\p{Nd}{3})*\b)",
            "(?<=a+)b",
            r"a\Kb|\Ga",
            "(?<!a{65})b",
            "(?=(?:(?:a{11}){11}){11})b",
            r"(?:(?=a)a(?:.*z)?+)*",
            r"(?:(?=a)a(?>(?:a{1000}z)?))+",
            &r"(?>\s*\n)?(?!x)".repeat(17),
        ] {
            assert!(matches!(Bounded::new("test", source), Ok(Bounded::Timed(_))), "{source}");
        }
        for source in [
            "(?(a)b|c)",
            r"(a)?(?(1)b|c)",
            r"(?i)(a)\1",
            r"(a)(?=.*b)\g<1>",
            r"(a\1)",
            r"\1(a)",
            r"(a+)(?=\1)",
            r"(?:(?=(a+?))a)*\1",
            r"(?=(a))\1",
            r"(a)?\1",
            r"(a)b|\1",
            r"(?:(a)|b)\1",
        ] {
            assert!(Bounded::new("test", source).is_err(), "{source}");
        }
        for source in [
            "(?<!a{64})b",
            "(?=(?:(?:a{10}){10}){10})b",
            r"(?=(?:(?=\d{3})\d){64})",
            r"(?:(?!x)\s*\n)*",
            r"(?>\s*\n){16}(?!x)",
            r"(?:(?!x)(?:\p{L}++|.))*",
            r"([!'*]|\.)\1*",
            r"(?:x(a|b){2}\1)+\1",
        ] {
            assert!(matches!(Bounded::new("test", source), Ok(Bounded::Backtracking(_))), "{source}");
        }
    }

    #[test]
    fn repetitions_of_repetitions_come_to_an_end_within_a_second() {
        let repeated = |inner: &str| format!("(?:(?:(?:{inner}){{64}}){{64}}){{64}}");
        let inside = [repeated("a"), repeated("a|b"), repeated("(?=a)a"), repeated("(?>a|bc)a"), repeated(r"\p{L}")];
        let around = inside.iter().flat_map(|inner| [format!("(?={inner})"), format!("(?<={inner})b")]);
        let text = "a".repeat(100_000);
        let prompt = [r"(?:(?=a)a(?>(?:.{32}z)?))*", r"(?:(?=a)a\p{L}?+)*", r"(?:(?=a)(a*)\1b)"].map(str::to_owned);
        let long = [repeated("a{64}"), repeated(r"\p{L}{64}")];
        for source in around.chain(inside.iter().cloned()).chain(long).chain(prompt) {
            let ((), took) = time::took(|| {
                let made = Bounded::new("test", &source);
                // It may be too late, which is an error.
                let _ = made.map(|made| within_time(text.len(), || made.count(&text)));
            });
            assert!(took < Duration::from_secs(1), "{took:?}: {source}");
        }
    }
}

//! Looking for one of several strings in a text.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use aho_corasick::{AhoCorasick, Anchored, Input, Span, StartKind, packed};
use memchr::memmem::Finder;

use crate::Error;
use crate::longest_match::{LONG, longest_match};

/// Bytes that are searched between two looks at the cancel flag.
const WINDOW: usize = 1 << 20;
/// The most bytes of a token, and of all that are looked for together: where a short one starts again and again, and might each time be a long one, a search takes
/// the product of both lengths; and an automaton takes some 50 times the memory of its tokens to make.
const MAX: usize = 4096;
const MAX_TOGETHER: usize = 4 << 20;

/// Finds the leftmost of some tokens, the longest of several that start there.
#[derive(Debug, Default)]
pub struct Search {
    tokens: Vec<String>,
    longest: usize,
    starts: Starts,
    /// Made when it is needed first, which for most texts is never.
    automaton: OnceLock<AhoCorasick>,
}

/// Finds places where a token may start: text without any is passed many bytes at a time.
#[derive(Debug, Default)]
enum Starts {
    /// All tokens start with these bytes, more than one.
    One(Finder<'static>),
    /// They start with one of these, of up to three bytes.
    Few(packed::Searcher),
    /// Everywhere: they start in too many ways.
    #[default]
    Any,
}

/// So many different starts can be looked for at once.
const MOST_STARTS: usize = 48;

impl Starts {
    fn of(tokens: &[String], longest: usize) -> Self {
        // All places of a text are searched in one go: to begin anew wherever a long token may start would take the time of a whole one each time.
        if tokens.len() > 1 && longest >= LONG {
            return Self::Any;
        }
        let common = common_start(tokens);
        if common.len() > 1 {
            return Self::One(Finder::new(common).into_owned());
        }
        let few = [3, 2].into_iter().find_map(|length| {
            let starts: BTreeSet<&[u8]> =
                tokens.iter().map(|token| &token.as_bytes()[..token.len().min(length)]).collect();
            (starts.len() <= MOST_STARTS).then(|| packed::Searcher::new(starts)).flatten()
        });
        few.map_or(Self::Any, Self::Few)
    }

    /// The first place in `text[from..to]` where a token may start.
    fn find(&self, text: &[u8], from: usize, to: usize) -> Option<usize> {
        // A start may end after `to`.
        let end = |length: usize| text.len().min(to + length - 1);
        let at = match self {
            Self::One(finder) => from + finder.find(&text[from..end(finder.needle().len())])?,
            Self::Few(searcher) => searcher.find_in(text, Span { start: from, end: end(3) })?.start(),
            Self::Any => from,
        };
        (at < to).then_some(at)
    }
}

/// A token that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Where it starts in the text, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its number among the tokens.
    pub number: usize,
}

impl Search {
    /// One for `tokens`.
    ///
    /// # Errors
    /// [`Error::SpecialTokensTooLong`].
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let search = Self::of(tokens);
        check_lengths(search.tokens.iter().map(String::as_str)).map(|()| search)
    }

    /// One for tokens none of which is empty, however long they are: those of a file, to whose size the work stays in proportion.
    pub fn of<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let tokens: Vec<String> = tokens.into_iter().map(str::to_owned).collect();
        let longest = tokens.iter().map(String::len).max().unwrap_or(0);
        Self { starts: Starts::of(&tokens, longest), tokens, longest, automaton: OnceLock::new() }
    }

    /// Whether it finds nothing.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The length of the longest token, in bytes; 0 without any.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The token of that number.
    pub fn token(&self, number: usize) -> &str {
        &self.tokens[number]
    }

    /// The first token in `text` from `from` on. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn find(&self, text: &str, mut from: usize, cancel: Option<&AtomicBool>) -> Result<Option<Match>, Error> {
        if self.is_empty() {
            return Ok(None);
        }
        while from < text.len() {
            if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
                return Err(Error::Cancelled);
            }
            let to = text.len().min(from.saturating_add(WINDOW));
            if let Some(found) = self.find_starting_in(text.as_bytes(), from, to) {
                return Ok(Some(found));
            }
            from = to;
        }
        Ok(None)
    }

    /// The first token that starts in `text[from..to]`; it may end after it.
    fn find_starting_in(&self, text: &[u8], mut from: usize, to: usize) -> Option<Match> {
        let anywhere = matches!(self.starts, Starts::Any);
        while let Some(at) = self.starts.find(text, from, to) {
            // A match that starts at `to` or later may be cut by the first of these ends.
            let end = self.longest + if anywhere { to - 1 } else { at };
            let anchored = if anywhere { Anchored::No } else { Anchored::Yes };
            let input = Input::new(text).range(at..end.min(text.len())).anchored(anchored);
            let found = self.match_in(input).filter(|found| found.start < to);
            if found.is_some() || anywhere {
                return found;
            }
            from = at + 1;
        }
        None
    }

    fn match_in(&self, input: Input<'_>) -> Option<Match> {
        let automaton = self.automaton.get_or_init(|| {
            let any = matches!(self.starts, Starts::Any);
            let start = if any { StartKind::Unanchored } else { StartKind::Anchored };
            let mut builder = longest_match(&self.tokens);
            builder.start_kind(start).prefilter(any).build(&self.tokens).expect("the tokens are not too many")
        });
        let found = automaton.find(input)?;
        Some(Match { start: found.start(), end: found.end(), number: found.pattern().as_usize() })
    }
}

/// Whether `tokens` can be looked for together in a bounded time.
///
/// # Errors
/// [`Error::SpecialTokensTooLong`].
pub fn check_lengths<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
    let (mut longest, mut together) = (0, 0);
    for token in tokens {
        (longest, together) = (token.len().max(longest), token.len() + together);
    }
    let limits = [(longest, MAX, "bytes"), (together, MAX_TOGETHER, "bytes together")];
    let passed = limits.into_iter().find(|&(bytes, most, _)| bytes > most);
    passed.map_or(Ok(()), |(bytes, most, unit)| Err(Error::SpecialTokensTooLong { bytes, most, unit }))
}

/// The bytes that all `tokens` start with.
fn common_start(tokens: &[String]) -> &[u8] {
    let Some((first, others)) = tokens.split_first() else { return &[] };
    let first = first.as_bytes();
    let length = others.iter().fold(first.len(), |length, token| {
        first[..length].iter().zip(token.as_bytes()).take_while(|(one, other)| one == other).count()
    });
    &first[..length]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenmill_testkit::rng::Rng;
    use tokenmill_testkit::time;

    use super::*;

    fn found(tokens: &[&str], text: &str) -> Vec<String> {
        let search = Search::new(tokens.iter().copied()).expect("they are few");
        let (mut all, mut from) = (Vec::new(), 0);
        while let Some(found) = search.find(text, from, None).expect("nobody cancels") {
            assert_eq!(search.token(found.number), &text[found.start..found.end]);
            all.push(format!("{}{}", found.start, search.token(found.number)));
            from = found.end;
        }
        all
    }

    /// More tokens, so that all start alike, in few ways, in many ways.
    fn others() -> [Vec<String>; 3] {
        let many = (0..100_u8).map(|byte| format!("{}{}~", char::from(b'A' + byte % 26), char::from(b'0' + byte / 10)));
        [Vec::new(), vec!["no start in common".to_owned(), "Q".to_owned()], many.collect()]
    }

    #[test]
    fn starts_are_looked_for_in_three_ways() {
        let kinds = others().map(|mut tokens| {
            tokens.push("<|a|>".to_owned());
            Starts::of(&tokens, LONG - 1)
        });
        assert!(matches!(kinds, [Starts::One(_), _, Starts::Any]));
        assert!(matches!(Starts::of(&others()[1], LONG), Starts::Any));
        // Where there are instructions for it.
        assert_eq!(matches!(kinds[1], Starts::Few(_)), packed::Searcher::new(["ab", "cd"]).is_some());
    }

    #[test]
    fn the_leftmost_and_longest_is_found() {
        for other in others() {
            let mut tokens = vec!["<|a|>", "<|a|><|", "<|ab|>", "<|a"];
            tokens.extend(other.iter().map(String::as_str));
            let tokens = &tokens;
            assert_eq!(found(tokens, "<|a|> <|a|><| <|ab|><|b|>"), ["0<|a|>", "6<|a|><|", "14<|ab|>"]);
            assert_eq!(found(tokens, "<|<<|a"), ["3<|a"]);
            assert_eq!(found(tokens, "<|"), [""; 0]);
        }
        assert_eq!(found(&["<|one|>"], "<|one|<|one|><|one|>"), ["6<|one|>", "13<|one|>"]);
        assert_eq!(found(&["x"], "axx"), ["1x", "2x"]);
        assert_eq!(found(&[], "any text"), [""; 0]);
        assert_eq!(found(&["aa"], "aaaaa"), ["0aa", "2aa"]);
    }

    #[test]
    fn tokens_over_the_edge_of_a_window_are_found_whole() {
        for other in others() {
            let mut tokens = vec!["<|a|>", "<|a|><|b|>"];
            tokens.extend(other.iter().map(String::as_str));
            let tokens = &tokens;
            for before in WINDOW - 12..=WINDOW + 2 {
                let text = "x".repeat(before) + "<|a|><|b|>" + "yyyyyyyyyyyyy";
                assert_eq!(found(tokens, &text), [format!("{before}<|a|><|b|>")]);
                assert_eq!(found(tokens, &text[..before + 9]), [format!("{before}<|a|>")]);
                assert_eq!(found(tokens, &text[..before + 4]), [""; 0]);
            }
        }
    }

    #[test]
    fn long_tokens_take_memory_and_time_by_their_length() {
        let mut rng = Rng::new(1);
        let mut long = |length| -> String { (0..length).map(|_| char::from(b' ' + rng.below(90) as u8)).collect() };
        let mut tokens: Vec<String> = (0..50).map(|_| long(MAX)).collect();
        tokens.push("<|a|>".to_owned());
        let text = format!("{}<|a|>{}{}", &tokens[0][1..], tokens[2], tokens[0]);
        let expected = [(MAX - 1, &tokens[50]), (MAX + 4, &tokens[2]), (2 * MAX + 4, &tokens[0])];
        let names: Vec<&str> = tokens.iter().map(String::as_str).collect();
        assert_eq!(found(&names, &text), expected.map(|(at, token)| format!("{at}{token}")));
        let search = Search::new(names).expect("they are short enough");
        search.find(&text, 0, None).expect("nobody cancels");
        let bytes = search.automaton.get().expect("it was made").memory_usage();
        assert!(bytes < 100 * 50 * MAX, "{bytes} bytes");
    }

    #[test]
    fn a_long_token_that_may_start_everywhere_takes_no_time_again_and_again() {
        let letters = "a".repeat(MAX - 1);
        let search = Search::new([&*format!("{letters}b"), "aac"]).expect("they are short enough");
        let text = letters.repeat(2_000);
        let (found, took) = time::took(|| search.find(&text, 0, None).expect("nobody cancels"));
        assert_eq!(found, None);
        assert!(took < Duration::from_secs(2), "{took:?}");
    }

    #[test]
    fn too_long_tokens_are_refused() {
        let error = |tokens: &[&str]| Search::new(tokens.iter().copied()).err().map(|error| error.to_string());
        let (longest, longer) = ("a".repeat(MAX), "a".repeat(MAX + 1));
        assert_eq!(error(&[&longest]), None);
        let expected = "expected special tokens of at most 4096 bytes, received 4097";
        assert_eq!(error(&["a", &longer, "b"]).as_deref(), Some(expected));
        assert_eq!(error(&vec![&*longest; MAX_TOGETHER / MAX]), None);
        let expected = "expected special tokens of at most 4194304 bytes together, received 4198400";
        assert_eq!(error(&vec![&*longest; MAX_TOGETHER / MAX + 1]).as_deref(), Some(expected));
    }

    #[test]
    fn a_search_can_be_cancelled() {
        let search = Search::new(["<|a|>"]).expect("they are few");
        assert!(matches!(search.find("<|a|>", 0, Some(&AtomicBool::new(true))), Err(Error::Cancelled)));
        assert!(search.find("<|a|>", 0, Some(&AtomicBool::new(false))).expect("nobody cancels").is_some());
    }
}

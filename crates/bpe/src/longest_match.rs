//! Automata that find tokens in a text.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

/// From this length on a token is a long one, in bytes.
pub(crate) const LONG: usize = 256;

/// What builds an automaton that finds the longest of `tokens` at the first place where there is one, in time linear in their length.
///
/// Where a token is a long one the automaton is made of lists of transitions. Tables, which are faster, take a kilobyte for each byte of a token, and for each go
/// through all shorter tokens that it ends with: a thousand times the same letter are a million steps.
pub fn longest_match<T: AsRef<str>>(tokens: &[T]) -> AhoCorasickBuilder {
    let has_long = tokens.iter().any(|token| token.as_ref().len() >= LONG);
    let mut builder = AhoCorasick::builder();
    builder.match_kind(MatchKind::LeftmostLongest).kind(has_long.then_some(AhoCorasickKind::ContiguousNFA));
    builder
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenmill_testkit::time;

    use super::*;

    fn automaton(tokens: &[&str]) -> AhoCorasick {
        longest_match(tokens).build(tokens).expect("they are few")
    }

    #[test]
    fn the_longest_token_at_the_first_place_is_found_however_long_they_are() {
        for long in [LONG - 1, LONG, 2 * LONG] {
            let (shorter, longer) = ("b".repeat(long - 1), "b".repeat(long));
            let automaton = automaton(&["ab", &shorter, &longer]);
            let found = |text: &str| automaton.find_iter(text).map(|found| found.range()).collect::<Vec<_>>();
            assert_eq!(found(&format!("cab{longer}c{shorter}")), [1..3, 3..3 + long, 4 + long..3 + 2 * long]);
        }
    }

    #[test]
    fn a_long_token_that_is_like_itself_takes_little_time() {
        let token = "x".repeat(100_000);
        let (automaton, took) = time::took(|| automaton(&[&token, "y"]));
        assert!(automaton.is_match(&token));
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

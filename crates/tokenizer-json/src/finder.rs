//! The search for tokens in a text.

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

/// The length from which a token is a long one, in bytes.
const LONG: usize = 256;

/// A search for the longest of `tokens` at the first place where there is one.
///
/// It is built in time linear in their length. A DFA, which is faster, is not: for each byte of a token it goes through all shorter ones that
/// it ends with, so a thousand times the same letter are a million steps. Long tokens get none.
///
/// # Errors
/// [`BuildError`] when there are too many for one automaton.
pub(crate) fn finder<T: AsRef<str>>(tokens: &[T]) -> Result<AhoCorasick, BuildError> {
    let has_long = tokens.iter().any(|token| token.as_ref().len() >= LONG);
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .kind(has_long.then_some(AhoCorasickKind::ContiguousNFA))
        .build(tokens.iter().map(AsRef::as_ref))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenmill_testkit::time;

    use super::*;

    #[test]
    fn the_longest_token_at_the_first_place_is_found_however_long_they_are() {
        for long in [LONG - 1, LONG, 2 * LONG] {
            let (shorter, longer) = ("b".repeat(long - 1), "b".repeat(long));
            let finder = finder(&["ab", &shorter, &longer]).expect("they are few");
            let found = |text: &str| finder.find_iter(text).map(|found| found.range()).collect::<Vec<_>>();
            assert_eq!(found(&format!("cab{longer}c{shorter}")), [1..3, 3..3 + long, 4 + long..3 + 2 * long]);
        }
    }

    #[test]
    fn a_long_token_that_is_like_itself_takes_little_time() {
        let tokens = ["x".repeat(100_000), "y".to_owned()];
        let (finder, took) = time::took(|| finder(&tokens).expect("they are few"));
        assert!(finder.is_match(&tokens[0]));
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

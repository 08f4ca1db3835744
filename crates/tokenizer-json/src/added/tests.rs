use std::panic::catch_unwind;
use std::time::Duration;

use tokenizers::models::wordlevel::WordLevel;
use tokenizers::{AddedToken, AddedVocabulary, NormalizerWrapper, OffsetReferential, OffsetType};
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::time;

use super::*;

/// Those of `tokens`, numbered in their order, as the crate numbers them.
fn numbered(tokens: &[Added]) -> AddedTokens {
    let numbered = (0..).zip(tokens).map(|(id, token)| Added { id, ..token.clone() });
    AddedTokens::new(numbered.collect(), &[]).expect("no two are the same")
}

fn token(content: &str, lstrip: bool, rstrip: bool) -> Added {
    let content = content.to_owned();
    Added { id: 0, content, single_word: false, lstrip, rstrip, normalized: false, special: false }
}

/// The parts of a text: where each is, and which token it is.
type Parts = Vec<(String, (usize, usize), Option<u32>)>;

fn parts(pieces: &PreTokenizedString) -> Parts {
    let parts = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte).into_iter();
    let id = |tokens: &Option<Vec<Token>>| tokens.as_ref().map(|tokens| tokens[0].id);
    parts.map(|(text, place, tokens)| (text.to_owned(), place, id(tokens))).collect()
}

/// What the crate makes of `text`; `None` where it panics: a token in the white space that another took ends before it starts.
fn parts_of_crate(tokens: &[Added], text: &str) -> Option<Parts> {
    let tokens = tokens.iter().map(|token| {
        let added = AddedToken::from(token.content.clone(), false).single_word(token.single_word);
        added.lstrip(token.lstrip).rstrip(token.rstrip).normalized(token.normalized)
    });
    let mut added = AddedVocabulary::new();
    added.add_tokens(tokens, &WordLevel::default(), None::<&NormalizerWrapper>).expect("they are new");
    catch_unwind(|| parts(&added.extract_and_normalize(None::<&NormalizerWrapper>, text))).ok()
}

#[test]
fn tokens_are_found_where_the_crate_finds_them() {
    let mut rng = Rng::new(11);
    let contents = [" ", "  ", "\n", " a", "a ", "a", "\u{a0}", "b", "b\n", "ab"];
    let (mut found, mut panicked) = (0, 0);
    for _ in 0..share(4000) {
        let mut tokens: Vec<Added> = Vec::new();
        for content in contents {
            if rng.below(4) == 0 {
                let mut flag = || rng.below(2) == 0;
                let (single_word, normalized) = (flag() && flag(), flag());
                tokens.push(Added { single_word, normalized, ..token(content, flag(), flag()) });
            }
        }
        let added = numbered(&tokens);
        let policy = added.policy::<&str>(&[], &[]).expect("they are few");
        for _ in 0..4 {
            let text: String =
                (0..=rng.below(12)).map(|_| *rng.choose(&[" ", " ", "\n", "\u{a0}", "a", "b"])).collect();
            let Some(expected) = parts_of_crate(&tokens, &text) else {
                panicked += 1;
                continue;
            };
            found += expected.iter().filter(|(_, _, id)| id.is_some()).count();
            let received = added.split(&text, &policy, &[]).expect("the text is short");
            assert_eq!(parts(&received), expected, "{text:?} {tokens:?}");
            let one_round = tokens.iter().all(|token| token.normalized == tokens[0].normalized);
            if one_round {
                let expected = expected.into_iter().filter_map(|(_, (start, end), id)| Some((id?, start, end)));
                let received = added.find_in(&text, &policy).map(|found| (found.id, found.start, found.end));
                assert!(received.eq(expected), "{text:?} {tokens:?}");
            }
        }
    }
    assert!(found as u64 > share(10_000) && panicked < share(1000), "{found} {panicked}");
}

#[test]
fn tokens_of_a_run_of_white_space_take_time_in_proportion() {
    let text = format!("a{}b", " \n".repeat(200_000));
    for (lstrip, rstrip) in [(true, false), (false, true), (true, true)] {
        for contents in [&[" "][..], &["\n"], &["  ", "\n"], &[" ", "\n", "a"]] {
            let tokens: Vec<Added> = contents.iter().map(|content| token(content, lstrip, rstrip)).collect();
            let added = numbered(&tokens);
            let policy = added.policy::<&str>(&[], &[]).expect("they are few");
            let (count, took) = time::took(|| added.find_in(&text, &policy).count());
            assert!(took < Duration::from_secs(1), "{contents:?} {lstrip} {rstrip}: {count} in {took:?}");
        }
    }
}

#[test]
fn tokens_have_no_more_white_space_in_common_than_there_is_memory_for() {
    let newline = token("\n", false, false);
    for (tokens, unit) in [(vec![token(" ", false, true)], " "), (vec![token(" ", false, true), newline], " \n")] {
        let added = numbered(&tokens);
        let policy = added.policy::<&str>(&[], &[]).expect("they are few");
        let split = |count: usize| added.split(&unit.repeat(count), &policy, &[]);
        assert_eq!(parts(&split(3).expect("few")).len(), 3 * tokens.len());
        let error = split(9000).expect_err("40 million bytes");
        assert!(error.is::<TooMuchShared>(), "{error}");
    }
}

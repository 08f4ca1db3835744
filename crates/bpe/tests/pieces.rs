//! The scanners against the patterns that they stand for, matched by a regex engine.

mod common;

use tokenmill_bpe::Pattern;
use tokenmill_testkit::cases;
use tokenmill_testkit::relatives::SequenceSplitter;
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::text;

/// Runs `check` for each scanner with its reference.
fn for_each_pattern(check: impl Fn(&Pattern, &SequenceSplitter)) {
    for (scanner, reference) in common::scanners() {
        check(&scanner, &reference);
    }
}

fn assert_pieces(scanner: &Pattern, splitter: &SequenceSplitter, text: &str, which: &dyn std::fmt::Display) {
    let (found, expected): (Vec<_>, _) = (scanner.pieces(text).collect(), splitter.pieces(text));
    assert!(found == expected, "{scanner:?}, {which}: {text:?}\n   found {found:?}\nexpected {expected:?}");
}

/// How many of `count` texts a pattern is tested with: all for tiktoken's, a tenth for each of the others.
fn count_for(scanner: &Pattern, count: u64) -> u64 {
    share(if is_tiktokens(scanner) { count } else { count / 10 })
}

fn is_tiktokens(scanner: &Pattern) -> bool {
    matches!(scanner, Pattern::R50k | Pattern::Cl100k | Pattern::O200k)
}

/// `count` texts of `make`, seeded with their numbers.
fn check_random(count: u64, make: fn(&mut Rng, usize) -> String, longest: usize) {
    for_each_pattern(|scanner, splitter| {
        for seed in 0..count_for(scanner, count) {
            let text = make(&mut Rng::new(seed), longest);
            assert_pieces(scanner, splitter, &text, &format_args!("seed {seed}"));
        }
    });
}

#[test]
fn awkward_texts() {
    check_random(400_000, text::awkward, 14);
}

#[test]
fn long_awkward_texts() {
    check_random(4_000, text::awkward, 400);
}

#[test]
fn ascii() {
    check_random(100_000, text::ascii, 20);
    check_random(20_000, text::ascii, 300);
}

#[test]
fn golden_texts_one_after_the_other() {
    // Every edge at any place, after and before any other.
    let golden = cases::golden();
    for_each_pattern(|scanner, splitter| {
        for seed in 0..count_for(scanner, 2_000) {
            let mut rng = Rng::new(seed);
            let text: String = (0..rng.up_to(60)).map(|_| rng.choose(&golden.rows).text.as_str()).collect();
            assert_pieces(scanner, splitter, &text, &format_args!("seed {seed}"));
        }
    });
}

#[test]
fn any_characters() {
    check_random(150_000, text::any_characters, 10);
}

#[test]
fn runs() {
    check_random(40_000, text::runs, 60);
}

#[test]
fn all_short_texts_of_the_characters_that_patterns_tell_apart() {
    // One character of each class and each one that a pattern names; every text of up to five of them.
    let characters = [
        ' ', '\t', '\n', '\r', '\'', '/', '.', 's', 'l', 'A', '\u{17f}', '\u{1c5}', '\u{2b0}', '\u{4e2d}', '\u{301}',
        '1',
    ];
    for_each_pattern(|scanner, splitter| {
        for length in 1..=5 {
            for number in 0..characters.len().pow(length) {
                // Of the longest ones, every seventh, or fewer.
                if length == 5 && !(number as u64).is_multiple_of(7 * 1_000 / count_for(scanner, 1_000)) {
                    continue;
                }
                let digit = |place| characters[number / characters.len().pow(place) % characters.len()];
                let text: String = (0..length).map(digit).collect();
                assert_pieces(scanner, splitter, &text, &format_args!("text {number}"));
            }
        }
    });
}

#[test]
fn every_code_point_in_context() {
    // One text for each context and block of code points; they do not run into each other but at `\n`.
    let contexts: [&[&str]; 4] = [&["x", "y\n"], &[" ", "\n"], &["", "", "\n"], &["'", " A\n"]];
    for_each_pattern(|scanner, splitter| {
        // A relative has the classes of tiktoken's: one context shows them.
        for context in if is_tiktokens(scanner) { &contexts[..] } else { &contexts[2..3] } {
            for block in (0..0x11_0000_u32).step_by(256) {
                let text: String = (block..block + 256)
                    .filter_map(char::from_u32)
                    .map(|character| context.join(character.encode_utf8(&mut [0; 4])))
                    .collect();
                assert_pieces(scanner, splitter, &text, &format_args!("block U+{block:04X}"));
            }
        }
    });
}

#[test]
fn all_short_texts_of_the_characters_that_the_relatives_tell_apart() {
    let characters = common::TOLD_APART;
    for_each_pattern(|scanner, splitter| {
        for length in 1..=4 {
            // Of the longest ones, every fourth, or fewer.
            let step = if length == 4 { 4 * 1_000 / share(1_000) as usize } else { 1 };
            for number in (0..characters.len().pow(length)).step_by(step) {
                let digit = |place| characters[number / characters.len().pow(place) % characters.len()];
                let text: String = (0..length).map(digit).collect();
                assert_pieces(scanner, splitter, &text, &format_args!("text {number}"));
            }
        }
    });
}

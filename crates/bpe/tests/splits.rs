//! Cutting a text where [`Pattern::split_before`] says does not change its pieces.

mod common;

use tokenmill_bpe::Pattern;
use tokenmill_testkit::cases;
use tokenmill_testkit::rng::Rng;
use tokenmill_testkit::text;

/// All places where `text` can be cut.
fn splits(pattern: &Pattern, text: &str) -> Vec<usize> {
    let mut places = Vec::new();
    let mut to = text.len() - 1;
    while let Some(place) = pattern.split_before(text, 0, to) {
        places.push(place);
        to = place - 1;
    }
    places
}

/// Checks every place of `text` and returns how many there are.
fn check(pattern: &Pattern, text: &str) -> usize {
    let pieces: Vec<_> = pattern.pieces(text).collect();
    let places = splits(pattern, text);
    for &place in &places {
        let (left, right) = text.split_at(place);
        assert!(
            pattern.pieces(left).chain(pattern.pieces(right)).eq(pieces.iter().copied()),
            "{pattern:?}, cut at {place}: {text:?}\n   found {:?}\nexpected {pieces:?}",
            pattern.pieces(left).chain(pattern.pieces(right)).collect::<Vec<_>>(),
        );
        // What comes later does not matter.
        assert!(pattern.split_before(&format!("{text}x"), place - 1, place) == Some(place), "{pattern:?}: {text:?}");
    }
    places.len()
}

fn check_random(count: u64, make: fn(&mut Rng, usize) -> String, longest: usize) {
    for (pattern, _) in &common::scanners() {
        let mut places = 0;
        for seed in 0..count {
            let text = make(&mut Rng::new(seed), longest);
            if !text.is_empty() {
                places += check(pattern, &text);
            }
        }
        assert!(places > 0);
    }
}

#[test]
fn awkward_texts() {
    check_random(60_000, text::awkward, 14);
    check_random(600, text::awkward, 200);
}

#[test]
fn ascii() {
    check_random(40_000, text::ascii, 30);
}

#[test]
fn any_characters() {
    check_random(40_000, text::any_characters, 12);
}

#[test]
fn runs() {
    check_random(2_000, text::runs, 20);
}

#[test]
fn golden_texts_one_after_the_other() {
    let golden = cases::golden();
    for (pattern, _) in &common::scanners() {
        for seed in 0..300 {
            let mut rng = Rng::new(seed);
            let text: String = (0..rng.up_to(20)).map(|_| rng.choose(&golden.rows).text.as_str()).collect();
            if !text.is_empty() {
                check(pattern, &text);
            }
        }
    }
}

#[test]
fn all_short_texts_of_the_characters_that_patterns_tell_apart() {
    let characters = [
        ' ', '\t', '\n', '\r', '\'', '/', '.', 's', 'l', 'A', '\u{17f}', '\u{1c5}', '\u{2b0}', '\u{4e2d}', '\u{301}',
        '1',
    ];
    for (pattern, _) in &common::scanners() {
        for length in 2..=4 {
            for number in 0..characters.len().pow(length) {
                let digit = |place| characters[number / characters.len().pow(place) % characters.len()];
                check(pattern, &(0..length).map(digit).collect::<String>());
            }
        }
    }
}

#[test]
fn places_are_where_they_should_be() {
    let at = |pattern: &Pattern, text| splits(pattern, text);
    for (pattern, _) in &common::scanners() {
        assert_eq!(at(pattern, "ab cd"), [2], "before the blank, which is of the word after it");
        assert_eq!(at(pattern, "it's"), [] as [usize; 0]);
        assert_eq!(at(pattern, "e\u{301} a"), [] as [usize; 0], "a mark may be punctuation");
        assert_eq!(at(pattern, "我们。你"), [6]);
        assert_eq!(at(pattern, "a1b"), [2, 1]);
        assert_eq!(at(pattern, "1234"), [] as [usize; 0]);
    }
    assert_eq!(at(&Pattern::R50k, ".\nx \n\ny"), [3, 2]);
    assert_eq!(at(&Pattern::Cl100k, ".\nx \n\ny"), [6, 3, 2]);
    assert_eq!(at(&Pattern::O200k, ".\n/"), [] as [usize; 0]);
}

#[test]
fn only_what_is_asked_for_is_searched() {
    let text = "ab cd ef";
    assert_eq!(Pattern::O200k.split_before(text, 0, 5), Some(5));
    assert_eq!(Pattern::O200k.split_before(text, 0, 4), Some(2));
    assert_eq!(Pattern::O200k.split_before(text, 2, 4), None);
    assert_eq!(Pattern::O200k.split_before("ab我 cd", 0, 4), None, "inside a character");
}

#[test]
fn all_short_texts_of_the_characters_that_the_relatives_tell_apart() {
    let characters = common::TOLD_APART;
    for (pattern, _) in &common::scanners() {
        for length in 2..=3 {
            for number in 0..characters.len().pow(length) {
                let digit = |place| characters[number / characters.len().pow(place) % characters.len()];
                check(pattern, &(0..length).map(digit).collect::<String>());
            }
        }
    }
}

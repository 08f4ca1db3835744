//! Each alternative of each pattern matters: without it the regular expressions split one of the texts below otherwise, and the scanner splits that
//! text as they do with it. So a scanner that lacked the alternative would be noticed.

mod common;

use std::ops::Range;

use tokenmill_bpe::Pattern;
use tokenmill_testkit::pattern;
use tokenmill_testkit::relatives::{NAMELESS, RELATIVES, SequenceSplitter};

/// What matches nothing.
const NOTHING: &str = "(?!)";

/// Every text of up to so many of these characters.
const ALPHABETS: [(&str, u32); 3] = [
    (" \t\n\r/.sA\u{1c5}\u{2b0}\u{4e2d}\u{301}1\u{3007}\u{1}", 3),
    (" '.a1\u{3042}\u{30fb}\u{3099}\u{3097}\u{2e80}\u{4e2d}+", 3),
    ("'tmdsvrelE1", 4),
];

/// Longer runs.
const LONGER: [&str; 3] = ["1234", "   a", "a \n  "];

/// Alternatives whose matches are pieces without them too, since what is between two matches is one: a single character of white space, the last of
/// a run, and numbers that no other alternative matches. The end of a text is told by `(?!\S)` as well as by `$`.
const SPARE: [(&str, &[&str]); 15] = [
    ("r50k", &[r"\s++$", r"\s"]),
    ("cl100k", &[r"\s"]),
    ("o200k", &[r"\s+"]),
    ("llama3", &[r"\s+"]),
    ("qwen2", &[r"\s+"]),
    ("qwen3.5", &[r"\s+"]),
    ("nanochat", &[r"\s+"]),
    ("tekken", &[r"\s+"]),
    ("kimi-k2", &[r"\s+"]),
    ("starcoder", &[r" ?\p{N}+", r"\s+"]),
    ("cl100k with runs of digits and no contractions", &[r"\p{N}+", r"\s"]),
    ("r50k with contractions in any case", &[r"\s++$", r"\s"]),
    ("o200k with contractions of their own", &[r"\s+"]),
    ("llama3 after numbers", &[r"\p{N}{1,3}", r"\s+"]),
    ("o200k after runs of numbers", &[r"\s+"]),
];

fn texts() -> Vec<String> {
    let of_alphabet = |(alphabet, longest): (&str, u32)| {
        let characters: Vec<char> = alphabet.chars().collect();
        (1..=longest).flat_map(move |length| {
            let characters = characters.clone();
            (0..characters.len().pow(length)).map(move |number| {
                (0..length).map(|place| characters[number / characters.len().pow(place) % characters.len()]).collect()
            })
        })
    };
    ALPHABETS.into_iter().flat_map(of_alphabet).chain(LONGER.map(str::to_owned)).collect()
}

/// Each pattern with its regular expressions.
fn patterns() -> Vec<(String, Pattern, Vec<String>)> {
    let tiktokens = common::patterns().map(|(scanner, pattern): (Pattern, &pattern::Pattern)| {
        (pattern.name.to_owned(), scanner, vec![pattern.regex()])
    });
    let relatives = RELATIVES.iter().chain(&NAMELESS).map(|relative| {
        let regexes: Vec<String> = relative.regexes.iter().map(|&regex| regex.to_owned()).collect();
        let scanner = Pattern::from_splits(&regexes).expect("they are well-formed");
        assert!(!matches!(scanner, Pattern::Splits(_)), "{}", relative.name);
        (relative.name.to_owned(), scanner, regexes)
    });
    tiktokens.into_iter().chain(relatives).collect()
}

/// Where the alternatives of `regex` are, those within groups too.
fn alternatives(regex: &str) -> Vec<Range<usize>> {
    let bytes = regex.as_bytes();
    // How many sets are open, and of each open group where its last alternative begins.
    let (mut found, mut sets, mut groups) = (Vec::new(), 0, vec![0]);
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], sets) {
            (b'\\', _) => at += 1,
            (b'[', _) => sets += 1,
            (b']', _) => sets -= 1,
            (b'(', 0) => groups.push(at + group_start(&bytes[at..])),
            (b'|', 0) => {
                let start = groups.last_mut().expect("the whole is open");
                found.push(std::mem::replace(start, at + 1)..at);
            }
            (b')', 0) => found.push(groups.pop().expect("it was opened")..at),
            _ => {}
        }
        at += 1;
    }
    found.push(groups[0]..regex.len());
    found
}

/// The length of `(`, `(?:`, `(?i:`, `(?!`.
fn group_start(bytes: &[u8]) -> usize {
    match bytes {
        [b'(', b'?', b'i', b':', ..] => 4,
        [b'(', b'?', ..] => 3,
        _ => 1,
    }
}

#[test]
fn alternatives_are_found_within_groups_too() {
    let regex = r"(?i:'s|'t)?|[^|\]&&[^(]]a|\s+(?!\S)|(b)";
    let found: Vec<_> = alternatives(regex).into_iter().map(|range| &regex[range]).collect();
    assert_eq!(found, ["'s", "'t", "(?i:'s|'t)?", r"[^|\]&&[^(]]a", r"\S", r"\s+(?!\S)", "b", "(b)"]);
}

#[test]
fn without_an_alternative_some_text_is_split_otherwise() {
    let texts = texts();
    for (name, scanner, regexes) in patterns() {
        let splitter = SequenceSplitter::new(&regexes);
        let expected: Vec<_> = texts.iter().map(|text| splitter.pieces(text)).collect();
        let mut spare = Vec::new();
        for (number, regex) in regexes.iter().enumerate() {
            for place in alternatives(regex) {
                let mut fewer = regexes.clone();
                fewer[number].replace_range(place.clone(), NOTHING);
                let fewer = SequenceSplitter::new(&fewer);
                match texts.iter().zip(&expected).find(|(text, expected)| fewer.pieces(text) != **expected) {
                    Some((text, expected)) => {
                        let found: Vec<_> = scanner.pieces(text).collect();
                        assert_eq!(found, *expected, "{name} without {:?}: {text:?}", &regex[place]);
                    }
                    None => spare.push(&regex[place]),
                }
            }
        }
        let expected = SPARE.iter().find(|(other, _)| *other == name).map_or(&[][..], |(_, spare)| spare);
        assert_eq!(spare, expected, "{name}");
    }
}

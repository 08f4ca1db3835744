//! What the golden rows cover: enough rows for every encoding, every alternative of every pattern, every general category.

use std::collections::BTreeMap;

use tokenmill_testkit::cases::{self, CodePoints, Golden};
use tokenmill_testkit::pattern::{PATTERNS, Pattern};

/// Rows that each thing needs at least.
const ENOUGH: usize = 50;

/// For each name: in how many rows it is. All names must be given, so that one without rows is seen.
fn assert_enough(what: &str, counts: &BTreeMap<String, usize>) {
    let fewest = counts.values().min().expect("there is something to count");
    println!("{what}: {} counted, the fewest rows of one are {fewest}", counts.len());
    let short: Vec<_> = counts.iter().filter(|(_, count)| **count < ENOUGH).collect();
    assert!(short.is_empty(), "{what} with fewer than {ENOUGH} rows: {short:?}");
}

fn count_texts(golden: &Golden, fits: impl Fn(&str) -> bool) -> usize {
    golden.rows.iter().filter(|row| fits(&row.text)).count()
}

fn count_characters(golden: &Golden, sets: &BTreeMap<String, Vec<CodePoints>>) -> BTreeMap<String, usize> {
    let count = |ranges| count_texts(golden, |text| text.chars().any(|character| cases::has(ranges, character)));
    sets.iter().map(|(name, ranges)| (name.clone(), count(ranges))).collect()
}

#[test]
fn every_encoding_has_rows() {
    let golden = cases::golden();
    let counts: BTreeMap<_, _> = (golden.groups.iter())
        .flat_map(|(&group, names)| names.iter().map(move |name| (group, name)))
        .map(|(group, name)| (name.clone(), golden.rows.iter().filter(|row| !row.ids(group).is_empty()).count()))
        .collect();
    assert_eq!(counts.len(), 7);
    assert_enough("encodings", &counts);
    assert!(counts.values().sum::<usize>() >= 20_000, "{counts:?}");
    let special = cases::special();
    let by_encoding = |name: &str| special.iter().filter(|row| row.encoding == name).count();
    assert_enough("encodings in special.jsonl", &counts.keys().map(|name| (name.clone(), by_encoding(name))).collect());
}

#[test]
fn no_text_is_there_twice() {
    let golden = cases::golden();
    let mut texts: Vec<_> = golden.rows.iter().map(|row| &row.text).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), golden.rows.len());
}

#[test]
fn the_patterns_are_tiktokens() {
    let golden = cases::golden();
    for pattern in PATTERNS {
        assert_eq!(pattern.regex(), golden.patterns[&pattern.group], "{}", pattern.name);
    }
    assert_eq!(golden.patterns[&'p'], golden.patterns[&'r']);
}

#[test]
fn every_alternative_of_every_pattern_has_rows() {
    let golden = cases::golden();
    for pattern in PATTERNS {
        let mut counts: BTreeMap<_, _> =
            pattern.alternatives.iter().map(|alternative| ((*alternative).to_owned(), 0)).collect();
        for alternatives in alternatives_of_rows(&golden, pattern) {
            for alternative in alternatives {
                *counts.get_mut(pattern.alternatives[alternative]).expect("all are there") += 1;
            }
        }
        println!("{counts:#?}");
        assert_enough(&format!("alternatives of {}", pattern.name), &counts);
    }
}

/// For each row, the alternatives that match a piece of it, each once.
fn alternatives_of_rows(golden: &Golden, pattern: &Pattern) -> Vec<Vec<usize>> {
    let splitter = pattern.splitter();
    (golden.rows.iter())
        .map(|row| {
            let mut found: Vec<_> = splitter.pieces_by_alternative(&row.text).map(|(_, found)| found).collect();
            found.sort_unstable();
            found.dedup();
            found
        })
        .collect()
}

#[test]
fn every_contraction_has_rows_in_every_pattern() {
    let golden = cases::golden();
    for pattern in PATTERNS {
        let splitter = pattern.splitter();
        let endings = ["'s", "'t", "'d", "'m", "'ll", "'ve", "'re"];
        let long_s = (pattern.name != "r50k").then_some("'\u{17f}");
        let counts = (endings.into_iter().chain(long_s))
            .map(|ending| {
                // A piece of its own (r50k, cl100k), or the end of a word (o200k).
                let ends = |piece: &str| {
                    if pattern.name == "o200k" {
                        piece.to_lowercase().ends_with(ending)
                    } else {
                        piece.to_lowercase() == ending
                    }
                };
                (ending.to_owned(), count_texts(&golden, |text| splitter.pieces(text).any(ends)))
            })
            .collect();
        println!("{counts:?}");
        assert_enough(&format!("contractions of {}", pattern.name), &counts);
    }
}

#[test]
fn every_general_category_has_rows() {
    let golden = cases::golden();
    let mut classes = cases::unicode().classes;
    // Of the classes of one or two characters too, such as (?i:v).
    let counts = count_characters(&golden, &classes);
    assert_enough("general categories and classes", &counts);
    classes.retain(|name, _| name.len() == 2);
    assert_eq!(classes.len(), 29, "all but Cs, which no UTF-8 text holds: surrogates.jsonl has rows for it");
}

#[test]
fn every_white_space_character_has_rows() {
    let golden = cases::golden();
    let classes = cases::unicode().classes;
    let white: Vec<char> = ('\0'..=char::MAX).filter(|&character| cases::has(&classes["space"], character)).collect();
    assert_eq!(white.len(), 25);
    let count = |&character: &char| (format!("{character:?}"), count_texts(&golden, |text| text.contains(character)));
    assert_enough("white space", &white.iter().map(count).collect());
}

#[test]
fn every_script_has_rows() {
    let golden = cases::golden();
    let counts = count_characters(&golden, &cases::unicode().scripts);
    let (rarest, fewest) = counts.iter().min_by_key(|(_, count)| **count).expect("there are scripts");
    println!("{} scripts, the fewest rows: {fewest} of {rarest}", counts.len());
    assert!(counts.len() >= 168, "{}", counts.len());
    assert!(*fewest >= 9, "{rarest} has {fewest} rows");
}

#[test]
fn the_reference_knows_the_same_characters_as_tiktoken() {
    // Else a property test against the reference would prove the wrong thing: Unicode versions differ.
    for (name, ranges) in cases::unicode().classes {
        let class = match name.as_str() {
            "space" => r"\s".to_owned(),
            fold if fold.starts_with("(?i:") => fold.to_owned(),
            category => format!(r"\p{{{category}}}"),
        };
        let regex = fancy_regex::Regex::new(&class).expect("the class is well-formed");
        for character in '\0'..=char::MAX {
            let matches = regex.is_match(character.encode_utf8(&mut [0; 4])).expect("one character");
            assert_eq!(matches, cases::has(&ranges, character), "{name}: U+{:04X}", u32::from(character));
        }
    }
}

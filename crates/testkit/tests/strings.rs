//! The strings that `npm run verify` compares have every edge that the patterns tell apart.

use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

use tokenmill_testkit::cases;
use tokenmill_testkit::pattern::{CL100K, O200K, Pattern, R50K};
use tokenmill_testkit::strings::Strings;

/// A long job makes fifty times as many.
fn strings() -> &'static [String] {
    static MADE: OnceLock<Vec<String>> = OnceLock::new();
    MADE.get_or_init(|| {
        let strings = Strings::new();
        (0..200_000).map(|index| strings.string(0, index)).collect()
    })
}

#[track_caller]
fn assert_in_strings(part: &str) {
    assert!(strings().iter().any(|string| string.contains(part)), "no string has {part:?}");
}

fn class(name: &str) -> HashSet<char> {
    let unicode = cases::unicode();
    unicode.classes[name].iter().flat_map(|range| range.0.clone()).filter_map(char::from_u32).collect()
}

fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n')
}

/// Pairs of the alternatives of a pattern that follow one another in no text.
fn impossible(pattern: &Pattern) -> BTreeSet<(usize, usize)> {
    // White space to the end of the text has nothing after it. What ends before white space leaves some of it, without line breaks where an
    // earlier alternative takes those. A single white space character has something else after it.
    let (ending, pairs): (Option<usize>, &[(usize, usize)]) = match pattern.name {
        // An apostrophe is punctuation itself.
        "r50k" => (Some(4), &[(3, 0), (5, 0), (5, 4), (5, 5), (6, 4), (6, 5), (6, 6)]),
        "cl100k" => {
            (Some(4), &[(5, 4), (5, 5), (6, 0), (6, 2), (6, 4), (6, 5), (6, 6), (7, 4), (7, 5), (7, 6), (7, 7)])
        }
        _ => (None, &[(4, 4), (5, 2), (5, 4), (5, 5), (6, 4), (6, 5), (6, 6)]),
    };
    let ending = ending.into_iter().flat_map(|one| (0..pattern.alternatives.len()).map(move |other| (one, other)));
    pairs.iter().copied().chain(ending).collect()
}

#[test]
fn every_alternative_of_every_pattern_follows_every_other_that_it_can() {
    for pattern in [&R50K, &CL100K, &O200K] {
        let splitter = pattern.splitter();
        let mut found = BTreeSet::new();
        for string in &strings()[..8_000] {
            let pieces: Vec<usize> = splitter.pieces_by_alternative(string).map(|(_, number)| number).collect();
            found.extend(pieces.windows(2).map(|pair| (pair[0], pair[1])));
        }
        let all = 0..pattern.alternatives.len();
        let pairs: BTreeSet<_> = all.clone().flat_map(|one| all.clone().map(move |other| (one, other))).collect();
        let missing: BTreeSet<_> = pairs.difference(&found).copied().collect();
        assert_eq!(missing, impossible(pattern), "{}", pattern.name);
    }
}

#[test]
fn contractions_are_there_in_all_cases_with_what_folds_to_their_letters() {
    for ending in ["s", "t", "d", "m", "ll", "ve", "re"] {
        for upper in 0..1 << ending.len() {
            let letter =
                |(at, letter): (usize, char)| if upper >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter };
            let ending: String = ending.chars().enumerate().map(letter).collect();
            for before in ["a", "B", "7", " ", "\n", "."] {
                assert_in_strings(&format!("{before}'{ending}"));
            }
            for after in ["a", "B", "7", " ", "'", "\u{301}"] {
                assert_in_strings(&format!("'{ending}{after}"));
            }
        }
    }
    // U+017F folds to s and is a contraction where case is ignored; U+212A folds to k, which is in none.
    for part in [
        "'\u{17f}",
        "a'\u{17f}",
        "B'\u{17f}",
        "'\u{17f}a",
        "'\u{17f}'",
        "'\u{212a}",
        "\u{212a}'",
        "'\u{130}",
        "'\u{131}",
    ] {
        assert_in_strings(part);
    }
}

#[test]
fn all_white_space_is_there_with_line_breaks_and_without() {
    let white = class("space");
    assert!(white.len() == 25 && white.contains(&'\u{85}'), "{white:?}");
    let is_white = |character: Option<&char>| character.is_some_and(|character| white.contains(character));
    let mut seen = BTreeSet::new();
    for string in strings() {
        let characters: Vec<char> = string.chars().collect();
        for run in characters.chunk_by(|one, next| white.contains(one) == white.contains(next)) {
            if is_white(run.first()) {
                let is_last = std::ptr::eq(run.as_ptr_range().end, characters.as_ptr_range().end);
                let breaks = run.iter().any(|&one| is_break(one));
                seen.extend(run.iter().map(|&one| (one, breaks || is_break(one), run.len() > 1, is_last)));
                seen.extend(run.last().map(|&last| (last, breaks, false, is_last)));
            }
        }
    }
    for &character in &white {
        for breaks in [false, true] {
            for (in_a_run, is_last) in [(false, false), (true, false), (true, true)] {
                let possible = breaks || !is_break(character);
                let found = seen.contains(&(character, breaks, in_a_run, is_last));
                assert!(found || !possible, "{character:?} breaks {breaks}, run {in_a_run}, last {is_last}");
            }
        }
    }
    // To people white space as well, but not to the patterns.
    for like in ['\u{feff}', '\u{180e}', '\u{200b}', '\u{2060}'] {
        for around in
            [format!(" {like}"), format!("{like} "), format!("\n{like}"), format!("{like}\n"), format!("{like}a")]
        {
            assert_in_strings(&around);
        }
    }
}

#[test]
fn characters_of_every_kind_are_there_next_to_letters_digits_and_white_space() {
    // Unassigned code points, private ones and title case too: two letters are a general category.
    let unicode = cases::unicode();
    let categories = unicode.classes.iter().filter(|(name, _)| name.len() == 2);
    for (name, ranges) in categories {
        for around in ["a", "A", "1", " ", "\n", "'"] {
            let beside = |string: &String, after: bool| {
                string.match_indices(around).any(|(at, _)| {
                    let other = if after { string[at + 1..].chars().next() } else { string[..at].chars().next_back() };
                    other.is_some_and(|other| cases::has(ranges, other))
                })
            };
            for after in [false, true] {
                assert!(
                    strings().iter().any(|string| beside(string, after)),
                    "{name} beside {around:?}, after it {after}"
                );
            }
        }
    }
    assert!(["Cn", "Co", "Lt", "Mc", "Me", "Mn"].iter().all(|name| unicode.classes.contains_key(*name)));
}

#[test]
fn every_plane_is_there_and_emoji_sequences_are() {
    let planes: BTreeSet<u32> =
        strings().iter().flat_map(|string| string.chars()).map(|one| one as u32 >> 16).collect();
    // Planes 4 to 13 are unassigned as a whole.
    assert!(planes.iter().copied().eq(0..=16), "{planes:?}");
    for part in [
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466}", // joined
        "\u{2764}\u{fe0f}",                                             // as a picture
        "\u{1f44d}\u{1f3fd}",                                           // a tone of skin
        "1\u{fe0f}\u{20e3}",                                            // a key
        "\u{1f1e9}\u{1f1ea}",                                           // a flag, and half of one
        "\u{1f1fd}",
        "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", // by tags
    ] {
        assert_in_strings(part);
        for around in ["a", "7", " ", "\n", "\u{301}"] {
            assert_in_strings(&format!("{part}{around}"));
        }
    }
}

#[test]
fn digits_of_every_script_are_there_in_runs_longer_than_a_piece() {
    let digits = class("Nd");
    let mut tens: Vec<char> = digits.iter().copied().collect();
    tens.sort_unstable();
    for ten in tens.chunks_exact(10) {
        let is_run = |run: &[char]| run.len() > 3 && run.iter().all(|one| ten.contains(one));
        let has_run = |string: &String| string.chars().collect::<Vec<_>>().windows(4).any(is_run);
        assert!(strings().iter().any(has_run), "{ten:?}");
    }
}

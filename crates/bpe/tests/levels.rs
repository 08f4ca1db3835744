//! Every level of instructions finds the pieces that the one-by-one scanners find, which `pieces.rs` compares with a regex engine.

mod common;

use tokenmill_bpe::{Level, Tokenizer};
use tokenmill_testkit::cases;
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::text;

fn check(texts: impl Iterator<Item = String>) {
    let (levels, scanners) = (Level::available(), common::scanners());
    for text in texts {
        for (pattern, _) in &scanners {
            let expected: Vec<_> = pattern.pieces(&text).collect();
            for &level in &levels {
                let found = pattern.pieces_by(level, &text);
                assert!(
                    found == expected,
                    "{pattern:?}, {level:?}: {text:?}\n   found {found:?}\nexpected {expected:?}"
                );
            }
        }
    }
}

/// Text of the ASCII characters that the patterns tell apart, now and then with others; `stay` in 8 is how often a character is repeated.
fn blocks_of(alphabet: &'static [&'static str], count: u64, length: usize) -> impl Iterator<Item = String> {
    (0..share(count)).map(move |seed| {
        let mut rng = Rng::new(seed);
        let stay = rng.below(8);
        let mut character = alphabet[0];
        (0..length)
            .map(|_| {
                if rng.below(8) >= stay {
                    character = alphabet[rng.below(alphabet.len())];
                }
                character
            })
            .collect()
    })
}

const ASCII: &[&str] = &[
    " ", " ", " ", "\t", "\x0b", "\n", "\n", "\r", "'", "'", "'", "/", "/", ".", ",", "_", "\0", "\x1f", "\x7f", "s",
    "S", "t", "l", "L", "v", "V", "r", "e", "E", "m", "d", "D", "a", "A", "z", "Z", "B", "0", "1", "9",
];

#[test]
fn ascii() {
    check(blocks_of(ASCII, 200_000, 150));
}

#[test]
fn white_space_and_line_breaks() {
    check(blocks_of(&[" ", " ", "\t", "\n", "\r", "a", ".", "/"], 60_000, 150));
}

#[test]
fn contractions() {
    check(blocks_of(&["'", "s", "S", "l", "L", "v", "e", "a", "A", " ", "."], 60_000, 150));
}

#[test]
fn ascii_with_other_characters() {
    const MIXED: &[&str] = &[
        " ",
        "\n",
        "'",
        "/",
        ".",
        "s",
        "l",
        "A",
        "b",
        "1",
        "\u{17f}",
        "\u{e9}",
        "\u{c9}",
        "\u{a0}",
        "\u{85}",
        "\u{301}",
        "\u{4e2d}",
        "\u{1f600}",
        "\u{661}",
        "a",
        "e",
        "t",
        "q",
        "w",
        "r",
        "y",
    ];
    check(blocks_of(MIXED, 100_000, 150));
}

#[test]
fn words_of_other_alphabets() {
    // Of two and three bytes: each case, letters without case, marks, punctuation, controls, white space, numbers, Hangul, what is private,
    // and now and then what is written without words.
    const ALPHABETS: &[&str] = &[
        " ", " ", " ", "\n", "'", "\u{2019}", ".", "/", "1", "s", "l", "A", "b", "\u{416}", "\u{436}", "\u{436}",
        "\u{451}", "\u{c9}", "\u{e9}", "\u{17f}", "\u{1c5}", "\u{2b0}", "\u{644}", "\u{64b}", "\u{661}", "\u{60c}",
        "\u{915}", "\u{93f}", "\u{94d}", "\u{964}", "\u{967}", "\u{200d}", "\u{200b}", "\u{a0}", "\u{2003}",
        "\u{d55c}", "\u{a4d0}", "\u{e000}", "\u{1e9e}", "\u{4e2d}",
    ];
    check(blocks_of(ALPHABETS, 30_000, 100));
}

#[test]
fn long_runs() {
    check((0..share(20_000)).map(|seed| text::runs(&mut Rng::new(seed), 300)));
}

#[test]
fn any_text() {
    check((0..share(50_000)).map(|seed| text::awkward(&mut Rng::new(seed), 200)));
}

#[test]
fn ids_are_the_same() {
    for encoding in common::BY_RANKS {
        let ranks = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        let make = |level| {
            Tokenizer::from_encoding(encoding, ranks.clone()).expect("the encoding is well-formed").with_level(level)
        };
        let tokenizers: Vec<_> = Level::available().into_iter().map(make).collect();
        for text in blocks_of(ASCII, 2_000, 300) {
            let expected = common::tokenizer(encoding).encode_ordinary(&text);
            for tokenizer in &tokenizers {
                assert_eq!(tokenizer.encode_ordinary(&text), expected, "{text:?}");
            }
        }
    }
}

#[test]
#[cfg(target_arch = "aarch64")]
fn arm_has_a_level_of_its_own() {
    let names: Vec<_> = Level::available().into_iter().map(Level::name).collect();
    assert_eq!(names, ["portable", "neon"]);
    assert_eq!(Level::best().name(), "neon");
}

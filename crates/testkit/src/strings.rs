//! Weighted random strings about the edges of the patterns: string `index` of a seed is the same on every machine, whichever
//! others are made, so that a long job can be cut into parts and any one string be made again alone.

use std::collections::BTreeMap;

use crate::cases;
use crate::rng::Rng;
use crate::text;

const ENDINGS: [&str; 7] = ["s", "t", "d", "m", "ll", "ve", "re"];
/// Apostrophes, of which only the first is one to the patterns.
const APOSTROPHES: [&str; 8] = ["'", "'", "'", "\u{2019}", "\u{2bc}", "\u{ff07}", "`", "''"];
/// Around an edge: one of each kind that a pattern tells apart.
const AROUND: [&str; 24] = [
    "",
    "a",
    "B",
    "it",
    "WE",
    "7",
    " ",
    "\n",
    "\r\n",
    ".",
    "/",
    "!\n",
    "\u{17f}",
    "\u{212a}",
    "\u{1c5}",
    "\u{2b0}",
    "\u{4e2d}",
    "\u{301}",
    "e\u{301}",
    "\u{1f600}",
    "\u{a0}",
    "\u{feff}",
    "'",
    "\u{378}",
];
/// To people white space, but not to the patterns; and controls next to those that are.
const LIKE_SPACE: [char; 10] =
    ['\u{feff}', '\u{180e}', '\u{200b}', '\u{2060}', '\u{ad}', '\u{2800}', '\u{3164}', '\u{1c}', '\u{8}', '\u{200d}'];
const EMOJI: [&str; 24] = [
    "😀",
    "❤️",
    "❤",
    "👍🏽",
    "👨‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇩🇪",
    "🇺🇸🇯🇵",
    "🇽",
    "1️⃣",
    "#️⃣",
    "🧑🏿‍💻",
    "👩‍❤️‍💋‍👨",
    "☺",
    "🫠",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "™",
    "©️",
    "\u{200d}",
    "🏻",
    "\u{fe0f}",
    "\u{20e3}",
    "🀄",
    "🪿",
];
/// What stands in blocks of ASCII: everyday words, and the edges that a scanner of whole blocks may get wrong.
const WORDS: [&str; 40] = [
    "the",
    "mill's",
    "DON'T",
    "x",
    "HTTPServer",
    "1850",
    "7",
    "don't",
    "we'LL",
    "x's'LLa",
    "it'll'tis",
    "iPhone",
    "a",
    "I",
    "end.",
    "C++",
    "//",
    "/*",
    "--",
    "=",
    "\"",
    "(",
    ");",
    "_id",
    "'",
    "''s",
    "'ve",
    "12345678",
    "A1b2",
    "\x0b",
    "{\"k\":",
    "</p>",
    "é",
    "naïve",
    "中文",
    "…",
    "\u{85}",
    "\u{17f}",
    "\u{a0}",
    "\u{301}",
];
const GAPS: [&str; 17] =
    [" ", " ", " ", " ", "", "", "  ", "    ", "\n", "\n\n", "\r\n", "\r", "\t", " \n ", "/", "'", "\x0c"];

fn one<'a>(rng: &mut Rng, strings: &[&'a str]) -> &'a str {
    strings[rng.below(strings.len())]
}

type Make = fn(&Strings, &mut Rng) -> String;

/// Each kind of string with its weight.
const KINDS: [(usize, Make); 14] = [
    (10, Strings::awkward),
    (10, Strings::contraction),
    (10, Strings::white_space),
    (12, Strings::by_category),
    (6, Strings::script),
    (6, Strings::digits),
    (5, Strings::emoji),
    (5, Strings::code_points),
    (8, Strings::block),
    (6, Strings::ascii),
    (6, Strings::letters),
    (3, Strings::runs),
    (8, Strings::golden),
    (1, Strings::long_piece),
];

/// A maker of strings. Holds what characters there are of each kind, as tiktoken's regex engine sees them.
#[derive(Debug)]
pub struct Strings {
    /// The characters of each general category.
    categories: Vec<Vec<char>>,
    scripts: Vec<Vec<char>>,
    white: Vec<char>,
    marks: Vec<char>,
    /// The ten digits of each script that has them, and other numbers.
    digits: Vec<Vec<char>>,
    numbers: Vec<char>,
    golden: Vec<String>,
}

impl Strings {
    /// The maker; reads the case files.
    pub fn new() -> Self {
        let unicode = cases::unicode();
        let all = |ranges: &Vec<cases::CodePoints>| -> Vec<char> {
            ranges.iter().flat_map(|range| range.0.clone()).filter_map(char::from_u32).collect()
        };
        let of = |name: &str| all(&unicode.classes[name]);
        let categories = unicode.classes.iter().filter(|(name, _)| name.len() == 2).map(|(_, ranges)| all(ranges));
        let sets = |sets: &BTreeMap<String, Vec<cases::CodePoints>>| sets.values().map(all).collect();
        Self {
            categories: categories.collect(),
            scripts: sets(&unicode.scripts),
            white: of("space"),
            marks: of("M"),
            digits: of("Nd").chunks_exact(10).map(<[char]>::to_vec).collect(),
            numbers: [of("Nl"), of("No")].concat(),
            golden: cases::golden().rows.into_iter().map(|row| row.text).filter(|text| text.len() <= 200).collect(),
        }
    }

    /// String `index` of `seed`: mostly 5 to 50 characters, one in twelve 64 to 400 bytes, one in a hundred more.
    pub fn string(&self, seed: u64, index: u64) -> String {
        // Seeds that follow one another must not give the strings of one another, shifted.
        let mut rng = Rng::new(Rng::new(seed).bits() ^ Rng::new(!index).bits());
        match rng.below(8) {
            // Edges of one kind next to those of another.
            0 => (0..=rng.up_to(2)).map(|_| self.of_one_kind(&mut rng)).collect(),
            _ => self.of_one_kind(&mut rng),
        }
    }

    fn of_one_kind(&self, rng: &mut Rng) -> String {
        let total = KINDS.iter().map(|(weight, _)| weight).sum();
        let mut at = rng.below(total);
        for (weight, make) in KINDS {
            if at < weight {
                return make(self, rng);
            }
            at -= weight;
        }
        unreachable!("at is below the total")
    }

    fn awkward(_: &Self, rng: &mut Rng) -> String {
        text::awkward(rng, 24)
    }

    fn ascii(_: &Self, rng: &mut Rng) -> String {
        text::ascii(rng, 120)
    }

    fn letters(_: &Self, rng: &mut Rng) -> String {
        text::letters(rng, 60)
    }

    fn runs(_: &Self, rng: &mut Rng) -> String {
        text::runs(rng, 70)
    }

    fn code_points(_: &Self, rng: &mut Rng) -> String {
        let string = text::any_characters(rng, 10);
        let last = one(rng, &["", "\u{10ffff}", "\u{fffe}", "\u{fdd0}", "\u{e000}", "\u{f0000}", "\u{2ffff}"]);
        format!("{}{string}{last}{}", one(rng, &AROUND), one(rng, &AROUND))
    }

    fn contraction(_: &Self, rng: &mut Rng) -> String {
        let mut string = String::new();
        for _ in 0..rng.up_to(3) {
            string.push_str(one(rng, &AROUND));
            string.push_str(one(rng, &APOSTROPHES));
            for letter in one(rng, &ENDINGS).chars() {
                string.push(match (letter, rng.below(10)) {
                    ('s', 0 | 1) => '\u{17f}',
                    (_, 1) => *rng.choose(&['\u{131}', '\u{130}', '\u{212a}', '\u{df}', '\u{ff53}', '\u{fb06}']),
                    (letter, 2..6) => letter,
                    (letter, _) => letter.to_ascii_uppercase(),
                });
            }
        }
        string + one(rng, &AROUND)
    }

    fn white_space(&self, rng: &mut Rng) -> String {
        // Of all white space, with line breaks or without; few different ones, so that they follow one another.
        let few: Vec<char> = (0..rng.up_to(4)).map(|_| *rng.choose(&self.white)).collect();
        let breaks = rng.below(2) == 0;
        let mut string = String::new();
        for _ in 0..rng.up_to(4) {
            string.push_str(one(rng, &AROUND));
            for _ in 0..rng.below(6) {
                string.push(match rng.below(12) {
                    0..5 => ' ',
                    5..9 => *rng.choose(&few),
                    9 => *rng.choose(&LIKE_SPACE),
                    _ if breaks => *rng.choose(&['\n', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}']),
                    _ => '\t',
                });
            }
        }
        string + one(rng, &AROUND)
    }

    fn by_category(&self, rng: &mut Rng) -> String {
        // Categories have a few characters or a hundred thousand: all are drawn as often.
        let few: Vec<&Vec<char>> = (0..rng.up_to(5)).map(|_| rng.choose(&self.categories)).collect();
        (0..rng.up_to(14))
            .map(|_| match rng.below(8) {
                0 => one(rng, &AROUND).to_string(),
                1 => one(rng, &["a", "A", " ", "'s", "1"]).to_string(),
                2 => rng.choose(&self.marks).to_string(),
                _ => {
                    let set = *rng.choose(&few);
                    rng.choose(set).to_string()
                }
            })
            .collect()
    }

    fn script(&self, rng: &mut Rng) -> String {
        let script = rng.choose(&self.scripts);
        let between = ["", "", "", "", " ", " ", "-", "1", "\u{301}", "'", "\n", "A", "z", "\u{3002}"];
        let character = |rng: &mut Rng| format!("{}{}", rng.choose(script), one(rng, &between));
        (0..rng.up_to(24)).map(|_| character(rng)).collect()
    }

    fn digits(&self, rng: &mut Rng) -> String {
        let mut string = String::new();
        for _ in 0..rng.up_to(3) {
            string.push_str(one(rng, &AROUND));
            let ten = if rng.below(2) == 0 { &self.digits[0] } else { rng.choose(&self.digits) };
            for _ in 0..rng.up_to(10) {
                string.push(if rng.below(12) == 0 { *rng.choose(&self.numbers) } else { *rng.choose(ten) });
            }
        }
        string + one(rng, &AROUND)
    }

    fn emoji(_: &Self, rng: &mut Rng) -> String {
        let mut part = || if rng.below(3) == 0 { one(rng, &AROUND) } else { one(rng, &EMOJI) };
        (0..8).map(|_| part()).collect()
    }

    /// 64 to 400 bytes, mostly or only ASCII: what scanners read by blocks, with edges at every place of a block.
    fn block(_: &Self, rng: &mut Rng) -> String {
        let ascii: Vec<&str> = WORDS.into_iter().filter(|word| word.is_ascii()).collect();
        let words = if rng.below(2) == 0 { &ascii[..] } else { &WORDS[..] };
        let some: Vec<&str> = (0..rng.up_to(14)).map(|_| one(rng, words)).collect();
        let gaps: Vec<&str> = (0..rng.up_to(8)).map(|_| one(rng, &GAPS)).collect();
        let length = 64 + rng.below(320);
        let mut string = String::new();
        while string.len() < length {
            string.push_str(one(rng, &some));
            // All gaps may be empty ones: then letters only, and one long piece.
            string.push_str(one(rng, &gaps));
        }
        string
    }

    /// Texts of the golden rows one after the other: every edge that is known, before and after any other.
    fn golden(&self, rng: &mut Rng) -> String {
        (0..rng.up_to(4)).map(|_| rng.choose(&self.golden).as_str()).collect()
    }

    fn long_piece(&self, rng: &mut Rng) -> String {
        match rng.below(3) {
            0 => text::letters(rng, 3000),
            1 => one(rng, &AROUND).repeat(rng.up_to(600)),
            _ => rng.choose(&self.white).to_string().repeat(rng.up_to(600)) + one(rng, &AROUND),
        }
    }
}

impl Default for Strings {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_the_same_whichever_others_are_made() {
        let strings = Strings::new();
        let of = |seed| (0..200).map(|index| strings.string(seed, index)).collect::<Vec<_>>();
        assert_eq!(of(3)[150], Strings::new().string(3, 150));
        assert_ne!(of(3), of(4));
        // Nor is one seed another one moved.
        let (first, second) = (of(3), of(4));
        assert!(first.iter().filter(|string| string.len() > 8).all(|string| !second.contains(string)));
    }

    #[test]
    fn what_patterns_tell_apart_is_in_them() {
        let strings = Strings::new();
        let many: Vec<String> = (0..20_000).map(|index| strings.string(0, index)).collect();
        let all: std::collections::HashSet<char> = many.iter().flat_map(|string| string.chars()).collect();
        for set in strings.categories.iter().chain(&strings.scripts).chain(&strings.digits) {
            assert!(set.iter().any(|character| all.contains(character)), "none of {:?}", set[0]);
        }
        for &character in strings.white.iter().chain(&LIKE_SPACE).chain(&['\u{17f}', '\u{212a}', '\u{feff}']) {
            assert!(all.contains(&character), "{character:?}");
        }
        let longer = |bytes: usize| many.iter().filter(|string| string.len() >= bytes).count();
        assert!(longer(64) > 2_000 && longer(400) > 100, "{} of 64, {} of 400", longer(64), longer(400));
        for ending in ENDINGS {
            let upper = format!("'{}", ending.to_uppercase());
            assert!(many.iter().any(|string| string.contains(&upper)), "{upper}");
        }
    }
}

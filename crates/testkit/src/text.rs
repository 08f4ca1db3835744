//! Makers of awkward text: the same text from the same seed.

use crate::rng::Rng;

/// Kinds of characters with their weights. Kinds are about the edges of the patterns, not about languages.
const KINDS: [(usize, &[&str]); 20] = [
    (10, &["a", "b", "e", "n", "o", "x", "z"]),
    (5, &["A", "B", "Q", "Z"]),
    (6, &["s", "t", "d", "m", "l", "v", "r", "e", "S", "T", "L", "E", "\u{17f}", "\u{212a}"]),
    (6, &[" "]),
    (2, &["  ", "   ", "    "]),
    (3, &["\n", "\n", "\r\n", "\r"]),
    (2, &["\t", "\u{a0}", "\u{85}", "\u{3000}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}", "\u{1680}", "\u{205f}"]),
    (1, &["\u{feff}", "\u{180e}", "\u{200b}", "\u{2060}", "\u{ad}", "\u{1c}", "\u{1f}"]),
    (5, &["'", "'", "'", "\u{2019}", "\u{2bc}"]),
    (4, &["0", "1", "42", "999"]),
    (1, &["\u{663}", "\u{96b}", "\u{1d7d8}", "\u{bd}", "\u{2167}", "\u{b2}", "\u{4e00}", "\u{3007}"]),
    (5, &[".", ",", "!", "-", "=", "(", "_", "#", "$", "{"]),
    (2, &["/", "//"]),
    (2, &["\u{2014}", "\u{2026}", "\u{ab}", "\u{20ac}", "\u{3002}"]),
    (2, &["\u{e9}", "\u{c9}", "\u{3c9}", "\u{3a9}", "\u{436}", "\u{416}", "\u{df}", "\u{130}", "\u{131}"]),
    (1, &["\u{1c5}", "\u{1f88}", "\u{2b0}", "\u{30fc}", "\u{aa}", "\u{1d43}"]),
    (2, &["\u{4e2d}", "\u{3042}", "\u{30a2}", "\u{d55c}", "\u{5d0}", "\u{627}", "\u{e01}", "\u{905}", "\u{20000}"]),
    (2, &["\u{301}", "\u{308}", "\u{e34}", "\u{93e}", "\u{20dd}", "\u{e0100}"]),
    (2, &["\u{1f600}", "\u{1f3fd}", "\u{200d}", "\u{fe0f}", "\u{20e3}", "\u{1f1e9}", "\u{2764}"]),
    (1, &["\0", "\u{1}", "\u{7f}", "\u{378}", "\u{e000}", "\u{fffd}", "\u{fffe}", "\u{1ffff}", "\u{10ffff}"]),
];

/// A text of 1 to `longest` draws from [`KINDS`], of which each text uses only some.
pub fn awkward(rng: &mut Rng, longest: usize) -> String {
    let kinds: Vec<_> = (0..rng.up_to(KINDS.len())).map(|_| *rng.choose(&KINDS)).collect();
    let total = kinds.iter().map(|(weight, _)| weight).sum();
    (0..rng.up_to(longest))
        .map(|_| {
            let mut at = rng.below(total);
            let (_, kind) = kinds
                .iter()
                .find(|(weight, _)| {
                    let found = at < *weight;
                    at = at.wrapping_sub(*weight);
                    found
                })
                .expect("at is below the total");
            *rng.choose(kind)
        })
        .collect()
}

/// ASCII alone, or nearly so, which scanners read many bytes at a time.
pub fn ascii(rng: &mut Rng, longest: usize) -> String {
    let alphabets = [
        "a ",
        "aA' s\n",
        "ab  .\n",
        "a1 .",
        "aZ's't'LL",
        " \n\r\t",
        "x/.-\n ",
        "azAZ09@[`{/:'! \n\r\t\u{b}\u{7f}~",
        "aaaaaaaaaaaaé ",
        "a .\n中",
    ];
    let alphabet: Vec<char> = rng.choose(&alphabets).chars().collect();
    (0..rng.up_to(longest)).map(|_| *rng.choose(&alphabet)).collect()
}

/// Any characters at all: mostly of the low planes, where most that is assigned lives.
pub fn any_characters(rng: &mut Rng, longest: usize) -> String {
    let planes = [0x80, 0x800, 0x3000, 0x1_0000, 0x2_0000, 0x11_0000];
    (0..rng.up_to(longest))
        .filter_map(|_| {
            let end = *rng.choose(&planes);
            char::from_u32(rng.below(end) as u32)
        })
        .collect()
}

/// A run of letters from a small alphabet, which is one piece in every pattern but long in merges.
pub fn letters(rng: &mut Rng, longest: usize) -> String {
    let alphabets = [
        "a",
        "ab",
        "abc",
        "etaoin",
        "ion",
        "abcdefghijklmnopqrstuvwxyz",
        "\u{436}\u{435}",
        "еиаоѐжщтнс",
        "ěščřžýáíé",
        "\u{4e2d}\u{7684}",
        "的一是不了人我在有他这中",
        "あいうのにアイーン",
        "한국어는다이가",
        "العربيةمن",
        "אבגדהו",
        "कखगहन",
        "aé中的ж",
        "\u{20000}\u{2a6d6}\u{10400}\u{1d400}a",
    ];
    let alphabet: Vec<char> = rng.choose(&alphabets).chars().collect();
    (0..rng.up_to(longest)).map(|_| *rng.choose(&alphabet)).collect()
}

/// Runs of the same thing, each up to `longest` long: words, spaces, newlines, digits, punctuation, marks.
pub fn runs(rng: &mut Rng, longest: usize) -> String {
    let units = [
        "a",
        "A",
        "aB",
        " ",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\u{a0}",
        "1",
        "=",
        "-",
        "/",
        "'",
        "'s",
        "\u{301}",
        "\u{4e2d}",
        "\u{1f600}",
    ];
    (0..rng.up_to(5)).map(|_| rng.choose(&units).repeat(rng.up_to(longest))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_text() {
        let make = |seed| {
            let mut rng = Rng::new(seed);
            [awkward(&mut rng, 20), any_characters(&mut rng, 20), letters(&mut rng, 20), runs(&mut rng, 20)]
        };
        assert_eq!(make(7), make(7));
        assert_ne!(make(7), make(8));
    }
}

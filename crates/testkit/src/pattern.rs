//! The patterns of tiktoken 0.14, alternative by alternative, matched by a regex engine.
//!
//! `testdata/tokenizer/golden.jsonl` holds tiktoken's own strings; a test compares them with these.

use fancy_regex::Regex;
use regex_automata::meta;

/// A pattern: alternatives of which the first that matches gives the piece.
#[derive(Debug)]
pub struct Pattern {
    /// Its name, as the crate under test calls it.
    pub name: &'static str,
    /// The key of its rows in the golden files.
    pub group: char,
    /// The alternatives in order.
    pub alternatives: &'static [&'static str],
}

/// The pattern of gpt2, r50k and p50k.
pub const R50K: Pattern = Pattern {
    name: "r50k",
    group: 'r',
    alternatives: &[
        r"'(?:[sdmt]|ll|ve|re)",
        r" ?\p{L}++",
        r" ?\p{N}++",
        r" ?[^\s\p{L}\p{N}]++",
        r"\s++$",
        r"\s+(?!\S)",
        r"\s",
    ],
};

/// The pattern of cl100k.
pub const CL100K: Pattern = Pattern {
    name: "cl100k",
    group: 'c',
    alternatives: &[
        r"'(?i:[sdmt]|ll|ve|re)",
        r"[^\r\n\p{L}\p{N}]?+\p{L}++",
        r"\p{N}{1,3}+",
        r" ?[^\s\p{L}\p{N}]++[\r\n]*+",
        r"\s++$",
        r"\s*[\r\n]",
        r"\s+(?!\S)",
        r"\s",
    ],
};

/// The pattern of o200k.
pub const O200K: Pattern = Pattern {
    name: "o200k",
    group: 'o',
    alternatives: &[
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ],
};

/// All patterns.
pub const PATTERNS: [&Pattern; 3] = [&R50K, &CL100K, &O200K];

impl Pattern {
    /// The whole pattern, as tiktoken has it.
    pub fn regex(&self) -> String {
        self.alternatives.join("|")
    }

    /// The splitter of this pattern.
    pub fn splitter(&self) -> Splitter {
        let groups: Vec<String> = self.alternatives.iter().map(|alternative| format!("({alternative})")).collect();
        let compile = |pattern: &str| Regex::new(pattern).expect("the pattern is well-formed");
        Splitter { whole: compile(&self.regex()), by_alternative: compile(&groups.join("|")) }
    }
}

impl Pattern {
    /// The splitter of this pattern for texts in which a regex engine that backtracks runs out of stack, as tiktoken's does.
    pub fn linear_splitter(&self) -> LinearSplitter {
        let look_ahead = self.alternatives.iter().position(|alternative| *alternative == r"\s+(?!\S)");
        // None of these patterns matches otherwise when what is possessive is greedy: what follows never wants back a character
        // of what it stands after. The look-ahead is done by hand.
        let greedy = |alternative: &&str| {
            [("++", "+"), ("?+", "?"), ("*+", "*"), ("3}+", "3}"), (r"(?!\S)", "")]
                .iter()
                .fold((*alternative).to_owned(), |pattern, (possessive, greedy)| pattern.replace(possessive, greedy))
        };
        let greedy: Vec<String> = self.alternatives.iter().map(greedy).collect();
        LinearSplitter {
            regex: meta::Regex::new_many(&greedy).expect("the alternatives are well-formed"),
            look_ahead: look_ahead.expect("every pattern has it"),
        }
    }
}

/// Splits text by a regular expression in linear time.
#[derive(Debug)]
pub struct LinearSplitter {
    regex: meta::Regex,
    /// The number of the alternative `\s+(?!\S)`.
    look_ahead: usize,
}

impl LinearSplitter {
    /// The pieces of `text`.
    pub fn pieces<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let found = self.regex.find(regex_automata::Input::new(text).range(start..))?;
            let mut piece = &text[start..found.end()];
            assert_eq!(found.start(), start, "pieces follow one another");
            if found.pattern().as_usize() == self.look_ahead && found.end() < text.len() {
                // The white space ends because something else follows: its last character stays, unless it is the only one.
                let (last, _) = piece.char_indices().next_back()?;
                piece = if last == 0 { piece } else { &piece[..last] };
            }
            start += piece.len();
            Some(piece)
        })
    }
}

/// Splits text by a regular expression, as tiktoken does.
#[derive(Debug)]
pub struct Splitter {
    whole: Regex,
    by_alternative: Regex,
}

impl Splitter {
    /// The pieces of `text`.
    pub fn pieces<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        self.whole.find_iter(text).map(|piece| piece.expect("the text is short enough to backtrack in").as_str())
    }

    /// The pieces of `text`, each with the index of the alternative that matched it.
    pub fn pieces_by_alternative<'t>(&self, text: &'t str) -> impl Iterator<Item = (&'t str, usize)> {
        self.by_alternative.captures_iter(text).map(|captures| {
            let captures = captures.expect("the text is short enough to backtrack in");
            (1..captures.len())
                .find_map(|group| captures.get(group).map(|piece| (piece.as_str(), group - 1)))
                .expect("one alternative matched")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_of_the_pattern() {
        let pieces = |pattern: &Pattern, text| pattern.splitter().pieces(text).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(pieces(&R50K, "it's  12345\n"), ["it", "'s", " ", " 12345", "\n"]);
        assert_eq!(pieces(&CL100K, "it's  12345\n"), ["it", "'s", " ", " ", "123", "45", "\n"]);
        assert_eq!(pieces(&O200K, "it's  HTTPServer\n"), ["it's", " ", " HTTPServer", "\n"]);
    }

    #[test]
    fn the_linear_splitter_finds_the_same_pieces() {
        for pattern in PATTERNS {
            let (splitter, linear) = (pattern.splitter(), pattern.linear_splitter());
            for seed in 0..20_000 {
                let mut rng = crate::rng::Rng::new(seed);
                let text = crate::text::awkward(&mut rng, 30) + &crate::text::runs(&mut rng, 9);
                let (found, expected): (Vec<_>, Vec<_>) =
                    (linear.pieces(&text).collect(), splitter.pieces(&text).collect());
                assert_eq!(found, expected, "{}: {text:?}", pattern.name);
            }
        }
    }

    #[test]
    fn each_piece_knows_its_alternative() {
        let found: Vec<_> = O200K.splitter().pieces_by_alternative("ab CD 12 !?\n\n  x ").collect();
        assert_eq!(found, [("ab", 0), (" CD", 1), (" ", 6), ("12", 2), (" !?\n\n", 3), (" ", 5), (" x", 0), (" ", 5)]);
    }
}

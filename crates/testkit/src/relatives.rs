//! The patterns of published tokenizers beside tiktoken's, as their `tokenizer.json` has them, matched by a regex engine.

use fancy_regex::Regex;

/// Regular expressions, each of which splits the pieces of the one before.
#[derive(Debug)]
pub struct Sequence {
    /// Its name, as the crate under test calls it.
    pub name: &'static str,
    /// In order.
    pub regexes: &'static [&'static str],
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// Each pattern that has a scanner of its own.
pub const RELATIVES: [Sequence; 8] = [
    Sequence {
        name: "llama3",
        regexes: &[
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    },
    Sequence {
        name: "qwen2",
        regexes: &[
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    },
    Sequence {
        name: "qwen3.5",
        regexes: &[
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    },
    Sequence {
        name: "nanochat",
        regexes: &[
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        ],
    },
    Sequence {
        name: "tekken",
        regexes: &[
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    },
    Sequence {
        name: "kimi-k2",
        regexes: &[
            r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    },
    Sequence { name: "starcoder", regexes: &[r"\p{N}", GPT2] },
    Sequence {
        name: "deepseek-v3",
        regexes: &[
            r"\p{N}{1,3}",
            "[一-龥\u{3040}-ゟ゠-ヿ]+",
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
        ],
    },
];

/// Relatives that have no name.
pub const NAMELESS: [Sequence; 5] = [
    Sequence {
        name: "cl100k with runs of digits and no contractions",
        regexes: &[r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s++$|\s*[\r\n]|\s+(?!\S)|\s"],
    },
    Sequence {
        name: "r50k with contractions in any case",
        regexes: &[r"'(?i:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"],
    },
    Sequence {
        name: "o200k with contractions of their own",
        regexes: &[
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    },
    Sequence {
        name: "llama3 after numbers",
        regexes: &[
            r"\p{N}{1,2}",
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    },
    Sequence {
        name: "o200k after runs of numbers",
        regexes: &[
            r"\p{N}+",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    },
];

/// Splits text by regular expressions, one after the other.
#[derive(Debug)]
pub struct SequenceSplitter(Vec<Regex>);

impl SequenceSplitter {
    /// The splitter of `regexes`.
    pub fn new<S: AsRef<str>>(regexes: &[S]) -> Self {
        let compile = |regex: &S| Regex::new(regex.as_ref()).expect("the pattern is well-formed");
        Self(regexes.iter().map(compile).collect())
    }

    /// The pieces of `text`: the matches, and what is between them.
    pub fn pieces<'t>(&self, text: &'t str) -> Vec<&'t str> {
        self.0
            .iter()
            .fold(vec![text], |pieces, regex| pieces.into_iter().flat_map(|piece| split(regex, piece)).collect())
    }
}

fn split<'t>(regex: &Regex, text: &'t str) -> Vec<&'t str> {
    let mut places = vec![0];
    for found in regex.find_iter(text) {
        let found = found.expect("the text is short enough to backtrack in");
        places.extend([found.start(), found.end()]);
    }
    places.push(text.len());
    places.windows(2).map(|place| &text[place[0]..place[1]]).filter(|piece| !piece.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_regular_expression_splits_the_pieces_of_the_one_before() {
        let splitter = SequenceSplitter::new(&["[0-9]", "[a-z]+"]);
        assert_eq!(splitter.pieces("ab12c, d"), ["ab", "1", "2", "c", ", ", "d"]);
        assert_eq!(SequenceSplitter::new(&["(?=B)"]).pieces("aBcB"), ["a", "Bc", "B"]);
        assert_eq!(splitter.pieces(""), [""; 0]);
    }
}

//! What tells a pattern from its relatives: a table of rules.
//!
//! The published patterns are one family. Each is this regular expression, with some of its parts left out or changed:
//!
//! ```text
//! Han | contraction | prefix? letters | numbers | space? punctuation tail | white space up to its last line break | white space
//! ```

/// A pattern of the family, described. There are values only of those that the scanners know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    pub(super) contractions: Contractions,
    pub(super) prefix: Prefix,
    pub(super) letters: Letters,
    pub(super) numbers: Numbers,
    /// Numbers are split off before the rest is, which then ends at a number as at the end of a text.
    pub(super) numbers_first: bool,
    pub(super) tail: Tail,
    pub(super) white: White,
    /// `\p{Han}+` first of all, and no Han character in a word.
    pub(super) han: bool,
}

/// `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Contractions {
    /// Like any apostrophe and letters.
    None,
    /// Pieces of their own, in lower case.
    Lower,
    /// Pieces of their own, in any case.
    AnyCase,
    /// In any case, the end of the word before them; only where [`Letters::Cased`] is.
    OfWord,
}

/// What may stand before the letters of a word, and with them be one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Prefix {
    /// ` ?`, before numbers too.
    Space,
    /// `[^\r\n\p{L}\p{N}]?`
    Any,
}

/// The letters of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Letters {
    /// `\p{L}+`
    Plain,
    /// `[\p{L}\p{M}]+`; marks are then no punctuation.
    Marked,
    /// Upper-case ones and then lower-case ones: `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`, else
    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`.
    Cased,
}

/// How numbers are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Numbers {
    /// `\p{N}+`, with a space before it where the prefix is one and numbers are not first.
    Run,
    /// `\p{N}{1,n}`; n is 1, 2 or 3.
    UpTo(u8),
}

/// What belongs to the punctuation before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tail {
    /// Nothing.
    None,
    /// `[\r\n]*`
    Lines,
    /// `[\r\n/]*`
    LinesAndSlashes,
}

/// How white space is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum White {
    /// `\s+(?!\S)|\s+`
    Run,
    /// `\s*[\r\n]+|\s+(?!\S)|\s+`
    Lines,
    /// `\s++$|\s*[\r\n]|\s+(?!\S)|\s`: at the end of the text it is one piece.
    LinesOrEnd,
}

impl Rules {
    pub(super) const R50K: Self = Self {
        contractions: Contractions::Lower,
        prefix: Prefix::Space,
        letters: Letters::Plain,
        numbers: Numbers::Run,
        numbers_first: false,
        tail: Tail::None,
        white: White::Run,
        han: false,
    };
    pub(super) const LLAMA3: Self = Self {
        contractions: Contractions::AnyCase,
        prefix: Prefix::Any,
        letters: Letters::Plain,
        numbers: Numbers::UpTo(3),
        numbers_first: false,
        tail: Tail::Lines,
        white: White::Lines,
        han: false,
    };
    pub(super) const CL100K: Self = Self { white: White::LinesOrEnd, ..Self::LLAMA3 };
    pub(super) const O200K: Self = Self {
        contractions: Contractions::OfWord,
        letters: Letters::Cased,
        tail: Tail::LinesAndSlashes,
        ..Self::LLAMA3
    };
    pub(super) const QWEN2: Self = Self { numbers: Numbers::UpTo(1), ..Self::LLAMA3 };
    pub(super) const QWEN35: Self = Self { letters: Letters::Marked, ..Self::QWEN2 };
    pub(super) const NANOCHAT: Self = Self { numbers: Numbers::UpTo(2), ..Self::LLAMA3 };
    pub(super) const TEKKEN: Self = Self { contractions: Contractions::None, numbers: Numbers::UpTo(1), ..Self::O200K };
    pub(super) const KIMI: Self = Self { tail: Tail::Lines, han: true, ..Self::O200K };
    pub(super) const STARCODER: Self = Self { numbers: Numbers::UpTo(1), numbers_first: true, ..Self::R50K };

    /// The regular expressions of these rules, in their plainest spelling, each splitting the pieces of the one before.
    pub(super) fn regexes(self) -> Vec<String> {
        let numbers = match self.numbers {
            Numbers::Run => r"\p{N}+",
            Numbers::UpTo(1) => r"\p{N}",
            Numbers::UpTo(2) => r"\p{N}{1,2}",
            Numbers::UpTo(_) => r"\p{N}{1,3}",
        };
        let first = self.numbers_first.then(|| numbers.to_owned());
        first.into_iter().chain(std::iter::once(self.last_regex(numbers))).collect()
    }

    fn last_regex(self, numbers: &str) -> String {
        let mut alternatives: Vec<&str> = Vec::new();
        if self.han {
            alternatives.push(r"\p{Han}+");
        }
        match self.contractions {
            Contractions::Lower => alternatives.push(r"'(?:[sdmt]|ll|ve|re)"),
            Contractions::AnyCase => alternatives.push(r"'(?i:[sdmt]|ll|ve|re)"),
            Contractions::None | Contractions::OfWord => {}
        }
        let cased = Self::cased(self.han, self.contractions == Contractions::OfWord);
        match (self.prefix, self.letters) {
            (Prefix::Space, _) => alternatives.push(r" ?\p{L}+"),
            (Prefix::Any, Letters::Plain) => alternatives.push(r"[^\r\n\p{L}\p{N}]?\p{L}+"),
            (Prefix::Any, Letters::Marked) => alternatives.push(r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+"),
            (Prefix::Any, Letters::Cased) => alternatives.extend(cased.iter().map(String::as_str)),
        }
        alternatives.push(if self.prefix == Prefix::Space { r" ?\p{N}+" } else { numbers });
        alternatives.push(match (self.letters, self.tail) {
            (Letters::Marked, Tail::None) => r" ?[^\s\p{L}\p{M}\p{N}]+",
            (Letters::Marked, Tail::Lines) => r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*",
            (Letters::Marked, Tail::LinesAndSlashes) => r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n/]*",
            (_, Tail::None) => r" ?[^\s\p{L}\p{N}]+",
            (_, Tail::Lines) => r" ?[^\s\p{L}\p{N}]+[\r\n]*",
            (_, Tail::LinesAndSlashes) => r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        });
        alternatives.push(match self.white {
            White::Run => r"\s+(?!\S)|\s+",
            White::Lines => r"\s*[\r\n]+|\s+(?!\S)|\s+",
            White::LinesOrEnd => r"\s++$|\s*[\r\n]|\s+(?!\S)|\s",
        });
        alternatives.join("|")
    }

    /// The two alternatives of words of which the case is told apart.
    pub(super) fn cased(without_han: bool, with_contraction: bool) -> [String; 2] {
        let set = |set: &str| if without_han { format!(r"[{set}&&[^\p{{Han}}]]") } else { format!("[{set}]") };
        let (upper, lower) = (set(r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"), set(r"\p{Ll}\p{Lm}\p{Lo}\p{M}"));
        let end = if with_contraction { "(?i:'s|'t|'re|'ve|'m|'ll|'d)?" } else { "" };
        [("*", "+"), ("+", "*")]
            .map(|(first, second)| format!(r"[^\r\n\p{{L}}\p{{N}}]?{upper}{first}{lower}{second}{end}"))
    }
}

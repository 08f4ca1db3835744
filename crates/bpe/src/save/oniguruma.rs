//! Regular expressions as Oniguruma reads them, by which Hugging Face's tokenizers runs those of a file.

/// What `\w` is here. To Oniguruma the zero-width joiners are not of it, and `²³¹¼½¾` are.
const WORD: &str = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}";
/// Letters that mean the same to both after a backslash, outside of brackets and in them.
const SAME: &str = "AzGKdDsShHnrtfvaek";
const SAME_IN_CLASS: &str = "dDsShHnrtfvae";

/// The expression of Oniguruma that means what the well-formed `source` means to `fancy-regex`; `None` where something of it has no such form that is
/// known here: flags but `i` and `s`, differences of sets, `\R`, `\Z` and the like.
pub(super) fn for_oniguruma(source: &str) -> Option<String> {
    Translation { rest: source, out: String::with_capacity(source.len()), groups: Vec::new(), last: 0 }.run()
}

struct Translation<'a> {
    rest: &'a str,
    out: String,
    /// Where in `out` the groups start that are open.
    groups: Vec<usize>,
    /// Where in `out` starts what a repetition would repeat.
    last: usize,
}

impl Translation<'_> {
    fn run(mut self) -> Option<String> {
        while let Some(first) = self.rest.chars().next() {
            let start = self.out.len();
            match first {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => {
                    self.groups.push(start);
                    self.open()?;
                    continue;
                }
                ')' => {
                    self.copy(1);
                    self.last = self.groups.pop()?;
                    continue;
                }
                // The ends of a line to Oniguruma.
                '^' => self.put(1, r"\A"),
                '$' => self.put(1, r"\z"),
                '*' | '+' | '?' => {
                    self.copy(1);
                    continue;
                }
                '{' if self.times() => continue,
                other => self.copy(other.len_utf8()),
            }
            self.last = start;
        }
        Some(self.out)
    }

    /// Copies so many bytes.
    fn copy(&mut self, bytes: usize) {
        let (copied, rest) = self.rest.split_at(bytes);
        self.out.push_str(copied);
        self.rest = rest;
    }

    /// Puts `text` in place of so many bytes.
    fn put(&mut self, bytes: usize, text: &str) {
        self.rest = &self.rest[bytes..];
        self.out.push_str(text);
    }

    /// From `(` on, with flags: that with which `.` matches line feeds is called `m` there.
    fn open(&mut self) -> Option<()> {
        if self.rest.starts_with("(?#") {
            self.groups.pop();
            self.copy(self.rest.find(')')? + 1);
            return Some(());
        }
        if self.rest.starts_with("(?P<") {
            self.put("(?P<".len(), "(?<");
            return Some(());
        }
        self.copy(1);
        let Some(after) = self.rest.strip_prefix('?') else { return Some(()) };
        let flags = &after[..after.find(|sign: char| !(sign.is_ascii_alphabetic() || sign == '-')).unwrap_or(0)];
        if !flags.bytes().all(|flag| b"is-".contains(&flag)) {
            return None;
        }
        self.put(1 + flags.len(), &format!("?{}", flags.replace('s', "m")));
        Some(())
    }

    /// From `{` on, if that starts a repetition. With a `+` behind it keeps what it took, which there takes a group.
    fn times(&mut self) -> bool {
        let counts = self.rest.find('}').map(|end| &self.rest[..=end]);
        let is_count = |text: &&str| text[1..text.len() - 1].bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
        let Some(counts) = counts.filter(is_count).filter(|counts| counts.len() > 2) else { return false };
        self.copy(counts.len());
        if self.rest.starts_with('+') {
            self.out.insert_str(self.last, "(?>");
            self.put(1, ")");
        }
        true
    }

    /// From a backslash on, outside of brackets.
    fn escape(&mut self) -> Option<()> {
        let word = format!("[{WORD}]");
        let of_two = match self.rest[1..].chars().next()? {
            'w' => word,
            'W' => format!("[^{WORD}]"),
            'b' => format!("(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"),
            'B' => format!("(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"),
            _ => return self.character(SAME),
        };
        self.put(2, &of_two);
        Some(())
    }

    /// From a backslash on, what means the same to both, or is a character.
    fn character(&mut self, same: &str) -> Option<()> {
        let sign = self.rest[1..].chars().next()?;
        match sign {
            'p' | 'P' if self.rest[2..].starts_with('{') => self.copy(self.rest.find('}')? + 1),
            'p' | 'P' => {
                let name = self.rest[2..].chars().next()?;
                self.put(2 + name.len_utf8(), &format!(r"\{sign}{{{name}}}"));
            }
            // Two digits are a byte there.
            'x' | 'u' if self.rest[2..].starts_with('{') => self.put(2, r"\x"),
            'x' => self.code_point(2)?,
            'u' => self.code_point(4)?,
            letter if letter.is_ascii_alphabetic() && !same.contains(letter) => return None,
            '<' | '>' => return None,
            other => self.copy(1 + other.len_utf8()),
        }
        Some(())
    }

    /// A character by so many digits.
    fn code_point(&mut self, digits: usize) -> Option<()> {
        let number = format!(r"\x{{{}}}", self.rest.get(2..2 + digits)?);
        self.put(2 + digits, &number);
        Some(())
    }

    /// From `[` to the `]` that belongs to it.
    fn class(&mut self) -> Option<()> {
        let mut open = 0;
        loop {
            match self.rest.chars().next()? {
                '[' if self.posix() => {}
                '[' => {
                    open += 1;
                    self.copy(1);
                    if self.rest.starts_with('^') {
                        self.copy(1);
                    }
                    if self.rest.starts_with(']') {
                        self.put(1, r"\]");
                    }
                }
                ']' => {
                    open -= 1;
                    self.copy(1);
                    if open == 0 {
                        return Some(());
                    }
                }
                '\\' if self.rest.starts_with(r"\w") => self.put(2, WORD),
                '\\' if self.rest.starts_with(r"\W") => self.put(2, &format!("[^{WORD}]")),
                '\\' => self.character(SAME_IN_CLASS)?,
                '-' if self.rest.starts_with("--") => return None,
                '~' if self.rest.starts_with("~~") => return None,
                other => self.copy(other.len_utf8()),
            }
        }
    }

    /// `[:alpha:]` and so on, if the rest starts with one: of ASCII here, of all characters there.
    fn posix(&mut self) -> bool {
        let Some((name, _)) = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else { return false };
        let (plain, sign) = name.strip_prefix('^').map_or((name, ""), |plain| (plain, "^"));
        let set = match plain {
            "alnum" => "0-9A-Za-z",
            "alpha" => "A-Za-z",
            "ascii" => r"\x{00}-\x{7F}",
            "blank" => r"\t ",
            "cntrl" => r"\x{00}-\x{1F}\x{7F}",
            "digit" => "0-9",
            "graph" => "!-~",
            "lower" => "a-z",
            "print" => " -~",
            "punct" => r"!-/:-@\[-`{-~",
            "space" => r"\t\n\v\f\r ",
            "upper" => "A-Z",
            "word" => "0-9A-Za-z_",
            "xdigit" => "0-9A-Fa-f",
            _ => return false,
        };
        self.put(name.len() + "[::]".len(), &format!("[{sign}{set}]"));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pattern;

    #[test]
    fn patterns_of_published_tokenizers_stay_but_for_the_end_of_the_text() {
        for pattern in Pattern::named() {
            for regex in pattern.regexes() {
                assert_eq!(for_oniguruma(&regex), Some(regex.replace(r"\s++$", r"\s++\z")));
            }
        }
    }

    #[test]
    fn what_both_engines_read_alike_stays() {
        for same in [
            r"a|b*?(?:c++)(?i:d)(?-i)[^e\-f]\p{L}\P{Lu}(?<n>x)(?=y)(?!z)\s\d\n\.\$",
            r"é{2,3}?[日a-z&&[^b]]",
            r"[\[\]]",
        ] {
            assert_eq!(for_oniguruma(same).as_deref(), Some(same));
        }
    }

    #[test]
    fn what_they_read_otherwise_is_written_anew() {
        for (source, expected) in [
            ("^a$", r"\Aa\z"),
            (r"[$^]\$", r"[$^]\$"),
            (r"\p{N}{1,3}+", r"(?>\p{N}{1,3})"),
            ("a(?:b|c){2}+d", "a(?>(?:b|c){2})d"),
            ("a{2}{", "a{2}{"),
            ("(?s:.)(?P<n>a)", "(?m:.)(?<n>a)"),
            (r"\xe9\u00e9\u{e9}\pL[\x41]", r"\x{e9}\x{00e9}\x{e9}\p{L}[\x{41}]"),
            ("[[:digit:][:^upper:]]", "[[0-9][^A-Z]]"),
            ("[]a]", r"[\]a]"),
        ] {
            assert_eq!(for_oniguruma(source).as_deref(), Some(expected));
        }
        assert_eq!(for_oniguruma(r"\w[^\w\s]\W"), Some(format!(r"[{WORD}][^{WORD}\s][^{WORD}]")));
        assert!(for_oniguruma(r"\b").is_some_and(|boundary| boundary.contains(WORD)));
    }

    #[test]
    fn what_has_no_form_there_is_told() {
        for source in ["(?m:^a)", "(?x: a )", "(?U)a+", "[a--b]", "[a~~b]", r"\R", r"a\Z", r"\<a", r"[\b]"] {
            assert_eq!(for_oniguruma(source), None, "{source}");
        }
    }
}

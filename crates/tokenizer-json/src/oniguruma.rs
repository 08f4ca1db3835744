//! Regular expressions of a file, as the engine reads them that runs here.
//!
//! Hugging Face's tokenizers runs them by Oniguruma, with the syntax of Ruby. `fancy-regex` reads most of them alike; where it does not, the
//! expression is written anew. Left as they are: what either engine does not know, and how `(?i)` matches characters that have several in
//! the other case.

/// What is a character of a word: `\w` and the sides of `\b`. To the other engine U+200C and U+200D are such too, and `²³¹¼½¾` are none.
const WORD: &str = r"[\w²³¹¼½¾--[\x{200C}\x{200D}]]";
const NOT_WORD: &str = r"[^[\w²³¹¼½¾--[\x{200C}\x{200D}]]]";
/// `\w` in brackets, where `²³¹¼½¾` are none to Oniguruma either.
const WORD_IN_CLASS: &str = r"[\w--[\x{200C}\x{200D}]]";
const NOT_WORD_IN_CLASS: &str = r"[^[\w--[\x{200C}\x{200D}]]]";

/// The expression of `fancy-regex` for one of Oniguruma's. What is not well-formed is left to be refused.
pub(crate) fn translated(source: &str) -> String {
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

impl<'a> Translation<'a> {
    fn run(mut self) -> String {
        while let Some(first) = self.rest.chars().next() {
            let start = self.out.len();
            match first {
                '\\' => self.escape(false),
                '[' => self.class(),
                '(' => {
                    self.groups.push(start);
                    self.open();
                    continue;
                }
                ')' => {
                    self.copy(1);
                    self.last = self.groups.pop().unwrap_or(start);
                    continue;
                }
                // A line starts behind each line feed that is not the last character.
                '^' => self.put(1, r"(?:(?m:^)(?!\z))"),
                '$' => self.put(1, "(?m:$)"),
                '*' | '+' | '?' => {
                    self.copy(1);
                    continue;
                }
                '{' => {
                    self.times();
                    continue;
                }
                other => self.copy(other.len_utf8()),
            }
            self.last = start;
        }
        self.out
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

    /// From `(` on, with flags: that with which `.` matches line feeds is called `m`.
    fn open(&mut self) {
        if self.rest.starts_with("(?#") {
            self.groups.pop();
            return self.copy(self.rest.find(')').map_or(self.rest.len(), |end| end + 1));
        }
        self.copy(1);
        let flags = |text: &'a str| text.strip_prefix('?').map(|flags| &flags[..flags.find([':', ')']).unwrap_or(0)]);
        let Some(flags) = flags(self.rest).filter(|flags| flags.bytes().all(|flag| b"imx-".contains(&flag))) else {
            return;
        };
        let renamed = format!("?{}", flags.replace('m', "s"));
        self.put(renamed.len(), &renamed);
    }

    /// `{1,3}` and so on. It takes what it can and keeps it only with a `+` of its own: with braces that repeats once more.
    fn times(&mut self) {
        let counts = self.rest.find('}').map(|end| &self.rest[..=end]);
        let is_count = |text: &&str| text[1..text.len() - 1].bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
        let Some(counts) = counts.filter(is_count).filter(|counts| counts.len() > 2) else {
            self.last = self.out.len();
            return self.copy(1);
        };
        self.copy(counts.len());
        if self.rest.starts_with('+') {
            self.out.insert_str(self.last, "(?:");
            self.put(1, ")+");
        }
    }

    /// From a backslash on.
    fn escape(&mut self, in_class: bool) {
        let mut characters = self.rest.chars().skip(1);
        match characters.next() {
            Some('w') => self.put(2, if in_class { WORD_IN_CLASS } else { WORD }),
            Some('W') => self.put(2, if in_class { NOT_WORD_IN_CLASS } else { NOT_WORD }),
            Some('p' | 'P') => self.property(in_class),
            Some('b') if !in_class => self.put(2, &format!("(?:(?<={WORD})(?!{WORD})|(?<!{WORD})(?={WORD}))")),
            Some('B') if !in_class => self.put(2, &format!("(?:(?<={WORD})(?={WORD})|(?<!{WORD})(?!{WORD}))")),
            Some('Z') if !in_class => self.put(2, r"(?=\n?\z)"),
            Some(sign @ ('<' | '>')) => self.put(2, sign.encode_utf8(&mut [0; 4])),
            other => self.copy(1 + other.map_or(0, char::len_utf8)),
        }
    }

    /// `\p{…}`, of which `Word` is the one that is read otherwise.
    fn property(&mut self, in_class: bool) {
        let Some(end) = self.rest.find('}').filter(|_| self.rest[2..].starts_with('{')) else { return self.copy(2) };
        let (name, is_without) = match self.rest[3..end].strip_prefix('^') {
            Some(name) => (name, true),
            None => (&self.rest[3..end], false),
        };
        if !name.eq_ignore_ascii_case("word") {
            return self.copy(end + 1);
        }
        let is_word = self.rest.starts_with("\\P") == is_without;
        self.put(
            end + 1,
            match (is_word, in_class) {
                (true, false) => WORD,
                (true, true) => WORD_IN_CLASS,
                (false, false) => NOT_WORD,
                (false, true) => NOT_WORD_IN_CLASS,
            },
        );
    }

    /// From `[` to the `]` that belongs to it.
    fn class(&mut self) {
        let mut open = 0;
        while let Some(first) = self.rest.chars().next() {
            match first {
                '[' if self.posix() => {}
                '[' => {
                    open += 1;
                    self.copy(1);
                    if self.rest.starts_with('^') {
                        self.copy(1);
                    }
                    if self.rest.starts_with(']') {
                        self.copy(1);
                    }
                }
                ']' => {
                    open -= 1;
                    self.copy(1);
                    if open == 0 {
                        return;
                    }
                }
                '\\' => self.escape(true),
                // Only `&&` is an operator.
                '-' if self.rest.starts_with("--") => self.put(2, r"-\-"),
                '~' if self.rest.starts_with("~~") => self.put(2, r"~\~"),
                other => self.copy(other.len_utf8()),
            }
        }
    }

    /// `[:alpha:]` and so on, if the rest starts with one: of all characters, not of ASCII alone.
    fn posix(&mut self) -> bool {
        let Some((name, _)) = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else { return false };
        let (plain, sign) = name.strip_prefix('^').map_or((name, ""), |plain| (plain, "^"));
        let set = match plain {
            "alnum" => r"\p{Alphabetic}\p{Nd}",
            "alpha" => r"\p{Alphabetic}",
            "ascii" => r"\x00-\x7F",
            "blank" => r"\p{Zs}\t",
            "cntrl" => r"\p{Cc}",
            "digit" => r"\p{Nd}",
            "graph" => r"[^\s\p{Cc}\p{Cn}\p{Cs}]",
            "lower" => r"\p{Lowercase}",
            "print" => r"[^\s\p{Cc}\p{Cn}\p{Cs}]\p{Zs}",
            "punct" => r"\p{P}\p{S}",
            "space" => r"\s",
            "upper" => r"\p{Uppercase}",
            "word" => r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}",
            "xdigit" => "0-9A-Fa-f",
            _ => return false,
        };
        self.put(name.len() + "[::]".len(), &format!("[{sign}{set}]"));
        true
    }
}

#[cfg(test)]
mod tests {
    use fancy_regex::Regex;

    use super::translated;

    /// The parts of `text` that `source` matches.
    fn found<'a>(source: &str, text: &'a str) -> Vec<&'a str> {
        let translated = translated(source);
        let regex = Regex::new(&translated).unwrap_or_else(|error| panic!("{translated:?}: {error}"));
        regex.find_iter(text).map(|found| found.expect("a match").as_str()).collect()
    }

    #[test]
    fn what_both_engines_read_alike_stays_as_it_is() {
        for source in [
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r" ?[^(\s|[.,!?…。，、।۔،])]+",
            r"[!'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+",
            r"[]a]|[^]a]|\[|\]|[\[\]]",
            r"(?<name>a)(?=b)(?<!c)(?<=d)(?>e)(?#[)f",
            r"a{2,3}?b{,2}c{d{}",
            r"(?i)a(?x: b )(?-i:c)",
            r"\p{Han}\P{L}\p{^L}\x{e9}\u00e9",
            // Not well-formed.
            r"[a",
            r"(a",
            r"a)",
            "\\",
            r"\p{Word",
            r"(?m",
            r"a{1",
        ] {
            assert_eq!(translated(source), source);
        }
    }

    #[test]
    fn lines_start_and_end_at_line_feeds() {
        assert_eq!(found("^a", "a\na\r\nba\na"), ["a", "a", "a"]);
        assert_eq!(found("a$", "a\na\r\na\na"), ["a", "a", "a"]);
        assert_eq!(found("^", "\n"), [""], "none behind the last line feed");
        assert_eq!(found(r"a\Z", "a\n"), ["a"]);
        assert_eq!(found(r"a\Z", "a\n\n"), [""; 0]);
        assert_eq!(found("[$^]", "$^a"), ["$", "^"]);
    }

    #[test]
    fn joiners_are_not_of_words_and_small_digits_are() {
        assert_eq!(found(r"\w+", "می\u{200c}خواهم x²"), ["می", "خواهم", "x²"]);
        assert_eq!(found(r"[^\w\s]+|[\w-]+", "👩\u{200d}👧 a-b"), ["👩\u{200d}👧", "a-b"]);
        assert_eq!(found(r"\W", "a\u{200d}²"), ["\u{200d}"]);
        assert_eq!(found(r"[\w]+|[\W]", "a²\u{200d}"), ["a", "²", "\u{200d}"]);
        assert_eq!(found(r"\ba\b", "a\u{200c}a a²"), ["a", "a"]);
        assert_eq!(found(r"a\Ba", "aaa a\u{200c}a"), ["aa"]);
        assert_eq!(found(r"\p{Word}\P{word}\p{^Word}", "a\u{200c}."), ["a\u{200c}."]);
    }

    #[test]
    fn names_in_brackets_are_of_all_characters() {
        for (name, members, others) in [
            ("alnum", "aé日١", "½_ "),
            ("alpha", "aé日", "1 _"),
            ("ascii", "a\0\u{7f}", "é"),
            ("blank", " \t\u{3000}", "\n\u{2028}"),
            ("cntrl", "\0\u{85}", "\u{2028}"),
            ("digit", "1١", "½"),
            ("graph", "a日!\u{200d}", " \u{3000}\u{85}"),
            ("lower", "aé", "A日"),
            ("print", "a日! \u{3000}", "\t\u{2028}"),
            ("punct", "!。$€😀", "a "),
            ("space", " \u{3000}\n", "a"),
            ("upper", "AÉ", "a日"),
            ("word", "aé日_1\u{301}", "²\u{200c}"),
            ("xdigit", "aF1", "g１"),
        ] {
            let (set, others_set) = (format!("[[:{name}:]]"), format!("[[:^{name}:]]"));
            assert_eq!(found(&set, members).concat(), members, "{name}");
            assert_eq!(found(&set, others), [""; 0], "{name}");
            assert_eq!(found(&others_set, others).concat(), others, "{name}");
            assert_eq!(found(&format!("[^x{set}]"), members), [""; 0], "{name}");
        }
    }

    #[test]
    fn signs_mean_what_they_do_in_ruby() {
        assert_eq!(found("(?m:a.b)|a.c", "a\nb a\nc"), ["a\nb"]);
        assert_eq!(found("(?im-x)A.B", "a\nb"), ["a\nb"]);
        assert_eq!(found(r"\<a\>[\<\>]", "<a>>"), ["<a>>"]);
        assert_eq!(found(r"\d{1,3}+", "123456"), ["123456"]);
        assert_eq!(found(r"x(?:a|b){2}+y", "xababy xabay"), ["xababy"]);
        assert_eq!(found(r"[ab]{2}+", "aabba"), ["aabb"]);
        assert_eq!(found("[!--]", "&-."), ["&", "-"]);
        assert_eq!(found("[a~~~b]+[~]", "a~b~"), ["a~b~"]);
        assert_eq!(found("[a-e&&[^b]]+", "abc"), ["a", "c"]);
    }
}

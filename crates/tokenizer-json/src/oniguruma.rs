//! Regular expressions of a file, as the engine reads them that runs here.
//!
//! Hugging Face's tokenizers runs them by Oniguruma, with the syntax of Ruby. `fancy-regex` reads most of them alike; where it does not, the
//! expression is written anew. Left as they are: what either engine does not know, and how `(?i)` matches characters that have several in
//! the other case.

use tokenmill_bpe::translate::{self, Dialect, Written, boundary, copied};

/// What is a character of a word: `\w` and the sides of `\b`. To the other engine U+200C and U+200D are such too, and `²³¹¼½¾` are none.
const WORD: &str = r"[\w²³¹¼½¾--[\x{200C}\x{200D}]]";
const NOT_WORD: &str = r"[^[\w²³¹¼½¾--[\x{200C}\x{200D}]]]";
/// `\w` in brackets, where `²³¹¼½¾` are none to Oniguruma either.
const WORD_IN_CLASS: &str = r"[\w--[\x{200C}\x{200D}]]";
const NOT_WORD_IN_CLASS: &str = r"[^[\w--[\x{200C}\x{200D}]]]";

/// The expression of `fancy-regex` for one of Oniguruma's. What is not well-formed is left to be refused.
pub(crate) fn translated(source: &str) -> String {
    // All that is known here has a form.
    translate::translated::<FancyRegex>(source).unwrap_or_else(|| source.to_owned())
}

struct FancyRegex;

impl Dialect for FancyRegex {
    /// A line starts behind each line feed that is not the last character.
    const ENDS: [&'static str; 2] = [r"(?:(?m:^)(?!\z))", "(?m:$)"];
    /// Behind braces it repeats once more, and does not keep what was taken.
    const COUNTED_PLUS: [&'static str; 2] = ["(?:", ")+"];
    const FIRST_BRACKET: &'static str = "]";

    /// That with which `.` matches line feeds is called `m` there.
    fn flags(flags: &str) -> Option<String> {
        let is_known = flags.bytes().all(|flag| b"imx-".contains(&flag));
        Some(if is_known { flags.replace('m', "s") } else { flags.to_owned() })
    }

    fn escape(rest: &str, in_class: bool) -> Option<Written<'_>> {
        let [word, not_word] = if in_class { [WORD_IN_CLASS, NOT_WORD_IN_CLASS] } else { [WORD, NOT_WORD] };
        let sign = rest.chars().nth(1);
        let text = match (sign, in_class) {
            (Some('w'), _) => word.into(),
            (Some('W'), _) => not_word.into(),
            (Some('p' | 'P'), _) => return Some(property(rest, word, not_word)),
            (Some(sign @ ('b' | 'B')), false) => boundary(WORD, sign == 'b').into(),
            (Some('Z'), false) => r"(?=\n?\z)".into(),
            (Some('<' | '>'), _) => rest[1..2].into(),
            _ => return Some(copied(rest, 1 + sign.map_or(0, char::len_utf8))),
        };
        Some((2, text))
    }

    /// No operators there: only `&&` is one.
    fn doubled(sign: char) -> Option<&'static str> {
        Some(if sign == '-' { r"-\-" } else { r"~\~" })
    }

    /// Of all characters there, of ASCII here.
    fn posix(name: &str) -> Option<&'static str> {
        Some(match name {
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
            _ => return None,
        })
    }
}

/// `\p{…}`, of which `Word` is the one that is read otherwise. Without a brace it is the letter.
fn property<'a>(rest: &'a str, word: &'static str, not_word: &'static str) -> Written<'a> {
    if !rest[2..].starts_with('{') {
        return (2, rest[1..2].into());
    }
    let Some(end) = rest.find('}') else { return copied(rest, 2) };
    let (name, is_without) = rest[3..end].strip_prefix('^').map_or((&rest[3..end], false), |name| (name, true));
    if !name.eq_ignore_ascii_case("word") {
        return copied(rest, end + 1);
    }
    let is_word = rest.starts_with("\\P") == is_without;
    (end + 1, if is_word { word } else { not_word }.into())
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
            r"(?<name>a)(?=b)(?<!c)(?<=d)(?>e)(?#[)f[:alpha:](?#\)^)g",
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
    fn a_property_without_braces_is_a_letter() {
        assert_eq!(found(r"\pL+", "abpLLLx"), ["pLLL"]);
        assert_eq!(found(r"[\PN]+\p", "PNp1N"), ["PNp"]);
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

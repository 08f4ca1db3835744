//! Regular expressions as Oniguruma reads them, by which Hugging Face's tokenizers runs those of a file.

use fancy_regex::{Assertion, Expr, LookAround};

use crate::save::folds::Folds;
use crate::translate::{Dialect, Written, boundary, copied, translated};

/// What `\w` is here. To Oniguruma the zero-width joiners are not of it, and `²³¹¼½¾` are.
const WORD: &str = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}";
/// The most that braces may ask for there.
const MOST_TIMES: usize = 100_000;
/// Letters that mean the same to both after a backslash, outside of brackets and in them.
const SAME: &str = "AzGKdDsShHnrtfvaek";
const SAME_IN_CLASS: &str = "dDsShHnrtfvae";

/// The expression of Oniguruma that means what the well-formed `source` means to `fancy-regex`; `None` where something of it has no such form that is
/// known here: flags but `i` and `s`, differences of sets, `\p{Age=6.0}`, `\R`, `\Z` and the like, and what `(?i)` means otherwise there.
pub(super) fn for_oniguruma(source: &str) -> Option<String> {
    let tree = Expr::parse_tree(source).ok()?;
    let mut folds = Folds::default();
    if !is_known(&tree.expr) || !folds.are_alike(&tree.expr) {
        return None;
    }
    match (folds.any(), tree.named_groups.is_empty()) {
        (false, true) => translated::<Oniguruma<false, false>>(source),
        (false, false) => translated::<Oniguruma<false, true>>(source),
        (true, true) => translated::<Oniguruma<true, false>>(source),
        (true, false) => translated::<Oniguruma<true, true>>(source),
    }
}

/// Whether Oniguruma has all that is in `expr`: it has no conditions, and what calls groups, leaves out or steers is written in its own ways.
fn is_known(expr: &Expr) -> bool {
    match expr {
        Expr::Repeat { lo, hi, .. } if lo > hi || *lo > MOST_TIMES || (*hi > MOST_TIMES && *hi != usize::MAX) => false,
        Expr::LookAround(inner, LookAround::LookBehind) => is_known(inner) && is_known_behind(inner, true),
        Expr::LookAround(inner, LookAround::LookBehindNeg) => is_known(inner) && is_known_behind(inner, false),
        Expr::Concat(_)
        | Expr::Alt(_)
        | Expr::Group(_)
        | Expr::LookAround(..)
        | Expr::Repeat { .. }
        | Expr::AtomicGroup(_) => expr.children_iter().all(is_known),
        Expr::Empty
        | Expr::Any { .. }
        | Expr::Assertion(_)
        | Expr::Literal { .. }
        | Expr::Delegate { .. }
        | Expr::Backref { casei: false, .. }
        | Expr::KeepOut
        | Expr::ContinueFromPreviousMatchEnd => true,
        _ => false,
    }
}

/// Whether Oniguruma looks behind for `expr`, which may have groups that are counted or not: it does not look ahead from there, as a boundary does.
fn is_known_behind(expr: &Expr, with_groups: bool) -> bool {
    match expr {
        Expr::Concat(_) | Expr::Alt(_) | Expr::Repeat { .. } => {
            expr.children_iter().all(|child| is_known_behind(child, with_groups))
        }
        Expr::Group(inner) => with_groups && is_known_behind(inner, with_groups),
        Expr::Empty
        | Expr::Any { .. }
        | Expr::Literal { .. }
        | Expr::Delegate { .. }
        | Expr::Assertion(Assertion::StartText | Assertion::EndText) => true,
        _ => false,
    }
}

/// For an expression that `FOLDS` cases somewhere, and has groups that are `NAMED`: then others have no numbers there.
struct Oniguruma<const FOLDS: bool, const NAMED: bool>;

impl<const FOLDS: bool, const NAMED: bool> Oniguruma<FOLDS, NAMED> {
    /// What `\w` is outside of brackets. In `(?i)` brackets match `ss` there, where they have `ß`.
    fn word() -> String {
        if FOLDS { format!("(?-i:[{WORD}])") } else { format!("[{WORD}]") }
    }
}

impl<const FOLDS: bool, const NAMED: bool> Dialect for Oniguruma<FOLDS, NAMED> {
    /// `^` and `$` are the ends of a line there.
    const ENDS: [&'static str; 2] = [r"\A", r"\z"];
    /// Here it keeps what it took; there it repeats once more.
    const COUNTED_PLUS: [&'static str; 2] = ["(?>", ")"];
    const COUNTED_OPTION: [&'static str; 2] = ["", ""];
    const FIRST_BRACKET: &'static str = r"\]";

    /// That with which `.` matches line feeds is called `m` there.
    fn flags(flags: &str) -> Option<String> {
        flags.bytes().all(|flag| b"is-".contains(&flag)).then(|| flags.replace('s', "m"))
    }

    fn escape(rest: &str, in_class: bool) -> Option<Written<'_>> {
        let text = match (rest.chars().nth(1)?, in_class) {
            ('w', true) => WORD.to_owned(),
            ('w', false) => Self::word(),
            ('W', _) => format!("[^{WORD}]"),
            // `\b{start}`.
            ('b' | 'B', false) if rest[2..].starts_with('{') => return None,
            (sign @ ('b' | 'B'), false) => boundary(&Self::word(), sign == 'b'),
            ('1'..='9', false) if NAMED => return None,
            ('k', false)
                if NAMED && rest[2..].starts_with(|first: char| "<'{".contains(first)) && is_number(&rest[3..]) =>
            {
                return None;
            }
            (sign, _) => return character(rest, sign, if in_class { SAME_IN_CLASS } else { SAME }),
        };
        Some((2, text.into()))
    }

    fn doubled(_: char) -> Option<&'static str> {
        None
    }

    /// Of ASCII here, of all characters there.
    fn posix(name: &str) -> Option<&'static str> {
        Some(match name {
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
            _ => return None,
        })
    }
}

/// Whether a group is referred to by number, from the start or from here.
fn is_number(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first))
}

/// From a backslash on, `sign` behind it, what means the same to both, or is a character.
fn character<'a>(rest: &'a str, sign: char, same: &str) -> Option<Written<'a>> {
    let braced = rest[1 + sign.len_utf8()..].strip_prefix('{').and_then(|inside| Some(inside.split_once('}')?.0));
    // A character by so many digits; two are a byte there.
    let code_point = |digits: usize| Some((2 + digits, format!(r"\x{{{}}}", rest.get(2..2 + digits)?).into()));
    match sign {
        'p' | 'P' if let Some(inside) = braced => {
            Some((inside.len() + r"\p{}".len(), format!(r"\{sign}{{{}}}", property(inside)?).into()))
        }
        'p' | 'P' => {
            let name = rest[2..].chars().next()?;
            Some((2 + name.len_utf8(), format!(r"\{sign}{{{name}}}").into()))
        }
        // Whole: behind `\x` alone, what is in braces would be a count.
        'x' | 'u' if let Some(digits) = braced => {
            Some((digits.len() + r"\x{}".len(), format!(r"\x{{{digits}}}").into()))
        }
        'x' => code_point(2),
        'u' => code_point(4),
        letter if letter.is_ascii_alphabetic() && !same.contains(letter) => None,
        '<' | '>' => None,
        other => Some(copied(rest, 1 + other.len_utf8())),
    }
}

/// The name there of what is `\p{name}` here. Both know the general categories, scripts and properties with two values by all of their names, but for the
/// ones that are left out here.
fn property(name: &str) -> Option<&str> {
    let loose = |name: &str| name.replace(['_', '-', ' '], "").to_ascii_lowercase();
    let value = match name.split_once(['=', ':']) {
        None => name,
        Some((kind, value)) if matches!(&*loose(kind), "gc" | "generalcategory" | "sc" | "script") => value,
        Some(_) => return None,
    };
    let plain = loose(value.trim_start_matches('^'));
    // The last three are others there: of control characters and joiners.
    let is_known =
        !plain.starts_with("is") && !matches!(&*plain, "bidim" | "bidimirrored" | "word" | "graph" | "print");
    is_known.then_some(value)
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
            r"(?<n>a)(b)\k<n>",
            r"(a)\1(?<=a+)b\K\Gc",
            r"(?<=(a)|\A)b(?<!(?:a|bc)+)d",
            r"[\[\]]",
            r"[:alpha:](?#\)^)a",
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
            ("a{2}?(?:b){3}?c{1,2}?d{2,}?", "a{2}(?:b){3}c{1,2}?d{2,}?"),
            ("(?s:.)(?P<n>a)", "(?m:.)(?<n>a)"),
            (r"\xe9\u00e9\u{e9}\pL[\x41]", r"\x{e9}\x{00e9}\x{e9}\p{L}[\x{41}]"),
            (r"\x{61}+|\u{61}{2}+|[\x{61}-z]", r"\x{61}+|(?>\x{61}{2})|[\x{61}-z]"),
            (r"\p{Script=Greek}+\P{sc:Han}", r"\p{Greek}+\P{Han}"),
            (r"[\p{General_Category=Lu}\p{gc=Uppercase Letter}]", r"[\p{Lu}\p{Uppercase Letter}]"),
            ("[[:digit:][:^upper:]]", "[[0-9][^A-Z]]"),
            ("[]a]", r"[\]a]"),
        ] {
            assert_eq!(for_oniguruma(source).as_deref(), Some(expected));
        }
        assert_eq!(for_oniguruma(r"\w[^\w\s]\W"), Some(format!(r"[{WORD}][^{WORD}\s][^{WORD}]")));
        assert!(for_oniguruma(r"\b").is_some_and(|boundary| boundary.contains(WORD)));
    }

    #[test]
    fn words_in_any_case_are_no_brackets_that_fold() {
        assert_eq!(for_oniguruma(r"(?i:a)\w"), Some(format!(r"(?i:a)(?-i:[{WORD}])")));
        assert!(for_oniguruma(r"(?i)a\b").is_some_and(|boundary| boundary.contains(&format!("(?<=(?-i:[{WORD}]))"))));
    }

    #[test]
    fn what_has_no_form_there_is_told() {
        for source in ["(?m:^a)", "(?x: a )", "(?U)a+", "[a--b]", "[a~~b]", r"\R", r"a\Z", r"\<a", r"[\b]"] {
            assert_eq!(for_oniguruma(source), None, "{source}");
        }
        for source in [
            r"\b{start}a",
            r"a\b{end-half}",
            "a{2,1}",
            "a{100001}",
            r"(?<n>a)(b)\2",
            r"(?<n>a)\1",
            r"(?<n>a)\k<1>",
            "(?(1)a|b)",
            r"(a)?(?(1)b|c)",
            r"(a)\g<1>",
            r"\p{Word}",
            r"\P{^graph}",
            r"[\p{Print}]",
            r"(?i)(a)\1",
            "(?<!(a))b",
            "(?<=(?=a)a)b",
            r"(?<=a\b)b",
        ] {
            assert_eq!(for_oniguruma(source), None, "{source}");
        }
        for name in ["scx=Grek", "sc!=Grek", "Age=6.0", "gcb=LF", "isGreek", "Is_L", "Bidi_Mirrored", "bidi-m"] {
            assert_eq!(for_oniguruma(&format!(r"\p{{{name}}}")), None, "{name}");
        }
    }
}

//! What `(?i)` means to Oniguruma and not here: some characters are several in the other case.
//!
//! Oniguruma matches `ß` by `(?i)ss`, and `ss` by `(?i)ß` and by `(?i)[ß]`, as Unicode's full case folding has it; here a character is matched
//! by one. And a property that stands alone, like `(?i)\p{Lu}`, is folded here, not there.

use std::collections::HashSet;
use std::sync::LazyLock;

use fancy_regex::Expr;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// The characters that are several in the other case, and what those are, folded.
static SEVERAL: LazyLock<(Vec<char>, HashSet<Vec<char>>)> = LazyLock::new(|| {
    // They are all in the first plane.
    let several = ('\0'..='\u{ffff}').map(|one| (one, folded(one))).filter(|(_, folded)| folded.len() > 1);
    several.unzip()
});

/// What `one` is by full case folding: neither the small letters alone tell of `ŉ`, nor the large ones of `ẞ`.
fn folded(one: char) -> Vec<char> {
    one.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// What was seen of an expression.
#[derive(Default)]
pub(super) struct Folds {
    any: bool,
    /// The characters that stand side by side at last, each in any case.
    run: Vec<char>,
}

impl Folds {
    /// Whether something is matched in any case.
    pub fn any(&self) -> bool {
        self.any
    }

    /// Whether `expr` means the same in any case to both.
    pub fn are_alike(&mut self, expr: &Expr) -> bool {
        match expr {
            Expr::Literal { val, casei: true } => {
                self.any = true;
                val.chars().all(|one| self.is_alike(one))
            }
            Expr::Empty => true,
            // What stands side by side may be of several of these.
            Expr::Concat(parts) => parts.iter().all(|part| self.are_alike(part)),
            Expr::Delegate { inner, casei: true } => {
                self.any = true;
                self.run.clear();
                is_alike_set(inner)
            }
            _ => {
                self.run.clear();
                let is_alike = expr.children_iter().all(|child| {
                    self.run.clear();
                    self.are_alike(child)
                });
                self.run.clear();
                is_alike
            }
        }
    }

    /// Whether `one` in any case is the same to both, behind those before it.
    fn is_alike(&mut self, one: char) -> bool {
        let folded = folded(one);
        self.run.extend(&folded);
        folded.len() == 1 && (0..self.run.len()).all(|from| !SEVERAL.1.contains(&self.run[from..]))
    }
}

/// Whether a set of characters, each in any case, is the same to both.
fn is_alike_set(source: &str) -> bool {
    let (Some(plain), Some(folded)) = (set(source, false), set(source, true)) else { return false };
    let Some(inside) = source.strip_prefix('[') else { return plain == folded };
    let (inside, is_without) = inside.strip_prefix('^').map_or((inside, false), |inside| (inside, true));
    // Each part is folded here, and then taken from others; there it is the whole that is folded, at last.
    let is_sum =
        ["[^", "[:^", r"\P", r"\p{^", r"\W", r"\D", r"\S", r"\H", "&&"].iter().all(|part| !inside.contains(part));
    let has = |one: char| folded.ranges().iter().any(|range| (range.start()..=range.end()).contains(&one));
    (is_sum || plain == folded) && (is_without || !SEVERAL.0.iter().any(|&one| has(one)))
}

fn set(source: &str, any_case: bool) -> Option<ClassUnicode> {
    let hir = ParserBuilder::new().case_insensitive(any_case).build().parse(source).ok()?;
    match hir.kind() {
        HirKind::Class(Class::Unicode(set)) => Some(set.clone()),
        HirKind::Literal(literal) => {
            let one = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
            Some(ClassUnicode::new([ClassUnicodeRange::new(one, one)]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_alike(source: &str) -> bool {
        Folds::default().are_alike(&Expr::parse_tree(source).expect("well-formed").expr)
    }

    #[test]
    fn folds_are_those_of_unicode() {
        // 104 lines with the status F in CaseFolding.txt.
        assert_eq!(SEVERAL.0.len(), 104);
        for (one, expected) in
            [('ß', "ss"), ('ẞ', "ss"), ('ﬃ', "ffi"), ('İ', "i̇"), ('ŉ', "ʼn"), ('ΐ', "ι\u{308}\u{301}"), ('ᾳ', "αι")]
        {
            assert_eq!(folded(one), expected.chars().collect::<Vec<_>>(), "{one}");
        }
    }

    #[test]
    fn what_is_one_character_there_and_several_here_is_told() {
        for source in [
            "ss",
            "xSſ",
            "(?:s)(?#c)s",
            "s(?:s|t)?st",
            "ff",
            "fi",
            "aﬁ",
            "st",
            "ß",
            "i̇",
            "ʼn",
            "[İ]",
            r"[a-zß]",
            r"[\p{L}]",
            r"[\w-]",
        ] {
            assert!(!are_alike(&format!("(?i){source}")), "{source}");
            assert!(!are_alike(&format!("a(?i:b|{source})")), "{source}");
            assert!(are_alike(source), "{source}");
        }
        for source in [
            "'(?:[sdmt]|ll|ve|re)",
            "'s|'t|'re|'ve|'m|'ll|'d",
            "s+s",
            "s(?-i)s",
            "s(s)",
            "s|s",
            "[a-z]+[s][s]",
            "[^a]",
            "[^ß]",
            r"\w+|\W",
            r"[^\s\p{L}]",
            r"\s\S\d\D.",
        ] {
            assert!(are_alike(&format!("(?i){source}")), "{source}");
        }
    }

    #[test]
    fn properties_whose_folding_is_another_are_told() {
        for source in [r"\p{Lu}", r"\p{Ll}+", r"\P{Lu}", r"\p{L}", r"[\P{Lu}]", r"[^\P{Lu}]", r"[a[^\p{Lu}]]"] {
            assert!(!are_alike(&format!("(?i){source}")), "{source}");
        }
        for source in [r"\p{N}", r"\p{Han}", r"[^\p{Lu}]"] {
            assert!(are_alike(&format!("(?i){source}")), "{source}");
        }
    }
}

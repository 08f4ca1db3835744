//! A template as the engine takes it: blocks that it has not, and guards around what variables are set to. Lines stay where they are.

use super::engine::GENERATION;
use super::error::Error;
use super::guard::{ATTRIBUTE, VARIABLE};
use super::literals::{Kind, pieces, tag_name};

/// How many operators, filters, subscripts and calls may stand in one tag, and how many `elif` in a template: the engine reads chains of them by
/// recursion, without a limit of its own, and each filter may put the value of the one before into a list.
const MOST_STEPS: usize = 500;

/// `source`, rewritten, and whether it has `{% generation %}` blocks, which become calls of [`GENERATION`], as in transformers.
pub(super) fn rewritten(source: &str) -> Result<(String, bool), Error> {
    let mut out = String::with_capacity(source.len() + source.len() / 4);
    let (mut end, mut generates) = (0, false);
    few_steps(source)?;
    for (kind, range) in pieces(source) {
        if kind != Kind::Tag {
            continue;
        }
        let tag = &source[range.clone()];
        let new = match tag_name(tag) {
            "generation" => tag.replacen("generation", &format!("call {GENERATION}()"), 1),
            "endgeneration" => tag.replacen("endgeneration", "endcall", 1),
            "set" => match guarded(tag) {
                Some(new) => new,
                None => continue,
            },
            _ => continue,
        };
        generates |= tag_name(tag) == "generation";
        out.push_str(&source[end..range.start]);
        out.push_str(&new);
        end = range.end;
    }
    out.push_str(&source[end..]);
    Ok((out, generates))
}

/// A `set` tag with a guard around its value; `None` when it has none, as the tag of a block.
fn guarded(tag: &str) -> Option<String> {
    let inner_end = tag.strip_suffix("%}")?.trim_end_matches(['-', '+']).len();
    let assign = tag
        .char_indices()
        .find(|&(_, c)| matches!(c, '=' | '(' | '[' | '{' | '"' | '\'') && c != '{')
        .filter(|&(_, c)| c == '=' || c == '(');
    let at = match assign? {
        (at, '=') => at,
        // Targets in brackets: `set (a, b) = …`.
        (open, _) => tag[open..].find('=').map(|at| open + at)?,
    };
    let (target, value) = (&tag[..at], &tag[at + 1..inner_end]);
    if value.starts_with('=') || target.contains('|') {
        return None;
    }
    let guard = if target.contains('.') { ATTRIBUTE } else { VARIABLE };
    Some(format!("{target}={guard}(({value})){}", &tag[inner_end..]))
}

/// Refuses templates with more than [`MOST_STEPS`] steps in a tag, or as many `elif`.
fn few_steps(source: &str) -> Result<(), Error> {
    let too_many = |at: usize| {
        let line = 1 + source[..at].matches('\n').count();
        let message = format!(
            "chat template, line {line}: expected at most {MOST_STEPS} operators, filters and calls in a tag, received more"
        );
        Error::Limit { message }
    };
    let pieces = pieces(source);
    let elif = |range: &std::ops::Range<usize>| tag_name(&source[range.clone()]) == "elif";
    let mut elifs = pieces.iter().filter(|(kind, range)| *kind == Kind::Tag && elif(range));
    if let Some((_, range)) = elifs.nth(MOST_STEPS) {
        return Err(too_many(range.start));
    }
    let (mut steps, mut end) = (0, 0);
    let literals = pieces.into_iter().filter(|(kind, _)| *kind != Kind::Tag);
    for (kind, range) in literals.chain([(Kind::Data, source.len()..source.len())]) {
        // What is between two literals is code, or comments, or both.
        for part in source[end..range.start].split_inclusive(['}']) {
            steps += steps_in(part);
            if steps > MOST_STEPS {
                return Err(too_many(range.start));
            }
            if part.ends_with("%}") {
                steps = 0;
            }
        }
        if kind == Kind::Data {
            steps = 0;
        }
        end = range.end;
    }
    Ok(())
}

/// Operators, filters, subscripts and calls in a stretch of code.
fn steps_in(code: &str) -> usize {
    let signs = code.bytes().filter(|byte| b"|[(.+-*/%~<>=".contains(byte)).count();
    let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    signs + words.filter(|word| matches!(*word, "not" | "and" | "or" | "if" | "else" | "is" | "in")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_variables_are_set_to_is_guarded() {
        let shown = |source: &str| rewritten(source).expect("few steps").0;
        assert_eq!(shown("{%- set a = b == 'x' -%}"), format!("{{%- set a ={VARIABLE}(( b == 'x' ))-%}}"));
        assert_eq!(shown("{% set n.a = [1] %}"), format!("{{% set n.a ={ATTRIBUTE}(( [1] ))%}}"));
        assert_eq!(shown("{% set a, b = 1, 2 %}"), format!("{{% set a, b ={VARIABLE}(( 1, 2 ))%}}"));
        assert_eq!(shown("{% set (a, b) = c %}"), format!("{{% set (a, b) ={VARIABLE}(( c ))%}}"));
        for same in [
            "{% set a %}",
            "{% set a | f(x=1) %}",
            "{% if a = b %}",
            "{{ set }}",
            "{% raw %}{% set a = 1 %}{% endraw %}",
        ] {
            assert_eq!(shown(same), same);
        }
    }

    #[test]
    fn a_tag_has_at_most_500_steps() {
        assert!(rewritten(&format!("{{{{ x{} }}}}", "|list".repeat(500))).is_ok());
        assert!(rewritten(&format!("{{{{ x{} }}}}", "|list".repeat(501))).is_err());
        assert!(rewritten(&format!("{{{{ '{}' }}}}{}", "|".repeat(2000), "|".repeat(2000))).is_ok());
        assert!(rewritten(&"{{ x | list }} ".repeat(2000)).is_ok());
        assert!(rewritten(&"{% if x == y %}{% endif %}".repeat(2000)).is_ok());
    }
}

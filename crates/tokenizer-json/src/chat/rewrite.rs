//! A template as the engine takes it: without blocks and escapes that it has not, or reads otherwise than Jinja. Lines stay where they are.

use std::ops::Range;

use super::engine::GENERATION;
use super::error::Error;
use super::escapes::unescaped;
use super::literals::{Kind, pieces, tag_name};
use super::unlike::unlike_jinja;

/// How many operators, filters, subscripts and calls may stand in one tag, and how many `elif` in a template: the engine reads chains of them by
/// recursion, without a limit of its own, and each filter may put the value of the one before into a list.
const MOST_STEPS: usize = 500;

/// `source`, rewritten, and whether it has `{% generation %}` blocks, which become calls of [`GENERATION`], as in transformers.
pub(super) fn rewritten(source: &str) -> Result<(String, bool), Error> {
    let mut out = String::with_capacity(source.len() + source.len() / 4);
    let (mut end, mut generates) = (0, false);
    let pieces = pieces(source);
    few_steps(source, &pieces)?;
    let wrong = |at: usize, message: &str| Error::Template {
        message: format!("chat template, line {}: {message}", line_at(source, at)),
    };
    if let Some((at, message)) = unlike_jinja(source, &pieces) {
        return Err(wrong(at, &message));
    }
    for (kind, range) in pieces {
        let piece = &source[range.clone()];
        let new = match (kind, tag_name(piece)) {
            (Kind::Str, _) => match unescaped(piece) {
                Ok(None) => continue,
                Ok(Some(text)) => text,
                Err(message) => return Err(wrong(range.start, &message)),
            },
            (Kind::Tag, "generation") => piece.replacen("generation", &format!("call {GENERATION}()"), 1),
            (Kind::Tag, "endgeneration") => piece.replacen("endgeneration", "endcall", 1),
            // Jinja leaves the line end behind this one tag where it is.
            (Kind::Tag, "raw") => match piece.strip_suffix("%}") {
                Some(tag) if !tag.ends_with(['-', '+']) => format!("{tag}+%}}"),
                _ => continue,
            },
            _ => continue,
        };
        generates |= kind == Kind::Tag && tag_name(piece) == "generation";
        out.push_str(&source[end..range.start]);
        out.push_str(&new);
        end = range.end;
    }
    out.push_str(&source[end..]);
    Ok((out, generates))
}

fn line_at(source: &str, at: usize) -> usize {
    1 + source[..at].matches('\n').count()
}

/// Refuses templates with more than [`MOST_STEPS`] steps in a tag, or as many `elif`.
fn few_steps(source: &str, pieces: &[(Kind, Range<usize>)]) -> Result<(), Error> {
    let too_many = |at: usize| {
        let line = line_at(source, at);
        let message = format!(
            "chat template, line {line}: expected at most {MOST_STEPS} operators, filters and calls in a tag, received more"
        );
        Error::Limit { message }
    };
    let elif = |range: &Range<usize>| tag_name(&source[range.clone()]) == "elif";
    let mut elifs = pieces.iter().filter(|(kind, range)| *kind == Kind::Tag && elif(range));
    if let Some((_, range)) = elifs.nth(MOST_STEPS) {
        return Err(too_many(range.start));
    }
    let (mut steps, mut end) = (0, 0);
    let literals = pieces.iter().filter(|(kind, _)| *kind != Kind::Tag);
    for (kind, range) in literals.chain([&(Kind::Data, source.len()..source.len())]) {
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
        if *kind == Kind::Data {
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
    fn a_tag_has_at_most_500_steps() {
        assert!(rewritten(&format!("{{{{ x{} }}}}", "|list".repeat(500))).is_ok());
        assert!(rewritten(&format!("{{{{ x{} }}}}", "|list".repeat(501))).is_err());
        assert!(rewritten(&format!("{{{{ '{}' }}}}{}", "|".repeat(2000), "|".repeat(2000))).is_ok());
        assert!(rewritten(&"{{ x | list }} ".repeat(2000)).is_ok());
        assert!(rewritten(&"{% if x == y %}{% endif %}".repeat(2000)).is_ok());
    }
}

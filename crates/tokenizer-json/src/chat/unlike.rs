//! Templates of which the engine makes something else than Jinja, or that would fill the stack: they are refused.

use std::ops::Range;

use super::literals::{Kind, tag_name};

/// Where in `source` such a thing is, and what it is.
pub(super) fn unlike_jinja(source: &str, pieces: &[(Kind, Range<usize>)]) -> Option<(usize, String)> {
    // Blocks that are open: for a loop, whether a `continue` was in it.
    let mut open: Vec<Option<bool>> = Vec::new();
    let mut has_block = false;
    for (index, (kind, range)) in pieces.iter().enumerate() {
        if *kind != Kind::Tag {
            continue;
        }
        let name = tag_name(&source[range.clone()]);
        match name {
            "for" => open.push(Some(false)),
            "if" => open.push(None),
            "endfor" | "endif" => drop(open.pop()),
            "continue" => {
                if let Some(continued) = open.iter_mut().rev().find_map(Option::as_mut) {
                    *continued = true;
                }
            }
            "else" if open.last() == Some(&Some(true)) => {
                return Some((range.start, "expected no `else` of a loop that has a `continue`".to_owned()));
            }
            "with" | "macro" | "call" => {
                let code = without_strings(source, range, &pieces[index + 1..]);
                // Parameters are in brackets, values of `with` are not.
                if let Some(name) = reads_one_before(&code, usize::from(name != "with")) {
                    let message =
                        format!("expected values that do not read others of their tag, received one that reads {name}");
                    return Some((range.start, message));
                }
            }
            "block" => has_block = true,
            // They are written anew, or not read at all: nothing that they hold would be looked at.
            "generation" | "endgeneration" | "raw" if has_more(&source[range.clone()], name) => {
                return Some((range.start, format!("expected nothing after `{name}` in its tag, received more")));
            }
            _ => {}
        }
    }
    let called = has_block.then(|| call_of_self(source, pieces)).flatten();
    called.map(|at| (at, "expected no block that is called by `self`, as it may call itself".to_owned()))
}

/// Whether `tag`, which is called `name`, holds anything else.
fn has_more(tag: &str, name: &str) -> bool {
    let more = tag.find(name).map_or(tag, |at| &tag[at + name.len()..]);
    let more = more.strip_suffix("%}").unwrap_or(more);
    !more.strip_suffix(['-', '+']).unwrap_or(more).trim().is_empty()
}

/// Where the code of `source` has `self.`. A block that calls itself may do so as often as a loop may go round, and each time takes kilobytes of the stack.
fn call_of_self(source: &str, pieces: &[(Kind, Range<usize>)]) -> Option<usize> {
    let is_self = |code: &str, at: usize| {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        !code[..at].ends_with(|c| is_word(c) || c == '.') && code[at + "self".len()..].trim_start().starts_with('.')
    };
    let texts = pieces.iter().filter(|(kind, _)| *kind != Kind::Tag).map(|(_, range)| range.clone());
    let mut start = 0;
    for text in texts.chain(std::iter::once(source.len()..source.len())) {
        let code = &source[start..text.start];
        if let Some((at, _)) = code.match_indices("self").find(|&(at, _)| is_self(code, at)) {
            return Some(start + at);
        }
        start = text.end;
    }
    None
}

/// The tag at `range`, with its strings, which are the next of `pieces`, empty.
fn without_strings(source: &str, range: &Range<usize>, pieces: &[(Kind, Range<usize>)]) -> String {
    let (mut code, mut end) = (String::new(), range.start + "{%".len());
    for (_, string) in pieces.iter().take_while(|(kind, string)| *kind == Kind::Str && string.end <= range.end) {
        code.push_str(&source[end..string.start]);
        end = string.end;
    }
    code.push_str(&source[end..range.end]);
    code
}

/// A name that is given a value, or may be, `depth` brackets deep, and that a later value reads.
fn reads_one_before(code: &str, depth: usize) -> Option<&str> {
    let (mut names, mut name, mut now, mut in_value) = (Vec::new(), "", 0_usize, false);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    while let Some(c) = code[at..].chars().next() {
        let width = if is_word(c) { code[at..].find(|c| !is_word(c)).unwrap_or(code.len() - at) } else { c.len_utf8() };
        let (before, word, after) = (code[..at].trim_end(), &code[at..at + width], code[at + width..].trim_start());
        at += width;
        match c {
            '(' | '[' | '{' => now += 1,
            // The call of a `call` block follows.
            ')' if now == 1 && depth == 1 => return None,
            ')' | ']' | '}' => now = now.saturating_sub(1),
            ',' if now == depth => {
                names.push(name);
                in_value = false;
            }
            '=' if now == depth => in_value = true,
            _ if !is_word(c) || before.ends_with('.') => {}
            _ if in_value => {
                let is_name_of_argument = now > depth && after.starts_with('=') && !after.starts_with("==");
                if names.contains(&word) && !is_name_of_argument {
                    return Some(word);
                }
            }
            _ if now == depth => name = word,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::literals::pieces;

    #[test]
    fn blocks_that_are_called_are_found() {
        let found = |source| unlike_jinja(source, &pieces(source)).map(|(at, _)| at);
        for source in
            ["{% block a %}{{ self.a() }}{% endblock %}", "{% block a %}x{% endblock %}{% if self .a() %}y{% endif %}"]
        {
            assert_eq!(found(source), source.find("self"), "{source}");
        }
        for source in [
            "{% block a %}self.a() {{ 'self.a()' ~ itself.a ~ x.self.a }}{% endblock %}",
            "{{ self.a }}",
            "{% block a %}{{ self }}{% endblock %}",
        ] {
            assert_eq!(found(source), None, "{source}");
        }
    }

    #[test]
    fn what_the_engine_does_otherwise_is_found() {
        let found = |source| unlike_jinja(source, &pieces(source)).map(|(at, _)| at);
        for source in [
            "{% with a = 1, b = a %}{% endwith %}",
            "{% with a = 1, b = f(x, [a.c]) %}{% endwith %}",
            "{% macro f(a, b=a) %}{% endmacro %}",
            "{%- macro f(a, b=2, c=[b | length]) -%}{% endmacro %}",
            "{% call(a, b=a) f() %}{% endcall %}",
            "{% for x in y %}{% if x %}{% continue %}{% endif %}{% else %}{% endfor %}",
            r"{% generation '\n' %}a{% endgeneration %}",
            r"{%- generation'\n",
            r"{% endgeneration '\t' -%}",
            r"{% raw '\n' %}a",
            "{% raw a %}{% endraw %}",
        ] {
            assert_eq!(found(source), Some(source.rfind("{% else").unwrap_or(0)), "{source}");
        }
        for source in [
            "{% with a = 1, b = x.a %}{% endwith %}",
            "{% with a = x, b = f(a=1) %}{{ a }}{% endwith %}",
            "{% with a = a %}{% endwith %}",
            r"{%- generation -%}{{ '\n' }}{%+ endgeneration +%}{%raw%}{{ '\n' }}{% endraw %}{% generation",
            "{% macro f(a, b='a', c=none) %}{{ a }}{% endmacro %}",
            "{% macro f(a, b=a1) %}{{ a == b }}{% endmacro %}",
            "{% call(a) f(a, b=a) %}{% endcall %}",
            "{% for x in y %}{% for z in x %}{% continue %}{% endfor %}{% else %}{% endfor %}",
            "{% for x in y %}{% if x %}{% continue %}{% else %}{% endif %}{% endfor %}",
        ] {
            assert_eq!(found(source), None, "{source}");
        }
    }
}

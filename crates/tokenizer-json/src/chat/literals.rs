//! Where the text of a template stands: what it writes as it is, and the strings in its expressions.

use std::ops::Range;

/// What a piece of a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text outside of tags.
    Data,
    /// What is between the quotes of a string in a tag.
    Str,
    /// A whole tag `{% … %}`.
    Tag,
}

/// The pieces of `source`, in order. A [`Kind::Tag`] comes before the strings in it.
///
/// This follows Jinja's own lexer where it matters: comments, raw blocks, quotes with escapes, and brackets that are open when `}}` comes. What
/// is no template at all ends the pieces early; the engine then says what is wrong.
pub(super) fn pieces(source: &str) -> Vec<(Kind, Range<usize>)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let Some(open) = find_open(source, at) else {
            pieces.push((Kind::Data, at..source.len()));
            break;
        };
        if open > at {
            pieces.push((Kind::Data, at..open));
        }
        at = match source.as_bytes()[open + 1] {
            b'#' => source[open..].find("#}").map_or(source.len(), |end| open + end + 2),
            b'%' => {
                let place = pieces.len();
                let (end, closed) = scan_code(source, open + 2, "%}", &mut pieces);
                pieces.insert(place, (Kind::Tag, open..end));
                if closed && tag_name(&source[open..end]) == "raw" {
                    let (data, after) = raw_block(source, end);
                    pieces.push((Kind::Data, end..data));
                    after
                } else {
                    end
                }
            }
            _ => scan_code(source, open + 2, "}}", &mut pieces).0,
        };
    }
    pieces
}

/// The name of a tag: `generation` of `{%- generation -%}`.
pub(super) fn tag_name(tag: &str) -> &str {
    let inner = tag.strip_prefix("{%").unwrap_or(tag).trim_start_matches(['-', '+']).trim_start();
    inner.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default()
}

fn find_open(source: &str, from: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    (from..bytes.len().saturating_sub(1)).find(|&at| bytes[at] == b'{' && matches!(bytes[at + 1], b'{' | b'%' | b'#'))
}

/// Reads code from `at` on until `close`; gives where it ends, and whether it was closed. Strings are pushed.
fn scan_code(source: &str, mut at: usize, close: &str, pieces: &mut Vec<(Kind, Range<usize>)>) -> (usize, bool) {
    let bytes = source.as_bytes();
    let mut open_brackets = 0_usize;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let end = at.min(bytes.len());
                pieces.push((Kind::Str, start..end));
                at = end + 1;
            }
            _ if open_brackets == 0 && bytes[at..].starts_with(close.as_bytes()) => return (at + 2, true),
            b'(' | b'[' | b'{' => {
                open_brackets += 1;
                at += 1;
            }
            b')' | b']' | b'}' => {
                open_brackets = open_brackets.saturating_sub(1);
                at += 1;
            }
            _ => at += 1,
        }
    }
    (bytes.len(), false)
}

/// Where the data of a raw block that begins at `from` ends, and where its `{% endraw %}` does.
fn raw_block(source: &str, from: usize) -> (usize, usize) {
    let mut at = from;
    while let Some(open) = source[at..].find("{%").map(|open| at + open) {
        let Some(end) = source[open..].find("%}").map(|end| open + end + 2) else { break };
        if tag_name(&source[open..end]) == "endraw" {
            return (open, end);
        }
        at = open + 2;
    }
    (source.len(), source.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Vec<(Kind, &str)> {
        pieces(source).into_iter().map(|(kind, range)| (kind, &source[range])).collect()
    }

    #[test]
    fn data_strings_and_tags_are_told_apart() {
        let source = r#"a{{ 'b' + "c\"d" }}e{%- if x == 'f' -%}g{# 'h' {{ #}i"#;
        let expected = [
            (Kind::Data, "a"),
            (Kind::Str, "b"),
            (Kind::Str, r#"c\"d"#),
            (Kind::Data, "e"),
            (Kind::Tag, "{%- if x == 'f' -%}"),
            (Kind::Str, "f"),
            (Kind::Data, "g"),
            (Kind::Data, "i"),
        ];
        assert_eq!(shown(source), expected);
    }

    #[test]
    fn brackets_and_quotes_hide_ends_of_tags() {
        assert_eq!(shown("{{ {'a': {'b': 1}} }}x").last(), Some(&(Kind::Data, "x")));
        assert_eq!(shown("{{ '}}' }}x"), [(Kind::Str, "}}"), (Kind::Data, "x")]);
        assert_eq!(shown("{% set a = '%}' %}x").last(), Some(&(Kind::Data, "x")));
    }

    #[test]
    fn a_raw_block_is_data() {
        let source = "{% raw %}{{ 'a' }}{% if %}{%- endraw %}b";
        assert_eq!(shown(source)[1..], [(Kind::Data, "{{ 'a' }}{% if %}"), (Kind::Data, "b")]);
    }

    #[test]
    fn what_is_no_template_does_no_harm() {
        for source in ["", "{", "{{", "{%", "{#", "{{ '", "{{ 'a\\", "{% raw %}", "{% raw %}{%", "é{{é'é\\é"] {
            for (_, range) in pieces(source) {
                assert!(source.get(range).is_some(), "{source}");
            }
        }
    }
}

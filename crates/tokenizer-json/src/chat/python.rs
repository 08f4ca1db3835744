//! Values as Python writes them: `str`, `repr` and `json.dumps`, which is what `{{ … }}` and `tojson` give in transformers.

use std::fmt::Write as _;
use std::sync::LazyLock;

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, State};
use regex_syntax::hir::{Class, HirKind};

use super::compare::ordered;
use super::cost::{DEEPEST, is_opaque};
use super::generated::is_generated;

/// How many bytes are written for one fuel; a value costs two more. The engine's price for copying is 64: this is slower.
const BYTES_PER_FUEL: usize = 8;

/// How `json.dumps` is called.
#[derive(Clone, Debug)]
pub(super) struct JsonStyle {
    pub indent: Option<String>,
    pub item_separator: String,
    pub key_separator: String,
    pub ensure_ascii: bool,
    pub sort_keys: bool,
}

/// Text that is paid for as it grows, so that a value which holds another a billion times cannot fill the memory.
struct Writer<'a, 'template, 'env> {
    text: String,
    paid: usize,
    state: &'a State<'template, 'env>,
}

impl<'a, 'template, 'env> Writer<'a, 'template, 'env> {
    fn new(state: &'a State<'template, 'env>) -> Self {
        Self { text: String::new(), paid: 0, state }
    }

    fn push(&mut self, part: &str) -> Result<(), Error> {
        self.text.push_str(part);
        if self.text.len() - self.paid >= BYTES_PER_FUEL {
            self.state.consume_fuel(((self.text.len() - self.paid) / BYTES_PER_FUEL) as u64)?;
            self.paid = self.text.len();
        }
        Ok(())
    }
}

/// `str(value)`.
pub(super) fn str_of(state: &State, value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None if value.is_undefined() => Ok(String::new()),
        None => {
            let mut out = Writer::new(state);
            repr(&mut out, value, 0)?;
            Ok(out.text)
        }
    }
}

/// `json.dumps(value)`.
pub(super) fn json_of(state: &State, value: &Value, style: &JsonStyle) -> Result<String, Error> {
    let mut out = Writer::new(state);
    json(&mut out, value, style, 0)?;
    Ok(out.text)
}

/// Pays for a value, and refuses it when it is nested too deep.
fn enter(out: &Writer, depth: usize) -> Result<(), Error> {
    out.state.consume_fuel(2)?;
    if depth <= DEEPEST {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidOperation, "recursion limit exceeded by a value that is written"))
}

fn repr(out: &mut Writer, value: &Value, depth: usize) -> Result<(), Error> {
    enter(out, depth)?;
    if is_opaque(value) || is_generated(value) {
        // Python writes where in its memory it is.
        let message = format!("expected a value to write, received a {}", kind_of(value));
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    match value.kind() {
        ValueKind::Undefined => out.push("Undefined"),
        ValueKind::None => out.push("None"),
        ValueKind::Bool => out.push(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number => out.push(&number(value)),
        ValueKind::String if value.is_safe() => {
            out.push("Markup(")?;
            repr_str(out, value.as_str().unwrap_or_default())?;
            out.push(")")
        }
        ValueKind::String => repr_str(out, value.as_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => {
            // A group of `groupby` is one.
            let is_group = value.as_object().is_some_and(|object| object.type_name().ends_with("GroupTuple"));
            let (open, close) = if value.is_tuple() || is_group { ("(", ")") } else { ("[", "]") };
            out.push(open)?;
            let mut items = 0;
            for item in value.try_iter()? {
                if items > 0 {
                    out.push(", ")?;
                }
                repr(out, &item, depth + 1)?;
                items += 1;
            }
            if items == 1 && value.is_tuple() {
                out.push(",")?;
            }
            out.push(close)
        }
        ValueKind::Map => {
            out.push("{")?;
            for (index, key) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.push(", ")?;
                }
                repr(out, &key, depth + 1)?;
                out.push(": ")?;
                repr(out, &value.get_item(&key)?, depth + 1)?;
            }
            out.push("}")
        }
        _ => out.push(&value.to_string()),
    }
}

fn repr_str(out: &mut Writer, text: &str) -> Result<(), Error> {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c == quote => quoted.extend(['\\', c]),
            c if is_printable(c) => quoted.push(c),
            c => {
                let _ = match c as u32 {
                    code @ ..0x100 => write!(quoted, "\\x{code:02x}"),
                    code @ ..0x1_0000 => write!(quoted, "\\u{code:04x}"),
                    code => write!(quoted, "\\U{code:08x}"),
                };
            }
        }
    }
    quoted.push(quote);
    out.push(&quoted)
}

/// `str.isprintable`: what is no separator but a space, and not of category *other*.
pub(super) fn is_printable(c: char) -> bool {
    static OTHERS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
        let class = regex_syntax::parse(r"[\p{Z}\p{C}]").map(regex_syntax::hir::Hir::into_kind);
        match class {
            Ok(HirKind::Class(Class::Unicode(class))) => {
                class.ranges().iter().map(|range| (range.start(), range.end())).collect()
            }
            _ => Vec::new(),
        }
    });
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    let after = OTHERS.partition_point(|&(start, _)| start <= c);
    after == 0 || OTHERS[after - 1].1 < c
}

/// What `value` is, in words.
pub(super) fn kind_of(value: &Value) -> String {
    let Some(object) = value.as_object() else { return value.kind().to_string() };
    match object.type_name().rsplit("::").next() {
        Some("Generated") => "generator: `list` makes a list of it".to_owned(),
        Some("Macro") => "macro".to_owned(),
        Some("Method") => "method that is not called".to_owned(),
        Some("Namespace") => "namespace".to_owned(),
        Some("Loop") => "loop".to_owned(),
        _ => value.kind().to_string(),
    }
}

fn json(out: &mut Writer, value: &Value, style: &JsonStyle, depth: usize) -> Result<(), Error> {
    enter(out, depth)?;
    if is_opaque(value) || is_generated(value) {
        let message = format!("expected what JSON has for tojson, received a {}", kind_of(value));
        return Err(Error::new(ErrorKind::BadSerialization, message));
    }
    match value.kind() {
        ValueKind::None => out.push("null"),
        ValueKind::Bool => out.push(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => out.push(&number(value).replace("inf", "Infinity").replace("nan", "NaN")),
        ValueKind::String => json_str(out, value.as_str().unwrap_or_default(), style),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.map(|item| (None, item));
            json_items(out, ["[", "]"], items, style, depth)
        }
        ValueKind::Map => {
            let mut keys: Vec<Value> = value.try_iter()?.collect();
            if style.sort_keys {
                keys.sort();
                ordered(&keys)?;
            }
            let mut pairs = Vec::with_capacity(keys.len());
            for key in keys {
                let item = value.get_item(&key)?;
                pairs.push((Some(key), item));
            }
            json_items(out, ["{", "}"], pairs.into_iter(), style, depth)
        }
        kind => {
            Err(Error::new(ErrorKind::BadSerialization, format!("expected what JSON has for tojson, received {kind}")))
        }
    }
}

fn json_items(
    out: &mut Writer,
    [open, close]: [&str; 2],
    items: impl Iterator<Item = (Option<Value>, Value)>,
    style: &JsonStyle,
    depth: usize,
) -> Result<(), Error> {
    out.push(open)?;
    let line = |out: &mut Writer, depth: usize| match &style.indent {
        Some(indent) => out.push(&format!("\n{}", indent.repeat(depth))),
        None => Ok(()),
    };
    let mut empty = true;
    for (key, item) in items {
        if !empty {
            out.push(&style.item_separator)?;
        }
        empty = false;
        line(out, depth + 1)?;
        if let Some(key) = key {
            if let Some(key) = key.as_str() {
                json_str(out, key, style)?;
            } else if key.as_object().is_some() {
                let message = format!("expected keys that JSON has for tojson, received a {}", kind_of(&key));
                return Err(Error::new(ErrorKind::BadSerialization, message));
            } else {
                let mut quoted = Writer::new(out.state);
                json(&mut quoted, &key, style, depth + 1)?;
                json_str(out, &quoted.text, style)?;
            }
            out.push(&style.key_separator)?;
        }
        json(out, &item, style, depth + 1)?;
    }
    if !empty {
        line(out, depth)?;
    }
    out.push(close)
}

fn json_str(out: &mut Writer, text: &str, style: &JsonStyle) -> Result<(), Error> {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            c if (c as u32) < 0x20 || (style.ensure_ascii && c as u32 > 0x7e) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(quoted, "\\u{unit:04x}");
                }
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    out.push(&quoted)
}

/// `repr` of a number.
fn number(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(float) if !value.is_integer() => float_repr(float),
        _ => value.to_string(),
    }
}

/// `repr` of a float: the shortest digits that give it back, with an exponent below 1e-4 and from 1e16 on.
fn float_repr(float: f64) -> String {
    if !float.is_finite() {
        return if float.is_nan() {
            "nan".into()
        } else if float > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    }
    let scientific = format!("{float:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{float}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::float_repr;

    #[test]
    fn floats_are_written_as_python_does() {
        let expected = [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (-0.0, "-0.0"),
            (123_456.789, "123456.789"),
            (1e300, "1e+300"),
            (f64::INFINITY, "inf"),
        ];
        for (float, text) in expected {
            assert_eq!(float_repr(float), text);
        }
    }
}

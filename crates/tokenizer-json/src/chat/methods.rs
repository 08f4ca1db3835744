//! Methods of Python's strings and dictionaries. Most are those of `minijinja-contrib`; here are those that it has not, or that know other white
//! space than Python does.

use std::sync::Arc;

use minijinja::value::{Kwargs, Object, ObjectRepr, Tuple, Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};

use super::cost::{Meter, affordable, is_opaque};
use super::format::format;
use super::places::{count, has_at_end, place};
use super::python::is_printable;

/// The methods of mappings.
pub(super) const MAPPING_METHODS: [&str; 5] = ["copy", "get", "items", "keys", "values"];

/// A method of a mapping that is not called, as `items` in `{% if schema.items %}`: Python finds it before a key of its name.
#[derive(Debug)]
pub(super) struct Method;

impl Object for Method {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// `value.name`, where `name` is one of [`MAPPING_METHODS`].
pub(super) fn method_of(value: &Value, name: &str) -> Result<Value, Error> {
    if value.kind() == ValueKind::Map && !is_opaque(value) {
        return Ok(Value::from_object(Method));
    }
    value.get_attr(name)
}

/// Calls `value.method(args)`.
pub(super) fn call(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    // The engine charges for what a method makes, not for what it reads.
    let mut meter = Meter::new(state);
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        // It compares, with a look at each place.
        meter.whole(value)?;
        meter.surface(value)?;
    } else if let (Some(text), "title" | "istitle" | "isprintable" | "isspace" | "splitlines") =
        (value.as_str(), method)
    {
        meter.characters(text)?;
        if method == "title" {
            // It makes others of them.
            meter.characters(text)?;
        }
    } else {
        meter.surface(value)?;
    }
    if let (Some(text), "count" | "find" | "rfind" | "index" | "rindex" | "startswith" | "endswith", [_, _, ..]) =
        (value.as_str(), method, args)
    {
        // Places are counted from the start.
        meter.characters(text)?;
    }
    for value in args {
        match value.as_str() {
            // Each of its characters becomes a string.
            Some(text) if method == "join" => meter.pay(2 * text.len() as u64, 0)?,
            Some(text) if matches!(method, "strip" | "lstrip" | "rstrip" | "replace") => meter.characters(text)?,
            _ => drop(meter.whole(value)?),
        }
    }
    if let (Some(text), "center" | "ljust" | "rjust" | "zfill") = (value.as_str(), method) {
        return justified(state, text, method, args).map(Value::from);
    }
    if let (Some(text), "expandtabs") = (value.as_str(), method) {
        return expanded(state, text, args).map(Value::from);
    }
    if let (Some(_), "join", [parts]) = (value.as_str(), method, args) {
        return minijinja_contrib::pycompat::unknown_method_callback(state, value, method, &[strings(parts)?]);
    }
    if let Some(text) = value.as_str()
        && let Some(result) = string_method(text, method, args)
    {
        return result;
    }
    if let (ValueKind::Seq, "index" | "copy") = (value.kind(), method) {
        return list_method(value, method, args);
    }
    if value.kind() == ValueKind::Map && MAPPING_METHODS.contains(&method) {
        // Python finds the method before a key of the same name, as the `items` of a JSON schema.
        return dict_method(value, method, args);
    }
    if let (Some(text), "format") = (value.as_str(), method) {
        return format(state, text, args).map(Value::from);
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

/// White space as Python's `str.isspace` has it.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `text` without the characters `chars` (white space if `None`) at its start, its end, or both.
pub(super) fn strip<'a>(text: &'a str, chars: Option<&str>, start: bool, end: bool) -> &'a str {
    // Sorted, as there may be as many as in the text.
    let chars = chars.map(|chars| {
        let mut chars: Vec<char> = chars.chars().collect();
        chars.sort_unstable();
        chars.dedup();
        chars
    });
    let stripped = |c: char| chars.as_ref().map_or_else(|| is_space(c), |chars| chars.binary_search(&c).is_ok());
    let text = if start { text.trim_start_matches(stripped) } else { text };
    if end { text.trim_end_matches(stripped) } else { text }
}

fn string_method(text: &str, method: &str, args: &[Value]) -> Option<Result<Value, Error>> {
    Some(match method {
        "strip" => stripped(text, args, true, true),
        "lstrip" => stripped(text, args, true, false),
        "rstrip" => stripped(text, args, false, true),
        "split" => split(text, args, false),
        "rsplit" => split(text, args, true),
        "splitlines" => split_lines(text, args),
        "partition" => partition(text, args, false),
        "rpartition" => partition(text, args, true),
        "removeprefix" => {
            from_args::<(&str,)>(args).map(|(prefix,)| Value::from(text.strip_prefix(prefix).unwrap_or(text)))
        }
        "removesuffix" => {
            from_args::<(&str,)>(args).map(|(suffix,)| Value::from(text.strip_suffix(suffix).unwrap_or(text)))
        }
        "title" => from_args::<()>(args).map(|()| Value::from(title(text))),
        "isspace" => from_args::<()>(args).map(|()| Value::from(!text.is_empty() && text.chars().all(is_space))),
        "istitle" => from_args::<()>(args).map(|()| Value::from(is_title(text))),
        "isprintable" => from_args::<()>(args).map(|()| Value::from(text.chars().all(is_printable))),
        "find" | "rfind" | "index" | "rindex" => place(text, method, args),
        "count" => count(text, args),
        "startswith" | "endswith" => has_at_end(text, method, args),
        "isdecimal" => from_args::<()>(args).map(|()| Value::from(!text.is_empty() && text.chars().all(is_decimal))),
        "swapcase" => from_args::<()>(args).map(|()| Value::from(swapped(text))),
        _ => return None,
    })
}

/// The strings that `join` is given, as a list: the engine would write other values as texts.
fn strings(parts: &Value) -> Result<Value, Error> {
    if parts.as_str().is_some() {
        return Ok(parts.clone());
    }
    let parts: Vec<Value> = parts.try_iter()?.collect();
    if let Some((index, part)) = parts.iter().enumerate().find(|(_, part)| part.as_str().is_none()) {
        let message = format!("expected strings for join, received {} at {index}", part.kind());
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok(Value::from(parts))
}

fn swapped(text: &str) -> String {
    let swap =
        |c: char| -> String { if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() } };
    text.chars().map(swap).collect()
}

/// Whether each word begins with a capital letter, and has no other one.
fn is_title(text: &str) -> bool {
    let (mut has_letters, mut in_word) = (false, false);
    for c in text.chars() {
        let is_capital = c.is_uppercase() || unicode_categories::UnicodeCategories::is_letter_titlecase(c);
        if (is_capital && in_word) || (c.is_lowercase() && !in_word) {
            return false;
        }
        in_word = is_capital || c.is_lowercase();
        has_letters |= in_word;
    }
    has_letters
}

/// `text` with spaces for each tab, up to the next column that is a multiple of 8, or of what `args` says.
fn expanded(state: &State, text: &str, args: &[Value]) -> Result<String, Error> {
    let (size, kwargs): (Option<i64>, Kwargs) = from_args(args)?;
    let size = size.or(kwargs.get("tabsize")?).unwrap_or(8);
    kwargs.assert_all_used()?;
    let size = usize::try_from(size).unwrap_or(0);
    affordable(state, text.len().saturating_add(text.matches('\t').count().saturating_mul(size)))?;
    let (mut out, mut column) = (String::with_capacity(text.len()), 0);
    for c in text.chars() {
        match c {
            '\t' if size == 0 => {}
            '\t' => {
                let spaces = size - column % size;
                out.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            _ => {
                column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
                out.push(c);
            }
        }
    }
    Ok(out)
}

/// A digit of a system that has ten of them.
fn is_decimal(c: char) -> bool {
    unicode_categories::UnicodeCategories::is_number_decimal_digit(c)
}

fn stripped(text: &str, args: &[Value], start: bool, end: bool) -> Result<Value, Error> {
    if args.first().is_some_and(Value::is_undefined) {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let (chars,): (Option<&str>,) = from_args(args)?;
    Ok(Value::from(strip(text, chars, start, end)))
}

fn split(text: &str, args: &[Value], from_end: bool) -> Result<Value, Error> {
    if args.first().is_some_and(Value::is_undefined) {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let (separator, most, kwargs): (Option<&str>, Option<i64>, Kwargs) = from_args(args)?;
    let separator = separator.or(kwargs.get("sep")?);
    let most = most.or(kwargs.get("maxsplit")?).and_then(|most| usize::try_from(most).ok());
    kwargs.assert_all_used()?;
    if separator == Some("") {
        return Err(Error::new(ErrorKind::InvalidOperation, "empty separator"));
    }
    let pieces: Vec<&str> = match (separator, most, from_end) {
        (Some(separator), None, _) => text.split(separator).collect(),
        (Some(separator), Some(most), false) => text.splitn(most.saturating_add(1), separator).collect(),
        (Some(separator), Some(most), true) => {
            let mut pieces: Vec<_> = text.rsplitn(most.saturating_add(1), separator).collect();
            pieces.reverse();
            pieces
        }
        (None, most, false) => split_words(text, most.unwrap_or(usize::MAX)),
        (None, most, true) => split_words_from_end(text, most.unwrap_or(usize::MAX)),
    };
    Ok(Value::from(pieces.into_iter().map(Value::from).collect::<Vec<_>>()))
}

fn split_words(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        match rest.find(is_space) {
            Some(end) if pieces.len() < most => {
                pieces.push(&rest[..end]);
                rest = rest[end..].trim_start_matches(is_space);
            }
            _ if pieces.len() < most => {
                pieces.push(rest);
                break;
            }
            _ => {
                // Python leaves the white space at the end of the last piece.
                pieces.push(rest);
                break;
            }
        }
    }
    pieces
}

fn split_words_from_end(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while !rest.is_empty() {
        match rest.char_indices().rfind(|&(_, c)| is_space(c)) {
            Some((at, c)) if pieces.len() < most => {
                pieces.push(&rest[at + c.len_utf8()..]);
                rest = rest[..at].trim_end_matches(is_space);
            }
            _ => {
                pieces.push(rest);
                break;
            }
        }
    }
    pieces.reverse();
    pieces
}

fn split_lines(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (keep, kwargs): (Option<bool>, Kwargs) = from_args(args)?;
    let keep = keep.or(kwargs.get("keepends")?).unwrap_or(false);
    kwargs.assert_all_used()?;
    Ok(Value::from(lines(text, keep).into_iter().map(Value::from).collect::<Vec<_>>()))
}

/// The lines of `text`, with their ends if asked to `keep` them.
pub(super) fn lines(text: &str, keep: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let mut after = at + c.len_utf8();
        match c {
            '\r' => {
                if let Some(&(_, '\n')) = chars.peek() {
                    chars.next();
                    after += 1;
                }
            }
            '\n' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {}
            _ => continue,
        }
        lines.push(&text[start..if keep { after } else { at }]);
        start = after;
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

/// Letters that no letter is before in upper case, others in lower case.
fn title(text: &str) -> String {
    let mut title = String::with_capacity(text.len());
    let mut is_inside = false;
    for c in text.chars() {
        if is_inside {
            title.extend(c.to_lowercase());
        } else {
            let mut upper = c.to_uppercase();
            title.extend(upper.next());
            title.extend(upper.flat_map(char::to_lowercase));
        }
        is_inside = c.is_lowercase() || c.is_uppercase();
    }
    title
}

/// `text` in the middle of `width` characters.
pub(super) fn centered(state: &State, text: &str, width: i64, fill: char) -> Result<String, Error> {
    let missing = missing(text, width);
    // As CPython does: what is odd goes before an odd width.
    let before = missing / 2 + usize::from(missing % 2 == 1 && width % 2 == 1);
    padded(state, [before, missing - before], text, fill)
}

fn missing(text: &str, width: i64) -> usize {
    usize::try_from(width).unwrap_or(0).saturating_sub(text.chars().count())
}

fn padded(state: &State, [before, after]: [usize; 2], text: &str, fill: char) -> Result<String, Error> {
    let length = before.saturating_add(after).saturating_mul(fill.len_utf8()).saturating_add(text.len());
    affordable(state, length)?;
    Meter::new(state).pay(1, length as u64)?;
    let mut padded = String::with_capacity(length);
    padded.extend(std::iter::repeat_n(fill, before));
    padded.push_str(text);
    padded.extend(std::iter::repeat_n(fill, after));
    Ok(padded)
}

fn justified(state: &State, text: &str, method: &str, args: &[Value]) -> Result<String, Error> {
    if method == "zfill" {
        let (width,): (i64,) = from_args(args)?;
        let sign = if text.starts_with(['+', '-']) { &text[..1] } else { "" };
        let zeros = padded(state, [missing(text, width), 0], &text[sign.len()..], '0')?;
        return Ok(format!("{sign}{zeros}"));
    }
    let (width, fill): (i64, Option<char>) = from_args(args)?;
    let fill = fill.unwrap_or(' ');
    match method {
        "ljust" => padded(state, [0, missing(text, width)], text, fill),
        "rjust" => padded(state, [missing(text, width), 0], text, fill),
        _ => centered(state, text, width, fill),
    }
}

fn partition(text: &str, args: &[Value], from_end: bool) -> Result<Value, Error> {
    let (separator,): (&str,) = from_args(args)?;
    if separator.is_empty() {
        return Err(Error::new(ErrorKind::InvalidOperation, "empty separator"));
    }
    let found = if from_end { text.rsplit_once(separator) } else { text.split_once(separator) };
    let parts = match found {
        Some((before, after)) => [before, separator, after],
        None if from_end => ["", "", text],
        None => [text, "", ""],
    };
    Ok(Value::from(Tuple::from(parts.map(Value::from))))
}

fn list_method(value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    if method == "copy" && !value.is_tuple() {
        let () = from_args(args)?;
        return Ok(value.clone());
    }
    let (what,): (&Value,) = from_args(args)?;
    let found = value.try_iter()?.position(|item| item == *what);
    found.map(Value::from).ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "there is no such item"))
}

fn dict_method(value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let keys = || value.try_iter();
    match method {
        "get" => {
            let _: (&Value, Option<Value>) = from_args(args)?;
            let found = value.get_item_opt_checked(&args[0])?;
            // A default that is undefined is one.
            Ok(found.unwrap_or_else(|| args.get(1).cloned().unwrap_or_else(|| Value::from(()))))
        }
        // No template can change it.
        "copy" => from_args::<()>(args).map(|()| value.clone()),
        "keys" => from_args::<()>(args).and_then(|()| Ok(Value::from(keys()?.collect::<Vec<_>>()))),
        "values" => {
            let () = from_args(args)?;
            keys()?.map(|key| value.get_item(&key)).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        _ => {
            let () = from_args(args)?;
            let pair = |key: Value| Ok(Value::from(Tuple::from([key.clone(), value.get_item(&key)?])));
            keys()?.map(pair).collect::<Result<Vec<_>, Error>>().map(Value::from)
        }
    }
}

/// The value of a key of a map, which may be undefined.
trait GetItem {
    fn get_item_opt_checked(&self, key: &Value) -> Result<Option<Value>, Error>;
}

impl GetItem for Value {
    fn get_item_opt_checked(&self, key: &Value) -> Result<Option<Value>, Error> {
        let Some(object) = self.as_object() else { return self.get_item(key).map(Some) };
        Ok(object.get_value(key))
    }
}

//! Methods of Python's strings that look for another one, in all of a string or in a part of it: places are those of characters.

use minijinja::value::{Value, from_args};
use minijinja::{Error, ErrorKind};

/// `find(what, start, end)` and its like: places are those of characters.
pub(super) fn place(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (within, what, start) = within(text, args)?;
    let found = within.and_then(|within| {
        let at = if method.starts_with('r') { within.rfind(what) } else { within.find(what) };
        at.map(|at| start + within[..at].chars().count())
    });
    match found {
        Some(at) => Ok(Value::from(at)),
        None if method.ends_with("find") => Ok(Value::from(-1)),
        None => Err(Error::new(ErrorKind::InvalidOperation, "substring not found")),
    }
}

/// `count(what, start, end)`.
pub(super) fn count(text: &str, args: &[Value]) -> Result<Value, Error> {
    within(text, args).map(|(within, what, _)| match (within, what) {
        (None, _) => Value::from(0),
        (Some(within), "") => Value::from(within.chars().count() + 1),
        (Some(within), what) => Value::from(within.matches(what).count()),
    })
}

/// The part of `text` that `what, start, end` say, `what`, and how many characters are before it; no part when it begins behind its end.
fn within<'a>(text: &'a str, args: &'a [Value]) -> Result<(Option<&'a str>, &'a str, usize), Error> {
    let (what, start, end): (&str, Option<i64>, Option<i64>) = from_args(args)?;
    let (within, start) = part(text, start, end);
    Ok((within, what, start))
}

/// `text[start:end]`, and how many characters are before it.
fn part(text: &str, start: Option<i64>, end: Option<i64>) -> (Option<&str>, usize) {
    if start.is_none() && end.is_none() {
        return (Some(text), 0);
    }
    let length = text.chars().count();
    let place = |place: i64| match usize::try_from(place) {
        Ok(place) => place,
        Err(_) => length.saturating_sub(usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let (start, end) = (place(start.unwrap_or(0)), end.map_or(length, place).min(length));
    if start > end {
        return (None, start);
    }
    let byte = |place: usize| text.char_indices().nth(place).map_or(text.len(), |(at, _)| at);
    (Some(&text[byte(start)..byte(end)]), start)
}

/// `startswith(what, start, end)` and `endswith`; `what` may be a tuple.
pub(super) fn has_at_end(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (what, start, end): (&Value, Option<i64>, Option<i64>) = from_args(args)?;
    let within = part(text, start, end).0;
    let has = |what: &Value| match what.as_str() {
        Some(what) if method == "startswith" => Ok(within.is_some_and(|within| within.starts_with(what))),
        Some(what) => Ok(within.is_some_and(|within| within.ends_with(what))),
        None => {
            let message = format!("expected a string or a tuple of strings for {method}, received {}", what.kind());
            Err(Error::new(ErrorKind::InvalidOperation, message))
        }
    };
    if !what.is_tuple() {
        return has(what).map(Value::from);
    }
    for what in what.try_iter()? {
        if has(&what)? {
            return Ok(Value::from(true));
        }
    }
    Ok(Value::from(false))
}

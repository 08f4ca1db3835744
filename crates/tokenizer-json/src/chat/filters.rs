//! Filters of Jinja that the engine has not, or that take other arguments there, or make another text.

use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, filters};

use super::arguments::Arguments;
use super::compare::{number, ordered};
use super::cost::{Meter, affordable, is_opaque};
use super::guard::{hashable, not_none};
use super::methods::{centered, lines, strip};
use super::numbers::{float_of, integer_of, whole};
use super::python::str_of;

pub(super) fn add(env: &mut Environment<'static>) {
    numbers(env);
    texts(env);
    lists(env);
    for name in ["default", "d"] {
        env.add_filter(name, |value: Value, args: Rest<Value>, kwargs: Kwargs| {
            let args = Arguments::new(&["default_value", "boolean"], args, &kwargs)?;
            let is_absent = value.is_undefined() || (args.is_true("boolean") && !value.is_true());
            Ok::<_, Error>(if is_absent {
                args.get("default_value").cloned().unwrap_or_else(|| Value::from(""))
            } else {
                value
            })
        });
    }
}

fn numbers(env: &mut Environment<'static>) {
    env.add_filter("int", |value: &Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(&["default", "base"], args, &kwargs)?;
        let number = match (value.as_str(), value.kind()) {
            (Some(text), _) => match integer_of(text, args.integer("base", 10)?) {
                Some(number) => Some(Value::from(number)),
                None => float_of(text).map(whole).transpose()?.flatten(),
            },
            (None, ValueKind::Bool) => Some(Value::from(i64::from(value.is_true()))),
            (None, ValueKind::Number) if value.is_integer() => Some(value.clone()),
            (None, ValueKind::Number) => whole(f64::try_from(value.clone())?)?,
            (None, ValueKind::Undefined) => return Err(Error::from(ErrorKind::UndefinedError)),
            (None, _) => None,
        };
        Ok::<_, Error>(number.unwrap_or_else(|| args.get("default").cloned().unwrap_or_else(|| Value::from(0))))
    });
    env.add_filter("float", |state: &State, value: &Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(&["default"], args, &kwargs)?;
        let default = || args.get("default").cloned().unwrap_or_else(|| Value::from(0.0));
        match (value.as_str(), value.kind()) {
            (Some(text), _) => Ok(float_of(text).map_or_else(default, Value::from)),
            (None, ValueKind::Bool | ValueKind::Number) => filters::float(state, value, None, no_names()),
            (None, ValueKind::Undefined) => Err(Error::from(ErrorKind::UndefinedError)),
            (None, _) => Ok(default()),
        }
    });
    env.add_filter("round", |value: Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(&["precision", "method"], args, &kwargs)?;
        let is_directed = args.get("method").is_some_and(|method| method.as_str() != Some("common"));
        let value = match value.kind() {
            // Python's `math.ceil(x * 10**n) / 10**n` is a float, whatever x is.
            ValueKind::Bool | ValueKind::Number if is_directed => Value::from(f64::try_from(number(&value))?),
            _ => number(&value),
        };
        filters::round(value, None, None, args.named())
    });
}

fn no_names() -> Kwargs {
    std::iter::empty::<(&str, Value)>().collect()
}

fn texts(env: &mut Environment<'static>) {
    for name in ["e", "escape", "forceescape"] {
        env.add_filter(name, move |state: &State, value: &Value| {
            if value.is_safe() && name != "forceescape" {
                return Ok(value.clone());
            }
            let escaped = escaped(&str_of(state, value)?);
            Meter::new(state).pay(1, escaped.len() as u64)?;
            Ok::<_, Error>(Value::from_safe_string(escaped))
        });
    }
    env.add_filter("safe", |state: &State, value: &Value| str_of(state, value).map(Value::from_safe_string));
    env.add_filter("trim", |state: &State, value: &Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(&["chars"], args, &kwargs)?;
        let chars = args.get("chars").filter(|chars| !chars.is_none()).map(text).transpose()?;
        Meter::new(state).characters(chars.unwrap_or_default())?;
        match value.as_str() {
            Some(text) => Ok::<_, Error>(strip(text, chars, true, true).to_owned()),
            None => Ok(strip(&str_of(state, value)?, chars, true, true).to_owned()),
        }
    });
    env.add_filter("replace", |state: &State, value: &Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(&["old", "new", "count"], args, &kwargs)?;
        let (Some(old), Some(new)) = (args.get("old"), args.get("new")) else {
            return Err(Error::from(ErrorKind::MissingArgument));
        };
        let count = args.get("count").filter(|count| !count.is_none()).cloned().map(i64::try_from).transpose()?;
        let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
        let [value, old, new] = [str_of(state, value)?, str_of(state, old)?, str_of(state, new)?];
        let found = value.matches(&*old).take(count).count();
        let length = value.len().saturating_add(found.saturating_mul(new.len()));
        affordable(state, length)?;
        // To search takes a look at what is searched for too, twice.
        let read = value.len().saturating_add(old.len().saturating_mul(4)).saturating_add(length);
        Meter::new(state).pay(1 + found as u64, read as u64)?;
        Ok::<_, Error>(value.replacen(&*old, &new, count))
    });
    env.add_filter("center", |state: &State, value: &Value, args: Rest<Value>, kwargs: Kwargs| {
        let width = Arguments::new(&["width"], args, &kwargs)?.integer("width", 80)?;
        centered(state, &str_of(state, value)?, width, ' ')
    });
    env.add_filter("indent", indent);
    env.add_filter("truncate", |state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
        // What is undefined is short enough.
        if value.is_undefined() { Ok(value) } else { truncate(state, &value, args, kwargs).map(Value::from) }
    });
}

fn text(value: &Value) -> Result<&str, Error> {
    value
        .as_str()
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("expected a string, received {}", value.kind())))
}

/// `text` as markupsafe escapes it.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&#34;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[expect(clippy::needless_pass_by_value, reason = "the engine hands arguments over so")]
fn indent(state: &State, value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let args = Arguments::new(&["width", "first", "blank"], args, &kwargs)?;
    let whole = format!("{}\n", text(value)?);
    let lines = lines(&whole, false);
    let indention = match args.get("width") {
        Some(width) if width.as_str().is_some() => text(width)?.to_owned(),
        _ => {
            let width = usize::try_from(args.integer("width", 4)?).unwrap_or(0);
            affordable(state, width)?;
            " ".repeat(width)
        }
    };
    let length = whole.len().saturating_add(indention.len().saturating_mul(lines.len()));
    affordable(state, length)?;
    Meter::new(state).pay(lines.len() as u64, length as u64)?;
    let mut indented = String::with_capacity(length);
    for (index, line) in lines.into_iter().enumerate() {
        if index > 0 {
            indented.push('\n');
        }
        let is_wanted = if index == 0 { args.is_true("first") } else { args.is_true("blank") || !line.is_empty() };
        if is_wanted {
            indented.push_str(&indention);
        }
        indented.push_str(line);
    }
    Ok(indented)
}

#[expect(clippy::needless_pass_by_value, reason = "the engine hands arguments over so")]
fn truncate(state: &State, value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let args = Arguments::new(&["length", "killwords", "end", "leeway"], args, &kwargs)?;
    let text_of_value = text(value)?;
    let end = args.get("end").map_or(Ok("..."), text)?;
    let leeway = match args.get("leeway") {
        Some(leeway) if !leeway.is_none() => i64::try_from(leeway.clone())?,
        _ => 5,
    };
    let (length, end_length) = (args.integer("length", 255)?, end.chars().count());
    let kept = usize::try_from(length).ok().and_then(|length| length.checked_sub(end_length));
    let (Some(kept), Ok(leeway)) = (kept, usize::try_from(leeway)) else {
        let message = format!("expected a length of at least {end_length} and a leeway of at least 0 for truncate");
        return Err(Error::new(ErrorKind::InvalidOperation, format!("{message}, received {length} and {leeway}")));
    };
    Meter::new(state).pay(1, text_of_value.len() as u64)?;
    let most = kept.saturating_add(end_length).saturating_add(leeway);
    if text_of_value.chars().count() <= most {
        return Ok(text_of_value.to_owned());
    }
    let kept = text_of_value.char_indices().nth(kept).map_or(text_of_value, |(at, _)| &text_of_value[..at]);
    let kept = if args.is_true("killwords") { kept } else { kept.rsplit_once(' ').map_or(kept, |(words, _)| words) };
    Ok(format!("{kept}{end}"))
}

/// Those of the engine, whose arguments Jinja takes by place too.
fn lists(env: &mut Environment<'static>) {
    env.add_filter("join", |state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(&["d", "attribute"], args, &kwargs)?;
        not_none(&value)?;
        let joiner = args.get("d").map(|joiner| str_of(state, joiner)).transpose()?.unwrap_or_default();
        let items = match value.as_str() {
            Some(text) => text.chars().map(Value::from).collect(),
            None => keys_of(&value, args.get("attribute"))?.into_iter().next().unwrap_or_default(),
        };
        let mut joined = String::new();
        for (index, item) in items.iter().enumerate() {
            let made = if item.as_str().is_none() { str_of(state, item)? } else { String::new() };
            let part = item.as_str().unwrap_or(&made);
            let joiner = if index == 0 { "" } else { joiner.as_str() };
            affordable(state, joined.len() + joiner.len() + part.len())?;
            Meter::new(state).pay(3, (joiner.len() + part.len()) as u64)?;
            joined.extend([joiner, part]);
        }
        Ok::<_, Error>(joined)
    });
    env.add_filter("list", |state: &State, value: Value| {
        not_none(&value)?;
        filters::list(state, value)
    });
    env.add_filter("sort", |state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(&["reverse", "case_sensitive", "attribute"], args, &kwargs)?;
        let attribute = args.get("attribute").cloned();
        let sorted = filters::sort(state, value, args.named())?;
        for mut keys in keys_of(&sorted, attribute.as_ref())? {
            // Python compares lists of them, and so none with one that is equal.
            keys.dedup();
            ordered(&keys)?;
        }
        Ok::<_, Error>(sorted)
    });
    env.add_filter("dictsort", |value: &Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(&["case_sensitive", "by", "reverse"], args, &kwargs)?;
        let by = match args.get("by").and_then(Value::as_str) {
            None | Some("key") => 0,
            Some("value") => 1,
            Some(by) => {
                let message = format!("expected key or value for by of dictsort, received {by}");
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        };
        let sorted = filters::dictsort(value, args.named())?;
        in_order(&sorted, Some(&Value::from(by)))?;
        Ok(sorted)
    });
    env.add_filter("groupby", |state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(&["attribute", "default", "case_sensitive"], args, &kwargs)?;
        let Some(attribute) = args.get("attribute").cloned() else {
            return Err(Error::from(ErrorKind::MissingArgument));
        };
        let named = ["default", "case_sensitive"].into_iter();
        let named = named.filter_map(|name| Some((name, args.get(name).filter(|value| !value.is_none())?.clone())));
        let path = attribute.as_str().map_or_else(|| attribute.to_string(), str::to_owned);
        let items = filters::list(state, value)?;
        if args.get("default").is_none_or(Value::is_none) {
            in_order(&items, Some(&attribute))?;
        }
        filters::groupby(items, Some(&path), named.collect())
    });
    let names = &["case_sensitive", "attribute"];
    env.add_filter("unique", |state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(names, args, &kwargs)?;
        let value = filters::list(state, value)?;
        keys_of(&value, args.get("attribute"))?.iter().flatten().try_for_each(hashable)?;
        filters::unique(state, value, args.named())
    });
    env.add_filter("min", |state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(names, args, &kwargs)?;
        let value = filters::list(state, value)?;
        in_order(&value, args.get("attribute"))?;
        filters::min(state, value, args.named())
    });
    env.add_filter("max", |state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
        let args = Arguments::new(names, args, &kwargs)?;
        let value = filters::list(state, value)?;
        in_order(&value, args.get("attribute"))?;
        filters::max(state, value, args.named())
    });
    env.add_filter("attr", |value: &Value, name: &str| match value.as_object() {
        // In Python it looks for attributes alone: what a mapping holds are items.
        Some(object) if is_opaque(value) => object.get_value(&Value::from(name)).unwrap_or_default(),
        _ => Value::UNDEFINED,
    });
    env.add_filter("slice", |state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
        let (count, fill) = count_and_fill("slices", args, &kwargs)?;
        filters::slice(state, value, count, fill)
    });
    env.add_filter("batch", |state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs| {
        let (count, fill) = count_and_fill("linecount", args, &kwargs)?;
        filters::batch(state, value, count, fill)
    });
}

/// Fails unless there is an order of the items of `list`, or of what `attribute` of each of them is.
fn in_order(list: &Value, attribute: Option<&Value>) -> Result<(), Error> {
    keys_of(list, attribute)?.iter().try_for_each(|keys| ordered(keys))
}

/// The items of `list`, or what `attribute` of each of them is; one list for each attribute.
fn keys_of(list: &Value, attribute: Option<&Value>) -> Result<Vec<Vec<Value>>, Error> {
    let items: Vec<Value> = list.try_iter()?.collect();
    let Some(attribute) = attribute.filter(|attribute| !attribute.is_none()) else { return Ok(vec![items]) };
    let keys = |path: &str| {
        let of = |item: &Value| match attribute.as_str() {
            None => item.get_item(attribute),
            Some(_) => path.split('.').try_fold(item.clone(), |value, name| match name.parse::<usize>() {
                Ok(index) => value.get_item(&Value::from(index)),
                Err(_) => value.get_attr(name),
            }),
        };
        items.iter().map(of).collect()
    };
    attribute.as_str().unwrap_or_default().split(',').map(keys).collect()
}

fn count_and_fill(count: &'static str, args: Rest<Value>, kwargs: &Kwargs) -> Result<(usize, Option<Value>), Error> {
    let args = Arguments::new(&[count, "fill_with"], args, kwargs)?;
    let count = args.get(count).ok_or_else(|| Error::from(ErrorKind::MissingArgument))?;
    let fill = args.get("fill_with").filter(|fill| !fill.is_none());
    Ok((usize::try_from(count.clone())?, fill.cloned()))
}

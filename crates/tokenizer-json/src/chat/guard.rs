//! The engine's operators, at the price of their work, with lists that are lists. Its own give views of lists (slices, sums, products), which nest
//! without a limit, and a list that is put into another one in a loop would nest as deep as the fuel lasts: to drop or compare it would take more stack
//! than there is, which no caller can catch. So whatever puts values into another one looks how deep they are, and views become lists at once.
//!
//! `program.rs` puts calls of these functions into a template. No template can name them: their names are none.

use std::cmp::Ordering;

use minijinja::value::{Kwargs, Rest, Tuple, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, filters, functions};

use super::cost::{Meter, affordable, is_opaque};
use super::python::str_of;

pub(super) const EQUAL: &str = "tokenmill ==";
pub(super) const UNEQUAL: &str = "tokenmill !=";
pub(super) const LESS: &str = "tokenmill <";
pub(super) const LESS_OR_EQUAL: &str = "tokenmill <=";
pub(super) const GREATER: &str = "tokenmill >";
pub(super) const GREATER_OR_EQUAL: &str = "tokenmill >=";
pub(super) const IN: &str = "tokenmill in";
pub(super) const ITEM: &str = "tokenmill item";
pub(super) const JOIN: &str = "tokenmill ~";
pub(super) const LIST: &str = "tokenmill list";
pub(super) const TUPLE: &str = "tokenmill tuple";
pub(super) const MAP: &str = "tokenmill map";
/// Pays for the surface of the arguments, and gives them back in reverse: `UnpackList` puts them where they were.
pub(super) const SURFACE: &str = "tokenmill surface";
/// The same for all that is in them.
pub(super) const WHOLE: &str = "tokenmill whole";
/// The same for all that is in them, to be compared with one another.
pub(super) const SORTED: &str = "tokenmill sorted";
/// The same for the second and further ones, as often as the first has items.
pub(super) const EACH: &str = "tokenmill each";
/// A view as a list.
pub(super) const OWN: &str = "tokenmill own";
/// A view as a list, of data that does not nest too deep.
pub(super) const DATA: &str = "tokenmill data";
/// What a loop goes through.
pub(super) const ITERABLE: &str = "tokenmill iterable";
/// What a function is given that may be a loop.
pub(super) const ARGUMENT: &str = "tokenmill argument";
/// What an attribute of a namespace is set to.
pub(super) const ATTRIBUTE: &str = "tokenmill attribute";

/// Adds all of them to `env`, and those tests, filters and functions of the engine that do not pay enough.
pub(super) fn add(env: &mut Environment<'static>) {
    operators(env);
    arguments(env);
    tests(env);
    env.add_function(OWN, own);
    env.add_function(DATA, data);
    env.add_function(ITERABLE, |state: &State, value: Value| {
        match value.as_str() {
            // A list: a loop over it knows how many there are.
            Some(text) => {
                Meter::new(state).pay(text.chars().count() as u64, text.len() as u64)?;
                Ok(Value::from(text.chars().map(Value::from).collect::<Vec<_>>()))
            }
            None => listed(state, value),
        }
    });
    env.add_function(ARGUMENT, |state: &State, value: Value| {
        if let Some(text) = value.as_str() {
            Meter::new(state).pay(1, text.len() as u64)?;
        }
        listed(state, value)
    });
    env.add_function(ATTRIBUTE, |value: Value| {
        if is_opaque(&value) {
            let message = format!("expected data for an attribute of a namespace, received {}", value.kind());
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        Ok(value)
    });
    env.add_function("range", |state: &State, lower: isize, upper: Option<isize>, step: Option<isize>| {
        own(state, functions::range(lower, upper, step)?)
    });
    env.add_function("dict", |state: &State, value: Option<Value>, more: Kwargs| {
        if let Some(value) = &value {
            Meter::new(state).surface(value)?;
        }
        data(state, functions::dict(value, more)?)
    });
    env.add_function("namespace", |state: &State, defaults: Option<ValueOrKwargs>| {
        let defaults = defaults.map(ValueOrKwargs::into_value);
        if let Some(values) = &defaults
            && values.kind() == ValueKind::Map
        {
            for key in values.try_iter()? {
                Meter::new(state).data(&values.get_item(&key)?)?;
            }
        }
        functions::namespace(defaults.map(ValueOrKwargs::from))
    });
    // It shows all there is.
    env.remove_global("debug");
    // The engine adds lists as well, as views of views.
    env.add_filter(
        "sum",
        |state: &State, values: Value, attribute: Option<&str>, start: Option<Value>, kwargs: Kwargs| {
            let named: Option<Value> = kwargs.peek("start")?;
            if start.iter().chain(&named).any(|start| start.as_object().is_some()) {
                return Err(Error::new(ErrorKind::InvalidOperation, "expected a number for start of sum"));
            }
            filters::sum(state, values, attribute, start, kwargs)
        },
    );
}

fn operators(env: &mut Environment<'static>) {
    env.add_function(EQUAL, equal);
    env.add_function(UNEQUAL, |state: &State, a: &Value, b: &Value| equal(state, a, b).map(|equal| !equal));
    env.add_function(LESS, |state: &State, a: &Value, b: &Value| order(state, a, b).map(Ordering::is_lt));
    env.add_function(LESS_OR_EQUAL, |state: &State, a: &Value, b: &Value| order(state, a, b).map(Ordering::is_le));
    env.add_function(GREATER, |state: &State, a: &Value, b: &Value| order(state, a, b).map(Ordering::is_gt));
    env.add_function(GREATER_OR_EQUAL, |state: &State, a: &Value, b: &Value| order(state, a, b).map(Ordering::is_ge));
    env.add_function(IN, contains);
    env.add_function(ITEM, item);
    env.add_function(JOIN, |state: &State, a: &Value, b: &Value| {
        let text = |value: &Value| if value.as_str().is_some() { Ok(String::new()) } else { str_of(state, value) };
        let made = [text(a)?, text(b)?];
        let parts = [a.as_str().unwrap_or(&made[0]), b.as_str().unwrap_or(&made[1])];
        affordable(state, parts[0].len() + parts[1].len())?;
        Ok::<_, Error>(Value::from(parts.concat()))
    });
    env.add_function(LIST, |state: &State, items: Rest<Value>| parts(state, items).map(Value::from));
    env.add_function(TUPLE, |state: &State, items: Rest<Value>| {
        parts(state, items).map(|items| Value::from(Tuple::from(items)))
    });
    env.add_function(MAP, |state: &State, items: Rest<Value>| {
        let mut items = parts(state, items)?.into_iter();
        let pairs = std::iter::from_fn(|| items.next().zip(items.next()));
        Ok::<_, Error>(Value::from_pairs(pairs.collect::<Vec<_>>()))
    });
}

/// The functions that only pay for arguments.
fn arguments(env: &mut Environment<'static>) {
    env.add_function(SURFACE, |state: &State, args: Rest<ValueOrKwargs>| {
        let mut meter = Meter::new(state);
        reversed(args, |args| args.iter().try_for_each(|value| meter.surface(value)))
    });
    env.add_function(WHOLE, |state: &State, args: Rest<ValueOrKwargs>| {
        let mut meter = Meter::new(state);
        reversed(args, |args| args.iter().try_for_each(|value| meter.whole(value).map(drop)))
    });
    env.add_function(SORTED, |state: &State, args: Rest<ValueOrKwargs>| {
        let mut meter = Meter::new(state);
        reversed(args, |args| sorted(&mut meter, args))
    });
    env.add_function(EACH, |state: &State, args: Rest<ValueOrKwargs>| {
        let mut meter = Meter::new(state);
        reversed(args, |args| match args {
            // A filter, which may do anything with the items.
            [_, filter, ..] if filter.as_str().is_some() => sorted(&mut meter, args),
            _ => each(&mut meter, args),
        })
    });
}

fn reversed(args: Rest<ValueOrKwargs>, mut pay: impl FnMut(&[Value]) -> Result<(), Error>) -> Result<Value, Error> {
    let mut args = args.into_values();
    pay(&args)?;
    args.reverse();
    Ok(Value::from(args))
}

/// Pays for sorting the items of the first argument, by what the others say.
fn sorted(meter: &mut Meter, args: &[Value]) -> Result<(), Error> {
    let Some(first) = args.first() else { return Ok(()) };
    let times = u64::from(first.len().unwrap_or(0).max(1).ilog2());
    let units = meter.whole(first)?;
    meter.pay(0, units.saturating_mul(times))?;
    each(meter, args)
}

/// Pays for what is done with the other arguments for each item of the first one.
fn each(meter: &mut Meter, args: &[Value]) -> Result<(), Error> {
    let Some((first, others)) = args.split_first() else { return Ok(()) };
    meter.surface(first)?;
    let times = if first.as_str().is_some() { 1 } else { first.len().unwrap_or(1) as u64 };
    for value in others {
        let units = meter.whole(value)?;
        meter.pay(0, units.saturating_mul(times))?;
    }
    Ok(())
}

/// The tests that compare, and those that read texts: they are also what `select` and its like call.
fn tests(env: &mut Environment<'static>) {
    for name in ["eq", "equalto", "=="] {
        env.add_test(name, equal);
    }
    for name in ["ne", "!="] {
        env.add_test(name, |state: &State, a: &Value, b: &Value| equal(state, a, b).map(|equal| !equal));
    }
    for name in ["lt", "lessthan", "<"] {
        env.add_test(name, |state: &State, a: &Value, b: &Value| order(state, a, b).map(Ordering::is_lt));
    }
    for name in ["le", "<="] {
        env.add_test(name, |state: &State, a: &Value, b: &Value| order(state, a, b).map(Ordering::is_le));
    }
    for name in ["gt", "greaterthan", ">"] {
        env.add_test(name, |state: &State, a: &Value, b: &Value| order(state, a, b).map(Ordering::is_gt));
    }
    for name in ["ge", ">="] {
        env.add_test(name, |state: &State, a: &Value, b: &Value| order(state, a, b).map(Ordering::is_ge));
    }
    env.add_test("in", contains);
    env.add_test("sameas", |state: &State, a: &Value, b: &Value| {
        Meter::new(state).comparison(a, b)?;
        Ok::<_, Error>(minijinja::tests::is_sameas(a, b))
    });
    env.add_test("startingwith", |state: &State, text: &str, other: &str| {
        Meter::new(state).pay(1, other.len() as u64).map(|()| text.starts_with(other))
    });
    env.add_test("endingwith", |state: &State, text: &str, other: &str| {
        Meter::new(state).pay(1, other.len() as u64).map(|()| text.ends_with(other))
    });
    env.add_test("lower", |state: &State, value: &Value| {
        Meter::new(state).characters(value.as_str().unwrap_or_default()).map(|()| minijinja::tests::is_lower(value))
    });
    env.add_test("upper", |state: &State, value: &Value| {
        Meter::new(state).characters(value.as_str().unwrap_or_default()).map(|()| minijinja::tests::is_upper(value))
    });
}

fn equal(state: &State, a: &Value, b: &Value) -> Result<bool, Error> {
    Meter::new(state).comparison(a, b)?;
    Ok(a == b)
}

fn order(state: &State, a: &Value, b: &Value) -> Result<Ordering, Error> {
    Meter::new(state).comparison(a, b)?;
    Ok(a.cmp(b))
}

/// Whether `value` is in `container`.
fn contains(state: &State, value: &Value, container: &Value) -> Result<bool, Error> {
    let mut meter = Meter::new(state);
    if let Some(text) = container.as_str() {
        let made;
        let part = if let Some(part) = value.as_str() {
            part
        } else {
            made = str_of(state, value)?;
            &made
        };
        meter.pay(1, (text.len() + part.len()) as u64)?;
        return Ok(text.contains(part));
    }
    match (container.kind(), container.as_object()) {
        (ValueKind::Map, Some(object)) => {
            meter.whole(value)?;
            Ok(object.get_value(value).is_some())
        }
        (ValueKind::Seq | ValueKind::Iterable, Some(_)) => {
            for item in container.try_iter()? {
                meter.comparison(&item, value)?;
                if item == *value {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (ValueKind::Undefined, _) | (_, Some(_)) => Ok(false),
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("expected a text, a list or a mapping to look into, received {}", container.kind()),
        )),
    }
}

/// `container[key]`.
fn item(state: &State, container: &Value, key: &Value) -> Result<Value, Error> {
    match container.as_str() {
        Some(text) => Meter::new(state).pay(1, text.len() as u64)?,
        None if container.kind() == ValueKind::Iterable => Meter::new(state).surface(container)?,
        None if key.kind() == ValueKind::Number => {}
        None => {
            Meter::new(state).whole(key)?;
        }
    }
    container.get_item(key)
}

/// The items of a list: data.
fn parts(state: &State, items: Rest<Value>) -> Result<Vec<Value>, Error> {
    let mut meter = Meter::new(state);
    items.iter().try_for_each(|item| meter.data(item))?;
    Ok(items.0)
}

/// `value`, or a list of what it gives, if all that it does is to give.
fn listed(state: &State, value: Value) -> Result<Value, Error> {
    if value.kind() == ValueKind::Iterable { own(state, value) } else { Ok(value) }
}

/// `value`, or a list of what it gives.
fn own(state: &State, value: Value) -> Result<Value, Error> {
    let Some(object) = value.as_object() else { return Ok(value) };
    let listed = value.is_tuple() || object.is::<Vec<Value>>();
    if listed || !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Ok(value);
    }
    let mut meter = Meter::new(state);
    let mut items = Vec::new();
    for item in value.try_iter()? {
        meter.pay(1, 0)?;
        items.push(item);
    }
    Ok(Value::from(items))
}

fn data(state: &State, value: Value) -> Result<Value, Error> {
    let value = own(state, value)?;
    if value.as_object().is_some() {
        let mut meter = Meter::new(state);
        for item in value.try_iter()? {
            meter.data(&item)?;
            if value.kind() == ValueKind::Map {
                meter.data(&value.get_item(&item)?)?;
            }
        }
    }
    Ok(value)
}

//! The engine's operators, at the price of their work, with lists that are lists. Its own give views of lists (slices, sums, products), which nest
//! without a limit, and a list that is put into another one in a loop would nest as deep as the fuel lasts: to drop or compare it would take more stack
//! than there is, which no caller can catch. So whatever puts values into another one looks how deep they are, and views become lists at once.
//!
//! `program.rs` puts calls of these functions into a template. No template can name them: their names are none.

use std::cmp::Ordering;

use minijinja::value::{Kwargs, Rest, Tuple, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, filters, functions};

use super::compare;
use super::cost::{Meter, affordable, is_holder, is_opaque, items_of};
use super::filters::escaped;
use super::generated::{Generated, is_generated};
use super::methods::method_of;
use super::python::{kind_of, str_of};

pub(super) const EQUAL: &str = "tokenmill ==";
pub(super) const UNEQUAL: &str = "tokenmill !=";
pub(super) const LESS: &str = "tokenmill <";
pub(super) const LESS_OR_EQUAL: &str = "tokenmill <=";
pub(super) const GREATER: &str = "tokenmill >";
pub(super) const GREATER_OR_EQUAL: &str = "tokenmill >=";
pub(super) const IN: &str = "tokenmill in";
pub(super) const ADD: &str = "tokenmill +";
pub(super) const ITEM: &str = "tokenmill item";
pub(super) const JOIN: &str = "tokenmill ~";
pub(super) const LIST: &str = "tokenmill list";
pub(super) const TUPLE: &str = "tokenmill tuple";
pub(super) const MAP: &str = "tokenmill map";
/// Pays for the surface of what is cut, and of where, and gives them back in reverse: `UnpackList` puts them where they were.
pub(super) const SURFACE: &str = "tokenmill surface";
/// The same for all that is in them.
pub(super) const WHOLE: &str = "tokenmill whole";
/// The same for all that is in them, to be compared with one another.
pub(super) const SORTED: &str = "tokenmill sorted";
/// The same for the second and further ones, as often as the first has items.
pub(super) const EACH: &str = "tokenmill each";
/// The same for values that are compared, of which there must be an order.
pub(super) const ORDERED: &str = "tokenmill ordered";
/// A view as a list.
pub(super) const OWN: &str = "tokenmill own";
/// A view as a list, of data that does not nest too deep.
pub(super) const DATA: &str = "tokenmill data";
/// A view, of data that does not nest too deep, as what Python calls a generator.
pub(super) const GENERATED: &str = "tokenmill generated";
/// What a filter of texts is applied to, as a text.
pub(super) const TEXT: &str = "tokenmill text";
/// What a loop goes through.
pub(super) const ITERABLE: &str = "tokenmill iterable";
/// What a function is given that may be a loop.
pub(super) const ARGUMENT: &str = "tokenmill argument";
/// An attribute that has the name of a method.
pub(super) const METHOD: &str = "tokenmill method";
/// What an attribute of a namespace is set to.
pub(super) const ATTRIBUTE: &str = "tokenmill attribute";

/// Adds all of them to `env`, and those tests, filters and functions of the engine that do not pay enough.
pub(super) fn add(env: &mut Environment<'static>) {
    operators(env);
    arguments(env);
    tests(env);
    env.add_function(OWN, own);
    env.add_function(DATA, data);
    env.add_function(TEXT, |state: &State, value: Value| {
        if value.as_str().is_some() || value.is_undefined() {
            Ok(value)
        } else {
            str_of(state, &value).map(Value::from)
        }
    });
    env.add_function(METHOD, |value: &Value, name: &str| method_of(value, name));
    env.add_function(GENERATED, |state: &State, value: Value| {
        let value = data(state, value)?;
        if value.kind() != ValueKind::Seq {
            return Ok(value);
        }
        value.try_iter().map(|items| Generated::value(items.collect()))
    });
    env.add_function(ITERABLE, |state: &State, value: Value| {
        not_none(&value)?;
        match value.as_str() {
            // A list: a loop over it knows how many there are.
            Some(text) => {
                Meter::new(state).pay(text.chars().count() as u64, text.len() as u64)?;
                Ok(Value::from(text.chars().map(Value::from).collect::<Vec<_>>()))
            }
            None => listed(state, value),
        }
    });
    env.add_function(ARGUMENT, |state: &State, value: ValueOrKwargs| {
        let is_named = value.is_kwargs();
        let value = value.into_value();
        if is_named {
            return Ok(value);
        }
        if let Some(text) = value.as_str() {
            Meter::new(state).pay(1, text.len() as u64)?;
        }
        listed(state, value)
    });
    env.add_function(ATTRIBUTE, |value: Value| {
        if is_holder(&value) {
            let message = format!("expected data for an attribute of a namespace, received a {}", kind_of(&value));
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
            Meter::new(state).surface(&values)?;
            filters::sum(state, values, attribute, start, kwargs)
        },
    );
}

fn operators(env: &mut Environment<'static>) {
    env.add_function(EQUAL, equal);
    env.add_function(UNEQUAL, |state: &State, a: &Value, b: &Value| equal(state, a, b).map(|equal| !equal));
    env.add_function(LESS, less);
    env.add_function(LESS_OR_EQUAL, less_or_equal);
    env.add_function(GREATER, greater);
    env.add_function(GREATER_OR_EQUAL, greater_or_equal);
    env.add_function(IN, contains);
    env.add_function(ADD, sum);
    env.add_function(ITEM, item);
    env.add_function(JOIN, |state: &State, a: &Value, b: &Value| {
        let text = |value: &Value| if value.as_str().is_some() { Ok(String::new()) } else { str_of(state, value) };
        let made = [text(a)?, text(b)?];
        let parts = [a.as_str().unwrap_or(&made[0]), b.as_str().unwrap_or(&made[1])];
        affordable(state, parts[0].len() + parts[1].len())?;
        Ok::<_, Error>(Value::from(parts.concat()))
    });
    env.add_function(LIST, |state: &State, items: Rest<ValueOrKwargs>| {
        // Arguments by name stand in a list beside those of `*`, which is taken apart at once.
        let items = items.into_values();
        let mut meter = Meter::new(state);
        items.iter().filter(|item| !item.is_kwargs()).try_for_each(|item| meter.data(item))?;
        Ok(Value::from(items))
    });
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
        reversed(args, |args| {
            if args.first().is_some_and(Value::is_undefined) {
                return Err(Error::from(ErrorKind::UndefinedError));
            }
            args.iter().try_for_each(|value| meter.surface(value))
        })
    });
    env.add_function(WHOLE, |state: &State, args: Rest<ValueOrKwargs>| {
        let mut meter = Meter::new(state);
        reversed(args, |args| args.iter().try_for_each(|value| meter.whole(value).map(drop)))
    });
    env.add_function(SORTED, |state: &State, args: Rest<ValueOrKwargs>| {
        let mut meter = Meter::new(state);
        reversed(args, |args| {
            args.first().map_or(Ok(()), not_none)?;
            sorted(&mut meter, args)
        })
    });
    env.add_function(ORDERED, |state: &State, args: Rest<ValueOrKwargs>| {
        let mut meter = Meter::new(state);
        reversed(args, |args| {
            args.iter().try_for_each(|value| meter.whole(value).map(drop))?;
            args.windows(2).try_for_each(|pair| compare::order(&pair[0], &pair[1]).map(drop))
        })
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
    let times = u64::from(1 + items_of(first).max(1).ilog2());
    let units = meter.whole(first)?;
    meter.pay(0, units.saturating_mul(times))?;
    each(meter, args)
}

/// Pays for what is done with the other arguments for each item of the first one.
fn each(meter: &mut Meter, args: &[Value]) -> Result<(), Error> {
    let Some((first, others)) = args.split_first() else { return Ok(()) };
    meter.surface(first)?;
    let times = if first.as_str().is_some() { 1 } else { items_of(first).max(1) };
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
        env.add_test(name, less);
    }
    for name in ["le", "<="] {
        env.add_test(name, less_or_equal);
    }
    for name in ["gt", "greaterthan", ">"] {
        env.add_test(name, greater);
    }
    for name in ["ge", ">="] {
        env.add_test(name, greater_or_equal);
    }
    env.add_test("in", contains);
    env.add_test("sameas", |state: &State, a: &Value, b: &Value| {
        Meter::new(state).comparison(a, b)?;
        Ok::<_, Error>(minijinja::tests::is_sameas(a, b))
    });
    // Jinja has them not.
    for name in ["startingwith", "endingwith", "safe", "int"] {
        env.remove_test(name);
    }
    env.add_test("lower", |state: &State, value: &Value| {
        let text = str_of(state, value)?;
        Meter::new(state).characters(&text)?;
        Ok::<_, Error>(minijinja::tests::is_lower(&Value::from(text)))
    });
    env.add_test("upper", |state: &State, value: &Value| {
        let text = str_of(state, value)?;
        Meter::new(state).characters(&text)?;
        Ok::<_, Error>(minijinja::tests::is_upper(&Value::from(text)))
    });
    env.add_test("odd", |value: &Value| remainder_of_two(value).map(|rest| rest - 1.0 == 0.0));
    env.add_test("even", |value: &Value| remainder_of_two(value).map(|rest| rest == 0.0));
}

fn equal(state: &State, a: &Value, b: &Value) -> Result<bool, Error> {
    Meter::new(state).comparison(a, b)?;
    if is_generated(a) || is_generated(b) {
        return Ok(minijinja::tests::is_sameas(a, b));
    }
    Ok(a == b)
}

fn less(state: &State, a: &Value, b: &Value) -> Result<bool, Error> {
    order(state, a, b).map(|order| order.is_some_and(Ordering::is_lt))
}

fn less_or_equal(state: &State, a: &Value, b: &Value) -> Result<bool, Error> {
    order(state, a, b).map(|order| order.is_some_and(Ordering::is_le))
}

fn greater(state: &State, a: &Value, b: &Value) -> Result<bool, Error> {
    order(state, a, b).map(|order| order.is_some_and(Ordering::is_gt))
}

fn greater_or_equal(state: &State, a: &Value, b: &Value) -> Result<bool, Error> {
    order(state, a, b).map(|order| order.is_some_and(Ordering::is_ge))
}

fn order(state: &State, a: &Value, b: &Value) -> Result<Option<Ordering>, Error> {
    Meter::new(state).comparison(a, b)?;
    compare::order(a, b)
}

/// `a + b`. A text that is safe (`safe`, `escape`) escapes what is added to it, as markupsafe's does.
fn sum(state: &State, a: &Value, b: &Value) -> Result<Value, Error> {
    if let (Some(first), Some(second)) = (a.as_str(), b.as_str()) {
        let is_safe = a.is_safe() || b.is_safe();
        let part = |value: &Value, text: &str| if is_safe && !value.is_safe() { Some(escaped(text)) } else { None };
        let parts = [part(a, first), part(b, second)];
        let parts = [parts[0].as_deref().unwrap_or(first), parts[1].as_deref().unwrap_or(second)];
        let length = parts[0].len() + parts[1].len();
        affordable(state, length)?;
        Meter::new(state).pay(1, length as u64)?;
        let text = parts.concat();
        return Ok(if is_safe { Value::from_safe_string(text) } else { Value::from(text) });
    }
    if a.kind() == ValueKind::Seq && b.kind() == ValueKind::Seq && a.is_tuple() == b.is_tuple() {
        Meter::new(state).pay(items_of(a).saturating_add(items_of(b)), 0)?;
        let items: Vec<Value> = a.try_iter()?.chain(b.try_iter()?).collect();
        return Ok(if a.is_tuple() { Value::from(Tuple::from(items)) } else { Value::from(items) });
    }
    let [x, y] = [a, b].map(compare::number);
    if x.kind() != ValueKind::Number || y.kind() != ValueKind::Number {
        let message = format!("there is no sum of {} and {}", kind_of(a), kind_of(b));
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    if x.is_integer() && y.is_integer() {
        let sum = i128::try_from(x).ok().zip(i128::try_from(y).ok()).and_then(|(x, y)| x.checked_add(y));
        return sum.map(Value::from).ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "a sum is too large"));
    }
    Ok(Value::from(f64::try_from(x)? + f64::try_from(y)?))
}

fn remainder_of_two(value: &Value) -> Result<f64, Error> {
    let number = compare::number(value);
    if let Ok(integer) = i128::try_from(number.clone()) {
        return Ok(f64::from(i8::from(integer % 2 != 0)));
    }
    match f64::try_from(number) {
        Ok(float) => Ok(float.rem_euclid(2.0)),
        Err(_) => {
            Err(Error::new(ErrorKind::InvalidOperation, format!("expected a number, received {}", kind_of(value))))
        }
    }
}

/// Fails for none, of which the engine makes an empty list.
pub(super) fn not_none(value: &Value) -> Result<(), Error> {
    if value.is_none() {
        return Err(Error::new(ErrorKind::InvalidOperation, "none is not iterable"));
    }
    Ok(())
}

/// Whether `value` is in `container`.
fn contains(state: &State, value: &Value, container: &Value) -> Result<bool, Error> {
    let mut meter = Meter::new(state);
    if let Some(text) = container.as_str() {
        let Some(part) = value.as_str() else {
            let message = format!("expected a text to look for in a text, received {}", kind_of(value));
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        };
        meter.pay(1, (text.len() + part.len()) as u64)?;
        return Ok(text.contains(part));
    }
    match (container.kind(), container.as_object()) {
        (ValueKind::Map, Some(object)) => {
            meter.whole(value)?;
            hashable(value)?;
            Ok(object.get_value(value).is_some())
        }
        (ValueKind::Seq | ValueKind::Iterable, Some(_)) => {
            for item in container.try_iter()? {
                meter.pay(2, 0)?;
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

/// Fails for lists and mappings, which are no keys.
pub(super) fn hashable(value: &Value) -> Result<(), Error> {
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Map) && !value.is_tuple() && !is_opaque(value) {
        let message = format!("expected what may be a key, received a {}", kind_of(value));
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok(())
}

/// `container[key]`.
fn item(state: &State, container: &Value, key: &Value) -> Result<Value, Error> {
    if is_generated(container) {
        return Ok(Value::UNDEFINED);
    }
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

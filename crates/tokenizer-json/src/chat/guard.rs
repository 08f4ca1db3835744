//! What a variable may be set to. A list that is put into another one in a loop would nest as deep as the fuel lasts, and dropping or comparing it
//! would take more stack than there is, which no caller can catch. So every `{% set %}` passes its value through here: it may nest as deep as JSON
//! is read, and lists that are views of others (slices, sums) become lists of their own.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

/// The function around the value of `{% set name = … %}`.
pub(super) const VARIABLE: &str = "tokenmill_variable__";
/// The function around the value of `{% set namespace.name = … %}`.
pub(super) const ATTRIBUTE: &str = "tokenmill_attribute__";

/// How deep values may nest.
const DEEPEST: usize = 160;
/// How many values are looked at for one fuel.
const VALUES_PER_FUEL: u64 = 8;

/// `value` for a variable.
pub(super) fn variable(state: &State, value: Value) -> Result<Value, Error> {
    if value.as_object().is_none() || is_opaque(&value) {
        return Ok(value);
    }
    let mut seen = 0;
    let checked = check(state, &value, 0, &mut seen);
    state.consume_fuel(seen % VALUES_PER_FUEL)?;
    checked?;
    if value.is_tuple() || value.downcast_object_ref::<Vec<Value>>().is_some() {
        return Ok(value);
    }
    let items = value.try_iter()?;
    if value.kind() != ValueKind::Map {
        return Ok(Value::from(items.collect::<Vec<_>>()));
    }
    let pairs = items.map(|key| value.get_item(&key).map(|item| (key, item))).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::from_pairs(pairs))
}

/// `value` for an attribute of a namespace, which outlives the loop it is set in.
pub(super) fn attribute(state: &State, value: Value) -> Result<Value, Error> {
    if is_opaque(&value) {
        let message = format!("expected data for an attribute of a namespace, received {}", value.kind());
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    variable(state, value)
}

/// Whether `value` is no data: a namespace, a macro, a loop.
fn is_opaque(value: &Value) -> bool {
    let Some(object) = value.as_object() else { return false };
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => false,
        ValueKind::Map => !object.type_name().contains("Map") && !object.type_name().contains("Merge"),
        _ => true,
    }
}

fn check(state: &State, value: &Value, depth: usize, seen: &mut u64) -> Result<(), Error> {
    *seen += 1;
    if seen.is_multiple_of(VALUES_PER_FUEL) {
        state.consume_fuel(1)?;
    }
    if value.as_object().is_none() {
        return Ok(());
    }
    if depth > DEEPEST {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "recursion limit exceeded by a value that a variable is set to",
        ));
    }
    if is_opaque(value) {
        return Err(Error::new(ErrorKind::InvalidOperation, "expected lists and mappings of data"));
    }
    for item in value.try_iter()? {
        if value.kind() == ValueKind::Map {
            check(state, &value.get_item(&item)?, depth + 1, seen)?;
        }
        check(state, &item, depth + 1, seen)?;
    }
    Ok(())
}

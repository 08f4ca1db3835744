//! One rendering.

use minijinja::State;
use minijinja::value::{Value, ValueKind};

use super::Error;
use super::cost::Meter;
use super::engine::Engine;
use super::error::spent;
use super::ink::Ink;
use super::roles::RoleTokens;
use super::values::Values;

/// Runs a template, and tells how much of the `fuel` it took. With an ink, the roles of `tokens` and, if so told, trusted values are
/// in it.
pub(super) fn run(
    engine: &Engine,
    values: &Values,
    fuel: u64,
    ink: Option<(&Ink, bool)>,
    tokens: &RoleTokens,
) -> (Result<String, Error>, u64) {
    let mut context: Vec<(String, Value)> = Vec::with_capacity(values.given.len() + values.trusted.len() + 1);
    for (name, value) in &values.trusted {
        let value = match ink {
            Some((ink, true)) => in_ink(value, ink),
            _ => value.clone(),
        };
        context.push((name.clone(), value));
    }
    for (name, value) in &values.given {
        let value = match ink {
            Some((ink, _)) if name == "messages" && !tokens.roles.is_empty() => with_roles_in_ink(value, ink, tokens),
            _ => value.clone(),
        };
        context.push((name.clone(), value));
    }
    if let Some(now) = values.now {
        let strftime_now = move |state: &State, format: &str| {
            Meter::new(state).characters(format)?;
            jiff::fmt::strtime::format(of_python(format), now)
                .map_err(|error| minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, error.to_string()))
        };
        context.push(("strftime_now".to_owned(), Value::from_function(strftime_now)));
    }
    let context = Value::from_pairs(context);
    let mut env = engine.env.clone();
    env.set_fuel(Some(fuel));
    match engine.program.run(&env, context) {
        Ok((text, used)) => (Ok(text), used),
        Err(error) => (Err(Error::from_engine(&error)), spent(&error, fuel)),
    }
}

/// A format of Python's `strftime` for a time without a zone, in the locale C, where jiff reads it otherwise.
fn of_python(format: &str) -> String {
    let mut out = String::with_capacity(format.len());
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('c') => out.push_str("%a %b %e %H:%M:%S %Y"),
            Some('f') => out.push_str("%6f"),
            Some('r') => out.push_str("%I:%M:%S %p"),
            Some('x') => out.push_str("%m/%d/%y"),
            Some('X') => out.push_str("%H:%M:%S"),
            Some('z' | 'Z') => {}
            Some(c) => out.extend(['%', c]),
            None => out.push_str("%%"),
        }
    }
    out
}

/// A string, or an array of them, in ink.
fn in_ink(value: &Value, ink: &Ink) -> Value {
    match value.as_str() {
        Some(text) => Value::from(ink.write(text)),
        None => match value.try_iter() {
            Ok(items) if value.kind() == ValueKind::Seq => items.map(|item| in_ink(&item, ink)).collect(),
            _ => value.clone(),
        },
    }
}

fn with_roles_in_ink(messages: &Value, ink: &Ink, tokens: &RoleTokens) -> Value {
    let Ok(items) = messages.try_iter() else { return messages.clone() };
    let message_in_ink = |message: Value| {
        let role = message.get_attr("role").ok();
        let Some(role) = role.as_ref().and_then(Value::as_str).filter(|role| tokens.roles.contains(*role)) else {
            return message;
        };
        let Ok(keys) = message.try_iter() else { return message };
        let pairs = keys.map(|key| {
            let item = if key.as_str() == Some("role") {
                Value::from(ink.write(role))
            } else {
                message.get_item(&key).unwrap_or_default()
            };
            (key, item)
        });
        Value::from_pairs(pairs)
    };
    items.map(message_in_ink).collect()
}

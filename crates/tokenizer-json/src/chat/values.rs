//! What a template is given, read once for all renderings of a chat.

use std::collections::HashSet;

use jiff::civil::DateTime;
use minijinja::value::{Value, ValueKind};

use super::{Error, Input};

/// The fuel of a template for a chat of nothing: one is an instruction, or 64 bytes.
const FUEL: u64 = 20_000;
/// What each value, and each byte of them, adds to the fuel.
const FUEL_PER_VALUE: u64 = 200;
const BYTES_PER_FUEL: u64 = 2;
/// Many templates look for each message through those after it: so many pairs of values add one to the fuel,
const PAIRS_PER_FUEL: u64 = 4;
/// and all of them no more than this, which is a second.
const MOST_FUEL_OF_PAIRS: u64 = 16_000_000;

/// Values that are read once for all renderings of a chat.
pub(super) struct Values {
    pub given: Vec<(String, Value)>,
    pub trusted: Vec<(String, Value)>,
    pub now: Option<DateTime>,
    pub fuel: u64,
}

impl Values {
    pub fn read(input: &Input<'_>) -> Result<Self, Error> {
        let invalid = |message: String| Error::Values { message };
        let object = |name: &str, json: &str| -> Result<Vec<(String, Value)>, Error> {
            let value: Value = serde_json::from_str(json).map_err(|error| {
                let message = format!("{name} cannot be read: {error}");
                if error.to_string().contains("recursion limit") {
                    Error::Limit { message }
                } else {
                    Error::Values { message }
                }
            })?;
            if value.kind() != ValueKind::Map {
                return Err(invalid(format!("expected a JSON object for {name}, received {}", value.kind())));
            }
            let keys = value.try_iter().map_err(|error| invalid(error.to_string()))?;
            keys.map(|key| {
                let item = value.get_item(&key).map_err(|error| invalid(error.to_string()))?;
                Ok((key.as_str().unwrap_or_default().to_owned(), item))
            })
            .collect()
        };
        let mut values = object("the values", input.values)?;
        for (name, value) in &mut values {
            if name == "messages"
                && value.kind() == ValueKind::Seq
                && let Ok(messages) = value.try_iter()
            {
                *value = messages.map(normalized).collect();
            }
        }
        let mut trusted = object("the special tokens", input.trusted)?;
        trusted.retain(|(name, _)| !values.iter().any(|(other, _)| other == name));
        let now = input
            .now
            .map(|now| now.parse().map_err(|error| invalid(format!("expected a date and time for now: {error}"))));
        let mut count = 0;
        for (_, value) in &values {
            count_values(value, &mut count);
        }
        let bytes = (input.values.len() + input.trusted.len()) as u64;
        let pairs = (count.saturating_mul(count) / PAIRS_PER_FUEL).min(MOST_FUEL_OF_PAIRS);
        let fuel = FUEL + FUEL_PER_VALUE * count + pairs + bytes / BYTES_PER_FUEL;
        Ok(Self { given: values, trusted, now: now.transpose()?, fuel })
    }

    /// The roles of the messages.
    pub fn roles(&self) -> HashSet<String> {
        let mut roles = HashSet::new();
        if let Some(messages) = self.given.iter().find(|(name, _)| name == "messages")
            && let Ok(messages) = messages.1.try_iter()
        {
            roles.extend(messages.filter_map(|message| message.get_attr("role").ok()?.as_str().map(str::to_owned)));
        }
        roles
    }
}

/// The names that the thoughts of a message may have, the first of which is the one that templates read.
const THOUGHTS: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// A message as `apply_chat_template` of transformers 5 hands it over: without fields that are null, and with thoughts by the name of
/// `reasoning_content` and of `thinking`, which comes first.
fn normalized(message: Value) -> Value {
    let (ValueKind::Map, Ok(keys)) = (message.kind(), message.try_iter()) else { return message };
    let fields = keys.map(|key| {
        let value = message.get_item(&key).unwrap_or_default();
        (key, value)
    });
    let mut fields: Vec<(Value, Value)> = fields.filter(|(_, value)| !value.is_none()).collect();
    let place = |fields: &[(Value, Value)], name| fields.iter().position(|(key, _)| key.as_str() == Some(name));
    if let Some(at) = THOUGHTS.iter().find_map(|name| place(&fields, name)) {
        let thoughts = fields[at].1.clone();
        let first = match place(&fields, "thinking") {
            Some(at) => fields.remove(at),
            None => (Value::from("thinking"), thoughts.clone()),
        };
        fields.insert(0, first);
        if place(&fields, "reasoning_content").is_none() {
            fields.push((Value::from("reasoning_content"), thoughts));
        }
    }
    Value::from_pairs(fields)
}

/// Calls `note` for every string in `value`, keys too. It is as deep as JSON is read, 128.
pub(super) fn each_string(value: &Value, note: &mut impl FnMut(&str)) {
    if let Some(text) = value.as_str() {
        return note(text);
    }
    let (ValueKind::Seq | ValueKind::Map, Ok(items)) = (value.kind(), value.try_iter()) else { return };
    for item in items {
        if value.kind() == ValueKind::Map
            && let Ok(held) = value.get_item(&item)
        {
            each_string(&held, note);
        }
        each_string(&item, note);
    }
}

fn count_values(value: &Value, count: &mut u64) {
    *count += 1;
    let (ValueKind::Seq | ValueKind::Map, Ok(items)) = (value.kind(), value.try_iter()) else { return };
    for item in items {
        let held = if value.kind() == ValueKind::Map { value.get_item(&item).unwrap_or_default() } else { item };
        count_values(&held, count);
    }
}

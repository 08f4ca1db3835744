//! What work costs, where the engine does not know it. Its fuel is for instructions and for what they make; an operator that compares, searches or
//! counts through what there is costs it one instruction, however long that is.

use minijinja::tests::is_sameas;
use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use super::generated::{Generated, is_generated};
use super::python::kind_of;

/// How deep values may nest: deeper than JSON is read.
pub(super) const DEEPEST: usize = 160;
/// One fuel is worth so many units, and one byte that is read costs one: the engine's own price for copying.
const UNITS_PER_FUEL: u64 = 64;
/// What it costs to look at a value, besides its bytes.
const VALUE: u64 = 32;

/// What it costs to begin to go through the items of a value, in values.
const ITEMS: u64 = 2;
/// What it costs to ask what a character is, for each of its bytes.
const CHARACTER: u64 = 8;

/// Counts what a piece of work costs, and takes it from the fuel as it grows.
pub(super) struct Meter<'a, 'template, 'env> {
    state: &'a State<'template, 'env>,
    owed: u64,
}

impl<'a, 'template, 'env> Meter<'a, 'template, 'env> {
    pub fn new(state: &'a State<'template, 'env>) -> Self {
        Self { state, owed: 0 }
    }

    /// Pays for `times` values and so many `bytes`.
    ///
    /// # Errors
    /// The engine's, when there is not so much fuel.
    pub fn pay(&mut self, times: u64, bytes: u64) -> Result<(), Error> {
        self.owed = self.owed.saturating_add(times.saturating_mul(VALUE)).saturating_add(bytes);
        let whole = self.owed / UNITS_PER_FUEL;
        self.owed %= UNITS_PER_FUEL;
        if whole > 0 { self.state.consume_fuel(whole) } else { Ok(()) }
    }

    /// Pays for a look at each character of `text`, some times: to ask what it is, or to sort them.
    pub fn characters(&mut self, text: &str) -> Result<(), Error> {
        self.pay(1, CHARACTER * text.len() as u64)
    }

    /// Pays for a look at `value`: the bytes of a string, the places of a list, not what is in them.
    pub fn surface(&mut self, value: &Value) -> Result<(), Error> {
        match value.as_str() {
            Some(text) => self.pay(1, text.len() as u64),
            None if value.as_object().is_some() => self.pay(1 + items_of(value), 0),
            None => self.pay(1, 0),
        }
    }

    /// Pays for all that is in `value`, as often as it is in it, and says how much that is in units.
    ///
    /// # Errors
    /// Also when it nests deeper than [`DEEPEST`].
    pub fn whole(&mut self, value: &Value) -> Result<u64, Error> {
        self.walk(value, 0, &mut |_| Ok(()))
    }

    /// Pays for all that is in `value`, which is to be put into another one: it must be data, and not nest too deep for that.
    pub fn data(&mut self, value: &Value) -> Result<(), Error> {
        let mut refuse = |value: &Value| {
            if is_holder(value) {
                let message = format!("expected lists and mappings of data, received a {}", kind_of(value));
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
            Ok(())
        };
        self.walk(value, 1, &mut refuse).map(drop)
    }

    fn walk(
        &mut self,
        value: &Value,
        depth: usize,
        look: &mut impl FnMut(&Value) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let bytes = value.as_str().map_or(0, str::len) as u64;
        self.pay(1, bytes)?;
        let mut units = VALUE + bytes;
        if value.as_object().is_none() {
            return Ok(units);
        }
        if depth > DEEPEST {
            return Err(Error::new(ErrorKind::InvalidOperation, "recursion limit exceeded by a value"));
        }
        look(value)?;
        self.pay(ITEMS, 0)?;
        if let Some(generated) = value.downcast_object_ref::<Generated>() {
            for item in generated.rest() {
                units += self.walk(&item, depth + 1, look)?;
            }
            return Ok(units);
        }
        let Ok(items) = value.try_iter() else { return Ok(units) };
        for item in items {
            units += self.walk(&item, depth + 1, look)?;
            if value.kind() == ValueKind::Map {
                // To look a key up takes longer.
                self.pay(4, 0)?;
                units += self.walk(&value.get_item(&item)?, depth + 1, look)?;
            }
        }
        Ok(units)
    }

    /// Pays for what it takes to find out which of two values is the greater one, or that they are equal: as much as they may have in common.
    pub fn comparison(&mut self, a: &Value, b: &Value) -> Result<(), Error> {
        if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
            return self.pay(1, a.len().min(b.len()) as u64);
        }
        self.pay(1, 0)?;
        if a.as_object().is_none() || b.as_object().is_none() || is_sameas(a, b) || is_generated(a) || is_generated(b) {
            return Ok(());
        }
        if a.kind() == ValueKind::Map {
            // Keys may be in any order.
            self.whole(a)?;
            return self.whole(b).map(drop);
        }
        self.pay(2 * ITEMS, 0)?;
        let (Ok(first), Ok(second)) = (a.try_iter(), b.try_iter()) else { return Ok(()) };
        for (a, b) in first.zip(second) {
            self.comparison(&a, &b)?;
        }
        Ok(())
    }
}

/// How many items `value` has, as far as that is known.
pub(super) fn items_of(value: &Value) -> u64 {
    match value.downcast_object_ref::<Generated>() {
        Some(generated) => generated.rest().len() as u64,
        None => value.len().unwrap_or(0) as u64,
    }
}

/// Whether `value` is no data: a namespace, a macro, a loop.
pub(super) fn is_opaque(value: &Value) -> bool {
    let Some(object) = value.as_object() else { return false };
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => false,
        ValueKind::Map => !object.type_name().contains("Map") && !object.type_name().contains("Merge"),
        _ => true,
    }
}

/// Whether `value` may hold others and be changed, so that it may come to hold itself. A macro holds none.
pub(super) fn is_holder(value: &Value) -> bool {
    is_opaque(value) && !value.as_object().is_some_and(|object| object.type_name().ends_with("::Macro"))
}

/// Fails unless a text of so many `bytes` can still be paid for, before it is made.
pub(super) fn affordable(state: &State, bytes: usize) -> Result<(), Error> {
    match state.fuel_levels() {
        Some((_, left)) if bytes as u64 / UNITS_PER_FUEL > left => state.consume_fuel(u64::MAX),
        _ => Ok(()),
    }
}

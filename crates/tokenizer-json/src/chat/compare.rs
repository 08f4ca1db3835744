//! What Python compares: numbers, texts, and lists or tuples of them, each with its own kind. The engine puts any two values in some order.

use std::cmp::Ordering;

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind};

use super::python::kind_of;

/// Which of two values is the greater one; `None` where one is no number (NaN).
///
/// # Errors
/// When Python has no order for them.
pub(super) fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, Error> {
    let is_number = |value: &Value| matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Ok(Some(a.cmp(b)));
    }
    if is_number(a) && is_number(b) {
        let is_nan = |value: &Value| f64::try_from(value.clone()).is_ok_and(f64::is_nan);
        return Ok(if is_nan(a) || is_nan(b) { None } else { Some(number(a).cmp(&number(b))) });
    }
    let is_list = |value: &Value| value.kind() == ValueKind::Seq;
    if is_list(a) && is_list(b) && a.is_tuple() == b.is_tuple() {
        for (a, b) in a.try_iter()?.zip(b.try_iter()?) {
            if a != b {
                return order(&a, &b);
            }
        }
        return Ok(Some(a.len().cmp(&b.len())));
    }
    let message = format!("there is no order of {} and {}", kind_of(a), kind_of(b));
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// A truth value as Python counts with it, anything else as it is.
pub(super) fn number(value: &Value) -> Value {
    if value.kind() == ValueKind::Bool { Value::from(i64::from(value.is_true())) } else { value.clone() }
}

/// Fails unless there is an order of all `values`.
pub(super) fn ordered(values: &[Value]) -> Result<(), Error> {
    values.windows(2).try_for_each(|pair| order(&pair[0], &pair[1]).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_kind_have_an_order() {
        let of = |a: Value, b: Value| order(&a, &b).ok();
        assert_eq!(of(Value::from(1), Value::from(1.5)), Some(Some(Ordering::Less)));
        assert_eq!(of(Value::from(true), Value::from(0)), Some(Some(Ordering::Greater)));
        assert_eq!(of(Value::from(f64::NAN), Value::from(1)), Some(None));
        assert_eq!(of(Value::from("a"), Value::from("b")), Some(Some(Ordering::Less)));
        assert_eq!(of(Value::from(vec![1, 2]), Value::from(vec![1])), Some(Some(Ordering::Greater)));
        assert_eq!(of(Value::from(vec!["a"]), Value::from(vec![1])), None);
        assert_eq!(of(Value::from(1), Value::from("1")), None);
        assert_eq!(of(Value::from(()), Value::from(())), None);
        assert_eq!(of(Value::UNDEFINED, Value::from(1)), None);
    }
}

//! Numbers of texts as Python reads them.

use std::borrow::Cow;

use minijinja::value::Value;
use minijinja::{Error, ErrorKind};

use super::methods::is_space;

/// `int(text, base)`: an integer in a base from 2 to 36, or in that which its prefix says (base 0).
pub(super) fn integer_of(text: &str, base: i64) -> Option<i128> {
    let text = text.trim_matches(is_space);
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let prefix = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => Some(16),
        [b'0', b'o' | b'O', ..] => Some(8),
        [b'0', b'b' | b'B', ..] => Some(2),
        _ => None,
    };
    let (base, digits) = match prefix {
        // Python takes an underscore between the prefix and the digits too.
        Some(prefix) if base == 0 || base == prefix => (prefix, text[2..].strip_prefix('_').unwrap_or(&text[2..])),
        _ if base == 0 => {
            let is_plain = !text.starts_with('0') || text.bytes().all(|byte| matches!(byte, b'0' | b'_'));
            if !is_plain {
                return None;
            }
            (10, text)
        }
        _ => (base, text),
    };
    let base = u32::try_from(base).ok().filter(|base| (2..=36).contains(base))?;
    let digits = without_underscores(digits)?;
    if !digits.starts_with(|c: char| c.is_digit(base)) {
        return None;
    }
    i128::from_str_radix(&format!("{sign}{digits}"), base).ok()
}

/// `float(text)`.
pub(super) fn float_of(text: &str) -> Option<f64> {
    without_underscores(text.trim_matches(is_space))?.parse().ok()
}

/// `digits` without underscores, each of which must be between digits.
fn without_underscores(digits: &str) -> Option<Cow<'_, str>> {
    if !digits.contains('_') {
        return Some(Cow::Borrowed(digits));
    }
    let is_between = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.');
    let is_right = digits.split('_').all(is_between);
    is_right.then(|| Cow::Owned(digits.replace('_', "")))
}

/// The integer that is nearest to `number` on the way to 0; `None` if it is not finite.
pub(super) fn whole(number: f64) -> Result<Option<Value>, Error> {
    const MOST: f64 = 1e38;
    if number.is_finite() && number.abs() >= MOST {
        let message = format!("expected a number below {MOST:e} for int, received {number:e}");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok(number.is_finite().then(|| Value::from(number as i128)))
}

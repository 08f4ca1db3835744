//! The map of characters of a `Precompiled` normalizer: a double array, and the texts that its values point into.

use serde_json::Value;

use crate::error::{Result, invalid};

/// Checks every way through the array that any text can take: it stays inside, and ends in whole texts. The crate that reads it takes that
/// for granted.
pub(crate) fn check_charsmap(part: &Value) -> Result<()> {
    let text = part.get("precompiled_charsmap").and_then(Value::as_str);
    let text = text.ok_or_else(|| invalid("normalizer: expected precompiled_charsmap to be a string"))?;
    let bytes = base64::decode(text).map_err(|error| invalid(format!("normalizer: precompiled_charsmap: {error}")))?;
    check(&bytes)
        .ok_or_else(|| invalid("normalizer: precompiled_charsmap: expected a map of characters, received a broken one"))
}

fn check(bytes: &[u8]) -> Option<()> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let units = u32::from_le_bytes(*size) as usize / 4;
    let (array, texts) = rest.split_at_checked(units.checked_mul(4)?)?;
    let array: Vec<usize> = array.as_chunks::<4>().0.iter().map(|unit| u32::from_le_bytes(*unit) as usize).collect();
    let texts = str::from_utf8(texts).ok()?;
    let offset = |unit: usize| (unit >> 10) << ((unit & (1 << 9)) >> 6);
    let mut seen = vec![false; array.len()];
    // Where the children of the root are.
    let mut open = vec![offset(*array.first()?)];
    while let Some(base) = open.pop() {
        // Every byte but zero can be looked for here.
        for byte in 1..=0xff {
            let place = base ^ byte;
            let unit = *array.get(place)?;
            if unit & (1 << 31 | 0xff) != byte || std::mem::replace(&mut seen[place], true) {
                continue;
            }
            let next = place ^ offset(unit);
            if unit >> 8 & 1 == 1 {
                let value = *array.get(next)? & ((1 << 31) - 1);
                if !texts.is_char_boundary(value) {
                    return None;
                }
            }
            open.push(next);
        }
    }
    Some(())
}

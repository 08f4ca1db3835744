//! The map of characters of a `Precompiled` normalizer: a double array, and the texts that its values point into.

use std::collections::VecDeque;

use serde_json::Value;

use crate::error::{Error, Result, invalid};
use crate::limits::LONGEST_MAPPED;

/// Checks every way through the array that any text can take: it stays inside, and ends in whole texts. The crate that reads it takes that
/// for granted. Gives how many times longer a text may become.
///
/// # Errors
/// [`Error::InvalidFile`]; [`Error::Limit`] when a text of the map is longer than [`LONGEST_MAPPED`].
pub(crate) fn check_charsmap(part: &Value) -> Result<usize> {
    let text = part.get("precompiled_charsmap").and_then(Value::as_str);
    let text = text.ok_or_else(|| invalid("normalizer: expected precompiled_charsmap to be a string"))?;
    let bytes = base64::decode(text).map_err(|error| invalid(format!("normalizer: precompiled_charsmap: {error}")))?;
    let found = check(&bytes).ok_or_else(|| {
        invalid("normalizer: precompiled_charsmap: expected a map of characters, received a broken one")
    })?;
    if found.longest > LONGEST_MAPPED {
        return Err(Error::Limit {
            reason: format!("expected texts of at most {LONGEST_MAPPED} bytes in a precompiled_charsmap"),
        });
    }
    Ok(found.growth)
}

/// What a map does to texts at most.
struct Found {
    /// The longest text that is put for another, in bytes; one of more than [`LONGEST_MAPPED`] is not measured to its end.
    longest: usize,
    /// How many times longer than what it is put for.
    growth: usize,
}

fn check(bytes: &[u8]) -> Option<Found> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let units = u32::from_le_bytes(*size) as usize / 4;
    let (array, texts) = rest.split_at_checked(units.checked_mul(4)?)?;
    let array: Vec<usize> = array.as_chunks::<4>().0.iter().map(|unit| u32::from_le_bytes(*unit) as usize).collect();
    let texts = str::from_utf8(texts).ok()?;
    let offset = |unit: usize| (unit >> 10) << ((unit & (1 << 9)) >> 6);
    let mut found = Found { longest: 0, growth: 1 };
    let mut seen = vec![false; array.len()];
    // Where the children of a unit are, of the root first, and how many bytes lead there: the fewest, as units of fewer come before others.
    let mut open = VecDeque::from([(offset(*array.first()?), 1)]);
    while let Some((base, depth)) = open.pop_front() {
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
                let length = texts.bytes().skip(value).take(LONGEST_MAPPED + 1).take_while(|&byte| byte != 0).count();
                found.longest = found.longest.max(length);
                found.growth = found.growth.max(length.div_ceil(depth));
            }
            open.push_back((next, depth + 1));
        }
    }
    Some(found)
}

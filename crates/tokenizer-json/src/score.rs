//! Scores of a Unigram model, as Hugging Face's tokenizers in Python reads them.
//!
//! It takes the digits as one integer and divides by a power of ten, both rounded, so that a number of sixteen digits or more is often not the nearest
//! one. Where two ways to cut a word are as good as one another, the last bit decides. `serde_json` does so too, but not where any crate of a build asks
//! it to be exact.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

/// A score.
pub(crate) struct Score(pub f64);

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        if !text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Err(de::Error::custom(format!("expected a number, received {text}")));
        }
        number(text).map(Self).ok_or_else(|| de::Error::custom(format!("number out of range: {text}")))
    }
}

/// What the number `text` of JSON is; `None` when it is too large.
fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (digits, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));

    let (mut significand, mut shift) = (0_u64, 0_i32);
    let with = |significand: u64, digit: u8| significand.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    let mut whole = whole.as_bytes();
    while let [digit, rest @ ..] = whole
        && let Some(next) = with(significand, *digit)
    {
        (significand, whole) = (next, rest);
    }
    // Those that do not fit any more are zeros.
    shift = shift.saturating_add(i32::try_from(whole.len()).unwrap_or(i32::MAX));
    for digit in fraction.bytes() {
        let Some(next) = with(significand, digit) else { break };
        significand = next;
        shift = shift.saturating_sub(1);
    }

    let (sign, size) = match exponent.as_bytes() {
        [b'-', ..] => (-1, &exponent[1..]),
        [b'+', ..] => (1, &exponent[1..]),
        _ => (1, exponent),
    };
    let exponent = match size.parse::<i32>() {
        Ok(size) => shift.saturating_add(sign * size),
        Err(_) if sign > 0 && significand > 0 => return None,
        Err(_) => i32::MIN,
    };
    let scaled = scaled(significand as f64, exponent)?;
    Some(if text.starts_with('-') { -scaled } else { scaled })
}

/// `number` times ten to the power of `exponent`.
fn scaled(mut number: f64, mut exponent: i32) -> Option<f64> {
    /// Of ten, to the 0th to 308th, the largest that there is.
    static POWERS: LazyLock<Vec<f64>> =
        LazyLock::new(|| (0..=308).filter_map(|power| format!("1e{power}").parse().ok()).collect());
    let power = |exponent: i32| POWERS.get(exponent.unsigned_abs() as usize);
    while number != 0.0 {
        match power(exponent) {
            Some(power) if exponent >= 0 => return Some(number * power).filter(|number| number.is_finite()),
            Some(power) => return Some(number / power),
            None if exponent >= 0 => return None,
            None => {
                number /= 1e308;
                exponent += 308;
            }
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Python's tokenizers 0.23.3 has read, by its bits.
    const NUMBERS: [(&str, u64); 36] = [
        ("-9.836343765258789", 0xc023_ac35_3fff_ffff),
        ("-10.368687629699707", 0xc024_bcc4_a000_0001),
        ("0.1", 0x3fb9_9999_9999_999a),
        ("-0.0", 0x8000_0000_0000_0000),
        ("0", 0),
        ("5", 0x4014_0000_0000_0000),
        ("-7", 0xc01c_0000_0000_0000),
        ("-3.5e-5", 0xbf02_599e_d7c6_fbd2),
        ("123456789012345678901234567890", 0x45f8_ee90_ff6c_373e),
        ("-12345678901234567890.5", 0xc3e5_6a95_319d_63e1),
        ("18446744073709551615", 0x43f0_0000_0000_0000),
        ("18446744073709551616", 0x43f0_0000_0000_0000),
        ("-9223372036854775809", 0xc3e0_0000_0000_0000),
        ("1.7976931348623157e308", 0x7fef_ffff_ffff_ffff),
        ("4.9e-324", 1),
        ("2.2250738585072011e-308", 0x0010_0000_0000_0000),
        ("0.000001234567890123456789", 0x3eb4_b66d_c01e_c6fb),
        ("-1.2345678901234567890123456789", 0xbff3_c0ca_428c_59fb),
        ("1e-400", 0),
        ("-11.512925464970229", 0xc027_069e_2aa2_aa5b),
        ("3.1415926535897932384626E-10", 0x3df5_96bf_8ce7_631e),
        ("1E+5", 0x40f8_6a00_0000_0000),
        ("100000000000000000000000e-30", 0x3e7a_d7f2_9abc_af48),
        ("0e999999999999", 0),
        ("-2.3283064365386963e-10", 0xbdf0_0000_0000_0000),
        ("8.988465674311579e307", 0x7fe0_0000_0000_0000),
        ("6.62607015e-34", 0x390b_860b_de02_3111),
        ("-4.000000000000000000001", 0xc010_0000_0000_0000),
        ("-13.399505615234375", 0xc02a_cc8c_0000_0001),
        ("-13.888725280761719", 0xc02b_c707_0000_0001),
        ("-11.860030174255371", 0xc027_b855_e000_0001),
        ("-15.164604925736347", 0xc02e_5447_18c9_98a4),
        ("-14.376478481316061", 0xc02c_c0c1_c999_ccea),
        ("-14.061004638671875", 0xc02c_1f3c_0000_0001),
        ("-12.814539909362793", 0xc029_a10b_5fff_ffff),
        ("-14.282589672224050", 0xc02c_90af_97f0_c781),
    ];

    #[test]
    fn scores_are_those_of_the_crate_in_python() {
        for (text, bits) in NUMBERS {
            let Score(read) = serde_json::from_str(text).expect(text);
            assert_eq!(read.to_bits(), bits, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_large_is_refused() {
        for text in ["1e999", "-2e308", "1e99999999999", "\"a\"", "null", "[1]", "true"] {
            assert!(serde_json::from_str::<Score>(text).is_err(), "{text}");
        }
        assert!(number(&format!("{}e-99999", "9".repeat(100_000))).is_some());
        assert!(number(&format!("0.{}1", "0".repeat(100_000))).is_some_and(|number| number < 1e-300));
    }
}

//! The script property Han.

/// The characters of `\p{Han}`, as `regex-syntax` has them; a test compares.
const RANGES: [(u32, u32); 22] = [
    (0x2e80, 0x2e99),
    (0x2e9b, 0x2ef3),
    (0x2f00, 0x2fd5),
    (0x3005, 0x3005),
    (0x3007, 0x3007),
    (0x3021, 0x3029),
    (0x3038, 0x303b),
    (0x3400, 0x4dbf),
    (0x4e00, 0x9fff),
    (0xf900, 0xfa6d),
    (0xfa70, 0xfad9),
    (0x1_6fe2, 0x1_6fe3),
    (0x1_6ff0, 0x1_6ff1),
    (0x2_0000, 0x2_a6df),
    (0x2_a700, 0x2_b739),
    (0x2_b740, 0x2_b81d),
    (0x2_b820, 0x2_cea1),
    (0x2_ceb0, 0x2_ebe0),
    (0x2_ebf0, 0x2_ee5d),
    (0x2_f800, 0x2_fa1d),
    (0x3_0000, 0x3_134a),
    (0x3_1350, 0x3_23af),
];

/// Whether the character that starts at `at` is Han. `text` is valid UTF-8.
#[inline(always)]
pub(super) fn is_han(text: &[u8], at: usize) -> bool {
    // The first one is U+2E80.
    text[at] >= 0xe2 && is_wide_han(&text[at..])
}

#[inline(never)]
fn is_wide_han(text: &[u8]) -> bool {
    let bits = |at: usize| u32::from(text[at] & 0x3f);
    let code = if text[0] < 0xf0 {
        u32::from(text[0] & 0x0f) << 12 | bits(1) << 6 | bits(2)
    } else {
        u32::from(text[0] & 0x07) << 18 | bits(1) << 12 | bits(2) << 6 | bits(3)
    };
    // Most are in here.
    (0x4e00..=0x9fff).contains(&code) || RANGES.iter().any(|&(first, last)| (first..=last).contains(&code))
}

#[cfg(test)]
mod tests {
    use regex_syntax::hir::{Class, HirKind};

    use super::*;

    #[test]
    fn they_are_those_of_the_regex_engine() {
        let hir = regex_syntax::parse(r"\p{Han}").expect("well-formed");
        let HirKind::Class(Class::Unicode(class)) = hir.into_kind() else { panic!("it is a class") };
        let ranges: Vec<_> =
            class.ranges().iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect();
        assert_eq!(RANGES[..], ranges[..]);
        for character in '\0'..=char::MAX {
            let expected = ranges.iter().any(|&(first, last)| (first..=last).contains(&u32::from(character)));
            assert_eq!(is_han(character.encode_utf8(&mut [0; 4]).as_bytes(), 0), expected, "{character:?}");
        }
    }
}

//! Where a text can be cut, the pieces of both parts are those of the whole, from wherever the place is looked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmill_fuzz::{number_and_text, scanners};

fuzz_target!(|data: &[u8]| {
    let (number, text) = number_and_text(data);
    let (pattern, _) = &scanners()[usize::from(number) % scanners().len()];
    let pieces: Vec<&str> = pattern.pieces(&text).collect();
    // The places, from the last one on.
    if text.is_empty() {
        return;
    }
    let (mut to, mut places) = (text.len().saturating_sub(1), Vec::new());
    while let Some(at) = pattern.split_before(&text, 0, to) {
        assert!(0 < at && at <= to && text.is_char_boundary(at), "{at} of 1..={to} in {text:?}");
        places.push(at);
        to = at - 1;
    }
    for &at in &places {
        let (before, after) = text.split_at(at);
        let parts: Vec<&str> = pattern.pieces(before).chain(pattern.pieces(after)).collect();
        assert_eq!(parts, pieces, "{pattern:?}: {text:?} at {at}");
        assert_eq!(pattern.split_before(&text, at - 1, at), Some(at), "{pattern:?}: {text:?} at {at}");
    }
});

//! The scanners of every level of instructions find the pieces of the one-by-one scanner, and that those of the regular expression.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmill_bpe::Level;
use tokenmill_fuzz::{number_and_text, scanners};

fuzz_target!(|data: &[u8]| {
    let (number, text) = number_and_text(data);
    let (pattern, splitter) = &scanners()[usize::from(number) % scanners().len()];
    let pieces: Vec<&str> = pattern.pieces(&text).collect();
    for level in Level::available() {
        assert_eq!(pattern.pieces_by(level, &text), pieces, "{pattern:?} {level:?}: {text:?}");
    }
    assert_eq!(pieces, splitter.pieces(&text), "{pattern:?}: {text:?}");
});

//! The scanners of every level of instructions find the pieces of the one-by-one scanner, and that those of the regular expression.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tokenmill_bpe::Level;
use tokenmill_fuzz::{PATTERNS, number_and_text};
use tokenmill_testkit::pattern::Splitter;

fuzz_target!(|data: &[u8]| {
    static SPLITTERS: OnceLock<[Splitter; 3]> = OnceLock::new();
    let splitters = SPLITTERS.get_or_init(|| PATTERNS.map(|(_, reference)| reference.splitter()));
    let (number, text) = number_and_text(data);
    let index = usize::from(number) % PATTERNS.len();
    let (pattern, _) = PATTERNS[index];
    let pieces: Vec<&str> = pattern.pieces(&text).collect();
    for level in Level::available() {
        assert_eq!(pattern.pieces_by(level, &text), pieces, "{pattern:?} {level:?}: {text:?}");
    }
    assert_eq!(pieces, splitters[index].pieces(&text).collect::<Vec<_>>(), "{pattern:?}: {text:?}");
});

//! The ids of any text are those of the naive reference, by every level of instructions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmill_fuzz::{encoding, number_and_text};

fuzz_target!(|data: &[u8]| {
    let (number, text) = number_and_text(data);
    let tested = encoding(number);
    assert_eq!(tested.encode(&text), tested.reference.encode(&text), "{text:?}");
});

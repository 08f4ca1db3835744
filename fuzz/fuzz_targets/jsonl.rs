//! A line gives what a parser that builds the whole document gives, or is refused where that refuses it, but for what only Python reads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokenmill_corpus::json::string_field;

fuzz_target!(|data: &[u8]| {
    let Ok(line) = str::from_utf8(data) else { return };
    let mut bytes = data.to_vec();
    let ours =
        string_field(&mut bytes, "text").ok().map(|found| str::from_utf8(&bytes[found]).expect("UTF-8").to_owned());
    if ours.is_none() {
        assert_eq!(bytes, data, "a refused line is left as it was");
    }
    // Python takes NaN, Infinity, numbers of any size and lone surrogates, and lines of any depth are taken here.
    let deep = data.iter().filter(|byte| b"[{".contains(byte)).count() > 100;
    if deep || ["NaN", "Infinity", "\\ud", "\\uD"].iter().any(|it| line.contains(it)) {
        return;
    }
    match serde_json::from_str::<Value>(line) {
        Ok(value) => {
            let expected = value.as_object().and_then(|object| object.get("text")).and_then(Value::as_str);
            assert_eq!(ours.as_deref(), expected);
        }
        Err(error) if error.to_string().starts_with("number out of range") => {}
        Err(_) => assert_eq!(ours, None),
    }
});

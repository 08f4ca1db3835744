//! Any UTF-16 and any bytes become the text that the standard library says, and back; places in them are those of its characters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmill_bpe::{Origin, Places, UnitIndex, Utf16, push_utf16, read_utf8, utf16_length};

fuzz_target!(|data: &[u8]| {
    let units: Vec<u16> = data.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let mut text = String::new();
    push_utf16(&mut text, &units).expect("there is memory");
    assert_eq!(text, String::from_utf16_lossy(&units));
    check_text(&text);

    let text = read_utf8(data, false).expect("it is lossy");
    assert_eq!(text, String::from_utf8_lossy(data));
    check_text(&text);
    let origin = Origin::Bytes(data);
    let places = origin.places().expect("there is memory");
    assert_eq!(places.len(), text.len() + 1);
    for at in 0..=text.len() {
        let floor = text.floor_char_boundary(at);
        assert_eq!(places[at] as usize, origin.place(floor));
        assert_eq!(String::from_utf8_lossy(&data[..places[at] as usize]), text[..floor]);
    }
    assert_eq!(places[text.len()] as usize, data.len());
});

fn check_text(text: &str) {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut made = Utf16::new();
    made.push_str(text).expect("there is memory");
    assert_eq!(made[..], units);
    assert_eq!(utf16_length(text), units.len());
    assert_eq!(made.is_latin1(), text.chars().all(|character| character < '\u{100}'));
    if made.is_latin1() {
        assert!(made.to_latin1().iter().copied().map(char::from).eq(text.chars()));
    }

    let (index, mut ascending, mut unit) = (UnitIndex::of(text).expect("there is memory"), Places::of(text), 0);
    let table = Origin::Utf16(text).places().expect("there is memory");
    for (at, character) in text.char_indices() {
        assert_eq!((ascending.units(at), table[at] as usize, index.byte(text, unit)), (unit, unit, at));
        unit += character.len_utf16();
    }
    assert_eq!(index.byte(text, unit), text.len());
}

//! Any text is decoded from its ids; any ids are decoded to the bytes of their tokens, or the first unknown one is named.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmill_bpe::Error;
use tokenmill_fuzz::{encoding, number_and_text};

fuzz_target!(|data: &[u8]| {
    let (number, text) = number_and_text(data);
    let tested = encoding(number);
    let (tokenizer, _) = &tested.levels[0];
    let decoded = tokenizer.decode_bytes(&tested.encode(&text)).expect("they are ids");
    assert_eq!(decoded, text.as_bytes());

    // Of three bytes each, so that many are ids, and a few are not.
    let ids: Vec<u32> =
        data.chunks(3).map(|id| id.iter().fold(0, |id, &byte| (id << 8 | u32::from(byte)) & 0x3_ffff)).collect();
    let unknown = ids.iter().position(|&id| tokenizer.token_bytes(id).is_none());
    match tokenizer.decode_bytes(&ids) {
        Ok(bytes) => {
            assert_eq!(unknown, None);
            let tokens: Vec<u8> = ids.iter().filter_map(|&id| tokenizer.token_bytes(id)).flatten().copied().collect();
            assert_eq!(bytes, tokens);
        }
        Err(Error::UnknownId { id, index, .. }) => assert_eq!((Some(index), id), (unknown, ids[index])),
        Err(error) => panic!("{error}"),
    }
});

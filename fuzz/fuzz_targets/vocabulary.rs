//! No bytes make reading a vocabulary panic, or take memory that the bytes do not pay for; what is read is written the same again, and a
//! tokenizer of it encodes and decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmill_bpe::{Error, Pattern, Tokenizer, Vocabulary};

fuzz_target!(|data: &[u8]| {
    let vocabulary = match Vocabulary::from_compact(data.to_vec()) {
        Ok(vocabulary) => vocabulary,
        Err(Error::InvalidVocabulary { reason }) => return assert!(!reason.is_empty()),
        Err(error) => panic!("{error}"),
    };
    assert!(vocabulary.tokens().all(|(id, token)| vocabulary.get(id) == Some(token)));
    assert_eq!(vocabulary.as_compact(), data);

    // Its parts may be others than merging would give, so the ids are not compared with anything; but where parts are parts they are ids of
    // the text.
    let has_parts = vocabulary.check_parts().is_ok();
    let tokenizer = Tokenizer::new(vocabulary, Pattern::O200k, []).expect("no special tokens");
    let text = String::from_utf8_lossy(&data[..data.len().min(200)]);
    let decoded = tokenizer.decode_bytes(&tokenizer.encode_ordinary(&text)).expect("ids");
    assert!(!has_parts || decoded == text.as_bytes());
});

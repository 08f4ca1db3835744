//! No bytes make reading a vocabulary panic, or take memory that the bytes do not pay for; what is read is written the same again, and a
//! tokenizer of it encodes and decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmill_bpe::{Error, Pattern, Tokenizer, Vocabulary};

fuzz_target!(|data: &[u8]| {
    let vocabulary = match Vocabulary::from_compact(data) {
        Ok(vocabulary) => vocabulary,
        Err(Error::InvalidVocabulary { reason }) => return assert!(!reason.is_empty()),
        Err(error) => panic!("{error}"),
    };
    // Merges of merges may double the length each time: a limit stands against that.
    let bytes: usize = vocabulary.tokens().map(|(_, token)| token.len()).sum();
    assert!(bytes <= 4096 * data.len() && bytes <= 1 << 28, "{bytes} bytes of tokens from {}", data.len());
    assert!(vocabulary.tokens().all(|(id, token)| vocabulary.get(id) == Some(token)));
    let again = Vocabulary::from_compact(&vocabulary.to_compact()).expect("its own form");
    assert!(again.tokens().eq(vocabulary.tokens()));

    // Its parts may be others than merging would give, so the ids are not compared with anything; but they are ids of the text.
    let tokenizer = Tokenizer::new(vocabulary, Pattern::O200k, []).expect("no special tokens");
    let text = String::from_utf8_lossy(&data[..data.len().min(200)]);
    assert_eq!(tokenizer.decode_bytes(&tokenizer.encode_ordinary(&text)).expect("ids"), text.as_bytes());
});

//! Any bytes are an error or a vocabulary, which is written as a file that is read as the same one, and whose tokens encode as the naive reference says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmill_bpe::{Error, Pattern, Vocabulary};
use tokenmill_fuzz::Tested;

/// The lines of all bytes, after which those of the input come: few inputs would have them all.
fn every_byte() -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let line = |byte: usize| {
        let [first, second] = [alphabet[byte >> 2], alphabet[(byte & 3) << 4]].map(char::from);
        format!("{first}{second}== {byte}\n").into_bytes()
    };
    (0..256).flat_map(line).collect()
}

fuzz_target!(|data: &[u8]| {
    for file in [data.to_vec(), [every_byte(), data.to_vec()].concat()] {
        match Vocabulary::from_tiktoken(&file) {
            Ok(vocabulary) => {
                vocabulary.check_parts().expect("they were derived");
                assert_eq!(
                    Vocabulary::from_tiktoken(vocabulary.to_tiktoken().as_bytes()).expect("we wrote it"),
                    vocabulary
                );
                // The tokens themselves are the texts that meet them.
                let text: String =
                    vocabulary.tokens().skip(256).map(|(_, token)| String::from_utf8_lossy(token)).collect();
                if text.len() < 1 << 10 {
                    let tested = Tested::new(&vocabulary, Pattern::O200k);
                    assert_eq!(tested.encode(&text), tested.reference.encode(&text), "{text:?}");
                }
            }
            Err(Error::InvalidVocabulary { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
});

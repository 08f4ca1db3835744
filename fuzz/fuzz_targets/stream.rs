//! Text in chunks of bytes, and of UTF-16, gives the ids, or the error, of the whole, and its ids in chunks the text of all, wherever they are cut.
#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use tokenmill_bpe::{DecodeStream, EncodeStream, Error, SpecialPolicy, Tokenizer, Vocabulary, utf16_length};
use tokenmill_fuzz::PATTERNS;
use tokenmill_testkit::cases;

/// They overlap and are parts of one another.
const SPECIAL: [&str; 8] = ["<|a|>", "<|a|><|b|>", "|><|", "a b", "\n", " ", "é", "<|a|><|"];

struct Case {
    tokenizer: Arc<Tokenizer>,
    policies: Vec<Arc<SpecialPolicy>>,
}

fn cases() -> &'static [Case] {
    static MADE: OnceLock<Vec<Case>> = OnceLock::new();
    MADE.get_or_init(|| {
        let ranks = cases::read("encodings/r50k_base.bpe");
        let vocabulary = Vocabulary::from_compact(ranks).expect("the encoding is well-formed");
        let case = |(pattern, _)| {
            let special = (60_000..).zip(SPECIAL).map(|(id, token)| (token.to_owned(), id));
            let tokenizer = Tokenizer::new(vocabulary.clone(), pattern, special).expect("they are well-formed");
            let policy = |allowed: &[&str], disallowed: &[&str]| {
                Arc::new(tokenizer.special_policy(allowed, disallowed).expect("they are few"))
            };
            let policies = vec![
                policy(&[], &[]),
                policy(&SPECIAL, &[]),
                policy(&[], &SPECIAL),
                policy(&SPECIAL[..4], &SPECIAL[4..]),
                policy(&SPECIAL[4..], &SPECIAL[..4]),
            ];
            Case { policies, tokenizer: Arc::new(tokenizer) }
        };
        PATTERNS.into_iter().map(case).collect()
    })
}

/// An outcome that can be compared: the ids, or the disallowed token and where it is.
fn outcome(result: Result<Vec<u32>, Error>) -> Result<Vec<u32>, (String, usize)> {
    result.map_err(|error| match error {
        Error::DisallowedSpecialToken { token, at } => (token, at),
        error => panic!("{error}"),
    })
}

/// `items` in chunks of the lengths `lengths`, over and over.
fn chunks<'a, T>(items: &'a [T], lengths: &'a [u8]) -> impl Iterator<Item = &'a [T]> {
    let mut rest = items;
    lengths.iter().cycle().map_while(move |&length| {
        let (chunk, after) = rest.split_at(usize::from(length).clamp(1, rest.len().max(1)).min(rest.len()));
        rest = after;
        (!chunk.is_empty()).then_some(chunk)
    })
}

fuzz_target!(|data: &[u8]| {
    let Some(([choice, a, b, c], bytes)) = data.split_first_chunk() else { return };
    let lengths = [*a, *b, *c];
    let case = &cases()[usize::from(*choice) % cases().len()];
    let policy = &case.policies[usize::from(*choice) / cases().len() % case.policies.len()];
    let text = String::from_utf8_lossy(bytes);
    let is_utf8 = text.as_bytes() == bytes;

    let expected = outcome(case.tokenizer.encode(&text, policy));
    let streamed = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut stream = EncodeStream::new(Arc::clone(&case.tokenizer), Arc::clone(policy), usize::MAX, false);
        let mut ids = Vec::new();
        for chunk in chunks {
            stream.encode_bytes(chunk, &mut ids, None)?;
        }
        stream.end()?;
        stream.encode_ready(&mut ids, None)?;
        assert_eq!(stream.held_bytes(), 0);
        Ok(ids)
    };
    let found = outcome(streamed(&mut chunks(bytes, &lengths)));
    match (&found, &expected) {
        // The index counts the bytes that came, of which the text may have others.
        (Err((token, _)), Err((other, _))) if !is_utf8 => assert_eq!(token, other, "{bytes:?} by {lengths:?}"),
        _ => assert_eq!(found, expected, "{bytes:?} by {lengths:?}"),
    }

    // In UTF-16, whose pairs are cut too; the lone surrogates of any bytes are U+FFFD each.
    let units: Vec<u16> = bytes.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let whole: Vec<u16> = text.encode_utf16().collect();
    for units in [whole, units] {
        let text = String::from_utf16_lossy(&units);
        let mut stream = EncodeStream::new(Arc::clone(&case.tokenizer), Arc::clone(policy), usize::MAX, false);
        let mut streamed = || {
            let mut ids = Vec::new();
            for chunk in chunks(&units, &lengths) {
                stream.encode_utf16(chunk, &mut ids, None)?;
            }
            stream.end()?;
            stream.encode_ready(&mut ids, None)?;
            Ok(ids)
        };
        let expected = outcome(case.tokenizer.encode(&text, policy));
        let expected = expected.map_err(|(token, at)| (token, utf16_length(&text[..at])));
        assert_eq!(outcome(streamed()), expected, "{units:x?} by {lengths:?}");
    }

    // As ids, so that characters are cut.
    let ids: Vec<u32> = bytes.iter().map(|&byte| u32::from(byte)).collect();
    let all = case.tokenizer.decode_bytes(&ids).expect("the first ids are bytes");
    let mut stream = DecodeStream::new(Arc::clone(&case.tokenizer), false, false);
    let mut decoded = String::new();
    for chunk in chunks(&ids, &lengths) {
        decoded += &stream.decode(chunk).expect("the first ids are bytes");
    }
    decoded += stream.end().expect("it is lossy");
    assert_eq!(decoded, String::from_utf8_lossy(&all));
});

//! Any set of tokens gives the ids of the naive merges: vocabularies unlike the published ones, with tokens that no merge reaches, tokens that
//! are parts of characters, and ranks in any order.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use tokenmill_bpe::{Level, Pattern, Tokenizer, Vocabulary};
use tokenmill_testkit::bpe::{Ranks, encode_piece};

fuzz_target!(|data: &[u8]| {
    // Half of it are tokens: a byte that tells the length, and the bytes; the other half is the text.
    let (mut tokens, text) = data.split_at(data.len() / 2);
    let text = String::from_utf8_lossy(text);
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    let mut found: Vec<Vec<u8>> = Vec::new();
    while let Some((&length, rest)) = tokens.split_first() {
        // An odd one joins two tokens that are there, as training does.
        let (token, rest) = if length % 2 == 1 && found.len() > 1 && rest.len() > 1 {
            let of = |byte: u8| found[usize::from(byte) % found.len()].as_slice();
            ([of(rest[0]), of(rest[1])].concat(), &rest[2..])
        } else {
            let (token, rest) = rest.split_at(usize::from(length / 2 % 8).min(rest.len()));
            (token.to_vec(), rest)
        };
        tokens = rest;
        if !token.is_empty() && token.len() < 64 && seen.insert(token.clone()) {
            found.push(token);
        }
    }
    // The bytes that are not there yet come last, or first where the first byte says so.
    let bytes = (0..=255).map(|byte| vec![byte]).filter(|byte| !seen.contains(byte));
    let all: Vec<Vec<u8>> = if data.first().is_some_and(|first| first & 64 == 0) {
        bytes.chain(found).collect()
    } else {
        found.into_iter().chain(bytes).collect()
    };
    let vocabulary = Vocabulary::from_tokens(all.iter().map(Vec::as_slice).zip(0..)).expect("well-formed");
    let again = Vocabulary::from_compact(vocabulary.as_compact().to_vec()).expect("its own form");
    assert_eq!(again, vocabulary);
    // The pieces are those of the scanner, which other targets look at: a new regular expression for each input would take all the time.
    let ranks: Ranks = vocabulary.tokens().map(|(id, token)| (token.to_vec(), id)).collect();
    let expected: Vec<u32> =
        Pattern::O200k.pieces(&text).flat_map(|piece| encode_piece(&ranks, piece.as_bytes())).collect();
    let levels = Level::available();
    let level = levels[data.len() % levels.len()];
    let tokenizer = Tokenizer::new(vocabulary, Pattern::O200k, []).expect("no special tokens");
    // Before the large tables are made.
    assert_eq!(tokenizer.encode_ordinary(&text), expected, "{text:?} with {all:?}");
    let tokenizer = tokenizer.with_level(level);
    let plain = tokenizer.special_policy::<&str>(&[], &[]).expect("none are not too many");
    let mut worker = tokenizer.worker();
    for _ in 0..2 {
        // The second time by what the worker remembers.
        let mut ids = Vec::new();
        tokenizer.encode_to(&text, &plain, &mut worker, &mut ids, None).expect("plain text");
        assert_eq!(ids, expected, "{level:?}: {text:?} with {all:?}");
    }
});

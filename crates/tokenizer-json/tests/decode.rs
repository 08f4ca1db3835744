//! Text of ids that come in chunks.

mod common;

use std::time::Duration;

use serde_json::{Value, json};
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::time;
use tokenmill_tokenizer_json::{DecodeStream, Error, Tokenizer, load};

/// The text of `ids` in random chunks, and how much of it came before the end.
fn in_chunks(
    rng: &mut Rng,
    tokenizer: &Tokenizer,
    ids: &[u32],
    skip_special: bool,
    strict: bool,
) -> (Result<String, Error>, usize) {
    let mut stream = DecodeStream::new(tokenizer, skip_special, strict).expect("its text comes with its ids");
    let (mut text, mut done) = (String::new(), 0);
    while done < ids.len() {
        let end = (done + rng.below(4)).min(ids.len());
        match stream.push(tokenizer, &ids[done..end]) {
            Ok(more) => text.push_str(&more),
            Err(error) => return (Err(error), text.len()),
        }
        done = end;
    }
    let before = text.len();
    (stream.end(tokenizer).map(|rest| text + &rest), before)
}

/// Compares chunks with the whole; gives how much of the text came before the end, and how much there is.
fn check(rng: &mut Rng, tokenizer: &Tokenizer, ids: &[u32], name: &str) -> [usize; 2] {
    // Of two errors a stream has the first one.
    let are_known = ids.iter().all(|&id| id < tokenizer.vocab_size());
    let (skip_special, strict) = (rng.below(2) == 0, are_known && rng.below(4) == 0);
    let expected = tokenizer.decode(ids, skip_special, strict);
    let (found, before) = in_chunks(rng, tokenizer, ids, skip_special, strict);
    match (&found, &expected) {
        (Ok(found), Ok(expected)) => {
            assert_eq!(found, expected, "{name} {ids:?}");
            [before, found.len()]
        }
        (Err(found), Err(expected)) => {
            assert_eq!(found.to_string(), expected.to_string(), "{name} {ids:?}");
            [0; 2]
        }
        _ => panic!("{name} {ids:?}: {found:?}, expected {expected:?}"),
    }
}

#[test]
fn chunks_give_the_text_of_the_whole() {
    let mut rng = Rng::new(1);
    for name in ["bert", "t5", "xlmr", "llama2", "words", "roberta", "nougat"] {
        let loaded = load(&common::file(name)).expect(name);
        let tokenizer = common::crate_of(&loaded);
        let (mut early, mut all) = (0, 0);
        for _ in 0..share(3000) {
            // An id that there is not, now and then.
            let most = tokenizer.vocab_size() as usize + usize::from(rng.below(200) == 0);
            let ids: Vec<u32> = (0..rng.below(30)).map(|_| rng.below(most) as u32).collect();
            let [before, length] = check(&mut rng, tokenizer, &ids, name);
            (early, all) = (early + before, all + length);
        }
        assert!(early * 10 > all * 9, "{name}: {early} of {all}");
    }
}

const TOKENS: [&str; 22] = [
    "[UNK]", "a", "▁a", "▁", "##b", "b", ".", "n't", " c", " ", "\u{fffd}", "日", "<0x41>", "<0xE6>", "<0x97>",
    "<0xA5>", "<0x20>", "<0xzz>", "<0xFF>", "<0xEF>", "<0xBF>", "<0xBD>",
];

/// Longer than what is remembered of a token.
const LONG: &str =
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";

#[test]
fn tokens_for_bytes_one_after_the_other_take_time_in_proportion() {
    let loaded = load(&common::file("llama2")).expect("well-formed");
    let tokenizer = common::crate_of(&loaded);
    let bytes = "ཀ".bytes().map(|byte| tokenizer.token_to_id(&format!("<0x{byte:02X}>")).expect("it has all"));
    let ids: Vec<u32> = bytes.cycle().take(300_000).collect();
    let mut stream = DecodeStream::new(tokenizer, false, false).expect("its text comes with its ids");
    let (text, took) = time::took(|| {
        for id in &ids {
            assert_eq!(stream.push(tokenizer, &[*id]).expect("it is known"), "");
        }
        stream.end(tokenizer).expect("nothing is strict")
    });
    assert!(text == "ཀ".repeat(100_000) && took < Duration::from_secs(20), "{took:?}");
}

/// A tokenizer with such decoders, whose tokens are [`TOKENS`].
fn with_decoder(decoder: &Value) -> Tokenizer {
    let vocabulary: serde_json::Map<_, _> =
        TOKENS.iter().zip(0..).map(|(token, id)| ((*token).to_owned(), json!(id))).collect();
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null, "post_processor": null,
        "added_tokens": [{ "id": 0, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true }],
        "decoder": decoder, "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]" },
    });
    let loaded = load(&serde_json::to_vec(&file).expect("JSON")).expect("well-formed");
    loaded.into_tokenizer().expect("not byte-level")
}

#[test]
fn decoders_of_any_order_give_the_text_of_the_whole() {
    let mut rng = Rng::new(2);
    let strip = |rng: &mut Rng, stop: usize| json!({ "type": "Strip", "content": *rng.choose(&[" ", "a", "日"]), "start": rng.below(4), "stop": stop });
    for round in 0..share(1500) {
        let mut parts = Vec::new();
        for _ in 0..rng.below(4) {
            parts.push(match rng.below(5) {
                0 => json!({ "type": "Replace", "pattern": { "String": "▁" }, "content": *rng.choose(&[" ", "\u{fffd}"]) }),
                1 => json!({ "type": "Replace", "pattern": { "Regex": "^a|日" }, "content": *rng.choose(&["<0x41>", LONG]) }),
                2 => json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": *rng.choose(&["always", "never", "first"]), "split": true }),
                3 => json!({ "type": "WordPiece", "prefix": "##", "cleanup": rng.below(2) == 0 }),
                _ => { let stop = rng.below(3); strip(&mut rng, stop) }
            });
        }
        if rng.below(3) > 0 {
            parts.insert(rng.below(parts.len() + 1), json!({ "type": "ByteFallback" }));
        }
        if rng.below(2) == 0 {
            parts.push(json!({ "type": "Fuse" }));
            for _ in 0..rng.below(3) {
                parts.push(strip(&mut rng, 0));
            }
        }
        let decoder = if round % 10 == 0 { json!(null) } else { json!({ "type": "Sequence", "decoders": parts }) };
        let [by_crate, tokenizer] = [(), ()].map(|()| with_decoder(&decoder));
        // Much is decoded in another way than a few ids.
        tokenizer.decode(&vec![5; 5000], false, false).expect("known");
        for _ in 0..4 {
            let ids: Vec<u32> = (0..rng.below(12)).map(|_| rng.below(TOKENS.len()) as u32).collect();
            for strict in [false, true] {
                let [expected, found] = [&by_crate, &tokenizer].map(|tokenizer| {
                    let text = tokenizer.decode(&ids, false, strict);
                    text.inspect_err(|error| assert!(strict && matches!(error, Error::InvalidUtf8), "{error}")).ok()
                });
                assert_eq!(found, expected, "{decoder} {ids:?}");
            }
            check(&mut rng, &tokenizer, &ids, &decoder.to_string());
        }
    }
}

#[test]
fn a_replacement_character_of_the_text_itself_is_utf8() {
    let text = "a\u{fffd}b";
    let ids_of = |tokenizer: &Tokenizer, tokens: &[&str]| -> Vec<u32> {
        tokens.iter().map(|token| tokenizer.token_to_id(token).expect("a token")).collect()
    };
    let fallback = json!({ "type": "ByteFallback" });
    let replace = json!({ "type": "Replace", "pattern": { "String": "▁" }, "content": "\u{fffd}" });
    let byte_level = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    for (decoders, tokens) in [
        (json!([fallback]), &["a", "<0xEF>", "<0xBF>", "<0xBD>", "b"][..]),
        (json!([replace, fallback]), &["a", "▁", "b"]),
        (json!([fallback, replace]), &["a", "▁", "b"]),
        (json!([{ "type": "Strip", "content": " ", "start": 1, "stop": 0 }, byte_level]), &["a", "\u{fffd}", "b"]),
        (json!([byte_level, replace]), &["a", "▁", "b"]),
    ] {
        let tokenizer = with_decoder(&json!({ "type": "Sequence", "decoders": decoders }));
        let ids = ids_of(&tokenizer, tokens);
        // The first time without a table of texts.
        for _ in 0..2 {
            assert_eq!(tokenizer.decode(&ids, false, true).expect("UTF-8"), text, "{decoders}");
            if DecodeStream::new(&tokenizer, false, true).is_some() {
                assert_eq!(in_chunks(&mut Rng::new(3), &tokenizer, &ids, false, true).0.expect("UTF-8"), text);
            }
            tokenizer.decode(&vec![5; 5000], false, false).expect("known");
        }
    }
    let tokenizer = with_decoder(&fallback);
    for tokens in [&["<0xEF>", "<0xBF>"][..], &["\u{fffd}", "<0xFF>"], &["<0xEF>", "a", "<0xBF>", "<0xBD>"]] {
        let ids = ids_of(&tokenizer, tokens);
        assert!(matches!(tokenizer.decode(&ids, false, true), Err(Error::InvalidUtf8)), "{tokens:?}");
        let found = in_chunks(&mut Rng::new(4), &tokenizer, &ids, false, true).0;
        assert!(matches!(found, Err(Error::InvalidUtf8)), "{tokens:?}");
    }
}

#[test]
fn text_that_is_not_sure_before_the_end_has_no_stream() {
    let fuse = json!({ "type": "Fuse" });
    let strip = json!({ "type": "Strip", "content": " ", "start": 0, "stop": 1 });
    for parts in [
        json!([{ "type": "BPEDecoder", "suffix": "</w>" }]),
        json!([{ "type": "CTC", "pad_token": "a", "word_delimiter_token": "b", "cleanup": true }]),
        json!([fuse, strip]),
        json!([fuse, { "type": "Replace", "pattern": { "String": "ab" }, "content": "" }]),
        json!([{ "type": "ByteFallback" }, { "type": "ByteFallback" }]),
    ] {
        let tokenizer = with_decoder(&json!({ "type": "Sequence", "decoders": parts }));
        assert!(DecodeStream::new(&tokenizer, false, false).is_none(), "{parts}");
    }
}

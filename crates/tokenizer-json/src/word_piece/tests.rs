use serde_json::{Map, Value, json};
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::strings::Strings;

use crate::{Error, LARGEST_TEXT, Tokenizer, load, load_with_crate};

/// A file like BERT's.
pub(crate) fn file(model: &Value, normalizer: &Value, added: &Value) -> Vec<u8> {
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": normalizer,
        "pre_tokenizer": { "type": "BertPreTokenizer" }, "post_processor": null, "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": model,
    });
    serde_json::to_vec(&file).expect("JSON")
}

/// How a file is read by words and by the crate.
fn both(model: &Value, normalizer: &Value, added: &Value) -> [Tokenizer; 2] {
    let bytes = file(model, normalizer, added);
    let both = [load(&bytes), load_with_crate(&bytes)].map(|loaded| {
        let loaded = loaded.expect("well-formed");
        loaded.into_tokenizer().expect("not byte-level")
    });
    assert_eq!(both.each_ref().map(|tokenizer| tokenizer.by_words.is_some()), [true, false]);
    both
}

/// A vocabulary of parts of `texts`.
fn vocabulary(rng: &mut Rng, texts: &[String], prefix: &str) -> Map<String, Value> {
    let mut tokens = vec!["[UNK]".to_owned(), "[SEP]".to_owned(), prefix.to_owned()];
    for text in texts {
        let characters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        for _ in 0..4 {
            let start = rng.below(characters.len().max(1));
            let length = 1 + rng.below(5);
            let part: String = characters.iter().skip(start).take(length).collect();
            tokens.push(if rng.below(2) == 0 { part } else { format!("{prefix}{part}") });
        }
    }
    tokens.extend(('a'..='z').flat_map(|letter| [letter.to_string(), format!("{prefix}{letter}")]));
    let mut ids = Map::new();
    for token in tokens {
        let id = ids.len();
        ids.entry(token).or_insert_with(|| id.into());
    }
    ids
}

pub(crate) fn texts(rng: &mut Rng, strings: &Strings, count: u64, seed: u64) -> Vec<String> {
    let word = |rng: &mut Rng| -> String {
        (0..=rng.below(20)).map(|_| char::from(*rng.choose(b"abcdeABC.,'#3\x07"))).collect()
    };
    (0..count)
        .map(|index| match rng.below(3) {
            0 => strings.string(seed, index),
            1 => (0..rng.below(12)).map(|_| word(rng)).collect::<Vec<_>>().join(" "),
            _ => format!("{}[SEP]{}", word(rng), strings.string(seed, index)),
        })
        .collect()
}

/// A random model of tokens of `texts`.
pub(crate) fn word_piece(rng: &mut Rng, texts: &[String]) -> Value {
    let prefix = *rng.choose(&["##", "", "@"]);
    json!({
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": prefix,
        "max_input_chars_per_word": rng.choose(&[1, 3, 8, 100, 256]), "vocab": vocabulary(rng, texts, prefix),
    })
}

/// A random one.
pub(crate) fn normalizer(rng: &mut Rng) -> Value {
    let mut flag = || rng.below(2) == 0;
    let [clean, chinese, lowercase] = [flag(), flag(), flag()];
    match rng.below(6) {
        0 => json!(null),
        _ => json!({
            "type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese,
            "strip_accents": rng.choose(&[Some(true), Some(false), None]), "lowercase": lowercase,
        }),
    }
}

#[test]
fn ids_are_those_of_the_crate() {
    let (mut rng, strings) = (Rng::new(5), Strings::new());
    let mut ids = 0;
    for round in 0..share(24) {
        let texts = texts(&mut rng, &strings, 60, round);
        let (model, normalizer) = (word_piece(&mut rng, &texts), normalizer(&mut rng));
        let flag = |rng: &mut Rng| rng.below(2) == 0;
        let added = json!([
            { "id": 1, "content": "[SEP]", "special": true, "normalized": false, "single_word": false, "lstrip": flag(&mut rng), "rstrip": flag(&mut rng) },
        ]);
        let [words, of_crate] = both(&model, &normalizer, &added);
        for allowed in [&[][..], &["[SEP]"]] {
            let policies =
                [&words, &of_crate].map(|tokenizer| tokenizer.policy::<&str>(allowed, &[]).expect("one token"));
            for text in &texts {
                let expected = of_crate.encode(text, &policies[1], None).expect("has an unknown token");
                ids += expected.len();
                let [placed, offsets] = [(&words, 0), (&of_crate, 1)].map(|(tokenizer, at)| {
                    tokenizer.encode_with_offsets(text, &policies[at], None).expect("has an unknown token")
                });
                assert_eq!(placed, offsets, "{text:?} {normalizer} {model}");
                // Twice: learnt, and remembered.
                for _ in 0..2 {
                    assert_eq!(
                        words.encode(text, &policies[0], None).expect("has an unknown token"),
                        expected,
                        "{text:?} {normalizer} {model}"
                    );
                }
            }
        }
    }
    assert!(ids as u64 > share(24) * 500, "{ids}");
}

#[test]
fn of_a_long_text_the_crate_is_asked_for_parts() {
    let (mut rng, strings) = (Rng::new(6), Strings::new());
    // Normal form D changes the order of these, and both stay.
    let marks = "a\u{1d16d}\u{1d165}b";
    let parts: Vec<String> = texts(&mut rng, &strings, 400, 7).into_iter().chain([marks.to_owned()]).collect();
    let model = json!({
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": vocabulary(&mut rng, &parts, "##"),
    });
    let normalizer = json!({ "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": true, "lowercase": true });
    let [words, of_crate] = both(&model, &normalizer, &json!([]));
    let policies = [&words, &of_crate].map(|tokenizer| tokenizer.policy::<&str>(&[], &[]).expect("no token"));
    for _ in 0..share(60) {
        let text: String = (0..300).map(|_| rng.choose(&parts).clone() + *rng.choose(&["", " ", "\n", "  "])).collect();
        let text = text + marks;
        let expected = of_crate.encode(&text, &policies[1], None).expect("has an unknown token");
        assert_eq!(words.encode(&text, &policies[0], None).expect("has an unknown token"), expected, "{text:?}");
    }
    let ids = |text: &str| words.encode(text, &policies[0], None).expect("has an unknown token");
    let (short, times) = (ids("b c "), LARGEST_TEXT / 4 + 1);
    assert_eq!(ids(&("b c ".repeat(times) + marks)), [short.repeat(times), ids(marks)].concat());
}

#[test]
fn a_long_word_is_unknown_and_takes_time_in_proportion() {
    let model = json!({ "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": { "[UNK]": 0, "a": 1, "##a": 2, "中": 3 } });
    let [words, _] = both(
        &model,
        &json!({ "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true }),
        &json!([]),
    );
    let policy = words.policy::<&str>(&[], &[]).expect("one token");
    let ids = |text: &str| words.encode(text, &policy, None).expect("has an unknown token");
    assert_eq!(ids(&"a".repeat(100)).len(), 100);
    assert_eq!(ids(&"A".repeat(101)), [0]);
    assert_eq!(ids(&"é".repeat(1 << 22)), [0]);
    assert_eq!(ids(&"a".repeat(1 << 23)), [0]);
    assert_eq!(ids(&"中".repeat(1 << 20)), vec![3; 1 << 20]);
}

#[test]
fn without_an_unknown_token_an_unknown_word_is_an_error() {
    let model = json!({ "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": { "a": 1 } });
    for tokenizer in both(&model, &json!(null), &json!([])) {
        let policy = tokenizer.policy::<&str>(&[], &[]).expect("one token");
        assert_eq!(tokenizer.encode("a a", &policy, None).expect("has an unknown token"), [1, 1]);
        assert!(matches!(tokenizer.encode("a b", &policy, None), Err(Error::UnknownWord { .. })));
    }
}

#[test]
fn work_that_is_cancelled_ends() {
    let model = json!({ "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": { "[UNK]": 0, "中": 3 } });
    let normalizer = json!({ "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true });
    let [words, _] = both(&model, &normalizer, &json!([]));
    let policy = words.policy::<&str>(&[], &[]).expect("one token");
    for text in ["a ".repeat(1 << 16), "中".repeat(1 << 16)] {
        let cancelled = std::sync::atomic::AtomicBool::new(true);
        assert!(matches!(words.encode(&text, &policy, Some(&cancelled)), Err(Error::Cancelled)));
    }
}

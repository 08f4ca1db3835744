use std::collections::HashMap;

use serde_json::{Value, json};
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::strings::Strings;

use super::WORDS;
use crate::byte_level::words::tests::{character_of, merge};
use crate::{load, load_with_crate};

pub(crate) fn steps(rng: &mut Rng) -> (Value, Value) {
    let spaces = json!({ "type": "Replace", "pattern": { "Regex": r"\s+" }, "content": " " });
    let parts = match rng.below(4) {
        0 => vec![],
        1 => vec![json!({ "type": "Lowercase" })],
        _ => vec![json!({ "type": "NFC" }), spaces, json!({ "type": "Lowercase" })],
    };
    let pre_tokenizer = json!({ "type": "Sequence", "pretokenizers": [
        { "type": "Split", "pattern": { "Regex": WORDS }, "behavior": "Removed", "invert": true },
        { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
    ] });
    (json!({ "type": "Sequence", "normalizers": parts }), pre_tokenizer)
}

pub(crate) fn texts(rng: &mut Rng, strings: &Strings, count: u64, seed: u64) -> Vec<String> {
    const SOME: [&str; 34] = [
        "a",
        "b",
        "c",
        "ab",
        "A photo",
        " of",
        "it's",
        "'S",
        "'ll",
        "''",
        "'",
        "!'s",
        " '",
        "é",
        "E\u{301}",
        "\u{301}",
        "İ",
        "Σ",
        "ǅ",
        "\u{1e9e}",
        " ",
        "  ",
        "\t",
        "\n",
        "\u{3000}",
        "\u{85}",
        "中",
        "क्ष",
        "👍🏽",
        "12",
        "½",
        "٣",
        ".",
        "<s>",
    ];
    (0..count)
        .map(|index| match rng.below(3) {
            0 => strings.string(seed, index),
            1 => (0..rng.below(30)).map(|_| char::from(*rng.choose(b"abcABC abc.1\n'"))).collect(),
            _ => (0..rng.below(40)).map(|_| *rng.choose(&SOME)).collect(),
        })
        .collect()
}

/// A model of bytes, some of which may be unknown, and of merges that are met in `texts`.
pub(crate) fn bpe(rng: &mut Rng, texts: &[String]) -> Value {
    let (has_all, unknown) = (rng.below(2) == 0, "<unk>");
    let mut tokens = vec![unknown.to_owned(), "<s>".to_owned()];
    for byte in 0..=255 {
        let character = character_of(byte);
        for token in [character.to_string(), format!("{character}</w>")] {
            if has_all || byte.is_ascii_lowercase() || rng.below(3) > 0 {
                tokens.push(token);
            }
        }
    }
    let mut merges: Vec<[String; 2]> = Vec::new();
    for _ in 0..120 {
        let text = texts[rng.below(texts.len())].to_lowercase();
        let Some(word) = text.split_whitespace().next() else { continue };
        let mut parts: Vec<String> = word.bytes().map(|byte| character_of(byte).to_string()).collect();
        *parts.last_mut().expect("words have bytes") += "</w>";
        merge(&mut parts, &merges, || true);
        let Some(at) = parts.len().checked_sub(2).map(|last| rng.below(last + 1)) else { continue };
        let pair = [parts[at].clone(), parts[at + 1].clone()];
        if pair.concat().len() > 40 || !pair.iter().all(|part| tokens.contains(part)) {
            continue;
        }
        if !tokens.contains(&pair.concat()) {
            tokens.push(pair.concat());
        }
        merges.push(pair);
    }
    let vocabulary: HashMap<&str, usize> = tokens.iter().enumerate().map(|(id, token)| (&**token, id)).collect();
    json!({ "type": "BPE", "unk_token": unknown, "end_of_word_suffix": "</w>", "vocab": vocabulary, "merges": merges })
}

/// A file.
pub(crate) fn file(model: &Value, steps: &(Value, Value), added: &Value) -> Vec<u8> {
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": steps.0,
        "pre_tokenizer": steps.1, "post_processor": null, "decoder": { "type": "BPEDecoder", "suffix": "</w>" }, "model": model,
    });
    serde_json::to_vec(&file).expect("JSON")
}

#[test]
fn ids_of_random_files_are_those_of_the_crate() {
    let (mut rng, strings) = (Rng::new(61), Strings::new());
    let mut count = 0;
    for round in 0..share(120) {
        let texts = texts(&mut rng, &strings, 40, round);
        let (model, steps) = (bpe(&mut rng, &texts), steps(&mut rng));
        let mut flag = || rng.below(2) == 0;
        let added = json!([
            { "id": 1, "content": "<s>", "special": true, "normalized": false, "single_word": false, "lstrip": flag(), "rstrip": flag() },
        ]);
        let file = file(&model, &steps, &added);
        let [words, of_crate] = [load(&file), load_with_crate(&file)]
            .map(|loaded| loaded.expect("well-formed").into_tokenizer().expect("not by the engine"));
        assert!(words.by_words.is_some() && of_crate.by_words.is_none());
        for allowed in [&[][..], &["<s>"]] {
            let policies = [&words, &of_crate].map(|tokenizer| tokenizer.policy::<&str>(allowed, &[]).expect("one"));
            for text in &texts {
                let expected = of_crate.encode(text, &policies[1], None).expect("ids");
                count += expected.len() as u64;
                // Twice: learnt, and remembered.
                for _ in 0..2 {
                    let received = words.encode(text, &policies[0], None).expect("ids");
                    assert_eq!(received, expected, "{text:?} {}", String::from_utf8_lossy(&file));
                }
                let [placed, offsets] = [(&words, 0), (&of_crate, 1)]
                    .map(|(tokenizer, at)| tokenizer.encode_with_offsets(text, &policies[at], None).expect("ids"));
                assert_eq!(placed, offsets, "{text:?}");
            }
        }
    }
    assert!(count > share(20_000), "{count}");
}

#[test]
fn long_texts_and_long_words_have_the_ids_of_the_crate() {
    let (mut rng, strings) = (Rng::new(62), Strings::new());
    for round in 0..4 {
        let texts = texts(&mut rng, &strings, 3000, round);
        let file = file(&bpe(&mut rng, &texts[..100]), &steps(&mut rng), &json!([]));
        let [words, of_crate] = [load(&file), load_with_crate(&file)]
            .map(|loaded| loaded.expect("well-formed").into_tokenizer().expect("not by the engine"));
        let whole = texts.join(" ") + &"abcab".repeat(40_000) + &texts.concat();
        let ids = [&words, &of_crate].map(|tokenizer| {
            let policy = tokenizer.policy::<&str>(&[], &[]).expect("none");
            tokenizer.encode(&whole, &policy, None).expect("ids")
        });
        assert_eq!(ids[0], ids[1]);
    }
}

use std::collections::HashMap;

use serde_json::{Value, json};
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::strings::Strings;

use crate::{Tokenizer, load, load_with_crate};

/// The character that stands for `byte`.
pub(crate) fn character_of(byte: u8) -> char {
    let mut all = (0..0x200).filter_map(char::from_u32);
    all.find(|&character| crate::byte_level::byte_of(character) == Some(byte)).expect("every byte has one")
}

/// Does all of `merges`, one after the other, where `is_done` says so.
pub(crate) fn merge(parts: &mut Vec<String>, merges: &[[String; 2]], mut is_done: impl FnMut() -> bool) {
    for [left, right] in merges {
        let mut at = 0;
        while at + 1 < parts.len() {
            if parts[at] == *left && parts[at + 1] == *right && is_done() {
                let right = parts.remove(at + 1);
                parts[at] += &right;
            }
            at += 1;
        }
    }
}

const BYTE_LEVEL: &str =
    r#"{ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true }"#;

/// Steps before a model, and after it.
pub(crate) fn steps(rng: &mut Rng) -> (Value, Value) {
    let normalizer = if rng.below(2) == 0 { json!(null) } else { json!({ "type": "NFC" }) };
    let mut byte_level: Value = serde_json::from_str(BYTE_LEVEL).expect("JSON");
    let pre_tokenizer = match rng.below(4) {
        0 => {
            json!({ "type": "Sequence", "pretokenizers": [{ "type": "Digits", "individual_digits": true }, byte_level] })
        }
        1 => byte_level,
        _ => {
            byte_level["add_prefix_space"] = json!(true);
            byte_level
        }
    };
    (normalizer, pre_tokenizer)
}

/// Texts of what is awkward, of added tokens, and random ones.
pub(crate) fn texts(rng: &mut Rng, strings: &Strings, count: u64, seed: u64) -> Vec<String> {
    const SOME: [&str; 34] = [
        "a",
        "b",
        "c",
        "ab",
        "the",
        " the",
        "A",
        "é",
        "e\u{301}",
        "\u{301}",
        "\u{323}",
        " ",
        "  ",
        "   ",
        "\t",
        "\n",
        "\n\n",
        "\r\n",
        "\u{3000}",
        "\u{2000}",
        "中",
        "क्ष",
        "\u{958}",
        "\u{1100}\u{1161}",
        "👍🏽",
        "1",
        "23",
        "'s",
        ".",
        "<s>",
        "<mask>",
        "a b",
        "bc.",
        "e|",
    ];
    (0..count)
        .map(|index| match rng.below(3) {
            0 => strings.string(seed, index),
            1 => (0..rng.below(30)).map(|_| char::from(*rng.choose(b"abcabc abc.1\n"))).collect(),
            _ => (0..rng.below(40)).map(|_| *rng.choose(&SOME)).collect(),
        })
        .collect()
}

/// A model of all bytes, and of merges between parts of `texts` in any order, whose ids are in another.
pub(crate) fn bpe(rng: &mut Rng, texts: &[String]) -> Value {
    let mut tokens: Vec<String> = (0..=255).map(|byte| character_of(byte).to_string()).collect();
    let mut merges: Vec<[String; 2]> = Vec::new();
    let byte_level = |text: &str| -> Vec<String> { text.bytes().map(|byte| character_of(byte).to_string()).collect() };
    for _ in 0..120 {
        // What is in a text beside one another, after all merges so far of which some are left out.
        let Some(text) = texts.get(rng.below(texts.len().max(1))) else { break };
        let mut parts = byte_level(text);
        merge(&mut parts, &merges, || rng.below(16) > 0);
        if parts.len() < 2 {
            continue;
        }
        let at = rng.below(parts.len() - 1);
        let pair = [parts[at].clone(), parts[at + 1].clone()];
        let made = pair.concat();
        if made.chars().count() > 12 || merges.contains(&pair) {
            continue;
        }
        if !tokens.contains(&made) {
            tokens.push(made);
        }
        merges.push(pair);
    }
    // Of few files a merge is out of its order, or missing.
    for _ in 0..rng.below(3).saturating_sub(1) {
        let (first, second) = (rng.below(merges.len().max(1)), rng.below(merges.len().max(1)));
        if first < merges.len() {
            merges.swap(first, second);
        }
    }
    if rng.below(4) == 0 && !merges.is_empty() {
        merges.remove(rng.below(merges.len()));
    }
    tokens.extend(["madeupword".to_owned(), "Ġaaa".to_owned(), "<s>".to_owned()]);
    tokens.dedup();
    for index in 0..tokens.len() {
        tokens.swap(index, rng.below(index + 1));
    }
    let mut vocabulary = HashMap::new();
    for token in tokens {
        let id = vocabulary.len();
        vocabulary.entry(token).or_insert(id);
    }
    json!({ "type": "BPE", "vocab": vocabulary, "merges": merges, "ignore_merges": rng.below(3) == 0 })
}

/// Tokens that take white space, are whole words, or are looked for later than others.
pub(crate) fn added(rng: &mut Rng, model: &Value, nfc: bool) -> Value {
    let mut flag = || rng.below(2) == 0;
    let mut token = |id: u32, content: &str, special: bool| {
        let id = model["vocab"].get(content).and_then(Value::as_u64).unwrap_or(id.into());
        let normalized = flag();
        json!({
            "id": id, "content": content, "special": special, "normalized": normalized,
            "single_word": flag() && flag() && !(normalized && nfc), "lstrip": flag(), "rstrip": flag(),
        })
    };
    json!([
        token(60_000, "<s>", true),
        token(60_001, "<mask|", true),
        token(60_002, "a b|", false),
        token(60_003, "   ", false),
        token(60_004, "bc.", true),
        token(60_005, "e|", false),
        token(60_006, "  ", false),
        token(60_007, "c. ", false),
    ])
}

/// A file.
pub(crate) fn file(model: &Value, steps: &(Value, Value), added: &Value) -> Vec<u8> {
    let decoder: Value = serde_json::from_str(BYTE_LEVEL).expect("JSON");
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": steps.0,
        "pre_tokenizer": steps.1, "post_processor": null, "decoder": decoder, "model": model,
    });
    serde_json::to_vec(&file).expect("JSON")
}

fn encoded(tokenizer: &Tokenizer, text: &str, allowed: &[&str]) -> Result<(Vec<u32>, crate::Encoded), String> {
    let policy = tokenizer.policy::<&str>(allowed, &[]).map_err(|error| error.to_string())?;
    let ids = tokenizer.encode(text, &policy, None).map_err(|error| error.to_string())?;
    let placed = tokenizer.encode_with_offsets(text, &policy, None).map_err(|error| error.to_string())?;
    Ok((ids, placed))
}

#[test]
fn ids_and_places_of_random_files_are_those_of_the_crate() {
    let (mut rng, strings) = (Rng::new(41), Strings::new());
    let (mut by_words, mut all, mut count) = (0, 0, 0);
    for round in 0..share(150) {
        let texts = texts(&mut rng, &strings, 40, round);
        let (model, steps) = (bpe(&mut rng, &texts), steps(&mut rng));
        let added = added(&mut rng, &model, !steps.0.is_null());
        let file = file(&model, &steps, &added);
        let loaded = load(&file).expect("well-formed");
        let Some(tokenizer) = loaded.tokenizer() else { continue };
        all += 1;
        by_words += u64::from(tokenizer.by_words.is_some());
        let of_crate = load_with_crate(&file).expect("well-formed").into_tokenizer().expect("by the crate");
        for allowed in [&[][..], &["<s>", "<mask|", "bc."]] {
            for text in &texts {
                let expected = encoded(&of_crate, text, allowed).expect("ids");
                count += expected.0.len();
                let received = encoded(tokenizer, text, allowed).expect("ids");
                assert_eq!(received, expected, "{text:?} {}", String::from_utf8_lossy(&file));
            }
        }
    }
    assert!(2 * by_words > all && count as u64 > share(20_000), "{by_words} of {all}, {count} ids");
}

#[test]
fn files_like_published_ones_are_read_by_the_engine() {
    let mut roberta: Value =
        serde_json::from_slice(include_bytes!("../../../../../testdata/tokenizer-json/roberta.json")).expect("JSON");
    let is_by_words = |file: &Value| {
        let loaded = load(&serde_json::to_vec(file).expect("JSON")).expect("well-formed");
        loaded.tokenizer().is_some_and(|tokenizer| tokenizer.by_words.is_some())
    };
    assert!(is_by_words(&roberta));
    roberta["pre_tokenizer"]["add_prefix_space"] = json!(true);
    assert!(is_by_words(&roberta));
    roberta["normalizer"] = json!({ "type": "Lowercase" });
    assert!(!is_by_words(&roberta));
}

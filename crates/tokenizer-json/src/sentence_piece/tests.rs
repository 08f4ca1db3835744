use std::time::Duration;

use serde_json::{Value, json};
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::strings::Strings;
use tokenmill_testkit::time;

use crate::by_words::ByWords;
use crate::{Error, LARGEST_TEXT, Tokenizer, load, load_with_crate};

/// A file.
pub(crate) fn file(model: &Value, steps: &(Value, Value), added: &Value) -> Vec<u8> {
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": steps.0,
        "pre_tokenizer": steps.1, "post_processor": null, "decoder": null, "model": model,
    });
    serde_json::to_vec(&file).expect("JSON")
}

/// How a file is read by words and by the crate.
fn both(model: &Value, steps: &(Value, Value), added: &Value) -> [Tokenizer; 2] {
    let bytes = file(model, steps, added);
    let both = [load(&bytes), load_with_crate(&bytes)].map(|loaded| {
        let loaded = loaded.expect("well-formed");
        loaded.into_tokenizer().expect("not byte-level")
    });
    let by_words = both.each_ref().map(|tokenizer| tokenizer.by_words.is_some());
    assert_eq!(by_words, [true, false], "{} {}", steps.0, steps.1);
    both
}

/// A map of characters that `sentencepiece` made.
pub(crate) fn charsmap() -> Value {
    let file: Value =
        serde_json::from_slice(include_bytes!("../../../../testdata/tokenizer-json/t5.json")).expect("a fixture");
    file.pointer("/normalizer/normalizers/0").cloned().expect("a map of characters")
}

fn metaspace(scheme: &str, split: bool) -> Value {
    json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split })
}

/// Steps that come to words by spaces.
pub(crate) fn steps_by_spaces(rng: &mut Rng, charsmap: &Value) -> (Value, Value) {
    let drops = rng.below(3) == 0;
    let content = if drops { " " } else { *rng.choose(&[" ", "▁"]) };
    let several = json!({ "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": content });
    let strip =
        |rng: &mut Rng| json!({ "type": "Strip", "strip_left": rng.below(2) == 0, "strip_right": rng.below(2) == 0 });
    let parts = match rng.below(8) {
        0 => vec![],
        1 => vec![charsmap.clone()],
        2 => vec![charsmap.clone(), several],
        3 => vec![charsmap.clone(), strip(rng), several],
        4 => vec![strip(rng), charsmap.clone(), several],
        5 => vec![strip(rng), charsmap.clone(), strip(rng), several],
        6 => vec![several],
        _ => vec![strip(rng), several],
    };
    let schemes: &[&str] = if parts.is_empty() { &["always", "first", "never"] } else { &["always", "never"] };
    let pre_tokenizer = if drops {
        json!({ "type": "Sequence", "pretokenizers": [{ "type": "WhitespaceSplit" }, metaspace("always", true)] })
    } else {
        metaspace(rng.choose::<&str>(schemes), true)
    };
    (json!({ "type": "Sequence", "normalizers": parts }), pre_tokenizer)
}

/// Steps that come to a text that is merged as a whole.
pub(crate) fn steps_by_pairs(rng: &mut Rng) -> (Value, Value) {
    let replace = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" });
    match rng.below(4) {
        0 => (
            json!({ "type": "Sequence", "normalizers": [{ "type": "Prepend", "prepend": "▁" }, replace] }),
            json!(null),
        ),
        1 => (replace, json!(null)),
        2 => (
            replace,
            json!({ "type": "Split", "pattern": { "String": " " }, "behavior": "MergedWithPrevious", "invert": false }),
        ),
        _ => (json!(null), metaspace(rng.choose::<&str>(&["always", "first", "never"]), false)),
    }
}

pub(crate) fn texts(rng: &mut Rng, strings: &Strings, count: u64, seed: u64) -> Vec<String> {
    const SOME: [&str; 30] = [
        "a",
        "b",
        "c",
        "ab",
        "A",
        "é",
        "e\u{301}",
        "▁",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\u{3000}",
        "\u{200b}",
        "ﬁ",
        "中",
        "中文",
        "。",
        "क्ष",
        "नि",
        "한",
        "각",
        "\u{1100}\u{1161}",
        "👍🏽",
        "🇩🇪",
        "\u{85}",
        "\u{a8}",
        "\u{600}",
        "\u{301}",
    ];
    let word = |rng: &mut Rng| -> String {
        (0..=rng.below(20)).map(|_| char::from(*rng.choose(b"abcdeABC.,'#3\x07"))).collect()
    };
    (0..count)
        .map(|index| match rng.below(4) {
            0 => strings.string(seed, index),
            1 => (0..rng.below(12)).map(|_| word(rng)).collect::<Vec<_>>().join(" "),
            2 => (0..rng.below(40)).map(|_| *rng.choose(&SOME)).collect(),
            _ => format!("{}<s>{}", word(rng), strings.string(seed, index)),
        })
        .collect()
}

/// Parts of `texts`, with marks for spaces, and other tokens.
fn tokens(rng: &mut Rng, texts: &[String]) -> Vec<String> {
    let mut tokens = vec!["<unk>".to_owned(), "<s>".to_owned()];
    let mut add = |token: String| {
        if !token.is_empty() && !tokens.contains(&token) {
            tokens.push(token);
        }
    };
    if rng.below(2) == 0 {
        (0..256).for_each(|byte| add(format!("<0x{byte:02X}>")));
    } else if rng.below(4) == 0 {
        (0..200).for_each(|byte| add(format!("<0x{byte:02X}>")));
    }
    if rng.below(8) != 0 {
        add("▁".to_owned());
    }
    for text in texts {
        let characters: Vec<char> = text.replace(' ', "▁").chars().collect();
        for _ in 0..6 {
            let start = rng.below(characters.len().max(1));
            add(characters.iter().skip(start).take(1 + rng.below(5)).collect());
        }
    }
    for token in ["a", "b", "c", "d", "e", "A", "B", "C", "▁a", "aa", "ab", "a b"] {
        add(token.to_owned());
    }
    tokens
}

pub(crate) fn unigram(rng: &mut Rng, texts: &[String]) -> Value {
    let tokens = tokens(rng, texts);
    // Some rounded differently by the order in which they are added, and many alike.
    let scores = [-1.0, -2.5, -0.1, -7.3, -3.0, -1e-9, -12.25, 0.3];
    let vocabulary: Vec<_> = tokens.iter().map(|token| json!([token, rng.choose(&scores)])).collect();
    json!({ "type": "Unigram", "unk_id": 0, "vocab": vocabulary, "byte_fallback": rng.below(2) == 0 })
}

pub(crate) fn bpe(rng: &mut Rng, texts: &[String]) -> Value {
    let all = tokens(rng, texts);
    let mut ids = serde_json::Map::new();
    for token in &all {
        ids.insert(token.clone(), ids.len().into());
    }
    // Some ways to make each token out of others, for which parts may be missing.
    let mut merges: Vec<(String, String)> = Vec::new();
    for token in all.iter().filter(|token| token.chars().count() > 1 && !token.starts_with('<')) {
        for _ in 0..2 {
            let characters: Vec<char> = token.chars().collect();
            let (left, right) = characters.split_at(1 + rng.below(characters.len() - 1));
            merges.push((left.iter().collect(), right.iter().collect()));
        }
    }
    for index in 0..merges.len() {
        let other = rng.below(merges.len());
        merges.swap(index, other);
    }
    for (left, right) in &merges {
        for part in [left, right] {
            if !ids.contains_key(part) {
                ids.insert(part.clone(), ids.len().into());
            }
        }
    }
    let byte_fallback = ids.contains_key("<0xFF>") && rng.below(4) != 0;
    json!({
        "type": "BPE", "unk_token": "<unk>", "byte_fallback": byte_fallback, "fuse_unk": rng.below(2) == 0, "vocab": ids,
        "merges": merges.iter().map(|(left, right)| [left, right]).collect::<Vec<_>>(),
    })
}

/// A model as `sentencepiece` trains one: merges of what stands side by side in `texts`, each with all ways to make its token.
pub(crate) fn trained_bpe(rng: &mut Rng, texts: &[String]) -> Value {
    let mut tokens = vec!["<unk>".to_owned(), "<s>".to_owned(), "▁".to_owned()];
    tokens.extend((0..256).map(|byte| format!("<0x{byte:02X}>")));
    let texts: Vec<String> = texts.iter().map(|text| text.replace(' ', "▁")).collect();
    for character in texts.iter().flat_map(|text| text.chars()).filter(|_| rng.below(5) > 0) {
        let character = character.to_string();
        if !tokens.contains(&character) {
            tokens.push(character);
        }
    }
    let mut merges: Vec<(String, String)> = Vec::new();
    for _ in 0..rng.below(100) {
        let mut parts: Vec<String> = texts[rng.below(texts.len())].chars().map(String::from).collect();
        // Of one pair all merges are one after the other, so that it is looked for once.
        for (left, right) in &merges {
            let mut at = 0;
            while at + 1 < parts.len() {
                if parts[at] == *left && parts[at + 1] == *right {
                    parts[at].push_str(right);
                    parts.remove(at + 1);
                }
                at += 1;
            }
        }
        let pairs: Vec<&[String]> =
            parts.windows(2).filter(|pair| pair.iter().all(|part| tokens.contains(part))).collect();
        if pairs.is_empty() {
            continue;
        }
        let made = rng.choose(&pairs).concat();
        if !tokens.contains(&made) && made.len() < 60 && made != "<s>" {
            let ways = made.char_indices().skip(1).map(|(at, _)| made.split_at(at));
            let ways =
                ways.filter(|(left, right)| [left, right].iter().all(|part| tokens.iter().any(|token| token == *part)));
            merges.extend(ways.map(|(left, right)| (left.to_owned(), right.to_owned())));
            tokens.push(made);
        }
    }
    // Now and then one in another place, of which it may be that it is never made.
    for _ in 0..rng.below(3) {
        if merges.len() > 1 {
            let [one, other] = [0; 2].map(|_| rng.below(merges.len()));
            merges.swap(one, other);
        }
    }
    let mut places: Vec<usize> = (2..tokens.len()).collect();
    (0..places.len()).for_each(|place| {
        let other = rng.below(places.len());
        places.swap(place, other);
    });
    let ids: serde_json::Map<String, Value> =
        (0..2).chain(places).zip(tokens).map(|(id, token)| (token, id.into())).collect();
    json!({
        "type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "fuse_unk": rng.below(2) == 0, "vocab": ids,
        "merges": merges.iter().map(|(left, right)| [left, right]).collect::<Vec<_>>(),
    })
}

fn compare(rng: &mut Rng, model: &Value, steps: &(Value, Value), texts: &[String]) -> usize {
    let mut flag = || rng.below(2) == 0;
    let added = json!([
        {
            "id": 1, "content": "<s>", "special": true, "normalized": steps.0.is_null() && flag(), "single_word": false, "lstrip": flag(),
            "rstrip": flag(),
        },
    ]);
    let [words, of_crate] = both(model, steps, &added);
    let mut ids = 0;
    for allowed in [&[][..], &["<s>"]] {
        let policies = [&words, &of_crate].map(|tokenizer| tokenizer.policy::<&str>(allowed, &[]).expect("one token"));
        for text in texts {
            let expected = of_crate.encode(text, &policies[1], None).expect("has an unknown token");
            ids += expected.len();
            let [placed, offsets] = [(&words, 0), (&of_crate, 1)].map(|(tokenizer, at)| {
                tokenizer.encode_with_offsets(text, &policies[at], None).expect("has an unknown token")
            });
            assert_eq!(placed, offsets, "{text:?} {} {} {model}", steps.0.to_string().len(), steps.1);
            // Twice: learnt, and remembered.
            for _ in 0..2 {
                let received = words.encode(text, &policies[0], None).expect("has an unknown token");
                assert_eq!(received, expected, "{text:?} {} {} {model}", steps.0.to_string().len(), steps.1);
            }
        }
    }
    ids
}

/// Compares ids of `rounds` random models with random steps.
fn compare_all(
    seed: u64,
    rounds: u64,
    model: fn(&mut Rng, &[String]) -> Value,
    steps: impl Fn(&mut Rng) -> (Value, Value),
) {
    let (mut rng, strings) = (Rng::new(seed), Strings::new());
    let mut ids = 0;
    for round in 0..share(rounds) {
        let texts = texts(&mut rng, &strings, 40, round);
        let (model, steps) = (model(&mut rng, &texts), steps(&mut rng));
        ids += compare(&mut rng, &model, &steps, &texts);
    }
    assert!(ids as u64 > share(rounds) * 500, "{ids}");
}

#[test]
fn ids_of_a_unigram_are_those_of_the_crate() {
    let charsmap = charsmap();
    compare_all(5, 40, unigram, |rng| steps_by_spaces(rng, &charsmap));
}

#[test]
fn ids_of_merges_in_words_are_those_of_the_crate() {
    let charsmap = charsmap();
    compare_all(6, 40, bpe, |rng| steps_by_spaces(rng, &charsmap));
}

#[test]
fn ids_of_merges_in_a_whole_text_are_those_of_the_crate() {
    compare_all(7, 80, bpe, steps_by_pairs);
}

#[test]
fn ids_of_trained_merges_are_those_of_the_crate_by_the_engine() {
    let (mut rng, strings) = (Rng::new(10), Strings::new());
    let (mut ids, mut by_engine) = (0, 0);
    for round in 0..share(60) {
        let texts = texts(&mut rng, &strings, 30, round);
        let (model, steps) = (trained_bpe(&mut rng, &texts), steps_by_pairs(&mut rng));
        ids += compare(&mut rng, &model, &steps, &texts);
        let [words, _] = both(&model, &steps, &json!([]));
        let Some(ByWords::SentencePiece(words)) = words.by_words.as_ref() else { panic!("it is one") };
        by_engine += u64::from(words.is_by_engine());
    }
    assert!(ids as u64 > share(60) * 500 && by_engine > share(60) / 2, "{ids} {by_engine}");
}

#[test]
fn a_long_word_takes_time_in_proportion() {
    let mut rng = Rng::new(8);
    let texts =
        ["a".repeat(1 << 17), "ab".repeat(1 << 16), " ".repeat(1 << 17), "中".repeat(1 << 16), "é".repeat(1 << 16)];
    let replace = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" });
    let merges = bpe(&mut rng, &texts.each_ref().map(|text| text.chars().take(40).collect()));
    compare(&mut rng, &merges, &(replace, json!(null)), &texts);
    let model = unigram(&mut rng, &texts.each_ref().map(|text| text.chars().take(40).collect()));
    let by_spaces = (charsmap(), metaspace("always", true));
    compare(&mut rng, &model, &by_spaces, &texts);
    compare(&mut rng, &merges, &by_spaces, &texts);

    // A word of as many parts as characters, which no merge joins.
    let [words, _] = both(&bpe(&mut rng, &["ab".to_owned()]), &by_spaces, &json!([]));
    let policy = words.policy::<&str>(&[], &[]).expect("no tokens");
    let text = "é".repeat(1 << 20);
    let (ids, took) = time::took(|| words.encode(&text, &policy, None).expect("it is not too long"));
    assert!(!ids.is_empty() && took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn without_an_unknown_token_an_unknown_character_is_an_error() {
    let model =
        json!({ "type": "Unigram", "unk_id": null, "vocab": [["a", -1.0], ["▁", -2.0]], "byte_fallback": false });
    for tokenizer in both(&model, &(json!(null), metaspace("always", true)), &json!([])) {
        let policy = tokenizer.policy::<&str>(&[], &[]).expect("no tokens");
        assert_eq!(tokenizer.encode("a a", &policy, None).expect("known"), [1, 0, 1, 0]);
        assert!(matches!(tokenizer.encode("a b", &policy, None), Err(Error::UnknownWord { .. })));
    }
}

#[test]
fn texts_may_be_longer_than_the_crate_takes_but_words_may_not() {
    let unigram = json!({ "type": "Unigram", "unk_id": 0, "byte_fallback": false,
        "vocab": [["<unk>", 0.0], ["a", -2.0], ["b", -2.0], ["▁", -2.0], ["▁ab", -1.0]] });
    let bpe = json!({ "type": "BPE", "unk_token": "<unk>", "byte_fallback": false, "fuse_unk": false,
        "vocab": { "<unk>": 0, "a": 1, "b": 2, "▁": 3, "▁ab": 4, "ab": 5, "ba": 6 }, "merges": [["a", "b"], ["▁", "ab"], ["b", "a"]] });
    let replace = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" });
    let by_spaces = (json!(null), metaspace("always", true));
    for (model, steps) in [(&unigram, &by_spaces), (&bpe, &by_spaces), (&bpe, &(replace, json!(null)))] {
        let [words, _] = both(model, steps, &json!([]));
        let policy = words.policy::<&str>(&[], &[]).expect("no tokens");
        let times = LARGEST_TEXT / 3 + 1;
        let ids = words.encode(&" ab".repeat(times), &policy, None).expect("its words are short");
        assert!(ids.len() == times && ids.iter().all(|&id| id == 4));
        let word = "ab".repeat(LARGEST_TEXT / 2 + 1);
        for text in [&word, &format!(" ab {word}")] {
            match words.encode(text, &policy, None) {
                Err(Error::Limit { reason }) => assert!(reason.contains("at most 8388608 bytes"), "{reason}"),
                other => panic!("{:?}", other.map(|ids| ids.len())),
            }
        }
    }
}

#[test]
fn counting_ends_soon_after_as_many_ids_as_are_asked_for() {
    let model =
        json!({ "type": "Unigram", "unk_id": null, "vocab": [["a", -1.0], ["▁", -2.0]], "byte_fallback": false });
    let [words, _] = both(&model, &(json!(null), metaspace("always", true)), &json!([]));
    let policy = words.policy::<&str>(&[], &[]).expect("no tokens");
    let known = "a ".repeat(1 << 15);
    let count = words.encode(&known, &policy, None).expect("known").len();
    for most in [0, 1, count - 1, count, count + 1, usize::MAX] {
        let expected = (count <= most).then_some(count);
        assert_eq!(words.count_within(&known, &policy, most).expect("known"), expected, "{most}");
    }
    // What is unknown is not read where that is told before.
    let text = known + "b";
    assert_eq!(words.count_within(&text, &policy, count / 2).expect("known so far"), None);
    assert!(matches!(words.count_within(&text, &policy, 2 * count), Err(Error::UnknownWord { .. })));
}

#[test]
fn what_is_merged_with_unknown_tokens_is_left_to_the_crate() {
    let file = |vocabulary: Value, merges: Value| {
        let model = json!({ "type": "BPE", "unk_token": "<unk>", "byte_fallback": false, "fuse_unk": false, "vocab": vocabulary, "merges": merges });
        let file = json!({
            "version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": metaspace("always", true), "post_processor": null,
            "decoder": null, "model": model,
        });
        let loaded = load(&serde_json::to_vec(&file).expect("JSON")).expect("well-formed");
        loaded.into_tokenizer().expect("not byte-level").by_words.is_some()
    };
    assert!(file(json!({ "<unk>": 0, "a": 1, "aa": 2 }), json!([["a", "a"]])));
    assert!(!file(json!({ "<unk>": 0, "a": 1, "a<unk>": 2 }), json!([["a", "<unk>"]])));
    assert!(!file(json!({ "a": 1, "aa": 2 }), json!([["a", "a"]])));
}

#[test]
fn work_that_is_cancelled_ends() {
    let mut rng = Rng::new(9);
    let texts = ["a ".repeat(1 << 16), "中".repeat(1 << 16)];
    let some = texts.each_ref().map(|text| text.chars().take(40).collect());
    let replace = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" });
    for (model, steps, texts) in [
        (unigram(&mut rng, &some), (charsmap(), metaspace("always", true)), &texts[..]),
        // The other one is a word, and so is this where a merge joins its parts.
        (bpe(&mut rng, &["ab".to_owned()]), (replace, json!(null)), &texts[..1]),
    ] {
        let [words, _] = both(&model, &steps, &json!([]));
        let policy = words.policy::<&str>(&[], &[]).expect("no tokens");
        for text in texts {
            let cancelled = std::sync::atomic::AtomicBool::new(true);
            assert!(matches!(words.encode(text, &policy, Some(&cancelled)), Err(Error::Cancelled)));
        }
    }
}

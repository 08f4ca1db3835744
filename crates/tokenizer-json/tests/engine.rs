//! Byte-level BPE by the engine of `crates/bpe`: the ids of the `tokenizers` crate, or not by the engine.

mod common;

use std::collections::HashMap;
use std::sync::Arc;

use common::{FIXTURES, crate_of, file, json, rows};
use serde_json::{Value, json};
use tokenmill_bpe::{EncodeStream, Pattern, Tokenizer, Vocabulary};
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::strings::Strings;
use tokenmill_tokenizer_json::{Loaded, encode_normalized_with_offsets, load, load_with_crate};
use unicode_normalization_alignments::UnicodeNormalization;

/// Those that the engine runs.
const ENGINE: [&str; 7] = ["deepseek", "gpt2", "llama3", "neox", "o200k", "qwen2", "starcoder"];

fn load_json(value: &Value) -> Loaded {
    load(value.to_string().as_bytes()).expect("a file")
}

fn engine_of(loaded: &Loaded) -> &Tokenizer {
    &loaded.engine().expect("the engine runs it").tokenizer
}

/// Whether `text` is one for the engine of a fixture: of one that only has the ids of normal form C.
fn is_for_engine(loaded: &Loaded, text: &str) -> bool {
    let engine = loaded.engine().expect("the engine runs it");
    // All that changes is above, and few of what is above does: good enough to leave out.
    !engine.nfc || engine.normalizes || text.chars().all(|character| character < '\u{300}')
}

#[test]
fn the_engine_runs_byte_level_models() {
    for name in FIXTURES {
        assert_eq!(load(&file(name)).expect(name).engine().is_some(), ENGINE.contains(&name), "{name}");
    }
}

#[test]
fn ids_and_text_are_those_of_the_crate() {
    for name in ENGINE {
        let loaded = load(&file(name)).expect(name);
        let engine = engine_of(&loaded);
        let special: Vec<&str> = engine.special_tokens().into_iter().map(|(token, _)| token).collect();
        let all = engine.special_policy(&special, &[]).expect(name);
        for row in rows(name).into_iter().filter(|row| is_for_engine(&loaded, &row.text)) {
            assert_eq!(engine.encode(&row.text, &all).expect(name), row.ids, "{name}: {:?}", row.text);
            let decoded = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            assert_eq!(decoded(engine.decode_bytes(&row.ids).expect(name)), row.decoded);
            assert_eq!(decoded(engine.decode_bytes_without_special(&row.ids).expect(name)), row.skipped);
            if let Some(ordinary) = &row.ordinary {
                assert_eq!(&engine.encode_ordinary(&row.text), ordinary, "{name}: {:?}", row.text);
            }
        }
    }
}

#[test]
fn ids_of_random_strings_are_those_of_the_crate() {
    for name in ENGINE {
        let (loaded, other) = (load(&file(name)).expect(name), load_with_crate(&file(name)).expect(name));
        let (engine, other) = (engine_of(&loaded), crate_of(&other));
        let plain = other.policy::<&str>(&[], &[]).expect(name);
        let mut rng = Rng::new(31);
        let mut compared = 0;
        while compared < 1500 {
            let text = random_text(&mut rng);
            if is_for_engine(&loaded, &text) {
                assert_eq!(
                    engine.encode_ordinary(&text),
                    other.encode(&text, &plain, None).expect(name),
                    "{name}: {text:?}"
                );
                compared += 1;
            }
        }
    }
}

/// Words of the fixtures' own kind and what is awkward.
fn random_text(rng: &mut Rng) -> String {
    let parts = [
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "a",
        "The",
        "tokens",
        "ing",
        "é",
        "ß",
        "日本",
        "原始文本",
        "Привет",
        "1",
        "12345",
        "'s",
        "'LL",
        "don't",
        "<tool>",
        "<|endoftext|>",
        "_",
        "--",
        "...",
        "!",
        "/",
        "\u{a0}",
        "😀",
        "x",
        "mill",
        "grinds",
        "İ",
        "ǅ",
        "\u{0}",
        "٣",
        "Ⅷ",
        "½",
        "가",
        "ア",
        "、",
    ];
    (0..rng.below(24)).map(|_| parts[rng.below(parts.len())]).collect()
}

#[test]
fn whatever_the_merges_are_the_ids_are_those_of_the_crate() {
    // Vocabularies of a few letters, with merges in any order, some of them missing: those that the engine takes, it encodes alike.
    let mut rng = Rng::new(7);
    let letters = ["a", "b", "c"];
    let mut taken = 0;
    for round in 0..600 {
        let mut vocab: HashMap<String, u32> = HashMap::new();
        // Every other file is without the bytes that UTF-8 has not.
        for byte in (0..=255_u8).filter(|byte| round % 4 < 2 || !matches!(byte, 0xc0 | 0xc1 | 0xf5..)) {
            vocab.insert(character_of(byte).to_string(), u32::from(byte));
        }
        let mut known: Vec<String> = letters.map(str::to_owned).to_vec();
        let mut merges = Vec::new();
        for _ in 0..rng.below(12) {
            let (left, right) = (known[rng.below(known.len())].clone(), known[rng.below(known.len())].clone());
            let token = format!("{left}{right}");
            if token.len() > 8 {
                continue;
            }
            let next = 256 + known.len() as u32;
            if !vocab.contains_key(&token) {
                vocab.insert(token.clone(), next);
                known.push(token);
            }
            merges.push([left, right]);
        }
        if round % 3 == 0 && merges.len() > 2 {
            let (first, second) = (rng.below(merges.len()), rng.below(merges.len()));
            merges.swap(first, second);
        }
        let ignore_merges = round % 2 == 0;
        let file = json!({
            "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
            "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
            "model": { "type": "BPE", "vocab": vocab, "merges": merges, "ignore_merges": ignore_merges },
        });
        let loaded = load_json(&file);
        let Some(engine) = loaded.engine() else { continue };
        taken += 1;
        let other = load_with_crate(file.to_string().as_bytes()).expect("a file");
        let other = crate_of(&other);
        let plain = other.policy::<&str>(&[], &[]).expect("a policy");
        for _ in 0..40 {
            let text: String = (0..rng.below(30)).map(|_| letters[rng.below(3)]).collect();
            let expected = other.encode(&text, &plain, None).expect("ids");
            assert_eq!(engine.tokenizer.encode_ordinary(&text), expected, "{merges:?} {ignore_merges} {text:?}");
        }
    }
    assert!(taken > 100, "{taken}");
}

/// The character that stands for `byte`.
fn character_of(byte: u8) -> char {
    match byte {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => char::from(byte),
        0..=0x20 => char::from_u32(0x100 + u32::from(byte)).expect("a character"),
        0x7f..=0xa0 => char::from_u32(0x121 + u32::from(byte) - 0x7f).expect("a character"),
        0xad => '\u{143}',
    }
}

#[test]
fn what_the_engine_would_do_otherwise_the_crate_does() {
    let changed = |path: &str, value: Value| {
        let mut file = json("gpt2");
        *file.pointer_mut(path).expect("it is there") = value;
        load_json(&file).engine().is_some()
    };
    assert!(changed("/post_processor", Value::Null));
    assert!(!changed("/pre_tokenizer/add_prefix_space", json!(true)));
    assert!(!changed("/pre_tokenizer", Value::Null));
    assert!(!changed("/decoder", Value::Null));
    assert!(!changed("/normalizer", json!({ "type": "Lowercase" })));
    assert!(!changed("/added_tokens/0/lstrip", json!(true)));
    assert!(!changed("/model/end_of_word_suffix", json!("</w>")));
    // Merges in another order than ids.
    let mut file = json("gpt2");
    file["model"]["merges"].as_array_mut().expect("merges").swap(3, 40);
    assert!(load_json(&file).engine().is_none());
    // A byte that UTF-8 has.
    let mut file = json("gpt2");
    file["model"]["vocab"].as_object_mut().expect("tokens").remove("ó");
    assert!(load_json(&file).engine().is_none());
    // A token that no merge makes.
    let mut file = json("gpt2");
    file["model"]["vocab"]["Ġzzz"] = json!(701);
    assert!(load_json(&file).engine().is_none());
    file["model"]["ignore_merges"] = json!(true);
    assert!(load_json(&file).engine().is_some());
}

#[test]
fn whatever_the_added_tokens_are_the_ids_are_those_of_the_crate() {
    // Tokens of a few characters, so that they begin, end and hold each other, of the first and of the second round.
    let mut rng = Rng::new(11);
    let letters = ["\u{1}", "\u{2}", "\u{3}"];
    let (mut taken, mut mixed, mut met) = (0, 0, 0);
    for _ in 0..400 {
        let mut contents: Vec<String> = Vec::new();
        for _ in 0..=rng.below(4) {
            let content: String = (0..2 + rng.below(3)).map(|_| letters[rng.below(3)]).collect();
            if !contents.contains(&content) {
                contents.push(content);
            }
        }
        let mut file = json("gpt2");
        let flags: Vec<(bool, bool)> = contents.iter().map(|_| (rng.below(2) == 0, rng.below(2) == 0)).collect();
        let added: Vec<Value> = contents.iter().zip(&flags).zip(900..).map(|((content, (special, normalized)), id)| {
            json!({ "id": id, "content": content, "special": special, "normalized": normalized, "single_word": false, "lstrip": false, "rstrip": false })
        }).collect();
        file["added_tokens"].as_array_mut().expect("a list").extend(added);
        if rng.below(2) == 0 {
            file["normalizer"] = json!({ "type": "NFC" });
        }
        let loaded = load_json(&file);
        let Some(engine) = loaded.engine() else { continue };
        taken += 1;
        let is_mixed = flags.iter().any(|flags| flags.1) && flags.iter().any(|flags| !flags.1);
        mixed += usize::from(is_mixed);
        let other = load_with_crate(file.to_string().as_bytes()).expect("a file");
        let other = crate_of(&other);
        let allowed: Vec<&str> = contents.iter().filter(|_| rng.below(3) > 0).map(String::as_str).collect();
        let ours = engine.tokenizer.special_policy(&allowed, &[]).expect("a policy");
        let theirs = other.policy(&allowed, &[]).expect("a policy");
        for _ in 0..40 {
            let text: String = (0..rng.below(24)).map(|_| letters[rng.below(3)]).collect();
            let ids = engine.tokenizer.encode(&text, &ours).expect("ids");
            assert_eq!(
                ids,
                other.encode(&text, &theirs, None).expect("ids"),
                "{contents:?} {flags:?} {allowed:?} {text:?}"
            );
            let rounds = |normalized| ids.iter().any(|&id| id >= 900 && flags[id as usize - 900].1 == normalized);
            met += usize::from(rounds(true) && rounds(false));
        }
    }
    assert!(taken > 100 && mixed > 20 && met > 50, "{taken} {mixed} {met}");
}

#[test]
fn texts_that_come_to_normal_form_c_have_the_ids_of_the_crate() {
    const SOME: [&str; 36] = [
        "a",
        "e",
        "E",
        " ",
        "  ",
        "\n",
        "\r\n",
        "1",
        "23",
        ".",
        "'s",
        "\u{301}",
        "\u{323}",
        "\u{338}",
        "\u{3099}",
        "か",
        "\u{1100}",
        "\u{1161}",
        "\u{11a8}",
        "가",
        "क",
        "\u{93c}",
        "\u{958}",
        "\u{1d15e}",
        "\u{1d165}",
        "\u{212a}",
        "\u{212b}",
        "\u{37e}",
        "\u{2000}",
        "\u{fb1d}",
        "\u{5b4}",
        "中",
        "\u{f900}",
        "<t>",
        "K|",
        " the mill",
    ];
    let (mut rng, strings) = (Rng::new(12), Strings::new());
    let added = |id: u32, content: &str, special: bool| json!({ "id": id, "content": content, "special": special, "normalized": false, "single_word": false, "lstrip": false, "rstrip": false });
    for name in ["gpt2", "llama3", "qwen2", "o200k", "deepseek", "starcoder"] {
        let mut file = json(name);
        file["normalizer"] = json!({ "type": "NFC" });
        let all = file["added_tokens"].as_array_mut().expect("a list");
        for token in all.iter_mut() {
            token["normalized"] = json!(false);
        }
        // Looked for in what is normalized, and found in the text, too.
        let late = |id: u32, content: &str| json!({ "id": id, "content": content, "special": false, "normalized": true, "single_word": false, "lstrip": false, "rstrip": false });
        all.extend([late(9004, "  "), late(9005, " \n"), late(9006, "e|")]);
        all.extend([
            added(9000, "<t>", true),
            added(9001, "K|", true),
            added(9002, "\u{212a}|", false),
            added(9003, "e\u{301}", false),
        ]);
        let loaded = load_json(&file);
        let engine = loaded.engine().expect(name);
        assert!(engine.nfc && engine.normalizes, "{name}");
        let other = load_with_crate(file.to_string().as_bytes()).expect(name);
        let other = crate_of(&other);
        let mut changed = 0;
        for (allowed, disallowed) in [(&[][..], &[][..]), (&["<t>", "K|"], &[]), (&["K|"], &["<t>"])] {
            let ours = Arc::new(engine.tokenizer.special_policy::<&str>(allowed, disallowed).expect("a policy"));
            let theirs = other.policy::<&str>(allowed, disallowed).expect("a policy");
            for index in 0..share(1500) {
                let text: String = match rng.below(3) {
                    0 => strings.string(5, index),
                    _ => (0..rng.below(40)).map(|_| *rng.choose(&SOME)).collect(),
                };
                let expected = other.encode(&text, &theirs, None).ok();
                assert_eq!(engine.tokenizer.encode(&text, &ours).ok(), expected, "{name} {text:?}");
                let offsets = encode_normalized_with_offsets(&engine.tokenizer, &text, &ours, None).ok();
                assert_eq!(offsets, other.encode_with_offsets(&text, &theirs, None).ok(), "{name} {text:?}");
                let count = engine.tokenizer.count_batch(&[&text], &ours, None).ok().map(|counts| counts[0]);
                assert_eq!(count, expected.as_ref().map(Vec::len), "{name} {text:?}");
                let mut stream = EncodeStream::new(Arc::clone(&engine.tokenizer), Arc::clone(&ours), usize::MAX, true);
                let (mut ids, mut rest) = (Vec::new(), &*text);
                let mut chunks = || {
                    while !rest.is_empty() {
                        let (chunk, after) = rest.split_at(rest.ceil_char_boundary(1 + rng.below(12)));
                        stream.encode(chunk, &mut ids, None)?;
                        rest = after;
                    }
                    stream.end()?;
                    stream.encode_ready(&mut ids, None)
                };
                assert_eq!(chunks().ok().map(|()| ids), expected, "{name} {text:?}");
                changed += usize::from(text.nfc().map(|(character, _)| character).ne(text.chars()));
            }
        }
        assert!(changed as u64 > share(1500), "{name} {changed}");
    }
}

#[test]
fn long_texts_that_come_to_normal_form_c_are_cut_where_it_allows() {
    let loaded = load(&file("qwen2")).expect("qwen2");
    let engine = engine_of(&loaded);
    let policy = engine.special_policy::<&str>(&[], &[]).expect("a policy");
    // Each comes to more bytes than it has, or to less.
    for unit in [
        "\u{958}",
        "\u{1d15e}",
        "e\u{301} ",
        "\u{1100}\u{1161}\u{11a8}x\u{323}\u{301} ",
        "\u{212a} 1\n",
        "中\n\u{338}",
        "\u{301}",
    ] {
        let text = unit.repeat((3 << 19) / unit.len());
        let normalized: String = text.nfc().map(|(character, _)| character).collect();
        let plain = |text: &str| engine.encode(text, &policy).expect("ids");
        let expected = plain(&normalized);
        assert_eq!(plain(&text), expected, "{unit:?}");
        let rows = engine.encode_batch(&[&text, "x", &text], &policy, None).expect("ids");
        assert_eq!(&rows.ids[rows.starts[0]..rows.starts[1]], expected, "{unit:?}");
        assert_eq!(&rows.ids[rows.starts[2]..rows.starts[3]], expected, "{unit:?}");
        let counts = engine.count_batch(&[&text], &policy, None).expect("counts");
        assert_eq!(counts, [expected.len()], "{unit:?}");
    }
}

#[test]
fn added_tokens_of_the_second_round_may_start_inside_those_of_the_first() {
    // As in the file of DeepSeek V4.
    let added = |id: u32, content: &str, normalized: bool| json!({ "id": id, "content": content, "normalized": normalized, "special": false, "single_word": false, "lstrip": false, "rstrip": false });
    let file_of = |tokens: [Value; 2]| {
        let mut file = json("gpt2");
        file["added_tokens"].as_array_mut().expect("a list").extend(tokens);
        file
    };
    let loaded = load_json(&file_of([added(900, "<｜/table>｜", false), added(901, "｜DSML｜", true)]));
    let ids = engine_of(&loaded).encode_ordinary("<｜/table>｜DSML｜DSML｜");
    assert_eq!((ids[0], ids[ids.len() - 1]), (900, 901));
    // The other way round the second would be found before the first.
    let loaded = load_json(&file_of([added(900, "<｜/table>｜", true), added(901, "｜DSML｜", false)]));
    assert!(loaded.engine().is_none());
}

#[test]
fn added_tokens_that_are_not_special_are_found_whatever_the_policy() {
    let loaded = load(&file("llama3")).expect("llama3");
    let engine = engine_of(&loaded);
    let id = engine.token_to_id(b"<tool>").expect("a token");
    assert!(engine.encode_ordinary("a<tool>b").contains(&id));
    let plain = engine.special_policy::<&str>(&[], &[]).expect("a policy");
    assert!(engine.encode("a<tool>b", &plain).expect("ids").contains(&id));
    assert!(!engine.is_special(id));
    assert!(engine.special_tokens().iter().all(|&(token, _)| token != "<tool>"));
    assert_eq!(engine.decode_bytes_without_special(&[id]).expect("text"), b"<tool>");
}

/// Bytes, `CHARACTERS` and all pairs of these, so that ids say where a text was split.
fn tokenizer_of_pairs(pattern: &str) -> Tokenizer {
    let mut tokens: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
    for character in CHARACTERS {
        tokens.extend((2..=character.len()).map(|end| character.as_bytes()[..end].to_vec()));
    }
    tokens.extend(CHARACTERS.iter().flat_map(|a| CHARACTERS.map(|b| [a.as_bytes(), b.as_bytes()].concat())));
    let vocabulary = Vocabulary::from_tokens(tokens.iter().map(Vec::as_slice).zip(0..)).expect("distinct tokens");
    Tokenizer::new(vocabulary, Pattern::from_regex(pattern).expect("a pattern"), []).expect("a tokenizer")
}

const CHARACTERS: [&str; 9] = ["a", "B", "1", "_", ".", " ", "\n", "²", "\u{200d}"];

#[test]
fn a_pattern_of_ones_own_means_the_same_in_a_file() {
    let mut rng = Rng::new(20_261_128);
    for pattern in [
        r"\w+|[^\w\s]+|\s+",
        r"[\w.]+|[\W]",
        r"^.|.$|\s|\S",
        r"\b.|\B\s",
        r"[[:punct:]]+|[[:^alnum:]]|[[:alnum:]]{1,2}",
        r"(?s:a.)|\S{1,3}+|\s",
        r"[\xb2]1?|\u200da|[^\x{b2}]",
        r"\s++$|\s|\S+",
    ] {
        let saved = tokenizer_of_pairs(pattern);
        let loaded = load(saved.to_tokenizer_json().expect(pattern).as_bytes()).expect(pattern);
        // The engine has scanners of published patterns alone.
        let read = crate_of(&loaded);
        let policy = read.policy::<&str>(&[], &[]).expect(pattern);
        for _ in 0..2000 {
            let text: String = (0..rng.below(12)).map(|_| CHARACTERS[rng.below(CHARACTERS.len())]).collect();
            let ids = read.encode(&text, &policy, None).expect(pattern);
            assert_eq!(ids, saved.encode_ordinary(&text), "{pattern}: {text:?}");
        }
    }
    let error = tokenizer_of_pairs(r"(?m:^a)|.").to_tokenizer_json().expect_err("no such form").to_string();
    assert!(error.contains(r#"received "(?m:^a)|.""#), "{error}");
}

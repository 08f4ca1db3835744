//! Files made to harm, and texts: every one is an error within a second, or harmless.

mod common;

use std::time::Duration;

use common::{crate_of, json, special};
use serde_json::{Value, json};
use tokenmill_testkit::time;
use tokenmill_tokenizer_json::{Error, LARGEST_FILE, LARGEST_TEXT, Loaded, load, load_with_crate};

fn load_json(value: &Value) -> Result<Loaded, Error> {
    load_with_crate(value.to_string().as_bytes())
}

fn within<T>(limit: Duration, work: impl FnOnce() -> T) -> T {
    let (result, took) = time::took(work);
    assert!(took < limit, "it took {took:?}");
    result
}

const SECOND: Duration = Duration::from_secs(1);

/// The reason why `value` is refused, within a second.
fn refused(value: &Value) -> String {
    let text = value.to_string();
    match within(SECOND, || load(text.as_bytes())) {
        Err(Error::InvalidFile { reason } | Error::Limit { reason }) => reason,
        Err(other) => panic!("refused with {other:?}"),
        Ok(_) => panic!("accepted: {}", &text[..text.len().min(300)]),
    }
}

/// `fixture` with `value` at `path`.
fn changed(fixture: &str, path: &str, value: Value) -> Value {
    let mut file = json(fixture);
    *file.pointer_mut(path).unwrap_or_else(|| panic!("{path} is there")) = value;
    file
}

#[test]
fn s2_a_stride_that_is_not_below_the_length_is_refused() {
    for (max_length, stride) in [(8, 8), (8, 6), (0, 1), (1, 0), (5, u64::MAX)] {
        let truncation =
            json!({ "max_length": max_length, "stride": stride, "strategy": "LongestFirst", "direction": "Right" });
        assert!(refused(&changed("bert", "/truncation", truncation)).contains("stride"));
    }
}

#[test]
fn s2_a_template_whose_special_token_is_missing_is_refused() {
    assert!(refused(&changed("bert", "/post_processor/special_tokens", json!({}))).contains("[CLS]"));
    assert!(refused(&changed("bert", "/post_processor/single/1/Sequence/id", json!("B"))).contains("post_processor"));
    let pair = json!([{ "Sequence": { "id": "A", "type_id": 0 } }]);
    assert!(refused(&changed("bert", "/post_processor/pair", pair)).contains("each text once"));
    assert!(
        refused(&changed("bert", "/post_processor/special_tokens/[CLS]/ids", json!([4_000_000])))
            .contains("ids of tokens")
    );
}

#[test]
fn s2_a_strip_decoder_that_takes_more_than_there_is_leaves_nothing() {
    let strip = |stop: u64| json!({ "type": "Strip", "content": "a", "start": 2, "stop": stop });
    for stop in [1, 3, u64::MAX] {
        let tokenizer = load_json(&changed("bert", "/decoder", strip(stop)))
            .expect("a Strip decoder")
            .into_tokenizer()
            .expect("the crate runs it");
        let ids: Vec<u32> = (0..tokenizer.vocab_size()).collect();
        within(SECOND, || tokenizer.decode(&ids, false, false)).expect("text");
    }
}

#[test]
fn s2_words_of_length_0_are_refused() {
    assert!(
        refused(&changed("bert", "/pre_tokenizer", json!({ "type": "FixedLength", "length": 0 }))).contains("length")
    );
}

#[test]
fn s2_a_broken_map_of_characters_is_refused() {
    let charsmap =
        json("t5").pointer("/normalizer/normalizers/0/precompiled_charsmap").and_then(Value::as_str).map(str::to_owned);
    let good = base64::decode(charsmap.expect("a map")).expect("base64");
    let file =
        |bytes: &[u8]| changed("t5", "/normalizer/normalizers/0/precompiled_charsmap", json!(base64::encode(bytes)));
    assert!(load_json(&file(&good)).is_ok());
    for bytes in [&b""[..], &[255, 255, 255, 255], &[4, 0, 0, 0, 0, 0, 0, 0], &good[..good.len() / 2], &good[..100]] {
        assert!(refused(&file(bytes)).contains("map of characters"));
    }
    // Whatever one byte of it becomes: refused, or no text harms.
    let mut accepted = 0;
    for at in (0..good.len()).step_by(61) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x5a;
        if let Ok(loaded) = load_json(&file(&bytes)) {
            let policy = crate_of(&loaded).policy::<&str>(&[], &[]).expect("a policy");
            _ = crate_of(&loaded).encode("ﬁ ½ \u{a0}\u{3000}① e\u{301}\u{200b} abc", &policy, None);
            accepted += 1;
        }
    }
    assert!(accepted > 10);
}

#[test]
fn s2_a_merge_that_makes_no_token_is_refused() {
    let bpe = |vocab: Value, merges: Value| json!({ "version": "1.0", "model": { "type": "BPE", "vocab": vocab, "merges": merges } });
    // R1: the joined token is longer than any there is.
    assert!(refused(&bpe(json!({ "a": 0, "b": 1 }), json!([["a", "b"]]))).contains("\"ab\" is none"));
    assert!(refused(&bpe(json!({ "a": 0, "b": 1, "ab": 2 }), json!([["a", "c"]]))).contains("\"c\" is none"));
    assert!(refused(&bpe(json!({ "a": 0, "b": 1, "ab": 2 }), json!(["a b c"]))).contains("two tokens"));
    assert!(refused(&bpe(json!({ "a": 0, "": 1 }), json!([["a", ""]]))).contains("longer one"));
    let mut prefixed = bpe(json!({ "a": 0, "é": 1 }), json!([["a", "é"]]));
    prefixed["model"]["continuing_subword_prefix"] = json!("#");
    assert!(refused(&prefixed).contains("longer one"));
    assert!(load_json(&bpe(json!({ "a": 0, "b": 1, "ab": 2 }), json!(["a b"]))).is_ok());
}

#[test]
fn s3_two_tokens_with_one_id_are_refused() {
    let level = |vocab: Value, added: Value| json!({ "version": "1.0", "added_tokens": added, "model": { "type": "WordLevel", "unk_token": "a", "vocab": vocab } });
    let token = |id: u64, content: &str| json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true });
    assert!(refused(&level(json!({ "a": 0, "b": 0 }), json!([]))).contains("same id 0"));
    assert!(refused(&level(json!({ "a": 0 }), json!([token(0, "x")]))).contains("same id 0"));
    assert!(refused(&level(json!({ "a": 0 }), json!([token(1, "a")]))).contains("the id 0 in model.vocab and 1"));
    assert!(refused(&level(json!({ "a": 0 }), json!([token(1, "x"), token(1, "y")]))).contains("same id 1"));
    assert!(refused(&level(json!({ "a": 0 }), json!([token(1, "x"), token(2, "x")]))).contains("twice"));
    let twice = r#"{"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0,"a":1}}}"#;
    assert!(matches!(load(twice.as_bytes()), Err(Error::InvalidFile { reason }) if reason.contains("twice")));
}

#[test]
fn names_that_a_call_refuses_are_as_long_as_special_tokens_may_be() {
    let long = "x".repeat(5000);
    let added = json!([{ "id": 1, "content": long, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true }]);
    let file =
        json!({ "added_tokens": added, "model": { "type": "WordLevel", "unk_token": "a", "vocab": { "a": 0 } } });
    let loaded = load_json(&file).expect("a tokenizer");
    let refused = |names: &[String]| match crate_of(&loaded).policy(&[], names).map(drop) {
        Err(Error::Limit { reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert!(crate_of(&loaded).policy(&[], &["y".repeat(4096), long]).is_ok());
    assert_eq!(refused(&["y".repeat(4097)]), "expected special tokens of at most 4096 bytes, received 4097");
    let many: Vec<String> = (1000..2025).map(|number| format!("{}{number}", "y".repeat(4092))).collect();
    assert!(refused(&many).starts_with("expected special tokens of at most 4194304 bytes together"));
}

#[test]
fn special_tokens_that_share_an_id_are_names_of_one_token() {
    let token = |content: &str, special: bool| json!({ "id": 2, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": special });
    let file = |vocab: Value, added: Value| json!({ "added_tokens": added, "model": { "type": "WordLevel", "unk_token": "a", "vocab": vocab } });
    let both = json!({ "a": 0, "<x>": 2, "<y>": 2 });
    let loaded =
        load_json(&file(both.clone(), json!([token("<y>", true), token("<x>", true)]))).expect("names of one token");
    let tokenizer = crate_of(&loaded);
    // The last one is what the id is decoded to, as Hugging Face has it.
    assert_eq!(tokenizer.special_tokens(), [("<x>", 2), ("<y>", 2)]);
    let policy = tokenizer.policy(&["<x>", "<y>"], &[]).expect("a policy");
    assert_eq!(tokenizer.encode("<y>a<x>", &policy, None).expect("ids"), [2, 0, 2]);
    assert_eq!(
        tokenizer.encode("<y>", &tokenizer.policy::<&str>(&[], &[]).expect("a policy"), None).expect("ids"),
        [0]
    );
    assert_eq!(tokenizer.decode(&[2], false, false).expect("text"), "<x>");

    let special = json!([token("<x>", true), token("<y>", true)]);
    for (vocab, added) in [
        (both.clone(), json!([token("<x>", true)])),
        (both.clone(), json!([token("<x>", true), token("<y>", false)])),
        (both, json!([token("<x>", false), token("<y>", false)])),
        (json!({ "a": 0, "<x>": 2 }), special.clone()),
        (json!({ "a": 0, "<y>": 2 }), special.clone()),
        (json!({ "a": 0 }), special),
    ] {
        assert!(refused(&file(vocab, added)).contains("same id 2"));
    }
}

#[test]
fn s3_ids_are_in_proportion_to_the_tokens_and_may_have_holes() {
    let level = |id: u64| json!({ "model": { "type": "WordLevel", "unk_token": "a", "vocab": { "a": 0, "b": id } } });
    let most = 4 * 2 + 65_536;
    let loaded = load_json(&level(most)).expect("holes");
    assert_eq!(crate_of(&loaded).vocab_size(), most as u32 + 1);
    assert_eq!(crate_of(&loaded).token(1), None);
    assert!(matches!(crate_of(&loaded).decode(&[0, 1], false, false), Err(Error::UnknownId { id: 1, index: 1, .. })));
    assert!(refused(&level(most + 1)).contains("expected ids of at most"));
    for id in [u64::from(u32::MAX), u64::MAX] {
        refused(&level(id));
    }
    refused(&json!({ "model": { "type": "WordLevel", "unk_token": "a", "vocab": { "a": -1 } } }));
}

#[test]
fn s3_nesting_without_end_is_refused() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{{\"normalizer\":{}1{}}}", open.repeat(100_000), close.repeat(100_000));
        assert!(within(SECOND, || load(deep.as_bytes())).is_err());
    }
    let mut normalizer = json!({ "type": "NFC" });
    for _ in 0..100 {
        normalizer = json!({ "type": "Sequence", "normalizers": [normalizer] });
    }
    // As deep as JSON is read; it is laid flat.
    _ = load_json(&changed("bert", "/normalizer", normalizer));
    let many: Vec<Value> = vec![json!({ "type": "NFC" }); 65];
    assert!(
        refused(&changed("bert", "/normalizer", json!({ "type": "Sequence", "normalizers": many })))
            .contains("at most 64")
    );
    // The crate keeps these tokens in a tree that it drops by recursion.
    let long = json!([["<unk>", 0.0], ["a".repeat(1 << 20), 0.0]]);
    let mut file = changed("xlmr", "/model/vocab", long);
    file["model"]["unk_id"] = json!(0);
    assert!(refused(&file).contains("256 bytes"));
}

#[test]
fn a_hundred_megabytes_are_refused() {
    let bytes = vec![b'{'; 100_000_000];
    assert!(
        matches!(within(SECOND, || load(&bytes)), Err(Error::Limit { reason }) if reason.contains(&LARGEST_FILE.to_string()))
    );
}

#[test]
fn other_bytes_are_refused() {
    for bytes in [
        &b""[..],
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{\"model\":null}",
        b"{\"model\":{}}",
        b"{\"version\":\"2.0\",\"model\":{}}",
    ] {
        assert!(matches!(load(bytes), Err(Error::InvalidFile { .. })), "{bytes:?}");
    }
    for kind in ["BPE", "WordPiece", "WordLevel", "Unigram", "Other"] {
        refused(&json!({ "model": { "type": kind } }));
    }
    refused(&changed("gpt2", "/model/dropout", json!(0.1)));
    refused(&changed("bert", "/normalizer", json!({ "type": "Nothing" })));
    refused(&changed("bert", "/normalizer", json!("NFC")));
    refused(&changed("bert", "/model/max_input_chars_per_word", json!(1_000_000_000)));
}

#[test]
fn s4_a_catastrophic_regular_expression_ends_within_a_second() {
    let sources = [
        "(a+)+$",
        "(?=a)(a+)+$",
        "(?:(?!b)a|a)*c",
        "(a|a)*(?=b)",
        "(?<!x)(?:a*)*b",
        "(x+x+)+y(?!z)",
        ".*?b|a",
        r"(a*)\1b",
        r"(a*)*\1!!",
        r"(?=a)(?:(a*)\1)+b",
        r"(?:(?=a)a(?:.*z)?+)*",
    ];
    for source in sources {
        for (part, change) in [
            (
                "/pre_tokenizer",
                json!({ "type": "Split", "pattern": { "Regex": source }, "behavior": "Isolated", "invert": false }),
            ),
            ("/normalizer", json!({ "type": "Replace", "pattern": { "Regex": source }, "content": "" })),
        ] {
            let Ok(loaded) = within(SECOND, || load_json(&changed("words", part, change))) else { continue };
            let policy = crate_of(&loaded).policy::<&str>(&[], &[]).expect("a policy");
            for text in ["a".repeat(50_000) + "!", "x".repeat(5_000)] {
                match within(SECOND, || crate_of(&loaded).encode(&text, &policy, None)) {
                    Ok(_) | Err(Error::Limit { .. }) => {}
                    Err(other) => panic!("{source}: {other}"),
                }
            }
        }
    }
    for source in ["(", "(?:a{1000}){1000}{1000}", &"(".repeat(10_000), &"a".repeat(20_000), "(?:\\p{L}{1000}){1000}"] {
        let split = json!({ "type": "Split", "pattern": { "Regex": source }, "behavior": "Isolated", "invert": false });
        assert!(refused(&changed("words", "/pre_tokenizer", split)).contains("pre_tokenizer"));
    }
}

#[test]
fn s5_a_word_of_the_vocabulary_that_is_a_special_token_is_not_given_for_plain_text() {
    // The whole text is one word, and the model knows it.
    for (fixture, token) in [("words", "[PAD]"), ("bert", "[CLS]"), ("xlmr", "<s>"), ("t5", "</s>")] {
        let mut file = json(fixture);
        file["pre_tokenizer"] = Value::Null;
        file["normalizer"] = Value::Null;
        let tokenizer = load_json(&file).expect(fixture).into_tokenizer().expect("the crate runs it");
        let id = tokenizer.token_to_id(token).expect("a special token");
        let plain = tokenizer.policy::<&str>(&[], &[]).expect("a policy");
        assert!(!tokenizer.encode(token, &plain, None).expect(fixture).contains(&id), "{fixture}");
        assert_eq!(
            tokenizer.encode(token, &tokenizer.policy(&[token], &[]).expect("a policy"), None).expect(fixture),
            [id]
        );
        let refusing = tokenizer.policy(&[], &[token]).expect("a policy");
        let text = format!("é {token}");
        let error = tokenizer.encode(&text, &refusing, None);
        assert!(
            matches!(error, Err(Error::DisallowedSpecialToken { token: found, at: 3 }) if found == token),
            "{fixture}"
        );
    }
}

#[test]
fn a_normalizer_cannot_make_a_text_without_end() {
    let replace = json!({ "type": "Replace", "pattern": { "String": "a" }, "content": "b".repeat(1 << 20) });
    let tokenizer = load_json(&changed("words", "/normalizer", replace))
        .expect("a Replace")
        .into_tokenizer()
        .expect("the crate runs it");
    let policy = tokenizer.policy::<&str>(&[], &[]).expect("a policy");
    assert!(matches!(tokenizer.encode(&"a".repeat(1000), &policy, None), Err(Error::Limit { .. })));
    assert!(
        refused(&changed("words", "/normalizer", json!({ "type": "Prepend", "prepend": "a".repeat(257) })))
            .contains("256")
    );
}

/// A map that puts `text` for "a": the unit of the letter follows the root, and the unit of its leaf is the root.
fn map_of_a(text: &str) -> Value {
    let mut units = [0u32; 256];
    units[97] = 0x61 | 1 << 8 | 0x61 << 10;
    let units = units.map(u32::to_le_bytes).concat();
    let bytes = [&1024u32.to_le_bytes(), &*units, text.as_bytes(), b"\0"].concat();
    json!({ "type": "Precompiled", "precompiled_charsmap": base64::encode(bytes) })
}

#[test]
fn a_map_of_characters_has_no_long_texts() {
    assert!(load_json(&changed("words", "/normalizer", map_of_a(&"b".repeat(256)))).is_ok());
    assert!(refused(&changed("words", "/normalizer", map_of_a(&"b".repeat(257)))).contains("at most 256 bytes"));
}

#[test]
fn a_text_that_the_normalizers_of_the_crate_make_too_long_is_refused_before_it_is() {
    // U+FDFA is 33 bytes by NFKC; what is put before every stretch between added tokens adds up.
    let before = json!({ "type": "Prepend", "prepend": "b".repeat(100) });
    let token = json!([{ "id": 60_000, "content": "<a>", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": false }]);
    let (long, short) = ("\u{fdfa}", "é");
    for (normalizer, unit, fits) in [
        (json!({ "type": "NFKC" }), long, 1 << 20),
        (map_of_a(&"b".repeat(200)), "a", 1 << 17),
        (before, "<a>x", 1 << 18),
    ] {
        let mut file = changed("words", "/normalizer", normalizer);
        file["added_tokens"] = token.clone();
        let tokenizer = load_json(&file).expect("it is well-formed").into_tokenizer().expect("the crate runs it");
        let policy = tokenizer.policy::<&str>(&[], &[]).expect("a policy");
        let encode = |unit: &str, bytes: usize| tokenizer.encode(&unit.repeat(bytes / unit.len()), &policy, None);
        match encode(unit, LARGEST_TEXT) {
            Err(Error::Limit { reason }) => assert!(reason.contains("when it is normalized"), "{reason}"),
            other => panic!("{unit}: {:?}", other.map(|ids| ids.len())),
        }
        assert!(!matches!(encode(unit, fits), Err(Error::Limit { .. })), "{unit}");
        assert!(!matches!(encode(short, 1 << 20), Err(Error::Limit { .. })), "{short}");
    }
}

#[test]
fn a_text_of_one_word_takes_time_in_proportion() {
    for name in common::FIXTURES {
        let tokenizer = load_with_crate(&common::file(name)).expect(name).into_tokenizer().expect("the crate runs it");
        let policy = tokenizer.policy(&special(&tokenizer), &[]).expect(name);
        for unit in ["a", " ", "é", "😀", "[MASK] ", "_"] {
            let text = unit.repeat((1 << 18) / unit.len());
            match within(2 * SECOND, || tokenizer.encode(&text, &policy, None)) {
                // An expression that steps back is given up.
                Ok(_) | Err(Error::Limit { .. }) => {}
                Err(error) => panic!("{name} {unit:?}: {error}"),
            }
        }
    }
    let tokenizer = load_with_crate(&common::file("bert")).expect("bert").into_tokenizer().expect("the crate runs it");
    let policy = tokenizer.policy::<&str>(&[], &[]).expect("a policy");
    assert!(matches!(tokenizer.encode(&"a".repeat(LARGEST_TEXT + 1), &policy, None), Err(Error::Limit { .. })));
}

#[test]
fn many_added_tokens_load_in_time() {
    let added: Vec<Value> = (0..400_000_u64)
        .map(|id| json!({ "id": id + 1, "content": format!("<extra_{id}>"), "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": false }))
        .collect();
    let file =
        json!({ "added_tokens": added, "model": { "type": "WordLevel", "unk_token": "a", "vocab": { "a": 0 } } })
            .to_string();
    // Two seconds on a machine of its own.
    let ids = within(5 * SECOND, || {
        let tokenizer = load(file.as_bytes()).expect("a file").into_tokenizer().expect("the crate runs it");
        let policy = tokenizer.policy::<&str>(&[], &[]).expect("a policy");
        tokenizer.encode("<extra_399999><extra_7>", &policy, None).expect("ids")
    });
    assert_eq!(ids, [400_000, 8]);
}

/// The ids of `text` by a file of three words with `parts`, special tokens in it being read.
fn ids_of(parts: &Value, text: &str) -> Vec<u32> {
    let mut file = json!({ "model": { "type": "WordLevel", "unk_token": "?", "vocab": { "?": 0, "▁a": 1, "a": 2 } } });
    for (name, part) in parts.as_object().expect("parts by name") {
        file[name] = part.clone();
    }
    let loaded = load_json(&file).expect("a file");
    let tokenizer = crate_of(&loaded);
    let policy = tokenizer.policy(&special(tokenizer), &[]).expect("a policy");
    let ids = tokenizer.encode(text, &policy, None).expect("ids");
    assert_eq!(tokenizer.encode_with_offsets(text, &policy, None).expect("ids").ids, ids);
    ids
}

#[test]
fn an_empty_text_has_no_ids() {
    let put = json!({ "type": "Replace", "pattern": { "Regex": "^" }, "content": "a" });
    assert_eq!(ids_of(&json!({}), ""), [0; 0]);
    assert_eq!(ids_of(&json!({ "normalizer": put }), ""), [0; 0]);
    assert_eq!(ids_of(&json!({}), "a"), [2]);
}

#[test]
fn a_text_that_is_stripped_starts_where_the_rest_of_it_does() {
    let first = json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true });
    let strip = json!({ "type": "Strip", "strip_left": true, "strip_right": true });
    let parts = json!({ "normalizer": strip, "pre_tokenizer": first });
    assert_eq!(ids_of(&parts, "a"), [1]);
    // The first character of the text is not of this word, so Hugging Face's tokenizers puts nothing before it.
    assert_eq!(ids_of(&parts, " a"), [2]);
    assert_eq!(ids_of(&parts, "  "), [0; 0]);
}

#[test]
fn an_added_token_in_the_white_space_that_another_took_is_none() {
    let added = |id: u32, content: &str, rstrip: bool| json!({ "id": id, "content": content, "single_word": false, "lstrip": true, "rstrip": rstrip, "normalized": false, "special": false });
    let parts = json!({ "added_tokens": [added(3, "b ", true), added(4, "  ", false)] });
    assert_eq!(ids_of(&parts, "b    a"), [3, 2]);
    assert_eq!(ids_of(&parts, "a    b "), [2, 4, 4, 3]);
}

#[test]
fn a_prefix_of_nothing_changes_nothing() {
    let parts = json!({
        "normalizer": { "type": "Prepend", "prepend": "" },
        "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
    });
    assert_eq!(ids_of(&parts, "日本 a é"), [0, 0, 0]);
}

#[test]
fn a_text_whose_start_a_normalizer_put_there_is_changed_as_a_whole() {
    let replace =
        |regex: &str, content: &str| json!({ "type": "Replace", "pattern": { "Regex": regex }, "content": content });
    let ids_after = |steps: &[Value], text: &str| {
        let steps = [&[replace("^", "▁A")], steps].concat();
        ids_of(&json!({ "normalizer": { "type": "Sequence", "normalizers": steps } }), text)
    };
    let lowercase = json!({ "type": "Lowercase" });
    assert_eq!(ids_after(&[lowercase.clone(), replace("é", "")], "É"), [1]);
    assert_eq!(ids_after(&[json!({ "type": "NFC" }), replace("A.*", "a")], "日本"), [1]);
    assert_eq!(
        ids_after(&[json!({ "type": "Strip", "strip_left": true, "strip_right": true }), replace("A日", "a")], "日  "),
        [1]
    );
    // Nothing of the text is left.
    assert_eq!(ids_after(&[replace("日", ""), lowercase], "日"), [1]);

    let byte_level = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let mut file = json!({ "model": { "type": "WordLevel", "unk_token": "?", "vocab": { "?": 0, "ba": 1, "Ġa": 2 } } });
    file["normalizer"] = replace("^", "b");
    file["pre_tokenizer"] = byte_level;
    let loaded = load_json(&file).expect("a file");
    let policy = crate_of(&loaded).policy::<&str>(&[], &[]).expect("a policy");
    let encoded = crate_of(&loaded).encode_with_offsets("a a", &policy, None).expect("ids");
    assert_eq!((&encoded.ids[..], &encoded.spans[..]), (&[1, 2][..], &[(0, 1), (1, 3)][..]));
}

#[test]
fn expressions_mean_what_they_do_to_oniguruma() {
    let split = |regex: &str| json!({ "pre_tokenizer": { "type": "Split", "pattern": { "Regex": regex }, "behavior": "Removed", "invert": false } });
    let replace =
        |regex: &str| json!({ "normalizer": { "type": "Replace", "pattern": { "Regex": regex }, "content": "" } });
    assert_eq!(ids_of(&split(r"\n$"), "a\n\na"), [2, 0]);
    assert_eq!(ids_of(&split(r"^b"), "a\nba"), [0, 2]);
    assert_eq!(ids_of(&split("[[:punct:]]"), "a。a€a"), [2, 2, 2]);
    assert_eq!(ids_of(&replace(r"[^\w]"), "\u{200c}a\u{200d}"), [2]);
    assert_eq!(ids_of(&split(r"(?<sign>[!*])\k<sign>*"), "a**a!*!a*"), [2, 2, 2]);
    assert_eq!(ids_of(&replace(r"(.)(.)\2\1"), "abba"), [0; 0]);
    let reason = refused(&changed("bert", "/pre_tokenizer", split(r"\b(a)?(?(1)b|c)")["pre_tokenizer"].clone()));
    assert!(reason.contains(r#"received "\\b(a)?(?(1)b|c)""#), "as it is written: {reason}");
    assert_eq!(ids_of(&split(r"\b(?=a+)"), "a a"), [0, 2]);
    let decoder = json!({ "decoder": { "type": "Replace", "pattern": { "Regex": "^[[:alpha:]]" }, "content": "" } });
    let mut file = json!({ "model": { "type": "WordLevel", "unk_token": "?", "vocab": { "?": 0, "é\néa": 1 } } });
    file["decoder"] = decoder["decoder"].clone();
    let loaded = load_json(&file).expect("a file");
    assert_eq!(crate_of(&loaded).decode(&[1], false, false).expect("text"), "\na");
}

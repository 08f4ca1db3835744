//! No file makes loading a tokenizer.json panic or take long, and with what is loaded no text makes encoding and decoding panic; plain text
//! never has the id of a special token. Ids that are found by words are those of the crate.
//!
//! The first two bytes choose how the rest is read: as a file as it is, or as changes to one of the fixtures, whose values are replaced by
//! others of the kind that files are made of.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokenmill_tokenizer_json::{Error, load, load_with_crate};

static FIXTURES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/tokenizer-json");
    let names = ["added", "bert", "clip", "gpt2", "llama2", "llama3", "qwen2", "roberta", "t5", "words", "xlmr"];
    let read = |name| std::fs::read(format!("{folder}/{name}.json")).expect("a fixture");
    names.into_iter().map(|name| serde_json::from_slice(&read(name)).expect("JSON")).collect()
});

/// A value such as files have, or should not have.
fn value(input: &mut Unstructured) -> arbitrary::Result<Value> {
    let text = |input: &mut Unstructured| -> arbitrary::Result<String> {
        let parts =
            ["a", "é", "Ġ", "▁", "[CLS]", "<s>", "<0x41>", "\\s+", "(?!a)", "a*", "(a+)+$", "\\p{L}", "", " ", "##"];
        let count = input.int_in_range(0..=4)?;
        (0..count).map(|_| input.choose(&parts).copied()).collect()
    };
    Ok(match input.int_in_range(0..=13)? {
        0 => Value::Null,
        1 => json!(bool::arbitrary(input)?),
        2 => json!(input.int_in_range(0..=9)?),
        3 => json!(u64::arbitrary(input)?),
        4 => json!(f64::from(i32::arbitrary(input)?) / 8.0),
        5 => json!(text(input)?),
        6 => {
            json!({ "type": "Split", "pattern": { "Regex": text(input)? }, "behavior": input.choose(&["Isolated", "Removed", "MergedWithNext"])?, "invert": bool::arbitrary(input)? })
        }
        7 => json!({ "type": "Replace", "pattern": { "String": text(input)? }, "content": text(input)? }),
        8 => {
            json!({ "type": input.choose(&["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "Fuse", "ByteFallback", "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "UnicodeScripts"])? })
        }
        9 => {
            json!({ "type": "Strip", "content": "a", "start": input.int_in_range(0..=5)?, "stop": input.int_in_range(0..=5)?, "strip_left": true, "strip_right": false })
        }
        10 => json!({ "type": "FixedLength", "length": input.int_in_range(0..=3)? }),
        11 => {
            json!({ "type": "ByteLevel", "add_prefix_space": bool::arbitrary(input)?, "trim_offsets": true, "use_regex": bool::arbitrary(input)? })
        }
        12 => json!([text(input)?, text(input)?]),
        _ => {
            json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": input.choose(&["always", "never", "first"])?, "split": bool::arbitrary(input)? })
        }
    })
}

/// A place somewhere in `value`.
fn place<'a>(mut value: &'a mut Value, input: &mut Unstructured) -> arbitrary::Result<&'a mut Value> {
    for _ in 0..input.int_in_range(1..=6)? {
        let length = match &*value {
            Value::Array(list) => list.len(),
            Value::Object(map) => map.len(),
            _ => 0,
        };
        if length == 0 {
            break;
        }
        let index = input.choose_index(length)?;
        value = match value {
            Value::Array(list) => &mut list[index],
            Value::Object(map) => map.values_mut().nth(index).expect("there are as many"),
            _ => unreachable!("it has no length"),
        };
    }
    Ok(value)
}

fn file(data: &[u8]) -> arbitrary::Result<Vec<u8>> {
    let mut input = Unstructured::new(data);
    if bool::arbitrary(&mut input)? {
        return Ok(input.take_rest().to_vec());
    }
    let mut file = input.choose(&FIXTURES)?.clone();
    for _ in 0..input.int_in_range(1..=4)? {
        let new = value(&mut input)?;
        *place(&mut file, &mut input)? = new;
    }
    Ok(file.to_string().into_bytes())
}

fuzz_target!(|data: &[u8]| {
    let Ok(file) = file(data) else { return };
    let ours = load(&file);
    assert_eq!(ours.is_ok(), load_with_crate(&file).is_ok());
    let loaded = match load_with_crate(&file) {
        Ok(loaded) => loaded,
        Err(Error::InvalidFile { reason } | Error::Limit { reason }) => return assert!(!reason.is_empty()),
        Err(error) => panic!("{error}"),
    };
    let tokenizer = loaded.tokenizer().expect("the crate runs it");
    let names: Vec<&str> = tokenizer.special_tokens().into_iter().map(|(token, _)| token).collect();
    let ids: Vec<u32> = tokenizer.special_tokens().into_iter().map(|(_, id)| id).collect();
    let unknown = ["[UNK]", "<unk>", "<|endoftext|>"].map(|token| tokenizer.token_to_id(token));
    let texts = [
        "a é 日本 [CLS]<s></s> <mask>  \n 12'll 😀",
        &String::from_utf8_lossy(&data[..data.len().min(200)]),
        &"a".repeat(300),
    ];
    for text in texts {
        let plain = tokenizer.policy::<&str>(&[], &[]).expect("a policy");
        if let Ok(encoded) = tokenizer.encode(text, &plain, None) {
            assert!(
                encoded.iter().all(|id| !ids.contains(id) || unknown.contains(&Some(*id))),
                "{text:?}: {encoded:?}"
            );
        }
        let all = tokenizer.policy(&names, &[]).expect("a policy");
        // `None` where the engine runs it.
        if let Some(ours) = ours.as_ref().ok().and_then(|loaded| loaded.tokenizer()) {
            let policies = [(ours.policy::<&str>(&[], &[]), &plain), (ours.policy(&names, &[]), &all)];
            for (own, policy) in policies {
                let own = ours.encode(text, &own.expect("a policy"), None);
                match (own, tokenizer.encode(text, policy, None)) {
                    // Expressions have so much time, of which this build takes more.
                    (Err(Error::Limit { .. }), _) | (_, Err(Error::Limit { .. })) => {}
                    (own, other) => assert_eq!(own.ok(), other.ok(), "{text:?}"),
                }
            }
        }
        let Ok(encoded) = tokenizer.encode_with_offsets(text, &all, None) else { continue };
        assert_eq!(tokenizer.encode(text, &all, None).expect("ids"), encoded.ids);
        assert!(encoded.spans.iter().all(|&(start, end)| start <= end && end <= text.len()));
        assert!(encoded.ids.iter().all(|&id| id < tokenizer.vocab_size()));
        _ = tokenizer.decode(&encoded.ids, true, false);
        assert!(
            tokenizer.decode(&encoded.ids, false, true).is_ok() || tokenizer.decode(&encoded.ids, false, false).is_ok()
        );
    }
});

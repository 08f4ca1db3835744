//! The golden rows: what Python tiktoken does, exactly.

mod common;

use common::{encoding, tokenizer};
use tokenmill_bpe::{Encoding, Error, Level, SpecialPolicy, Tokenizer};
use tokenmill_testkit::cases::{self, Golden, Names};
use tokenmill_testkit::crc32;

/// Runs `check` with each encoding and its group in the golden files.
fn for_each_encoding(golden: &Golden, mut check: impl FnMut(Encoding, char)) {
    for (&group, names) in &golden.groups {
        for name in names {
            check(encoding(name), group);
        }
    }
}

#[test]
fn golden_rows() {
    let golden = cases::golden();
    for_each_encoding(&golden, |encoding, group| {
        let tokenizer = tokenizer(encoding);
        let mut worker = tokenizer.worker();
        for row in &golden.rows {
            // With one worker for all rows, so that what it remembers of earlier ones is tested too.
            let mut ids = Vec::new();
            tokenizer.encode_to(&row.text, &SpecialPolicy::default(), &mut worker, &mut ids, None).expect("plain text");
            let at = format!("golden.jsonl:{} ({}) in {}: {:?}", row.line, row.title, encoding.name(), row.text);
            assert_eq!(ids, row.ids(group), "{at}");
            assert_eq!(tokenizer.decode_bytes(&ids).expect("the ids are tokens"), row.text.as_bytes(), "{at}");
        }
    });
}

#[test]
fn golden_rows_with_a_new_worker_each() {
    let golden = cases::golden();
    for_each_encoding(&golden, |encoding, group| {
        let tokenizer = tokenizer(encoding);
        for row in golden.rows.iter().step_by(16) {
            assert_eq!(tokenizer.encode_ordinary(&row.text), row.ids(group), "golden.jsonl:{}", row.line);
            assert_eq!(tokenizer.count_ordinary(&row.text), row.ids(group).len(), "golden.jsonl:{}", row.line);
        }
    });
}

#[test]
fn golden_rows_by_every_level_of_instructions() {
    let golden = cases::golden();
    for encoding in common::BY_RANKS {
        let group = *(golden.groups.iter())
            .find(|(_, names)| names.iter().any(|name| name == encoding.name()))
            .expect("a group")
            .0;
        let ranks = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        for level in Level::available() {
            let tokenizer = Tokenizer::from_encoding(encoding, ranks.clone()).expect("well-formed").with_level(level);
            let mut worker = tokenizer.worker();
            for row in &golden.rows {
                let mut ids = Vec::new();
                tokenizer
                    .encode_to(&row.text, &SpecialPolicy::default(), &mut worker, &mut ids, None)
                    .expect("plain text");
                assert_eq!(ids, row.ids(group), "golden.jsonl:{} by {level:?}", row.line);
            }
        }
    }
}

#[test]
fn ids_of_every_code_point() {
    let (golden, sweep) = (cases::golden(), cases::sweep());
    for (number, context) in sweep.contexts.iter().enumerate() {
        for (index, start) in (0..0x11_0000).step_by(sweep.block as usize).enumerate() {
            let text = sweep.text(context, start);
            for (&group, names) in &golden.groups {
                let ids = tokenizer(encoding(&names[0])).encode_ordinary(&text);
                let bytes: Vec<u8> = ids.into_iter().flat_map(u32::to_le_bytes).collect();
                let (found, expected) = (format!("{:08x}", crc32(&bytes)), &sweep.digests[&group][number][index]);
                assert_eq!(found, *expected, "{}: code points from U+{start:04X} in {context:?}", names[0]);
            }
        }
    }
}

#[test]
fn special_tokens_are_those_of_tiktoken() {
    for row in cases::special() {
        let encoding = encoding(&row.encoding);
        let tokenizer = tokenizer(encoding);
        let all: Vec<String> = encoding.special_tokens().into_iter().map(|(token, _)| token).collect();
        let allowed = match &row.allowed {
            Names::All => all.clone(),
            Names::These(names) => names.clone(),
        };
        let disallowed = match &row.disallowed {
            Names::All => all.into_iter().filter(|token| !allowed.contains(token)).collect(),
            Names::These(names) => names.clone(),
        };
        let policy = tokenizer.special_policy(&allowed, &disallowed).expect("few tokens");
        match tokenizer.encode(&row.text, &policy) {
            Ok(ids) => assert_eq!(Some(ids), row.ids, "{row:?}"),
            Err(Error::DisallowedSpecialToken { token, at }) => {
                assert_eq!(Some(&token), row.refused.as_ref(), "{row:?}");
                assert!(row.text[at..].starts_with(&token), "{row:?}: {at}");
            }
            Err(error) => panic!("{row:?}: {error}"),
        }
    }
}

#[test]
fn tokens_are_those_of_tiktoken() {
    for row in cases::tokens() {
        let tokenizer = tokenizer(encoding(&row.encoding));
        if let Some(id) = row.id {
            assert_eq!(tokenizer.token_bytes(id), row.bytes().as_deref(), "{row:?}");
        }
        if let Some(bytes) = row.bytes() {
            assert_eq!(tokenizer.token_to_id(&bytes), row.id, "{row:?}");
        }
    }
}

#[test]
fn decoding_is_that_of_tiktoken() {
    for row in cases::decode() {
        let tokenizer = tokenizer(encoding(&row.encoding));
        match tokenizer.decode_bytes(&row.ids) {
            Ok(bytes) => {
                assert_eq!(row.text.as_deref(), Some(&*String::from_utf8_lossy(&bytes)), "{row:?}");
                assert_eq!(Some(bytes), row.bytes(), "{row:?}");
            }
            Err(Error::UnknownId { id, index, .. }) => {
                assert_eq!(row.bytes(), None, "{row:?}: unknown id {id}");
                assert_eq!(row.ids[index], id, "{row:?}");
            }
            Err(error) => panic!("{row:?}: {error}"),
        }
    }
}

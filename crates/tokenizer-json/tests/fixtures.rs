//! What Python's `tokenizers` gives, for tokenizers of every model type.

mod common;

use std::sync::atomic::AtomicBool;

use common::{FIXTURES, crate_of, file, rows, special};
use tokenmill_bpe::Origin;
use tokenmill_tokenizer_json::{Error, Part, RowError, What, load_with_crate};

/// Where each byte is, in UTF-16 code units.
fn units(text: &str) -> Vec<usize> {
    let mut places = Vec::new();
    let mut unit = 0;
    for character in text.chars() {
        places.extend(std::iter::repeat_n(unit, character.len_utf8()));
        unit += character.len_utf16();
    }
    places.push(unit);
    places
}

#[test]
fn ids_are_those_of_the_crate_in_python() {
    for name in FIXTURES {
        let loaded = load_with_crate(&file(name)).expect(name);
        let all = crate_of(&loaded).policy(&special(crate_of(&loaded)), &[]).expect(name);
        for row in rows(name) {
            assert_eq!(crate_of(&loaded).encode(&row.text, &all, None).expect(name), row.ids, "{name}: {:?}", row.text);
        }
    }
}

#[test]
fn offsets_are_those_of_the_crate_in_python() {
    for name in FIXTURES {
        let loaded = load_with_crate(&file(name)).expect(name);
        let all = crate_of(&loaded).policy(&special(crate_of(&loaded)), &[]).expect(name);
        for row in rows(name) {
            let encoded = crate_of(&loaded).encode_with_offsets(&row.text, &all, None).expect(name);
            let units = units(&row.text);
            let spans: Vec<_> = encoded.spans.iter().map(|&(start, end)| (units[start], units[end])).collect();
            assert_eq!((&encoded.ids, spans), (&row.ids, row.spans), "{name}: {:?}", row.text);
            assert_eq!(encoded.words, row.words, "{name}: {:?}", row.text);

            let origins = [Origin::Utf16(&row.text), Origin::Bytes(row.text.as_bytes())];
            for (origin, place) in
                origins.into_iter().zip([&(|at: usize| units[at]) as &dyn Fn(usize) -> usize, &|at| at])
            {
                let found = encoded.clone().into_offsets(&row.text, origin).expect("there is memory");
                let (starts, length) = (encoded.spans.iter().map(|span| span.0), row.text.len());
                let starts: Vec<_> = starts.chain([length]).collect();
                let floors = starts.iter().map(|&at| place(row.text.floor_char_boundary(at)) as u32);
                let ceils = encoded.ends.iter().map(|&at| place(row.text.ceil_char_boundary(at)) as u32);
                assert_eq!(found.offsets, floors.collect::<Vec<_>>(), "{name}: {:?}", row.text);
                assert_eq!(found.ends, ceils.collect::<Vec<_>>(), "{name}: {:?}", row.text);
                assert!(found.byte_offsets.iter().map(|&at| at as usize).eq(starts));
                assert!(found.byte_ends.iter().map(|&at| at as usize).eq(encoded.ends.iter().copied()));
                assert_eq!((&found.ids, &found.words), (&row.ids, &row.words));
            }
        }
    }
}

#[test]
fn several_texts_have_the_ids_of_each_and_the_error_of_the_first() {
    let loaded = load_with_crate(&file("bert")).expect("bert");
    let tokenizer = crate_of(&loaded);
    let policy = tokenizer.policy(&[], &special(tokenizer)).expect("few");
    let texts: Vec<String> = (0..500).map(|number| format!("text {number} of many")).collect();
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let rows = tokenizer.encode_batch(&texts, &policy, None).expect("nothing is refused");
    let counts = tokenizer.count_batch(&texts, &policy, None).expect("nothing is refused");
    assert!(counts.iter().copied().eq(rows.iter().map(Vec::len)));
    assert_eq!(rows.len(), texts.len());
    for (row, text) in rows.iter().zip(&texts) {
        assert_eq!(row, &tokenizer.encode(text, &policy, None).expect("nothing is refused"));
    }
    assert!(tokenizer.encode_batch(&[], &policy, None).expect("no texts").is_empty());
    for wrong in [499, 300, 299, 1] {
        texts[wrong] = "a [SEP]";
        for _ in 0..5 {
            let error = tokenizer.encode_batch(&texts, &policy, None).expect_err("it is refused");
            assert_eq!(error.row, wrong);
            assert!(matches!(error.error, Error::DisallowedSpecialToken { at: 2, .. }));
        }
    }
    let cancelled = tokenizer.encode_batch(&texts, &policy, Some(&AtomicBool::new(true)));
    assert!(matches!(cancelled, Err(RowError { row: 0, error: Error::Cancelled })));
}

#[test]
fn special_tokens_are_plain_text_unless_they_are_allowed() {
    for name in FIXTURES {
        let loaded = load_with_crate(&file(name)).expect(name);
        let tokenizer = crate_of(&loaded);
        let plain = tokenizer.policy::<&str>(&[], &[]).expect(name);
        let ids: Vec<u32> = tokenizer.special_tokens().into_iter().map(|(_, id)| id).collect();
        for row in rows(name) {
            let ordinary = tokenizer.encode(&row.text, &plain, None).expect(name);
            // A model may know special tokens, and then the crate gives them for plain text; here no text does. That of what is unknown stays.
            let unknown = if name == "clip" { "<|endoftext|>" } else { "<unk>" };
            let unknown = [unknown, "[UNK]"].map(|token| tokenizer.token_to_id(token));
            assert!(
                ordinary.iter().all(|id| unknown.contains(&Some(*id)) || !ids.contains(id)),
                "{name}: {:?}",
                row.text
            );
            let expected = row.ordinary.unwrap_or(row.ids);
            if expected.iter().all(|id| !ids.contains(id)) {
                assert_eq!(ordinary, expected, "{name}: {:?}", row.text);
            }
        }
    }
}

#[test]
fn a_token_ends_where_what_its_last_character_is_composed_of_ends() {
    let parts = |name: &str, text: &str| {
        let loaded = load_with_crate(&file(name)).expect(name);
        let tokenizer = crate_of(&loaded);
        let policy = tokenizer.policy::<&str>(&[], &[]).expect(name);
        let encoded = tokenizer.encode_with_offsets(text, &policy, None).expect(name);
        let spans = encoded.spans.iter().zip(&encoded.ends);
        spans.map(|(&(start, _), &end)| text[start..end].to_owned()).collect::<Vec<_>>()
    };
    // Composed by the normalizer, decomposed and left out, and composed of parts that are no marks.
    for name in ["qwen2", "neox", "bert"] {
        let parts = parts(name, "nai\u{308}ve cafe\u{301}");
        assert!(parts.iter().any(|part| part.ends_with("i\u{308}")), "{name}: {parts:?}");
        assert!(parts.last().expect("tokens").ends_with("e\u{301}"), "{name}: {parts:?}");
    }
    assert!(parts("qwen2", "\u{1100}\u{1161}\u{11a8}").iter().all(|part| part == "\u{1100}\u{1161}\u{11a8}"));
    // A mark that is a token of its own is of no other.
    assert_eq!(parts("gpt2", "e\u{301}")[0], "e");
}

#[test]
fn ids_decode_to_the_text_of_the_crate_in_python() {
    for name in FIXTURES {
        let loaded = load_with_crate(&file(name)).expect(name);
        let tokenizer = crate_of(&loaded);
        for row in rows(name) {
            assert_eq!(tokenizer.decode(&row.ids, false, false).expect(name), row.decoded, "{name}: {:?}", row.text);
            // The crate does not skip a special token that its normalizer changes: `added` has one.
            if name != "added" {
                assert_eq!(tokenizer.decode(&row.ids, true, false).expect(name), row.skipped, "{name}: {:?}", row.text);
            }
        }
    }
}

#[test]
fn the_template_of_a_post_processor_gives_its_ids_and_type_ids() {
    for name in FIXTURES {
        let loaded = load_with_crate(&file(name)).expect(name);
        for row in rows(name) {
            let made = loaded.templates.single.iter().flat_map(|&Part { what, type_id }| {
                let ids = match what {
                    What::Id(id) => vec![id],
                    _ => row.ids.clone(),
                };
                ids.into_iter().map(move |id| (id, type_id))
            });
            let (ids, types): (Vec<u32>, Vec<u32>) = made.unzip();
            assert_eq!((ids, types), (row.whole, row.types), "{name}: {:?}", row.text);
        }
    }
}

#[test]
fn tokens_and_ids_are_found_by_each_other() {
    for name in FIXTURES {
        let loaded = load_with_crate(&file(name)).expect(name);
        let tokenizer = crate_of(&loaded);
        let mut count = 0;
        for id in 0..tokenizer.vocab_size() {
            let Some(token) = tokenizer.token(id) else { continue };
            assert_eq!(tokenizer.token_to_id(token), Some(id), "{name}: {token:?}");
            count += 1;
        }
        assert_eq!(count, tokenizer.vocab_size(), "{name} has no holes");
        assert_eq!(tokenizer.token(tokenizer.vocab_size()), None);
        assert_eq!(tokenizer.token_to_id("no such token"), None);
    }
}

//! Where tokens are, beside what adding up their lengths says.

mod common;

use common::tokenizer;
use tokenmill_bpe::{Encoding, Origin, Unit, read_utf8};
use tokenmill_testkit::rng::Rng;
use tokenmill_testkit::text;

#[test]
fn offsets_are_those_of_the_characters_that_a_token_is_in() {
    let units = |unit: Unit, text: &str| match unit {
        Unit::Byte => text.len() as u32,
        Unit::Utf16 => text.encode_utf16().count() as u32,
    };
    for encoding in [Encoding::R50kBase, Encoding::O200kBase] {
        let tokenizer = tokenizer(encoding);
        let policy = tokenizer.special_policy(&["<|endoftext|>"], &[]).expect("it is one");
        for seed in 0..2000 {
            let mut rng = Rng::new(seed);
            let make = *rng.choose(&[text::awkward, text::any_characters, text::letters, text::runs]);
            let mut text = make(&mut rng, 30);
            if seed % 3 == 0 {
                text.push_str("<|endoftext|> 😀");
            }
            for unit in [Unit::Byte, Unit::Utf16] {
                let found = tokenizer
                    .encode_with_offsets(&text, unit, false, &policy, &mut tokenizer.idle_worker(), None)
                    .expect("a short text");
                assert_eq!(found.ids, tokenizer.encode(&text, &policy).expect("all is allowed"));
                let mut at = 0;
                for (index, &id) in found.ids.iter().enumerate() {
                    let start = at;
                    at += tokenizer.token_bytes(id).expect("it was encoded").len();
                    let floor = text.floor_char_boundary(start);
                    let ceil = text.ceil_char_boundary(at);
                    assert_eq!(found.offsets[index], units(unit, &text[..floor]), "{encoding:?} {text:?} {index}");
                    assert_eq!(found.ends[index], units(unit, &text[..ceil]), "{encoding:?} {text:?} {index}");
                    assert_eq!(found.byte_ends[index], at as u32);
                }
                assert_eq!(found.offsets.last(), Some(&units(unit, &text)));
                assert_eq!(found.offsets.len(), found.ids.len() + 1);
            }
        }
    }
}

#[test]
fn words_are_the_pieces_and_the_special_tokens() {
    const SPECIAL: &str = "<|endoftext|>";
    for encoding in [Encoding::R50kBase, Encoding::O200kBase] {
        let tokenizer = tokenizer(encoding);
        let policy = tokenizer.special_policy(&[SPECIAL], &[]).expect("it is one");
        let mut longest = 0;
        for seed in 0..2000 {
            let mut rng = Rng::new(seed);
            let make = *rng.choose(&[text::awkward, text::any_characters, text::letters, text::runs]);
            let parts: Vec<String> = (0..rng.below(4)).map(|_| make(&mut rng, 40)).collect();
            let text = parts.join(SPECIAL);
            // Where each word ends.
            let (mut ends, mut at) = (Vec::new(), 0);
            for (number, part) in text.split(SPECIAL).enumerate() {
                let specials = (number > 0).then_some(SPECIAL);
                for piece in specials.into_iter().chain(tokenizer.pattern().pieces(part)) {
                    at += piece.len();
                    ends.push(at);
                }
            }
            longest = longest.max(ends.len());
            let worker = &mut tokenizer.idle_worker();
            let found = tokenizer.encode_with_offsets(&text, Unit::Utf16, true, &policy, worker, None);
            let found = found.expect("a short text");
            let word = |&end: &u32| ends.partition_point(|&word_end| word_end < end as usize) as u32;
            assert_eq!(found.words, found.byte_ends.iter().map(word).collect::<Vec<_>>(), "{encoding:?} {text:?}");
            let without = tokenizer.encode_with_offsets(&text, Unit::Utf16, false, &policy, worker, None);
            assert!(without.expect("a short text").words.is_empty());
        }
        assert!(longest > 40, "{longest}");
    }
}

#[test]
fn offsets_in_bytes_are_those_before_they_were_read() {
    let tokenizer = tokenizer(Encoding::Cl100kBase);
    let policy = tokenizer.special_policy(&["<|endoftext|>"], &[]).expect("it is one");
    let mut rng = Rng::new(1);
    for _ in 0..2000 {
        let mut bytes = text::awkward(&mut rng, 30).into_bytes();
        for _ in 0..rng.below(4) {
            let at = rng.below(bytes.len() + 1);
            bytes.insert(at, rng.below(256) as u8);
        }
        let read = read_utf8(&bytes, false).expect("it is lossy");
        let mut worker = tokenizer.idle_worker();
        let found = tokenizer.encode_bytes_with_offsets(&bytes, false, false, &policy, &mut worker, None);
        let found = found.expect("a short text");
        let expected = tokenizer.encode_with_offsets(&read, Unit::Byte, false, &policy, &mut worker, None);
        let expected = expected.expect("a short text");
        let origin = Origin::Bytes(&bytes);
        let before = |places: &[u32]| places.iter().map(|&at| origin.place(at as usize) as u32).collect::<Vec<_>>();
        assert_eq!(found.offsets, before(&expected.offsets), "{bytes:x?}");
        assert_eq!(found.ends, before(&expected.ends), "{bytes:x?}");
        assert_eq!((found.ids, found.byte_ends), (expected.ids, expected.byte_ends));
        let strict = tokenizer.encode_bytes_with_offsets(&bytes, true, false, &policy, &mut worker, None);
        assert_eq!(strict.is_ok(), str::from_utf8(&bytes).is_ok());
    }
}

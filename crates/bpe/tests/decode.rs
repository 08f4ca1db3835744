//! Decoding against the bytes of the tokens, one after the other.

mod common;

use tokenmill_bpe::{Encoding, Error, Pattern, Tokenizer, Utf16, Vocabulary};
use tokenmill_testkit::rng::Rng;

/// Any ids that exist, special tokens among them as often as `special` in 100 says.
fn ids(tokenizer: &Tokenizer, rng: &mut Rng, count: usize, special: usize) -> Vec<u32> {
    let specials = tokenizer.special_tokens();
    (0..count)
        .map(|_| {
            if rng.below(100) < special {
                return rng.choose(&specials).1;
            }
            loop {
                let id = rng.below(tokenizer.vocab_size() as usize) as u32;
                if tokenizer.token_bytes(id).is_some() {
                    return id;
                }
            }
        })
        .collect()
}

fn utf16(tokenizer: &Tokenizer, ids: &[u32], skip_special: bool) -> Option<Vec<u16>> {
    let mut text = Utf16::new();
    tokenizer.decode_utf16(ids, skip_special, &mut text).map(|()| text.to_vec())
}

fn one_by_one(tokenizer: &Tokenizer, ids: impl Iterator<Item = u32>) -> Vec<u8> {
    ids.flat_map(|id| tokenizer.token_bytes(id).expect("the id exists").to_vec()).collect()
}

#[test]
fn bytes_are_those_of_the_tokens() {
    for encoding in [Encoding::R50kBase, Encoding::P50kBase, Encoding::Cl100kBase, Encoding::O200kHarmony] {
        let tokenizer = common::tokenizer(encoding);
        let mut rng = Rng::new(1);
        for count in (0..300).chain([1_000, 100_000]) {
            for special in [0, 0, 1, 50] {
                let ids = ids(tokenizer, &mut rng, count, special);
                let expected = one_by_one(tokenizer, ids.iter().copied());
                assert!(tokenizer.decode_bytes(&ids).expect("they exist") == expected, "{count} ids");
                let expected = one_by_one(tokenizer, ids.iter().copied().filter(|&id| !tokenizer.is_special(id)));
                assert!(tokenizer.decode_bytes_without_special(&ids).expect("they exist") == expected, "{count} ids");
            }
        }
    }
}

#[test]
fn every_token_is_decoded_wherever_it_stands() {
    let tokenizer = common::tokenizer(Encoding::O200kBase);
    let all: Vec<u32> = (0..tokenizer.vocab_size()).filter(|&id| tokenizer.token_bytes(id).is_some()).collect();
    let expected = one_by_one(tokenizer, all.iter().copied());
    assert!(tokenizer.decode_bytes(&all).expect("they exist") == expected);
    for &id in &all {
        assert_eq!(tokenizer.decode_bytes(&[id]).expect("it exists"), tokenizer.token_bytes(id).expect("it exists"));
    }
}

#[test]
fn the_first_unknown_id_is_named() {
    let tokenizer = common::tokenizer(Encoding::Cl100kBase);
    let size = tokenizer.vocab_size();
    for before in [0, 1, 127, 128, 129, 1_000] {
        for unknown in [size, u32::MAX, 100_256] {
            let mut ids = vec![5; before];
            ids.extend([unknown, 7, u32::MAX - 1]);
            for result in [tokenizer.decode_bytes(&ids), tokenizer.decode_bytes_without_special(&ids)] {
                let error = result.expect_err("there is no such id");
                assert!(
                    matches!(error, Error::UnknownId { id, index, largest }
                        if id == unknown && index == before && largest == size - 1),
                    "{error:?}"
                );
                // A smaller one than the largest would be a riddle.
                assert_eq!(error.to_string().contains(", which no token has; the largest id is"), unknown < size);
            }
        }
    }
}

#[test]
fn a_special_token_may_have_the_id_of_an_ordinary_one() {
    let bytes: Vec<[u8; 1]> = (0..=255).map(|byte| [byte]).collect();
    let vocabulary = Vocabulary::from_tokens(bytes.iter().zip(0..).map(|(byte, id)| (&byte[..], id)));
    let special = [("<a>".to_owned(), 97), ("<new>".to_owned(), 1000)];
    let tokenizer = Tokenizer::new(vocabulary.expect("it has all bytes"), Pattern::R50k, special).expect("two tokens");
    assert_eq!(tokenizer.decode_bytes(&[97, 98, 1000, 99]).expect("they exist"), b"ab<new>c");
    assert_eq!(tokenizer.decode_bytes_without_special(&[97, 98, 1000, 99]).expect("they exist"), b"bc");
}

#[test]
fn utf16_is_that_of_the_bytes() {
    let text = "plain, naïve, 中文字符, हिन्दी, العربية, 🧑‍🚀👍🏽, \u{1d11e}\u{10ffff}, 𒀀𒁀 <|endoftext|> ";
    let characters: Vec<char> = text.chars().collect();
    for encoding in [Encoding::R50kBase, Encoding::Cl100kBase, Encoding::O200kBase] {
        let tokenizer = common::tokenizer(encoding);
        let mut rng = Rng::new(1);
        let special = tokenizer.special_tokens()[0].1;
        for _ in 0..20 {
            let mut all = Vec::new();
            while all.len() < 5_000 {
                let some: String = (0..rng.below(40)).map(|_| *rng.choose(&characters)).collect();
                all.extend(tokenizer.encode_ordinary(&some));
                all.extend((rng.below(10) == 0).then_some(special));
            }
            for skip in [false, true] {
                let bytes =
                    if skip { tokenizer.decode_bytes_without_special(&all) } else { tokenizer.decode_bytes(&all) };
                let expected = String::from_utf8(bytes.expect("they exist")).expect("it was text");
                let expected: Vec<u16> = expected.encode_utf16().collect();
                assert!(utf16(tokenizer, &all, skip) == Some(expected), "{encoding:?}");
            }
        }
    }
}

#[test]
fn utf16_is_none_exactly_where_the_bytes_are_no_text_or_an_id_is_unknown() {
    let tokenizer = common::tokenizer(Encoding::O200kBase);
    let mut rng = Rng::new(2);
    // Makes what few ids need.
    assert!(utf16(tokenizer, &vec![0; 5_000], false).is_some());
    let mut texts = 0;
    for _ in 0..20_000 {
        let count = rng.below(6);
        let all = ids(tokenizer, &mut rng, count, 5);
        let bytes = tokenizer.decode_bytes(&all).expect("they exist");
        let expected = str::from_utf8(&bytes).ok().map(|text| text.encode_utf16().collect::<Vec<_>>());
        texts += usize::from(expected.is_some());
        assert_eq!(utf16(tokenizer, &all, false), expected, "{all:?}");
    }
    assert!((5_000..19_900).contains(&texts), "{texts} of them are text");
    assert_eq!(utf16(tokenizer, &[0, tokenizer.vocab_size()], false), None);
    assert_eq!(utf16(tokenizer, &[u32::MAX], true), None);
}

#[test]
fn texts_of_any_length_follow_one_another_in_the_same_memory() {
    let tokenizer = common::tokenizer(Encoding::O200kBase);
    // Of large pages and less, of more units than five for each id, and of bytes that are no text.
    let (x, spaces) = (tokenizer.encode_ordinary("x"), tokenizer.encode_ordinary(&" ".repeat(64)));
    assert_eq!((x.len(), spaces.len()), (1, 1));
    let mut text = Utf16::new();
    let mut longest = 0;
    for (ids, expected) in [
        (x.repeat(5_000), Some("x".repeat(5_000))),
        (spaces.repeat(30_000), Some(" ".repeat(64 * 30_000))),
        (vec![u32::MAX], None),
        ([&x.repeat(7_000)[..], &spaces].concat(), Some("x".repeat(7_000) + &" ".repeat(64))),
        (vec![], Some(String::new())),
    ] {
        let decoded = tokenizer.decode_utf16(&ids, false, &mut text).map(|()| String::from_utf16_lossy(&text));
        assert!(decoded == expected, "{} ids", ids.len());
        longest = longest.max(text.len());
        assert!(text.longest() >= longest);
    }
}

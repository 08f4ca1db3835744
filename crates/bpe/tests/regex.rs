//! Patterns by regular expression: which ones are known, and what the others do.

mod common;

use tokenmill_bpe::train::{TrainOptions, Trainer};
use tokenmill_bpe::{EncodeStream, Error, Level, Pattern, Tokenizer, Unit};
use tokenmill_testkit::pattern::PATTERNS;
use tokenmill_testkit::relatives::{RELATIVES, SequenceSplitter};
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::text;

fn of(regex: &str) -> Pattern {
    Pattern::from_regex(regex).expect("it is well-formed")
}

fn invalid(regexes: &[&str]) -> String {
    match Pattern::from_splits(regexes) {
        Err(error @ Error::InvalidPattern { .. }) => error.to_string(),
        other => panic!("expected an invalid pattern, received {other:?}"),
    }
}

#[test]
fn the_regular_expressions_of_tiktoken_are_known() {
    for pattern in PATTERNS {
        assert_eq!(Some(of(&pattern.regex())), Pattern::from_name(pattern.name));
    }
}

#[test]
fn the_regular_expressions_of_other_tokenizers_are_known() {
    for relative in &RELATIVES {
        let found = Pattern::from_splits(relative.regexes).expect("they are well-formed");
        assert_eq!(Some(&found), Pattern::from_name(relative.name).as_ref());
        assert_eq!(found.name(), relative.name);
    }
}

#[test]
fn other_spellings_are_known() {
    let known = [
        ("r50k", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"),
        ("r50k", r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"),
        (
            "llama3",
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        ),
        (
            "llama3",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
        ),
    ];
    for (name, regex) in known {
        assert_eq!(of(regex).name(), name, "{regex}");
    }
    let after_digits = Pattern::from_splits(&[Pattern::DIGITS, Pattern::BYTE_LEVEL]);
    assert_eq!(after_digits.expect("they are well-formed"), Pattern::Starcoder);
    assert_eq!(of(Pattern::BYTE_LEVEL), Pattern::R50k);
}

#[test]
fn every_name_has_a_pattern_and_every_named_pattern_its_name() {
    for name in Pattern::names() {
        let pattern = Pattern::from_name(name).expect("it is a name");
        assert_eq!(Pattern::from_name(&pattern.name()), Some(pattern));
    }
    assert_eq!(Pattern::named().count(), 11);
    assert_eq!(Pattern::from_name("no such"), None);
}

#[test]
fn text_between_matches_is_a_piece() {
    let words = of("[a-z]+");
    assert_eq!(words.pieces("ab, cd!").collect::<Vec<_>>(), ["ab", ", ", "cd", "!"]);
    assert_eq!(words.pieces("123").collect::<Vec<_>>(), ["123"]);
    assert_eq!(words.pieces("").count(), 0);
    assert_eq!(of("(?=[A-Z])").pieces("aBcD").collect::<Vec<_>>(), ["a", "Bc", "D"], "an empty match cuts");
}

#[test]
fn without_a_regular_expression_a_text_is_one_piece() {
    let whole = Pattern::from_splits::<&str>(&[]).expect("it is well-formed");
    assert_eq!(whole.pieces("ab cd\n12").collect::<Vec<_>>(), ["ab cd\n12"]);
}

#[test]
fn pieces_are_those_of_the_regular_expressions() {
    let sequences: [&[&str]; 7] = [
        &[r"\w+|\s+"],
        &[r"(?<=\d)(?=(?:\d{3})+\b)|\s?\p{L}+"],
        &["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\u{d7ff}]+", r"\p{N}"],
        &[r"(?i)[aeiou]+?", r"(.)\1", r"\p{N}{1,3}"],
        &[r" ?[^(\s|[.,!?…。，、।۔،])]+"],
        &[r".{3}", r"(?s:.)$|^."],
        &[r"", r"\b"],
    ];
    for regexes in sequences {
        let (pattern, splitter) =
            (Pattern::from_splits(regexes).expect("they are well-formed"), SequenceSplitter::new(regexes));
        for seed in 0..share(4_000) {
            let mut rng = Rng::new(seed);
            let text = text::awkward(&mut rng, 40) + &text::ascii(&mut rng, 40);
            let expected = splitter.pieces(&text);
            assert!(pattern.pieces(&text).eq(expected.iter().copied()), "{regexes:?}, seed {seed}: {text:?}");
            assert_eq!(pattern.pieces_by(Level::best(), &text), expected, "{regexes:?}, seed {seed}");
        }
        assert_eq!(pattern.split_before("ab cd. 12", 0, 8), None);
    }
}

#[test]
fn what_is_no_regular_expression_is_an_error() {
    assert!(invalid(&["(a"]).contains("\"(a\" cannot be compiled"), "{}", invalid(&["(a"]));
    assert!(invalid(&["a", r"\p{Nothing}"]).contains("cannot be compiled"));
    assert!(invalid(&[&"a".repeat(65_537)]).contains("at most 65536 bytes, received 65537"));
    assert!(invalid(&["a"; 33]).contains("at most 32 regular expressions, received 33"));
    invalid(&[r"(?:(?:\w{100}){100}){100}"]);
    invalid(&[&"(?=".repeat(10_000)]);
    invalid(&[&"(".repeat(10_000)]);
}

#[test]
fn a_text_on_which_the_engine_goes_back_too_often_is_an_error() {
    let pattern = of(r"(?:(a|aa)+\1)+$|b");
    let text = "b".to_owned() + &"a".repeat(60) + "c";
    let pieces: Vec<_> = pattern.try_pieces(&text).collect();
    assert!(matches!(pieces[..], [Ok("b"), Err(Error::PatternLimit { at: 1, .. })]), "{pieces:?}");
    let tokenizer = Tokenizer::new(common::tokenizer(common::BY_RANKS[0]).vocabulary().clone(), pattern.clone(), []);
    let tokenizer = tokenizer.expect("there are no special tokens");
    let policy = tokenizer.special_policy::<&str>(&[], &[]).expect("there are none");
    let error = tokenizer.encode(&text, &policy).expect_err("it goes back too often");
    assert!(
        error.to_string().starts_with("the pattern reached its limit at byte 1 of the text: it goes back"),
        "{error}"
    );
    let error = tokenizer.encode_batch(&["b", &text], &policy, None).expect_err("it goes back too often");
    assert!(matches!((error.row, error.error), (1, Error::PatternLimit { .. })));
    let trainer = Trainer::new(pattern);
    assert!(matches!(trainer.add_text(&text, None), Err(Error::PatternLimit { .. })));
}

#[test]
fn where_the_engine_went_back_too_often_is_counted_from_the_start_of_the_text() {
    let pattern = of(r"(?:(a|aa)+\1)+$|b");
    let vocabulary = common::tokenizer(common::BY_RANKS[0]).vocabulary().clone();
    let tokenizer = Tokenizer::new(vocabulary, pattern, [("<|x|>".to_owned(), 60_000)]).expect("well-formed");
    let policy = tokenizer.special_policy(&["<|x|>"], &[]).expect("there is one");
    let expected = "<|x|>b<|x|>bb".len();
    let text = "<|x|>b<|x|>bb".to_owned() + &"a".repeat(60) + "c";
    let is_there =
        |error: &Error, before: usize| matches!(error, Error::PatternLimit { at, .. } if *at == expected + before);
    let error = tokenizer.encode(&text, &policy).expect_err("it goes back too often");
    assert!(is_there(&error, 0), "{error}");
    let error = tokenizer
        .encode_with_offsets(&text, Unit::Byte, false, &policy, &mut tokenizer.worker(), None)
        .expect_err("it goes back too often");
    assert!(is_there(&error, 0), "{error}");
    // So long that it is cut where the special tokens are.
    let long = "b".repeat(300_000) + &text;
    let error = tokenizer.encode_batch(&["b", &long], &policy, None).expect_err("it goes back too often");
    assert!(error.row == 1 && is_there(&error.error, 300_000), "{}", error.error);
    let tokenizer = std::sync::Arc::new(tokenizer);
    let mut stream = EncodeStream::new(tokenizer, std::sync::Arc::new(policy), usize::MAX, false);
    let mut ids = Vec::new();
    let (first, second) = text.split_at(14);
    stream.encode(first, &mut ids, None).expect("nothing is long");
    assert!(!ids.is_empty());
    stream.encode(second, &mut ids, None).expect("it is no end yet");
    stream.end().expect("there is no special token in it");
    let error = stream.encode_ready(&mut ids, None).expect_err("it goes back too often");
    assert!(is_there(&error, 0), "{error}");
}

#[test]
fn a_stretch_without_end_is_no_stack_overflow() {
    let pattern = of(r"(?:x|\s)+(?!\S)|.");
    let text = " ".repeat(3_000_000) + "a";
    let last = pattern.try_pieces(&text).last().expect("there is a piece");
    assert!(matches!(last, Ok(_) | Err(Error::PatternLimit { .. })), "{last:?}");
}

#[test]
fn ids_and_training_go_by_the_regular_expression() {
    let pattern = of("low|est");
    let trainer = Trainer::new(pattern);
    trainer.add_texts(&["low lowest low est"], None).expect("it is within the limits");
    let trained = trainer.train(&TrainOptions::new(260), None, None).expect("the size is large enough");
    assert_eq!(trained.tokens().skip(256).collect::<Vec<_>>(), [&b"lo"[..], b"low", b"es", b"est"]);
    let tokenizer = trained.into_tokenizer().expect("well-formed");
    let space = tokenizer.token_to_id(b" ").expect("every byte is a token");
    assert_eq!(tokenizer.encode_ordinary("lowest low"), [257, 259, space, 257]);
}

#[test]
fn the_fingerprint_tells_patterns_apart() {
    let regexes: [&[&str]; 6] = [&["a"], &["b"], &["a", "b"], &["a\nb"], &[], &[r"\p{N}{1,2}", Pattern::BYTE_LEVEL]];
    let custom = regexes.map(|regexes| Pattern::from_splits(regexes).expect("they are well-formed"));
    let vocabulary = common::tokenizer(common::BY_RANKS[0]).vocabulary();
    let fingerprint = |pattern| Tokenizer::new(vocabulary.clone(), pattern, []).expect("none").fingerprint();
    let mut all: Vec<_> = Pattern::named().chain(custom).map(fingerprint).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 11 + 6);
}

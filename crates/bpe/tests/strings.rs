//! The weighted strings that `npm run verify` compares with tiktoken, some of them, against the naive reference.

mod common;

use tokenmill_bpe::{Level, Tokenizer};
use tokenmill_testkit::cases;
use tokenmill_testkit::reference::Reference;
use tokenmill_testkit::rng::share;
use tokenmill_testkit::strings::Strings;

#[test]
fn ids_are_those_of_the_reference_by_every_level_of_instructions() {
    let strings = Strings::new();
    for encoding in common::BY_RANKS {
        let reference = Reference::new(common::reference_pattern(encoding), common::ranks(encoding));
        let file = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        let make = |level| Tokenizer::from_encoding(encoding, file.clone()).expect("well-formed").with_level(level);
        let tokenizers: Vec<_> = Level::available().into_iter().map(make).collect();
        let plain = tokenizers[0].special_policy::<&str>(&[], &[]).expect("none are not too many");
        let mut workers: Vec<_> = tokenizers.iter().map(Tokenizer::worker).collect();
        for index in 0..share(5_000) {
            let text = strings.string(0, index);
            let expected = reference.encode(&text);
            for (tokenizer, worker) in tokenizers.iter().zip(&mut workers) {
                let mut ids = Vec::new();
                tokenizer.encode_to(&text, &plain, worker, &mut ids, None).expect("plain text");
                assert_eq!(ids, expected, "{}, string {index} of seed 0: {text:?}", encoding.name());
            }
        }
    }
}

#[test]
fn a_piece_on_which_regex_engines_run_out_of_stack() {
    // Python's tiktoken panics on these.
    for encoding in common::BY_RANKS {
        let reference = Reference::new(common::reference_pattern(encoding), common::ranks(encoding));
        for (unit, end) in [(" ", "a"), ("\n ", "a"), ("\u{3000}", ""), ("ab", "1")] {
            let text = unit.repeat(1_100_000 / unit.len()) + end;
            assert!(common::tokenizer(encoding).encode_ordinary(&text) == reference.encode(&text), "{unit:?}");
        }
    }
}

#[test]
fn threads_that_share_a_tokenizer_give_the_ids_of_one() {
    // They fill what it learns about characters at the same time: ThreadSanitizer looks at this test.
    let strings = Strings::new();
    let texts: Vec<String> = (0..share(4_000)).map(|index| strings.string(1, index)).collect();
    for encoding in common::BY_RANKS {
        let expected: Vec<_> = texts.iter().map(|text| common::tokenizer(encoding).encode_ordinary(text)).collect();
        let file = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        let new = Tokenizer::from_encoding(encoding, file.clone()).expect("well-formed");
        std::thread::scope(|scope| {
            for first in 0..4 {
                let (new, texts, expected) = (&new, &texts, &expected);
                scope.spawn(move || {
                    let plain = new.special_policy::<&str>(&[], &[]).expect("none are not too many");
                    let mut worker = new.worker();
                    // Each begins elsewhere.
                    for at in (0..texts.len()).map(|at| (at + first * texts.len() / 4) % texts.len()) {
                        let mut ids = Vec::new();
                        new.encode_to(&texts[at], &plain, &mut worker, &mut ids, None).expect("plain text");
                        assert_eq!(ids, expected[at], "{}: {:?}", encoding.name(), texts[at]);
                    }
                });
            }
        });
    }
}

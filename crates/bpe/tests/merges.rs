//! Encoding against the naive merges, piece by piece as the reference splits.

mod common;

use std::fmt::Display;

use common::{BY_RANKS, ranks, reference_pattern, tokenizer};
use tokenmill_bpe::{Counter, Encoding, Level, SpecialPolicy, Tokenizer, Worker};
use tokenmill_testkit::bpe::encode_piece;
use tokenmill_testkit::cases;
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::text;

/// An encoding at every level of instructions, with one worker for all texts at each, so that what it remembers of earlier ones is tested
/// too; once also with the least memory, in which words take each other's places.
struct Tested {
    encoding: Encoding,
    tokenizers: Vec<(Tokenizer, Worker)>,
    texts: usize,
}

impl Tested {
    fn new(encoding: Encoding) -> Self {
        let ranks = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        let make = || Tokenizer::from_encoding(encoding, ranks.clone()).expect("the encoding is well-formed");
        let levels = Level::available().into_iter().map(|level| make().with_level(level));
        let with_workers = |tokenizer: Tokenizer| {
            let worker = tokenizer.worker();
            (tokenizer, worker)
        };
        let tokenizers = levels.chain([make().with_cache_bytes(0)]).map(with_workers).collect();
        Self { encoding, tokenizers, texts: 0 }
    }

    fn assert_encodes(&mut self, text: &str, expected: &[u32], which: &dyn Display) {
        let (name, plain) = (self.encoding.name(), SpecialPolicy::default());
        for (number, (tokenizer, worker)) in self.tokenizers.iter_mut().enumerate() {
            let mut ids = Vec::new();
            tokenizer.encode_to(text, &plain, worker, &mut ids, None).expect("plain text");
            assert_eq!(ids, expected, "{name}, {which}, tokenizer {number}: {text:?}");
            let mut count = Counter::default();
            tokenizer.encode_to(text, &plain, worker, &mut count, None).expect("plain text");
            assert_eq!(count.0, expected.len(), "{name}, {which}, tokenizer {number}: {text:?}");
        }
        let tokenizer = tokenizer(self.encoding);
        assert_eq!(tokenizer.decode_bytes(expected).expect("tokens"), text.as_bytes(), "{name}, {which}: {text:?}");
        self.texts += 1;
        if self.texts.is_multiple_of(16) {
            assert_eq!(tokenizer.encode_ordinary(text), expected, "{name}, {which}, idle worker: {text:?}");
            assert_eq!(tokenizer.count_ordinary(text), expected.len(), "{name}, {which}, idle worker: {text:?}");
        }
    }
}

/// `count` texts of `make` of up to `longest` draws, seeded with their numbers.
fn check_random(count: u64, make: fn(&mut Rng, usize) -> String, longest: usize) {
    for encoding in BY_RANKS {
        let mut tested = Tested::new(encoding);
        let (ranks, splitter) = (ranks(encoding), reference_pattern(encoding).splitter());
        for seed in 0..share(count) {
            let text = make(&mut Rng::new(seed), longest);
            let pieces = splitter.pieces(&text);
            let expected: Vec<u32> = pieces.flat_map(|piece| encode_piece(&ranks, piece.as_bytes())).collect();
            tested.assert_encodes(&text, &expected, &format_args!("seed {seed}"));
        }
    }
}

#[test]
fn awkward_texts() {
    check_random(100_000, text::awkward, 16);
}

#[test]
fn ascii() {
    check_random(2_000, text::ascii, 300);
}

#[test]
fn any_characters() {
    check_random(60_000, text::any_characters, 12);
}

#[test]
fn letters_of_one_piece() {
    check_random(20_000, text::letters, 40);
    check_random(60, text::letters, 4_000);
}

#[test]
fn runs() {
    check_random(4_000, text::runs, 70);
    check_random(40, text::runs, 1_500);
}

#[test]
fn many_pieces_in_turns() {
    // Hundreds of pieces in one batch, most of them unknown.
    check_random(400, text::awkward, 3_000);
    check_random(400, text::any_characters, 3_000);
    check_random(400, text::ascii, 6_000);
}

#[test]
fn unknown_pieces_that_come_again_in_one_batch() {
    // Of every size that a piece is kept by.
    check_random(
        30,
        |rng, longest| {
            let words = [3, 8, 12, 20, 28, 40, 100].map(|length| format!(" {}", text::letters(rng, length)));
            (0..rng.up_to(longest)).map(|_| rng.choose(&words).as_str()).collect()
        },
        1_500,
    );
}

#[test]
fn words_that_come_again_when_the_cache_has_lost_them() {
    // It starts with room for a third of them, and grows while they are encoded.
    for encoding in BY_RANKS {
        let (ranks, splitter) = (ranks(encoding), reference_pattern(encoding).splitter());
        let mut rng = Rng::new(u64::from(tokenizer(encoding).vocab_size()));
        let text = (0..30_000).map(|_| text::letters(&mut rng, 24)).collect::<Vec<_>>().join(" ");
        let expected: Vec<u32> =
            splitter.pieces(&text).flat_map(|piece| encode_piece(&ranks, piece.as_bytes())).collect();
        let compact = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        let tokenizer = Tokenizer::from_encoding(encoding, compact).expect("it is well-formed");
        let tokenizer = tokenizer.with_cache_bytes(1 << 20);
        let (mut worker, plain) = (tokenizer.worker(), SpecialPolicy::default());
        for pass in 0..6 {
            let mut ids = Vec::new();
            tokenizer.encode_to(&text, &plain, &mut worker, &mut ids, None).expect("plain text");
            assert!(ids == expected, "{}, pass {pass}", encoding.name());
        }
    }
}

#[test]
fn tokens_one_after_the_other() {
    // As one piece where the text allows it: letters only.
    for encoding in BY_RANKS {
        let mut tested = Tested::new(encoding);
        let ranks = ranks(encoding);
        let mut words: Vec<&[u8]> =
            ranks.keys().map(Vec::as_slice).filter(|token| token.iter().all(u8::is_ascii_lowercase)).collect();
        words.sort_unstable();
        let mut rng = Rng::new(u64::from(tokenizer(encoding).vocab_size()));
        for number in 0..share(30_000) {
            let piece: Vec<u8> = (0..rng.up_to(6)).flat_map(|_| *rng.choose(&words)).copied().collect();
            let text = String::from_utf8(piece).expect("ASCII");
            tested.assert_encodes(&text, &encode_piece(&ranks, text.as_bytes()), &format_args!("number {number}"));
        }
    }
}

#[test]
fn every_token_alone() {
    // A token that is text and one piece encodes to itself, even one that no merge reaches; other text as the naive merges do.
    for encoding in BY_RANKS {
        let mut tested = Tested::new(encoding);
        let (ranks, splitter) = (ranks(encoding), reference_pattern(encoding).splitter());
        for token in ranks.keys() {
            let Ok(text) = str::from_utf8(token) else { continue };
            let expected: Vec<u32> =
                splitter.pieces(text).flat_map(|piece| encode_piece(&ranks, piece.as_bytes())).collect();
            tested.assert_encodes(text, &expected, &"a token");
        }
    }
}

#[test]
fn long_pieces() {
    for encoding in BY_RANKS {
        let mut tested = Tested::new(encoding);
        let ranks = ranks(encoding);
        for (unit, count) in
            [("a", 6_000), ("ab", 3_000), ("the", 2_000), ("\u{4e2d}", 2_000), ("=", 6_000), (" ", 6_000)]
        {
            let text = unit.repeat(count);
            tested.assert_encodes(&text, &encode_piece(&ranks, text.as_bytes()), &format_args!("{count} of {unit:?}"));
        }
    }
}

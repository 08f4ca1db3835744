//! Many texts, long texts and texts in chunks give the ids of one text at a time, with any number of threads.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::ThreadPoolBuilder;
use tokenmill_bpe::{Encoding, Error, LimitedCounter, Pattern, SpecialPolicy, Tokenizer};
use tokenmill_testkit::rng::Rng;
use tokenmill_testkit::text;

const ENCODINGS: [Encoding; 3] = [Encoding::P50kBase, Encoding::Cl100kBase, Encoding::O200kHarmony];

/// Awkward text with special tokens and near misses in it, of `length` bytes or a little more.
fn long_text(seed: u64, length: usize) -> String {
    const SPECIAL: [&str; 5] = ["<|endoftext|>", "<|fim_prefix|>", "<|endoftext|", "<|", "<|start|>"];
    let mut rng = Rng::new(seed);
    let mut long = String::new();
    while long.len() < length {
        match rng.below(12) {
            0 => long.push_str(SPECIAL[rng.below(SPECIAL.len())]),
            1 => long.push_str(&text::letters(&mut rng, 3000)),
            2 => long.push_str(&text::runs(&mut rng, 500)),
            _ => long.push_str(&text::awkward(&mut rng, 200)),
        }
    }
    long
}

fn allow_all(tokenizer: &Tokenizer) -> SpecialPolicy {
    let names: Vec<_> = tokenizer.special_tokens().into_iter().map(|(token, _)| token).collect();
    tokenizer.special_policy(&names, &[]).expect("they are not too many")
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made").install(work)
}

/// Compares `encode_batch` and `count_batch` with `encode`, text by text, with 1, 2, 3 and 7 threads.
fn check(encoding: Encoding, texts: &[&str]) {
    let tokenizer = common::tokenizer(encoding);
    for policy in [SpecialPolicy::default(), allow_all(tokenizer)] {
        let expected: Vec<_> =
            texts.iter().map(|text| tokenizer.encode(text, &policy).expect("nothing is refused")).collect();
        for threads in [1, 2, 3, 7] {
            let (rows, counts) = with_threads(threads, || {
                (tokenizer.encode_batch(texts, &policy, None), tokenizer.count_batch(texts, &policy, None))
            });
            let (rows, counts) = (rows.expect("nothing is refused"), counts.expect("nothing is refused"));
            assert_eq!(rows.starts.len(), texts.len() + 1);
            assert_eq!(rows.starts[texts.len()], rows.ids.len());
            for (row, expected) in expected.iter().enumerate() {
                let found = &rows.ids[rows.starts[row]..rows.starts[row + 1]];
                assert!(found == expected, "{encoding:?}, row {row}, {threads} threads");
                assert_eq!(counts[row], expected.len());
            }
        }
    }
}

#[test]
fn many_short_texts() {
    let mut rng = Rng::new(1);
    let texts: Vec<_> = (0..5_000).map(|_| text::awkward(&mut rng, 60)).collect();
    let mut texts: Vec<_> = texts.iter().map(String::as_str).collect();
    texts[17] = "";
    texts[4_999] = "";
    for encoding in ENCODINGS {
        check(encoding, &texts);
    }
}

#[test]
fn long_texts_among_short_ones() {
    let long: Vec<_> = (0..4).map(|seed| long_text(seed, 700 << 10)).collect();
    let texts = ["", "short", &long[0], "", &long[1], &long[2], "<|endoftext|>", &long[3], ""];
    for encoding in ENCODINGS {
        check(encoding, &texts);
    }
}

#[test]
fn long_texts_that_have_no_place_to_cut() {
    let texts: Vec<_> = ["a", "1", " ", "\u{4e2d}"]
        .map(|unit| format!("{}<|endoftext|>{}", unit.repeat((300 << 10) / unit.len()), unit.repeat(70_000)))
        .into();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    for encoding in ENCODINGS {
        check(encoding, &texts);
    }
}

#[test]
fn no_texts_have_no_ids() {
    check(Encoding::O200kBase, &[]);
    check(Encoding::O200kBase, &["", ""]);
}

#[test]
fn the_first_text_that_is_refused_is_named() {
    let tokenizer = common::tokenizer(Encoding::Cl100kBase);
    let policy = tokenizer.special_policy(&[], &["<|endoftext|>"]).expect("it is one");
    let long = "words ".repeat(60_000);
    let refused = format!("{long}<|endoftext|>");
    let cases: [(&[&str], usize, usize); 4] = [
        (&["a", "b<|endoftext|>", &refused], 1, 1),
        (&["a", &refused, "<|endoftext|>"], 1, long.len()),
        (&[&long, &long, "", "<|endoftext|>", &refused], 3, 0),
        (&[&refused], 0, long.len()),
    ];
    for (texts, row, place) in cases {
        for threads in [1, 3] {
            let error = with_threads(threads, || tokenizer.encode_batch(texts, &policy, None)).expect_err("refused");
            assert_eq!(error.row, row);
            assert!(matches!(error.error, Error::DisallowedSpecialToken { at, .. } if at == place), "{error:?}");
            with_threads(threads, || tokenizer.count_batch(texts, &policy, None)).expect_err("refused");
        }
    }
}

#[test]
fn work_can_be_cancelled_before_and_while_it_runs() {
    let tokenizer = common::tokenizer(Encoding::O200kBase);
    let policy = SpecialPolicy::default();
    let short = vec!["a b"; 10];
    let cancelled = tokenizer.encode_batch(&short, &policy, Some(&AtomicBool::new(true)));
    assert!(matches!(cancelled.expect_err("cancelled").error, Error::Cancelled));

    // Words that are not tokens, and one piece of them all: a second of work and more.
    let words: Vec<_> = (0..2_000_000_u64).map(|i| format!("{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let mut rng = Rng::new(1);
    let letters: String = (0..20_000_000).map(|_| char::from(b'a' + rng.below(26) as u8)).collect();
    for long in [words.join(" "), letters] {
        let ends_soon = || {
            let cancel = AtomicBool::new(false);
            let (result, after) = std::thread::scope(|scope| {
                let work = scope.spawn(|| with_threads(2, || tokenizer.encode_batch(&[&long], &policy, Some(&cancel))));
                std::thread::sleep(Duration::from_millis(100));
                cancel.store(true, Ordering::Relaxed);
                let start = Instant::now();
                (work.join().expect("it does not panic"), start.elapsed())
            });
            assert!(matches!(result.expect_err("cancelled").error, Error::Cancelled));
            after < Duration::from_millis(400)
        };
        // On a busy machine anything may take long, but not time and again.
        assert!((0..5).any(|_| ends_soon()));
    }
}

/// The ids of `text`, handed over in chunks of `size` bytes and what the call before has left; else where a refused token is.
fn in_chunks(tokenizer: &Tokenizer, text: &str, policy: &SpecialPolicy, size: usize) -> Result<Vec<u32>, usize> {
    let (mut ids, mut worker) = (Vec::new(), tokenizer.worker());
    let (mut start, mut length) = (0, size);
    let refused = |start, error| match error {
        Error::DisallowedSpecialToken { at, .. } => start + at,
        error => panic!("{error}"),
    };
    while start + length < text.len() {
        let chunk = &text[start..text.floor_char_boundary(start + length)];
        let used = tokenizer.encode_start(chunk, policy, &mut worker, &mut ids, None);
        let used = used.map_err(|error| refused(start, error))?;
        // Nothing is sure yet: more is needed.
        length = if used == 0 { 2 * length } else { size };
        start += used;
    }
    let last = tokenizer.encode_to(&text[start..], policy, &mut worker, &mut ids, None);
    last.map_err(|error| refused(start, error))?;
    Ok(ids)
}

#[test]
fn chunks_give_the_ids_of_the_whole() {
    for encoding in ENCODINGS {
        let tokenizer = common::tokenizer(encoding);
        for policy in [SpecialPolicy::default(), allow_all(tokenizer)] {
            for seed in 0..60 {
                let text = long_text(seed, 3_000);
                let expected = tokenizer.encode(&text, &policy).expect("nothing is refused");
                for size in [4, 17, 100, 1_000] {
                    let found = in_chunks(tokenizer, &text, &policy, size).expect("nothing is refused");
                    assert!(found == expected, "{encoding:?}, seed {seed}, chunks of {size}");
                }
            }
        }
    }
}

#[test]
fn chunks_refuse_what_the_whole_refuses() {
    let tokenizer = common::tokenizer(Encoding::O200kHarmony);
    // An allowed token in which a refused one starts.
    let vocabulary = tokenizer.vocabulary().clone();
    let special = [("<|a<|b".to_owned(), 300_000), ("<|b|>".to_owned(), 300_001), ("|> <|".to_owned(), 300_002)];
    let tokenizer = Tokenizer::new(vocabulary, Pattern::O200k, special).expect("they differ");
    let policy = tokenizer.special_policy(&["<|a<|b", "|> <|"], &["<|b|>"]).expect("they are few");
    for seed in 0..3_000 {
        let mut rng = Rng::new(seed);
        let parts = ["<|a", "<|b", "|>", " ", "a b", "<|a<|b", ". ", "12", "word"];
        let text: String = (0..rng.up_to(60)).map(|_| parts[rng.below(parts.len())]).collect();
        let expected = tokenizer.encode(&text, &policy);
        for size in [5, 9, 30] {
            match (in_chunks(&tokenizer, &text, &policy, size), &expected) {
                (Ok(found), Ok(expected)) => assert_eq!(&found, expected, "{text:?}"),
                (Err(found), Err(Error::DisallowedSpecialToken { at, .. })) => assert_eq!(found, *at, "{text:?}"),
                (found, expected) => panic!("{text:?}: {found:?}, expected {expected:?}"),
            }
        }
    }
}

#[test]
fn a_full_sink_stops_the_work() {
    let tokenizer = common::tokenizer(Encoding::O200kBase);
    let text = "some words and more ".repeat(1_000_000);
    let policy = allow_all(tokenizer);
    let mut counter = LimitedCounter { count: 0, limit: 10 };
    tokenizer.encode_to(&text, &policy, &mut tokenizer.worker(), &mut counter, None).expect("nothing is refused");
    assert!((11..5_000).contains(&counter.count), "{}", counter.count);
}

#[test]
fn no_token_is_longer_than_the_longest() {
    for encoding in common::BY_RANKS {
        let tokenizer = common::tokenizer(encoding);
        let longest = (0..tokenizer.vocab_size()).filter_map(|id| tokenizer.token_bytes(id)).map(<[u8]>::len).max();
        assert_eq!(Some(tokenizer.longest_token()), longest);
    }
}

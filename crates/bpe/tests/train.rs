//! Training against Hugging Face's trainer (golden rows) and against the definition (naive trainer), and what else it promises.

mod common;

use std::collections::HashMap;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokenmill_bpe::train::{Budget, PieceCounter, Progress, Scratch, TrainOptions, Trained, Trainer};
use tokenmill_bpe::{Error, Level, Pattern, Vocabulary};
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::text;
use tokenmill_testkit::train::{Settings, TrainRow, trainings};

fn options(settings: &Settings) -> TrainOptions {
    let Settings { vocab_size, min_frequency, max_token_length, special_tokens } = settings.clone();
    TrainOptions { vocab_size, min_frequency, max_token_length, special_tokens }
}

fn pattern(name: &str) -> Pattern {
    let known = common::patterns().map(|(pattern, _)| pattern);
    known.into_iter().find(|pattern| pattern.name() == name).unwrap_or_else(|| panic!("{name} is no pattern"))
}

fn trained<S: AsRef<str>>(pattern: Pattern, texts: &[S], options: &TrainOptions) -> Trained {
    let trainer = Trainer::new(pattern);
    for text in texts {
        trainer.add_text(text.as_ref(), None).expect("there is memory");
    }
    trainer.train(options, None, None).expect("the options are good")
}

fn check_row(row: &TrainRow, texts: &[String], samples: &[String], alphabet: &[u8; 256]) {
    let name = format!("{:?}, {}, {:?}", row.corpus, row.pattern, row.settings);
    let (options, pattern) = (options(&row.settings), pattern(&row.pattern));
    let trained = trained(pattern, texts, &options);
    let (expected, _) = row.merges.as_chunks::<2>();
    if trained.merges() != expected {
        let at = trained.merges().iter().zip(expected).take_while(|(found, expected)| found == expected).count();
        panic!("{name}: merge {at} is {:?}, not {:?}", trained.merges().get(at), expected.get(at));
    }
    let first = options.special_tokens.len();
    assert_eq!(trained.vocab_size(), first + 256 + expected.len(), "{name}");
    assert_eq!(trained.missing(), options.vocab_size as usize - trained.vocab_size(), "{name}");
    let special: Vec<(String, u32)> = options.special_tokens.iter().cloned().zip(0..).collect();
    assert_eq!(trained.special_tokens(), special, "{name}");
    for (&byte, id) in alphabet.iter().zip(first as u32..) {
        assert_eq!(trained.vocabulary().get(id), Some(&[byte][..]), "{name}");
    }
    // The parts are those that the tokens alone lead to.
    let again = Vocabulary::from_tokens(trained.vocabulary().tokens().map(|(id, token)| (token, id)));
    assert_eq!(again.expect("well-formed"), *trained.vocabulary(), "{name}");
    let tokenizer = trained.into_tokenizer().expect("well-formed");
    let policy = tokenizer.special_policy(&options.special_tokens, &[]).expect("few tokens");
    for (sample, ids) in samples.iter().zip(&row.encoded) {
        assert_eq!(tokenizer.encode(sample, &policy).expect("nothing is refused"), *ids, "{name}: {sample:?}");
        assert_eq!(tokenizer.decode_bytes(ids).expect("tokens"), sample.as_bytes(), "{name}");
    }
}

#[test]
fn merges_and_ids_are_those_of_hugging_face() {
    let trainings = trainings();
    assert!(trainings.rows.len() > 50, "{} rows", trainings.rows.len());
    for row in &trainings.rows {
        check_row(row, trainings.texts(row), &trainings.samples, &trainings.alphabet);
    }
}

#[test]
fn the_naive_trainer_is_that_of_hugging_face_too() {
    let trainings = trainings();
    for row in trainings.rows.iter().filter(|row| row.merges.len() < 1000) {
        let pattern = pattern(&row.pattern);
        let pieces = trainings.texts(row).iter().flat_map(|text| pattern.pieces(text)).map(str::as_bytes);
        let merges = tokenmill_testkit::train::train(pieces, &trainings.alphabet, &row.settings);
        assert_eq!(merges.as_flattened(), row.merges, "{:?}, {}, {:?}", row.corpus, row.pattern, row.settings);
    }
}

/// Random options, small ones often.
fn random_settings(rng: &mut Rng) -> Settings {
    let special_tokens: Vec<String> = (0..rng.below(3)).map(|number| format!("<{number}>")).collect();
    let bytes = 256 + special_tokens.len() as u32;
    Settings {
        vocab_size: bytes + *rng.choose(&[0, 1, 2, 7, 30, 100, 300]),
        min_frequency: *rng.choose(&[0, 0, 1, 2, 3, 9]),
        max_token_length: *rng.choose(&[None, None, Some(0), Some(2), Some(3), Some(4), Some(5), Some(9)]),
        special_tokens,
    }
}

/// `count` trainings on some texts of `make`.
fn check_random(count: u64, make: fn(&mut Rng, usize) -> String, longest: usize) {
    let alphabet = trainings().alphabet;
    for seed in 0..share(count) {
        let mut rng = Rng::new(seed);
        let texts: Vec<String> = (0..rng.up_to(6)).map(|_| make(&mut rng, longest)).collect();
        let settings = random_settings(&mut rng);
        let (pattern, _) = common::patterns()[rng.below(3)].clone();
        let pieces = texts.iter().flat_map(|text| pattern.pieces(text)).map(str::as_bytes);
        let expected = tokenmill_testkit::train::train(pieces, &alphabet, &settings);
        let found = trained(pattern.clone(), &texts, &options(&settings));
        assert_eq!(found.merges(), expected, "seed {seed}, {}, {settings:?}: {texts:?}", pattern.name());
    }
}

/// A text of so few characters that most counts are equal and most pairs overlap others.
fn few_characters(rng: &mut Rng, longest: usize) -> String {
    let characters = *rng.choose(&["a", "ab", "ab ", "aab", "abc", "aé ", "abcdefgh "]);
    let characters: Vec<char> = characters.chars().collect();
    (0..rng.up_to(longest)).map(|_| *rng.choose(&characters)).collect()
}

#[test]
fn texts_of_few_characters() {
    check_random(6_000, few_characters, 30);
    check_random(600, few_characters, 400);
}

#[test]
fn awkward_texts() {
    check_random(1_500, text::awkward, 60);
    check_random(1_500, text::ascii, 200);
    check_random(1_500, text::any_characters, 40);
    check_random(600, text::runs, 300);
}

/// Words by Zipf's law, so that counts differ by more than the floor of rare pairs, which then falls several times.
fn zipf(words: usize, seed: u64) -> Vec<String> {
    let mut rng = Rng::new(seed);
    let word =
        |rng: &mut Rng| -> String { (0..rng.up_to(9)).map(|_| *rng.choose(&['a', 'b', 'c', 'd', 'e'])).collect() };
    (1..=words).map(|rank| format!("{} ", word(&mut rng)).repeat(20_000 / rank)).collect()
}

#[test]
fn counts_of_very_different_size() {
    let (texts, alphabet) = (zipf(300, 1), trainings().alphabet);
    for vocab_size in [300, 500, 900, 2_000] {
        let settings = Settings { vocab_size, ..Settings::default() };
        let pieces = texts.iter().flat_map(|text| Pattern::R50k.pieces(text)).map(str::as_bytes);
        let expected = tokenmill_testkit::train::train(pieces, &alphabet, &settings);
        assert_eq!(trained(Pattern::R50k, &texts, &options(&settings)).merges(), expected, "{vocab_size}");
    }
}

#[test]
fn threads_and_the_order_of_texts_change_nothing() {
    let mut texts = zipf(2_000, 2);
    // Long enough to be cut.
    texts.push(texts.join("\n"));
    let options = TrainOptions::new(3_000);
    let expected = trained(Pattern::O200k, &texts, &options);
    for threads in [1, 2, 3, 8] {
        let texts: Vec<&str> = texts.iter().rev().map(String::as_str).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let found = pool.install(|| {
            let trainer = Trainer::new(Pattern::O200k);
            // In two calls, so that counters are used again.
            let (some, others) = texts.split_at(700);
            trainer.add_texts(some, None).expect("there is memory");
            trainer.add_texts(others, None).expect("there is memory");
            trainer.train(&options, None, None).expect("the options are good")
        });
        assert_eq!(found, expected, "{threads} threads");
    }
}

#[test]
fn counters_count_what_the_pattern_splits() {
    for level in Level::available() {
        for (pattern, _) in common::patterns() {
            let mut counter = PieceCounter::new(pattern.clone()).with_level(level);
            let mut expected: HashMap<Vec<u8>, u64> = HashMap::new();
            for seed in 0..share(300) {
                let text = text::awkward(&mut Rng::new(seed), 400);
                counter.add_text(&text, None).expect("there is memory");
                pattern.pieces(&text).for_each(|piece| *expected.entry(piece.into()).or_default() += 1);
            }
            assert_eq!(counter.len(), expected.len());
            let mut drained = Vec::new();
            counter.drain(|piece, count| drained.push((piece.to_vec(), count)));
            assert!(drained.is_sorted_by(|(left, _), (right, _)| left < right), "ascending, each once");
            assert!(counter.is_empty());
            assert_eq!(drained.into_iter().collect::<HashMap<_, _>>(), expected, "{} by {level:?}", pattern.name());
        }
    }
}

#[test]
fn drained_pieces_can_be_put_in_again() {
    let texts = zipf(400, 3);
    let options = TrainOptions::new(600);
    let expected = trained(Pattern::Cl100k, &texts, &options);
    let mut runs = Vec::new();
    let mut counter = PieceCounter::new(Pattern::Cl100k);
    for text in &texts {
        counter.add_text(text, None).expect("there is memory");
        if counter.len() > 50 {
            counter.drain(|piece, count| runs.push((piece.to_vec(), count)));
        }
    }
    assert!(runs.len() > 300, "it was drained several times");
    for (piece, count) in &runs {
        counter.add_piece(piece, *count).expect("there is memory");
    }
    let trainer = Trainer::new(Pattern::Cl100k);
    trainer.add_counter(counter);
    assert_eq!(trainer.train(&options, None, None).expect("the options are good"), expected);
}

/// A budget of `bytes` whose files are in memory, and how many there were.
fn budget(bytes: usize) -> (Budget, Arc<AtomicUsize>) {
    let files = Arc::new(AtomicUsize::new(0));
    let made = Arc::clone(&files);
    let scratch = move || {
        made.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Cursor::new(Vec::new())) as Box<dyn Scratch>)
    };
    (Budget { bytes, scratch: Arc::new(scratch) }, files)
}

fn trained_within<S: AsRef<str>>(bytes: usize, pattern: Pattern, texts: &[S], options: &TrainOptions) -> Trained {
    let trainer = Trainer::new(pattern).with_budget(budget(bytes).0);
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    trainer.add_texts(&texts, None).expect("there is memory");
    trainer.train(options, None, None).expect("the options are good")
}

#[test]
fn training_outside_the_memory_makes_the_same() {
    for seed in 0..share(6_000) {
        let mut rng = Rng::new(seed);
        let make = *rng.choose(&[few_characters, text::awkward, text::ascii, text::runs, text::any_characters]);
        let longest = *rng.choose(&[10, 40, 200]);
        let texts: Vec<String> = (0..rng.up_to(6)).map(|_| make(&mut rng, longest)).collect();
        let mut options = options(&random_settings(&mut rng));
        // Ids of four bytes, at times.
        options.vocab_size += *rng.choose(&[0, 0, 70_000]);
        let (pattern, _) = common::patterns()[rng.below(3)].clone();
        let expected = trained(pattern.clone(), &texts, &options);
        // Of the larger ones what is left fits the memory after some passes.
        let bytes = *rng.choose(&[0, 1, 500, 2_000, 6_000, 20_000]);
        let found = trained_within(bytes, pattern.clone(), &texts, &options);
        assert_eq!(found, expected, "seed {seed}, {bytes} bytes, {}, {options:?}: {texts:?}", pattern.name());
    }
}

#[test]
fn counts_of_very_different_size_outside_the_memory() {
    let texts = zipf(2_000, 6);
    let options = TrainOptions::new(2_500);
    let expected = trained(Pattern::R50k, &texts, &options);
    for bytes in [0, 10_000, 100_000, 200_000, 1_000_000] {
        assert_eq!(trained_within(bytes, Pattern::R50k, &texts, &options), expected, "{bytes}");
    }
}

#[test]
fn rows_of_hugging_face_outside_the_memory() {
    let trainings = trainings();
    for row in &trainings.rows {
        let found = trained_within(3_000, pattern(&row.pattern), trainings.texts(row), &options(&row.settings));
        assert_eq!(found.merges().as_flattened(), row.merges, "{:?}, {:?}", row.corpus, row.settings);
    }
}

#[test]
fn files_are_used_where_the_memory_ends() {
    let texts = zipf(2_000, 7);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let files = |bytes| {
        let (budget, files) = budget(bytes);
        let trainer = Trainer::new(Pattern::R50k).with_budget(budget);
        trainer.add_texts(&texts, None).expect("there is memory");
        let while_counting = files.load(Ordering::Relaxed);
        assert!(trainer.memory() <= bytes.max(200_000), "{} of {bytes} bytes", trainer.memory());
        trainer.train(&TrainOptions::new(400), None, None).expect("the options are good");
        (while_counting, files.load(Ordering::Relaxed))
    };
    assert_eq!(files(1 << 30), (0, 0));
    let (counting, all) = files(1);
    assert!(counting > 16 && all > counting, "{counting} files, then {all}");
}

#[test]
fn a_file_that_fails_is_an_error_and_not_a_wrong_result() {
    #[derive(Debug)]
    struct Full(Cursor<Vec<u8>>, u64);
    impl Read for Full {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Seek for Full {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.position() + bytes.len() as u64 > self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let texts = zipf(2_000, 8);
    for room in [0, 100, 2_000] {
        let scratch = move || Ok(Box::new(Full(Cursor::new(Vec::new()), room)) as Box<dyn Scratch>);
        let budget = Budget { bytes: 1_000, scratch: Arc::new(scratch) };
        let trainer = Trainer::new(Pattern::R50k).with_budget(budget);
        let counted = texts.iter().try_for_each(|text| trainer.add_text(text, None));
        let result = counted.and_then(|()| trainer.train(&TrainOptions::new(400), None, None));
        assert!(matches!(result, Err(Error::Scratch(_))), "{room}: {result:?}");
    }
    let none = Budget { bytes: 0, scratch: Arc::new(|| Err(io::ErrorKind::PermissionDenied.into())) };
    let trainer = Trainer::new(Pattern::R50k).with_budget(none);
    assert!(matches!(trainer.add_text(&texts.join(" "), None), Err(Error::Scratch(_))));
}

#[test]
fn cancelling_and_stopping_work_outside_the_memory() {
    let cancel = AtomicBool::new(false);
    let trainer = Trainer::new(Pattern::R50k).with_budget(budget(0).0);
    trainer.add_text(&zipf(100, 5).join(" "), Some(&cancel)).expect("nobody cancels");
    let mut stop = |now: Progress| {
        cancel.store(now.merges >= 3, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    let result = trainer.train(&TrainOptions::new(400), Some(&mut stop), Some(&cancel));
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");

    let texts = zipf(100, 5);
    let expected = trained(Pattern::R50k, &texts, &TrainOptions::new(256 + 17));
    let trainer = Trainer::new(Pattern::R50k).with_budget(budget(0).0);
    for text in &texts {
        trainer.add_text(text, None).expect("there is memory");
    }
    let mut seen: Vec<Progress> = Vec::new();
    let mut stop = |now: Progress| {
        seen.push(now);
        if now.merges == 17 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let stopped = trainer.train(&TrainOptions::new(400), Some(&mut stop), None).expect("the options are good");
    assert_eq!(stopped.merges(), expected.merges());
    assert_eq!(seen.iter().map(|now| now.merges).collect::<Vec<_>>(), (1..=17).collect::<Vec<_>>());
    assert!(seen.is_sorted_by(|before, after| before.frequency >= after.frequency), "{seen:?}");
}

#[test]
fn empty_and_uncounted_pieces_are_none() {
    let mut counter = PieceCounter::new(Pattern::R50k);
    counter.add_piece(b"", 9).expect("there is memory");
    counter.add_piece(b"abc", 0).expect("there is memory");
    counter.add_text("", None).expect("there is memory");
    assert!(counter.is_empty());
}

#[test]
fn a_count_beyond_32_bits_is_a_count() {
    let train = |counts: [u64; 2]| {
        let mut counter = PieceCounter::new(Pattern::R50k);
        counter.add_piece(b"ab", counts[0]).expect("there is memory");
        counter.add_piece(b"cd", counts[1]).expect("there is memory");
        let trainer = Trainer::new(Pattern::R50k);
        trainer.add_counter(counter);
        trainer.train(&TrainOptions::new(257), None, None)
    };
    let first = |counts| train(counts).expect("it can be counted").tokens().last().expect("a merge").to_vec();
    assert_eq!(first([1 << 40, (1 << 40) + 1]), b"cd");
    assert_eq!(first([(1 << 40) + 1, 1 << 40]), b"ab");
    assert!(matches!(train([u64::MAX, 1]), Err(Error::InvalidTraining { .. })));
}

#[test]
fn progress_tells_each_merge_and_may_stop() {
    let texts = zipf(100, 4);
    let mut seen: Vec<Progress> = Vec::new();
    let trainer = Trainer::new(Pattern::R50k);
    trainer.add_text(&texts.join(" "), None).expect("there is memory");
    let mut progress = |now: Progress| {
        seen.push(now);
        if now.merges == 40 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let trained = trainer.train(&TrainOptions::new(400), Some(&mut progress), None).expect("the options are good");
    assert_eq!((trained.merges().len(), trained.missing()), (40, 400 - 256 - 40));
    assert_eq!(seen.iter().map(|now| now.merges).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
    assert!(seen.iter().all(|now| now.most == 144));
    assert!(seen.is_sorted_by(|before, after| before.frequency >= after.frequency), "{seen:?}");
}

#[test]
fn cancelling_stops_counting_and_training() {
    let cancel = AtomicBool::new(true);
    let trainer = Trainer::new(Pattern::R50k);
    assert!(matches!(trainer.add_text("some text", Some(&cancel)), Err(Error::Cancelled)));
    assert!(matches!(trainer.add_texts(&["some text", "another"], Some(&cancel)), Err(Error::Cancelled)));
    cancel.store(false, Ordering::Relaxed);
    trainer.add_text(&zipf(100, 5).join(" "), Some(&cancel)).expect("nobody cancels");
    let mut progress = |now: Progress| {
        cancel.store(now.merges >= 3, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    let result = trainer.train(&TrainOptions::new(400), Some(&mut progress), Some(&cancel));
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
}

#[test]
fn options_that_cannot_be_are_refused() {
    let train = |options: TrainOptions| Trainer::new(Pattern::R50k).train(&options, None, None);
    let special = |tokens: &[&str]| tokens.iter().map(|&token| token.to_owned()).collect::<Vec<_>>();
    for size in [0, 255, 1 << 21, u32::MAX] {
        assert!(matches!(train(TrainOptions::new(size)), Err(Error::InvalidTraining { .. })), "{size}");
    }
    let with = |tokens| TrainOptions { special_tokens: tokens, ..TrainOptions::new(257) };
    assert!(matches!(train(with(special(&["<a>", "<b>"]))), Err(Error::InvalidTraining { .. })));
    assert!(matches!(train(with(special(&[""]))), Err(Error::InvalidSpecialToken { .. })));
    let twice = TrainOptions { vocab_size: 300, ..with(special(&["<a>", "<a>"])) };
    assert!(matches!(train(twice), Err(Error::InvalidSpecialToken { .. })));
    assert_eq!(train(with(special(&["<a>"]))).expect("it is just large enough").vocab_size(), 257);
}

#[test]
fn text_never_becomes_a_special_token() {
    let options = TrainOptions { special_tokens: vec!["the".to_owned()], ..TrainOptions::new(300) };
    let trained = trained(Pattern::R50k, &["the the the"], &options);
    let id = trained.vocabulary().tokens().find(|(_, token)| token == b"the").expect("it was merged").0;
    assert!(id > 256);
    let tokenizer = trained.into_tokenizer().expect("well-formed");
    assert_eq!(tokenizer.encode_ordinary("the"), [id]);
    let policy = tokenizer.special_policy(&["the"], &[]).expect("one token");
    assert_eq!(tokenizer.encode("the", &policy).expect("nothing is refused"), [0]);
}

#[test]
fn tokens_have_4096_bytes_at_most() {
    let trained = trained(Pattern::R50k, &["a".repeat(40_000)], &TrainOptions::new(400));
    assert_eq!(trained.tokens().map(<[u8]>::len).max(), Some(4096));
    let tokenizer = trained.into_tokenizer().expect("well-formed");
    assert_eq!(tokenizer.encode_ordinary(&"a".repeat(4096 * 3)).len(), 3);
}

#[test]
fn a_piece_is_explained_step_by_step() {
    let text = "low ".repeat(5) + &"lower ".repeat(2) + &"newest ".repeat(6) + &"widest ".repeat(3);
    let tokenizer = trained(Pattern::R50k, &[text], &TrainOptions::new(400)).into_tokenizer().expect("well-formed");
    let show = |id: u32| str::from_utf8(tokenizer.token_bytes(id).expect("a token")).expect("ASCII");
    let steps: Vec<_> = tokenizer
        .explain(b"lowest")
        .iter()
        .map(|step| (show(step.left), show(step.right), show(step.result), step.start))
        .collect();
    assert_eq!(steps, [("e", "s", "es", 3), ("es", "t", "est", 3), ("l", "o", "lo", 0), ("lo", "w", "low", 0)]);
    assert!(tokenizer.explain(b"").is_empty() && tokenizer.explain(b"l").is_empty());
    // Bytes that are no text are explained too.
    assert!(tokenizer.explain(&[0xff, 0xfe]).is_empty());
}

#[test]
fn the_steps_end_in_the_tokens_that_encoding_gives() {
    let tokenizer = common::tokenizer(tokenmill_bpe::Encoding::R50kBase);
    for seed in 0..share(3_000) {
        let mut rng = Rng::new(seed);
        let longest = *rng.choose(&[5, 20, 200]);
        let piece = text::letters(&mut rng, longest);
        let mut parts: HashMap<usize, u32> =
            piece.bytes().enumerate().map(|(at, byte)| (at, tokenizer.token_to_id(&[byte]).expect("a byte"))).collect();
        for step in tokenizer.explain(piece.as_bytes()) {
            let length = |id| tokenizer.token_bytes(id).expect("a token").len();
            assert_eq!(parts.insert(step.start, step.result), Some(step.left), "{piece:?}: {step:?}");
            assert_eq!(parts.remove(&(step.start + length(step.left))), Some(step.right), "{piece:?}: {step:?}");
        }
        let mut ids: Vec<(usize, u32)> = parts.into_iter().collect();
        ids.sort_unstable();
        let ids: Vec<u32> = ids.into_iter().map(|(_, id)| id).collect();
        assert_eq!(ids, tokenizer.encode_ordinary(&piece), "{piece:?}");
    }
}

//! Training finds out which words belong together, and is the same for the same seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokenmill_word_vectors::train::{Objective, Options, Progress, Split, Texts, train};
use tokenmill_word_vectors::{Error, WordVectors};

/// Sentences of words out of one of two groups, which never meet.
fn texts() -> Texts {
    let (mut texts, mut state) = (Texts::new(Split::Words, false), 1u32);
    for sentence in 0..4000 {
        let group =
            if sentence % 2 == 0 { ["river", "mill", "water", "wheel"] } else { ["bread", "oven", "flour", "baker"] };
        let words: Vec<&str> = (0..8)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                group[(state >> 30) as usize]
            })
            .collect();
        texts.add_sentence(words).expect("there is memory");
    }
    texts
}

fn options(objective: Objective, threads: usize) -> Options {
    Options { dimensions: 21, window: 3, objective, threads, subsample: 0.0, ..Options::default() }
}

fn trained(options: &Options) -> WordVectors {
    train(texts(), options, None, None).expect("the options are right")
}

#[test]
fn words_of_one_group_are_nearer_to_each_other_than_to_the_others() {
    for objective in [Objective::SkipGram, Objective::Cbow] {
        for threads in [1, 3] {
            let vectors = trained(&options(objective, threads));
            assert_eq!((vectors.len(), vectors.dimensions()), (8, 21));
            for (group, other) in
                [(["river", "mill", "water", "wheel"], "bread"), (["bread", "oven", "flour", "baker"], "river")]
            {
                let nearest = vectors.nearest_to(group[0], 3).expect("it is known");
                let names: Vec<&str> = nearest.iter().map(|near| vectors.word(near.index)).collect();
                assert!(names.iter().all(|name| group.contains(name)), "{objective:?} {threads}: {names:?}");
                let far = vectors.similarity(group[0], other).expect("they are known");
                // Of steps that threads write over one another's some are lost, as many as the machine has it.
                let apart = if threads == 1 { 0.1 } else { 0.0 };
                assert!(far < nearest[2].similarity - apart, "{objective:?} {threads}: {far} {nearest:?}");
            }
        }
    }
}

#[test]
fn one_thread_gives_the_same_bits_for_the_same_seed_and_others_for_another() {
    for objective in [Objective::SkipGram, Objective::Cbow] {
        let options = options(objective, 1);
        let first = trained(&options);
        assert_eq!(first.table(), trained(&options).table());
        assert_ne!(first.table(), trained(&Options { seed: 2, ..options }).table());
    }
}

#[test]
fn words_that_are_rare_are_left_out_and_the_most_frequent_come_first() {
    let mut texts = Texts::new(Split::Words, true);
    texts.add_text("The mill, the Mill!\nthe end; 1912").expect("there is memory");
    assert_eq!(texts.tokens(), 7);
    let options = Options { min_count: 2, ..options(Objective::Cbow, 1) };
    let vectors = train(texts, &options, None, None).expect("the options are right");
    assert_eq!(vectors.words(), ["the", "mill"].map(Box::from));
}

#[test]
fn texts_that_are_joined_are_as_if_they_had_been_added() {
    let (first, second) = ("the Mill, the wheel\nthe mill", "a wheel and the ΟΔΟΣ\n\na mill");
    for split in [Split::Words, Split::Spaces] {
        let mut all = Texts::new(split, true);
        all.add_text(first).expect("there is memory");
        let (mut one, mut other) = (Texts::new(split, true), Texts::new(split, true));
        one.add_text(first).expect("there is memory");
        for texts in [&mut all, &mut other] {
            texts.add_text(second).expect("there is memory");
        }
        one.append(other).expect("there is memory");
        assert_eq!(one.tokens(), all.tokens());
        let options = Options { min_count: 1, ..options(Objective::SkipGram, 1) };
        let [one, all] = [one, all].map(|texts| train(texts, &options, None, None).expect("the options are right"));
        assert_eq!((one.words(), one.table()), (all.words(), all.table()));
        let expected = match split {
            Split::Words => ["the", "mill", "wheel", "a", "and", "οδος"].as_slice(),
            Split::Spaces => &["the", "a", "mill", "wheel", "and", "mill,", "οδος"],
        };
        let mut words: Vec<&str> = all.words().iter().map(|word| &**word).collect();
        let mut expected = expected.to_vec();
        words.sort_unstable();
        expected.sort_unstable();
        assert_eq!(words, expected);
    }
}

#[test]
fn progress_is_told_and_cancelling_stops() {
    let (seen, options) = (Mutex::new(Vec::new()), options(Objective::SkipGram, 2));
    let tell = |progress: Progress| seen.lock().expect("nobody panicked").push(progress);
    train(texts(), &options, Some(&tell), None).expect("the options are right");
    let seen = seen.into_inner().expect("nobody panicked");
    assert_eq!(seen.iter().map(|progress| progress.words).max(), Some(5 * 32_000));
    assert!(seen.iter().all(|progress| progress.all_words == 5 * 32_000));

    let cancel = AtomicBool::new(false);
    let stop = |_| cancel.store(true, Ordering::Relaxed);
    assert!(matches!(train(texts(), &options, Some(&stop), Some(&cancel)), Err(Error::Cancelled)));
}

#[test]
fn what_is_cancelled_before_it_begins_makes_no_tables() {
    let mut texts = Texts::new(Split::Spaces, false);
    for number in 0..1_u32 << 18 {
        texts.add_text(&number.to_string()).expect("there is memory");
    }
    // Of 64 GiB each.
    let options = Options { dimensions: 1 << 16, min_count: 1, ..options(Objective::Cbow, 2) };
    let cancelled = train(texts, &options, None, Some(&AtomicBool::new(true)));
    assert!(matches!(cancelled, Err(Error::Cancelled)), "{:?}", cancelled.err());
}

/// As word2vec.c has it: text8, for one, is a single line.
#[test]
fn a_text_on_one_line_is_many_sentences() {
    let words = |count: usize| (0..count).map(|at| ["mill", "wheel", "water"][at % 3]);
    let mut line = Texts::new(Split::Words, false);
    line.add_sentence(words(100_000)).expect("there is memory");
    let mut lines = Texts::new(Split::Words, false);
    let all: Vec<&str> = words(100_000).collect();
    all.chunks(1000).try_for_each(|words| lines.add_sentence(words.iter().copied())).expect("there is memory");
    let options = Options { epochs: 2, ..options(Objective::SkipGram, 1) };

    let seen = Mutex::new(Vec::new());
    let tell = |progress: Progress| seen.lock().expect("nobody panicked").push(progress.words);
    train(line, &options, Some(&tell), None).expect("the options are right");
    let seen = seen.into_inner().expect("nobody panicked");
    assert!(seen.len() >= 10 && seen.is_sorted() && seen.last() == Some(&200_000), "{seen:?}");

    let cancel = AtomicBool::new(false);
    let stop = |progress: Progress| {
        assert!(progress.words < 50_000, "{progress:?}");
        cancel.store(true, Ordering::Relaxed);
    };
    assert!(matches!(train(lines, &options, Some(&stop), Some(&cancel)), Err(Error::Cancelled)));
}

#[test]
fn a_training_that_diverges_says_what_may_help() {
    let mut texts = Texts::new(Split::Words, false);
    (0..3000).try_for_each(|_| texts.add_sentence("abcdef".split_inclusive(|_| true))).expect("there is memory");
    let options = Options { learning_rate: 10.0, min_count: 1, ..Options::default() };
    let error = train(texts, &Options { objective: Objective::SkipGram, ..options }, None, None);
    let message = error.expect_err("it is too fast").to_string();
    assert!(
        message.starts_with("expected finite lengths (a smaller learning rate may keep them so) for the vectors"),
        "{message}"
    );
}

#[test]
fn options_that_cannot_be_are_errors_that_say_so() {
    let good = options(Objective::Cbow, 1);
    for (options, expected) in [
        (Options { dimensions: 0, ..good.clone() }, "expected 1 to 65536 for dimensions, received 0"),
        (Options { window: 1001, ..good.clone() }, "expected 1 to 1000 for window, received 1001"),
        (Options { threads: 0, ..good.clone() }, "expected 1 to 1024 for threads, received 0"),
        (
            Options { learning_rate: f32::NAN, ..good.clone() },
            "expected a number from 0 to 10 for learning rate, received NaN",
        ),
        (Options { subsample: -1.0, ..good.clone() }, "expected a number from 0 to 1 for subsample, received -1"),
    ] {
        assert_eq!(train(texts(), &options, None, None).expect_err("it cannot be").to_string(), expected);
    }
    let few = train(Texts::new(Split::Words, false), &good, None, None).expect_err("there is no word");
    assert!(matches!(few, Error::TooFewWords { words: 0, .. }));
}

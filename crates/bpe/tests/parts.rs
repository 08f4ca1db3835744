//! Counts of parts, prefixes, suffixes and chunks, beside what counting every part anew says.

mod common;

use std::time::Duration;

use common::tokenizer;
use tokenmill_bpe::{
    Boundaries, Boundary, ChunkOptions, Counts, Encoding, Error, Pattern, PrefixCounts, SectionLevel, SpecialPolicy,
    Tokenizer,
};
use tokenmill_testkit::rng::Rng;
use tokenmill_testkit::{text, time};

const ENCODINGS: [Encoding; 3] = [Encoding::R50kBase, Encoding::Cl100kBase, Encoding::O200kBase];
const LEVELS: [Boundary; 6] = [
    Boundary::Character,
    Boundary::Token,
    Boundary::Word,
    Boundary::Sentence,
    Boundary::Paragraph,
    Boundary::Section(SectionLevel(1)),
];

/// Calls `check` with the counts of `text`.
fn with_counts<T>(
    tokenizer: &Tokenizer,
    text: &str,
    policy: &SpecialPolicy,
    check: impl FnOnce(&mut Counts<'_>) -> T,
) -> T {
    let mut worker = tokenizer.idle_worker();
    let index = PrefixCounts::new(tokenizer, text, policy, &mut worker, None).expect("a short text");
    check(&mut Counts::new(&index, tokenizer, text, policy, &mut worker, None))
}

fn plain(tokenizer: &Tokenizer) -> SpecialPolicy {
    tokenizer.special_policy::<&str>(&[], &[]).expect("no tokens")
}

fn places(text: &str) -> Vec<usize> {
    (0..=text.len()).filter(|&place| text.is_char_boundary(place)).collect()
}

type Make = fn(&mut Rng, usize) -> String;

/// Calls `check` with random texts of each kind.
fn random_texts(count: u64, mut check: impl FnMut(&str, &mut Rng)) {
    let kinds: [(Make, usize); 5] =
        [(text::awkward, 24), (text::ascii, 40), (text::any_characters, 12), (text::letters, 30), (text::runs, 12)];
    let markdown = [
        "# A\n",
        "## B c\n",
        "\n",
        "- one\n",
        "- two x\n",
        "```\ncode\n\nmore\n```\n",
        "| a | b |\n|--|--|\n| 1 | 2 |\n",
        "Some words. And more! ",
        "> said\n",
        "\n\n",
        "x\n",
    ];
    for seed in 0..count {
        for (make, longest) in kinds {
            let mut rng = Rng::new(seed);
            let text = make(&mut rng, longest);
            check(&text, &mut rng);
        }
        let mut rng = Rng::new(seed);
        let text: String = (0..rng.up_to(10)).map(|_| *rng.choose(&markdown)).collect();
        check(&text, &mut rng);
    }
}

#[test]
fn the_count_of_any_part_is_that_of_the_part_alone() {
    for encoding in ENCODINGS {
        let tokenizer = tokenizer(encoding);
        let policy = plain(tokenizer);
        random_texts(400, |text, _| {
            with_counts(tokenizer, text, &policy, |counts| {
                let places = places(text);
                for (index, &start) in places.iter().enumerate() {
                    for &end in &places[index..] {
                        let expected = tokenizer.count_ordinary(&text[start..end]);
                        assert_eq!(
                            counts.count(start, end).expect("little memory"),
                            expected,
                            "{encoding:?} {start}..{end} of {text:?}"
                        );
                    }
                }
            });
        });
    }
}

#[test]
fn parts_are_counted_by_every_pattern() {
    let vocabulary = tokenizer(Encoding::Cl100kBase).vocabulary();
    let regex = |regex| Pattern::from_regex(regex).expect("it is well-formed");
    let patterns = [
        Pattern::Llama3,
        Pattern::Qwen2,
        Pattern::Qwen35,
        Pattern::Nanochat,
        Pattern::Tekken,
        Pattern::KimiK2,
        Pattern::Starcoder,
        Pattern::DeepseekV3,
        regex(r"(?<=\s)\S|\w+(?!x)|\s+"),
        Pattern::from_splits::<&str>(&[]).expect("none are well-formed"),
    ];
    for pattern in patterns {
        let tokenizer = Tokenizer::new(vocabulary.clone(), pattern.clone(), []).expect("no special tokens");
        let policy = plain(&tokenizer);
        random_texts(60, |text, rng| {
            let (max_tokens, boundary) = (rng.up_to(9), *rng.choose(&LEVELS));
            let options = ChunkOptions { max_tokens, overlap: rng.below(max_tokens), boundary };
            with_counts(&tokenizer, text, &policy, |counts| {
                let places = places(text);
                for (index, &start) in places.iter().enumerate() {
                    for &end in &places[index..] {
                        let expected = tokenizer.count_ordinary(&text[start..end]);
                        assert_eq!(
                            counts.count(start, end).expect("little memory"),
                            expected,
                            "{pattern:?} {start}..{end} of {text:?}"
                        );
                    }
                }
                let mut covered = 0;
                for chunk in counts.chunks(options).unwrap_or_default() {
                    assert!(chunk.start <= covered && covered < chunk.end, "{pattern:?} {options:?} {text:?}");
                    assert!(chunk.tokens <= max_tokens, "{pattern:?} {options:?} {text:?}");
                    covered = chunk.end;
                }
            });
        });
    }
}

#[test]
fn special_tokens_that_are_allowed_are_counted_as_such() {
    let tokenizer = tokenizer(Encoding::Cl100kBase);
    let policy = tokenizer.special_policy(&["<|endoftext|>", "<|fim_prefix|>"], &[]).expect("they are few");
    let parts = ["<|endoftext|>", "<|fim_prefix|>", "a", " b", "<|", "endoftext|>", "\n ", "it's"];
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let text: String = (0..rng.up_to(6)).map(|_| *rng.choose(&parts)).collect();
        with_counts(tokenizer, &text, &policy, |counts| {
            for start in 0..=text.len() {
                for end in start..=text.len() {
                    let expected = tokenizer.encode(&text[start..end], &policy).expect("all are allowed").len();
                    assert_eq!(
                        counts.count(start, end).expect("little memory"),
                        expected,
                        "{start}..{end} of {text:?}"
                    );
                }
            }
        });
    }
}

#[test]
fn no_longer_prefix_or_suffix_has_as_few_tokens() {
    for encoding in ENCODINGS {
        let tokenizer = tokenizer(encoding);
        let policy = plain(tokenizer);
        random_texts(400, |text, _| {
            let fits = |part: &str, most| tokenizer.count_ordinary(part) <= most;
            with_counts(tokenizer, text, &policy, |counts| {
                for most in 0..8 {
                    let prefix = counts.longest_prefix(most).expect("little memory");
                    let expected = places(text).into_iter().rfind(|&end| fits(&text[..end], most));
                    assert_eq!(Some(prefix.at), expected, "{encoding:?}, {most} tokens of {text:?}");
                    let suffix = counts.longest_suffix(most).expect("little memory");
                    let expected = places(text).into_iter().find(|&start| fits(&text[start..], most));
                    assert_eq!(Some(suffix.at), expected, "{encoding:?}, the last {most} tokens of {text:?}");
                }
            });
        });
    }
}

#[test]
fn a_sure_cut_stays_when_the_text_goes_on() {
    let tokenizer = tokenizer(Encoding::O200kBase);
    let policy = plain(tokenizer);
    random_texts(300, |text, rng| {
        let more = text::awkward(rng, 20);
        for most in 0..6 {
            let prefix = |text: &str| {
                with_counts(tokenizer, text, &policy, |counts| counts.longest_prefix(most).expect("little memory"))
            };
            let cut = prefix(text);
            if cut.is_sure {
                assert_eq!(prefix(&format!("{text}{more}")).at, cut.at, "{most} of {text:?} and {more:?}");
            }
            let suffix = |text: &str| {
                with_counts(tokenizer, text, &policy, |counts| counts.longest_suffix(most).expect("little memory"))
            };
            let cut = suffix(text);
            if cut.is_sure {
                let longer = suffix(&format!("{more}{text}")).at;
                assert_eq!(longer, more.len() + cut.at, "{most} of {more:?} and {text:?}");
            }
        }
    });
}

#[test]
fn a_part_on_which_a_pattern_reaches_its_limit_is_an_error() {
    let vocabulary = tokenizer(Encoding::Cl100kBase).vocabulary().clone();
    let pattern = Pattern::from_regex(r"(?:(?=a)a|(?=a)a)*c|x[\s\S]*|[\s\S]").expect("it is well-formed");
    let tokenizer = Tokenizer::new(vocabulary, pattern, [("<s>".to_owned(), 200_000)]).expect("one special token");
    let policy = tokenizer.special_policy(&["<s>"], &[]).expect("one token");
    // Of the whole `x` takes all; from the place after it on every `a` is tried in two ways.
    let text = format!("x{}b", "a".repeat(60));
    let reaches_limit_at = |at: usize, result: Result<(), Error>| {
        assert!(matches!(result, Err(Error::PatternLimit { at: received, .. }) if received == at), "{result:?}");
    };
    with_counts(&tokenizer, &text, &policy, |counts| {
        assert_eq!(counts.count(0, text.len()).ok(), Some(tokenizer.count_ordinary(&text)));
        reaches_limit_at(1, counts.count(1, text.len()).map(drop));
        reaches_limit_at(30, counts.count(30, text.len()).map(drop));
        assert!(matches!(counts.longest_suffix(1), Err(Error::PatternLimit { .. })));
        let options = ChunkOptions { max_tokens: 2, overlap: 1, boundary: Boundary::Character };
        assert!(matches!(counts.chunks(options), Err(Error::PatternLimit { .. })));
    });
    // Behind a special token too.
    let text = format!("<s>x{}b", "a".repeat(60));
    with_counts(&tokenizer, &text, &policy, |counts| reaches_limit_at(4, counts.count(4, text.len()).map(drop)));
}

/// The places of a boundary, looked at one by one.
fn all_boundaries(tokenizer: &Tokenizer, text: &str, boundary: Boundary) -> Vec<usize> {
    if boundary == Boundary::Token {
        let mut ends = vec![0];
        for id in tokenizer.encode_ordinary(text) {
            ends.push(ends.last().expect("one") + tokenizer.token_bytes(id).expect("it was encoded").len());
        }
        ends.retain(|&end| 0 < end && end < text.len() && text.is_char_boundary(end));
        return ends;
    }
    let mut boundaries = Boundaries::new(text);
    (1..text.len())
        .filter(|&place| boundaries.last_in(boundary, place, place).expect("little memory") == Some(place))
        .collect()
}

fn coarsest<T>(from: Boundary, mut find: impl FnMut(Boundary) -> Option<T>) -> Option<T> {
    std::iter::successors(Some(from), |boundary| boundary.finer()).find_map(&mut find)
}

#[test]
fn chunks_are_what_trying_every_place_gives() {
    for encoding in ENCODINGS {
        let tokenizer = tokenizer(encoding);
        let policy = plain(tokenizer);
        random_texts(120, |text, rng| {
            let count = |start: usize, end: usize| tokenizer.count_ordinary(&text[start..end]);
            for boundary in LEVELS {
                let max_tokens = rng.up_to(9);
                let options = ChunkOptions { max_tokens, overlap: rng.below(max_tokens), boundary };
                let found = with_counts(tokenizer, text, &policy, |counts| counts.chunks(options));
                let context = format!("{encoding:?} {options:?} of {text:?}");
                let Ok(found) = found else {
                    let Err(Error::CharacterTooLarge { at, tokens, most }) = found else {
                        panic!("{found:?} {context}")
                    };
                    let end = text.ceil_char_boundary(at + 1);
                    assert!(count(at, end) == tokens && tokens > most, "{context}");
                    continue;
                };
                let mut places = std::collections::HashMap::new();
                let mut boundaries = |boundary: Boundary| -> Vec<usize> {
                    places
                        .entry(format!("{boundary:?}"))
                        .or_insert_with(|| all_boundaries(tokenizer, text, boundary))
                        .clone()
                };
                let (mut start, mut least) = (0, 0);
                for chunk in &found {
                    assert_eq!(count(chunk.start, chunk.end), chunk.tokens, "{context}");
                    assert!(chunk.tokens <= max_tokens && least < chunk.end && chunk.start <= least, "{context}");
                    let mut end_from = |start: usize| {
                        let fits = |&end: &usize| least < end && count(start, end) <= max_tokens;
                        if fits(&text.len()) {
                            return Some(text.len());
                        }
                        coarsest(boundary, |boundary| boundaries(boundary).into_iter().rfind(fits))
                    };
                    // Without room for more the overlap is shorter.
                    if chunk.start != start {
                        assert!(start < chunk.start && end_from(start).is_none(), "{context}: {chunk:?}");
                    }
                    assert_eq!(Some(chunk.end), end_from(chunk.start), "{context}: {chunk:?}");
                    least = chunk.end;
                    let tail = coarsest(boundary.min(Boundary::Block), |boundary| {
                        let fits = |&place: &usize| {
                            chunk.start < place && place < chunk.end && count(place, chunk.end) <= options.overlap
                        };
                        boundaries(boundary).into_iter().find(fits)
                    });
                    start = tail.unwrap_or(chunk.end);
                }
                assert_eq!(least, text.len(), "{context}");
            }
        });
    }
}

#[test]
fn boundaries_are_those_of_the_whole_text_from_wherever_they_are_asked_for() {
    random_texts(300, |text, rng| {
        for boundary in [Boundary::Word, Boundary::Sentence] {
            let mut whole = Boundaries::new(text);
            let mut all = Vec::new();
            let mut from = 1;
            while let Some(place) = whole.first_in(boundary, from, text.len()).expect("little memory") {
                all.push(place);
                from = place + 1;
            }
            let mut asked = Boundaries::new(text);
            for _ in 0..10 {
                let (one, other) = (rng.below(text.len() + 1), rng.below(text.len() + 1));
                let (from, to) = (one.min(other).max(1), one.max(other));
                let inside = |place: &&usize| (from..=to).contains(*place) && **place < text.len();
                assert_eq!(
                    asked.last_in(boundary, from, to).expect("little"),
                    all.iter().rfind(inside).copied(),
                    "{text:?}"
                );
                assert_eq!(
                    asked.first_in(boundary, from, to).expect("little"),
                    all.iter().find(inside).copied(),
                    "{text:?}"
                );
            }
        }
    });
}

fn starts(text: &str, boundary: Boundary) -> Vec<&str> {
    let mut boundaries = Boundaries::new(text);
    let (mut parts, mut start) = (Vec::new(), 0);
    while let Some(place) = boundaries.first_in(boundary, start + 1, text.len()).expect("little memory") {
        parts.push(&text[start..place]);
        start = place;
    }
    parts.push(&text[start..]);
    parts
}

#[test]
fn white_space_stays_with_the_word_after_it() {
    assert_eq!(starts("The  mill's wheel.\n Next", Boundary::Word), ["The", "  mill's", " wheel", ".", "\n", " Next"]);
    assert_eq!(starts("我们 e\u{301}t", Boundary::Word), ["我", "们", " e\u{301}t"]);
    assert_eq!(starts("A word. Then (two)!  \nEnd", Boundary::Sentence), ["A word.", " Then (two)!  \n", "End"]);
    assert_eq!(starts("一。二！", Boundary::Sentence), ["一。", "二！"]);
}

#[test]
fn paragraphs_end_with_blank_lines() {
    assert_eq!(
        starts("\n\na\nb\n\n \t\n  c\r\n\r\nd\n\n", Boundary::Paragraph),
        ["\n\na\nb\n\n \t\n", "  c\r\n\r\n", "d\n\n"]
    );
}

#[test]
fn blocks_of_markdown_are_kept_whole() {
    let text = "# T\nintro\n\n## S\n\n```js\n# no heading\n\nx\n```\n- a\n- b\n  - c\n\n| x |\n|---|\n| 1 |\n\nend\n";
    let blocks = [
        "# T\nintro\n\n",
        "## S\n\n```js\n# no heading\n\nx\n```\n",
        "- a\n- b\n  - c\n\n",
        "| x |\n|---|\n| 1 |\n\n",
        "end\n",
    ];
    assert_eq!(starts(text, Boundary::Block), blocks);
    assert_eq!(starts(text, Boundary::Section(SectionLevel(1))), [text]);
    assert_eq!(starts(text, Boundary::Section(SectionLevel(2))).len(), 2);
    assert!(starts(text, Boundary::Item).ends_with(&[
        "- a\n",
        "- b\n",
        "  - c\n\n",
        "| x |\n|---|\n",
        "| 1 |\n\n",
        "end\n"
    ]));
}

#[test]
fn blocks_of_a_line_of_thousands_take_time_in_proportion() {
    for unit in ["+ ", "1. ", "> + ", "[^a]: ", "> "] {
        let text = unit.repeat(400_000 / unit.len());
        let find = || Boundaries::new(&text).last_in(Boundary::Item, 1, text.len()).expect("little memory");
        let (found, took) = time::took(find);
        assert_eq!(found, None, "all of them are in one line");
        assert!(took < Duration::from_secs(1), "{unit:?}: {took:?}");
    }
}

#[test]
fn lines_behind_thousands_of_open_items_take_time_in_proportion() {
    for unit in ["+ ", "> ", "1. > ", "-\t"] {
        for line in ["\nx", "\n\n", "\n", "\n> x", "\n  x"] {
            let text = unit.repeat(200_000 / unit.len()) + "x" + &line.repeat(200_000 / line.len());
            let find = || Boundaries::new(&text).last_in(Boundary::Block, 1, text.len()).expect("little memory");
            let (_, took) = time::took(find);
            assert!(took < Duration::from_secs(1), "{unit:?} {line:?}: {took:?}");
        }
    }
}

#[test]
fn long_texts_take_time_in_proportion() {
    let tokenizer = tokenizer(Encoding::O200kBase);
    let policy = plain(tokenizer);
    for unit in ["a", " ", "\n", "1", "-", "中", "ab1", "de l'eau ", "😀"] {
        let text = unit.repeat(200_000 / unit.len());
        for (max_tokens, overlap) in [(5, 0), (5, 2), (512, 64), (60_000, 1000)] {
            for boundary in LEVELS {
                let chunks = with_counts(tokenizer, &text, &policy, |counts| {
                    counts.chunks(ChunkOptions { max_tokens, overlap, boundary }).expect("no character is too large")
                });
                let joined: usize = chunks.iter().map(|chunk| chunk.end - chunk.start).sum();
                assert!(joined >= text.len() && (overlap > 0 || joined == text.len()));
            }
        }
    }
}

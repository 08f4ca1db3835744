use tokenmill_testkit::cases;
use tokenmill_testkit::rng::{Rng, share};

use super::*;
use crate::merge::heap;
use crate::merge::repeated::RUN;

/// Merges `piece` at every level, in blocks and at once, compares it with the heap, and returns how often there was no token in common.
fn check(piece: &str, vocabulary: &Vocabulary, merger: &Merger) -> usize {
    let mut symbols = Vec::new();
    merger.symbols(piece.as_bytes(), 0..piece.len(), |some| symbols.extend_from_slice(some.ids()));
    let mut placed = Vec::new();
    heap::merge(&symbols, &merger.pairs, None, &mut placed).expect("there is memory");
    let expected: Vec<u32> = placed.iter().map(|token| token.id).collect();
    let vocabulary = merger.ascends.then_some(vocabulary);
    let mut failures = 0;
    for level in Level::available() {
        let (mut long, mut short, mut found) = (Long::default(), Symbols::new(level), Vec::new());
        let means = Means { merger, vocabulary, level, cancel: None };
        // Twice, since what the first one leaves must not matter.
        for _ in 0..2 {
            found.clear();
            long.merge(piece.as_bytes(), &mut short, means, |id| found.push(id));
            assert_eq!(found, expected, "{level:?}: {piece:?}");
        }
        found.clear();
        long.merge_at_once(piece.as_bytes(), means, |id| found.push(id)).expect("there is memory");
        assert_eq!(found, expected, "{level:?}: {piece:?}");
        let in_blocks = long.merge_in_blocks(piece.as_bytes(), &mut short, means).expect("there is memory");
        failures += usize::from(in_blocks.is_none());
    }
    failures
}

fn vocabulary(tokens: &[String]) -> Vocabulary {
    let bytes: Vec<[u8; 1]> = (0..=u8::MAX).map(|byte| [byte]).collect();
    let tokens = bytes.iter().map(<[u8; 1]>::as_slice).chain(tokens.iter().map(String::as_bytes));
    Vocabulary::from_tokens(tokens.zip(0..)).expect("they are all different")
}

#[test]
fn pieces_of_one_byte_and_longer_characters_and_of_all_lengths_around_those_of_a_strip() {
    let tokens = ["ab", "bc", "cab", "é", "aé", "éb", "文", "文文", "c文", "bcab", "é文"].map(str::to_owned);
    let vocabulary = vocabulary(&tokens);
    let merger = Merger::new(&vocabulary);
    let mut rng = Rng::new(1);
    for number in 0..share(60) {
        let mut piece = String::new();
        let length = [65, READ, STRIP * BLOCK, 2 * READ, 3_000][number as usize % 5] - 20 + rng.below(40);
        while piece.len() < length {
            // Stretches that are all ASCII, and others.
            let alphabet: &[char] = if rng.below(3) > 0 { &['a', 'b', 'c'] } else { &['a', 'b', 'c', 'é', '文'] };
            piece.extend((0..rng.below(900)).map(|_| *rng.choose(alphabet)));
        }
        check(&piece, &vocabulary, &merger);
    }
}

#[test]
fn tokens_longer_than_a_window_after_others() {
    let powers = (1..=8).map(|power| "a".repeat(1 << power));
    let vocabulary = vocabulary(&powers.chain(["ab", "ca", "bb"].map(str::to_owned)).collect::<Vec<_>>());
    let merger = Merger::new(&vocabulary);
    let mut rng = Rng::new(2);
    for _ in 0..share(30) {
        let run = "a".repeat(300 + rng.below(500));
        let mut letters = |length| -> String { (0..length).map(|_| *rng.choose(&['a', 'b', 'c'])).collect() };
        let piece = [letters(3_000), run, letters(500)].concat();
        assert_eq!(check(&piece, &vocabulary, &merger), 0, "all of the piece was merged at once");
    }
}

#[test]
fn runs_of_several_symbols_whose_tokens_are_longer_than_a_window() {
    let vocabulary = Vocabulary::from_compact(cases::read("encodings/cl100k_base.bpe")).expect("well-formed");
    let merger = Merger::new(&vocabulary);
    let mut rng = Rng::new(6);
    let mut failures = 0;
    for _ in 0..share(12) {
        let period = (0..2).map(|_| rng.choose(&["-", "*", "=", "/", "#", "."]).repeat(1 + rng.below(160)));
        let mut pieces = [period.collect::<String>().repeat(150), String::new()];
        pieces[0].truncate(30_000);
        while pieces[1].len() < 40_000 {
            pieces[1].push_str(&rng.choose(&["-", "*", "=", "/", "#"]).repeat(60 + rng.below(100)));
        }
        failures += pieces.iter().map(|piece| check(piece, &vocabulary, &merger)).sum::<usize>();
    }
    assert_eq!(failures, 0, "all of the piece was merged at once");
}

#[test]
fn words_again_and_again() {
    let mut rng = Rng::new(3);
    for _ in 0..share(60) {
        let mut tokens: Vec<String> = "abcdef文".chars().map(String::from).collect();
        for _ in 0..rng.below(80) {
            let token = [rng.choose(&tokens).clone(), rng.choose(&tokens).clone()].concat();
            if token.len() <= 20 && !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        let vocabulary = vocabulary(&tokens[6..]);
        let merger = Merger::new(&vocabulary);
        let mut piece = String::new();
        while piece.len() < 4_000 {
            let word: String =
                (0..=rng.below(12)).map(|_| *rng.choose(&['a', 'b', 'c', 'd', 'e', 'f', '文'])).collect();
            piece.push_str(&word.repeat(1 + rng.below(2_000) / word.len()));
            // Much that is no word twice, too.
            let most = *rng.choose(&[3, 300]);
            piece.extend((0..rng.below(most)).map(|_| *rng.choose(&['a', 'b', 'c', 'd', 'e', 'f'])));
        }
        check(&piece, &vocabulary, &merger);
    }
}

#[test]
fn tokens_of_a_published_vocabulary_again_and_again() {
    let vocabulary = Vocabulary::from_compact(cases::read("encodings/cl100k_base.bpe")).expect("well-formed");
    let merger = Merger::new(&vocabulary);
    let tokens: Vec<&str> = vocabulary.tokens().filter_map(|(_, token)| str::from_utf8(token).ok()).collect();
    let mut rng = Rng::new(4);
    for _ in 0..share(300) {
        let [before, token, after] = [(); 3].map(|()| *rng.choose(&tokens));
        check(&[before, &token.repeat(1 + rng.below(3_000) / token.len()), after].concat(), &vocabulary, &merger);
    }
}

#[test]
fn runs_of_one_symbol() {
    let vocabulary = vocabulary(&["aa", "aaa", "aaaaa", "文", "文文文", " a", " aaa", "ba"].map(str::to_owned));
    let merger = Merger::new(&vocabulary);
    for symbol in ["a", "b", "文"] {
        for count in [15, 16, 17, 63, 64, 65, 300, 2 * RUN - 1, 2 * RUN, 2 * RUN + 1, 2 * RUN + 2, 3 * RUN + 5] {
            for first in ["", " ", "b", "文"] {
                check(&format!("{first}{}", symbol.repeat(count)), &vocabulary, &merger);
            }
            check(&format!("{}{symbol}c", symbol.repeat(count)), &vocabulary, &merger);
        }
    }
}

//! What the integration tests share.

#![allow(dead_code, reason = "each test uses a part")]

use std::sync::OnceLock;

use tokenmill_bpe::{Encoding, Pattern, Tokenizer};
use tokenmill_testkit::bpe::Ranks;
use tokenmill_testkit::cases;
use tokenmill_testkit::pattern;
use tokenmill_testkit::relatives::{NAMELESS, RELATIVES, SequenceSplitter};

/// The tokenizer of an encoding, made once.
pub fn tokenizer(encoding: Encoding) -> &'static Tokenizer {
    static MADE: [OnceLock<Tokenizer>; Encoding::ALL.len()] = [const { OnceLock::new() }; Encoding::ALL.len()];
    let index = Encoding::ALL.iter().position(|&other| other == encoding).expect("ALL has every encoding");
    MADE[index].get_or_init(|| {
        let ranks = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        Tokenizer::from_encoding(encoding, ranks).expect("the encoding is well-formed")
    })
}

/// The encoding of that name.
pub fn encoding(name: &str) -> Encoding {
    Encoding::from_name(name).unwrap_or_else(|| panic!("{name} is not an encoding"))
}

/// One encoding of each set of ranks: together they have every pattern and every token.
pub const BY_RANKS: [Encoding; 4] = [Encoding::R50kBase, Encoding::P50kBase, Encoding::Cl100kBase, Encoding::O200kBase];

/// Each scanner with the pattern that it stands for.
pub fn patterns() -> [(Pattern, &'static pattern::Pattern); 3] {
    [(Pattern::R50k, &pattern::R50K), (Pattern::Cl100k, &pattern::CL100K), (Pattern::O200k, &pattern::O200K)]
}

/// Each scanner with its regular expressions: those of tiktoken, their relatives with a name, and those without one.
pub fn scanners() -> Vec<(Pattern, SequenceSplitter)> {
    let tiktokens =
        patterns().into_iter().map(|(scanner, pattern)| (scanner, SequenceSplitter::new(&[pattern.regex()])));
    let relatives = RELATIVES.iter().map(|relative| {
        let scanner = Pattern::from_name(relative.name).expect("it has that name");
        (scanner, SequenceSplitter::new(relative.regexes))
    });
    let nameless = NAMELESS.iter().map(|relative| {
        let scanner = Pattern::from_splits(relative.regexes).expect("they are well-formed");
        assert!(matches!(scanner, Pattern::Rules(_)), "{}", relative.name);
        (scanner, SequenceSplitter::new(relative.regexes))
    });
    tiktokens.chain(relatives).chain(nameless).collect()
}

/// The pattern that the scanner of `encoding` stands for.
pub fn reference_pattern(encoding: Encoding) -> &'static pattern::Pattern {
    let is_its = |(scanner, _): &(Pattern, _)| *scanner == encoding.pattern();
    patterns().into_iter().find(is_its).expect("every pattern has a reference").1
}

/// The ranks of an encoding, for the naive merges.
pub fn ranks(encoding: Encoding) -> Ranks {
    let special: Vec<u32> = encoding.special_tokens().into_iter().map(|(_, id)| id).collect();
    let tokenizer = tokenizer(encoding);
    (0..tokenizer.vocab_size())
        .filter(|id| !special.contains(id))
        .filter_map(|id| Some((tokenizer.token_bytes(id)?.to_vec(), id)))
        .collect()
}

/// What the relatives' patterns tell apart: a Han number, a Han symbol, punctuation, a mark and an unassigned character among kana, a control, and the plain ones.
pub const TOLD_APART: [char; 18] = [
    ' ',
    '\n',
    '\'',
    '.',
    'a',
    'A',
    '\u{2b0}',
    '\u{4e2d}',
    '\u{301}',
    '1',
    '\u{3007}',
    '\u{2e80}',
    '\u{30fb}',
    '\u{3099}',
    '\u{3097}',
    '\u{3042}',
    '\u{1}',
    '\u{16ff0}',
];

//! What the fuzz targets share: the encodings with their naive references, made once, and texts out of bytes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::OnceLock;

use tokenmill_bpe::{Encoding, Level, Pattern, SpecialPolicy, Tokenizer, Vocabulary, Worker};
use tokenmill_testkit::cases;
use tokenmill_testkit::pattern;
use tokenmill_testkit::reference::Reference;
use tokenmill_testkit::relatives::{NAMELESS, RELATIVES, SequenceSplitter};

/// Each scanner with the pattern that it stands for.
pub const PATTERNS: [(Pattern, &pattern::Pattern); 3] =
    [(Pattern::R50k, &pattern::R50K), (Pattern::Cl100k, &pattern::CL100K), (Pattern::O200k, &pattern::O200K)];

/// Each scanner with its regular expressions, tiktoken's first.
pub fn scanners() -> &'static [(Pattern, SequenceSplitter)] {
    static MADE: OnceLock<Vec<(Pattern, SequenceSplitter)>> = OnceLock::new();
    MADE.get_or_init(|| {
        let tiktokens =
            PATTERNS.iter().map(|(scanner, pattern)| (scanner.clone(), SequenceSplitter::new(&[pattern.regex()])));
        let relatives = RELATIVES.iter().chain(&NAMELESS).map(|relative| {
            let scanner = Pattern::from_splits(relative.regexes).expect("they are well-formed");
            (scanner, SequenceSplitter::new(relative.regexes))
        });
        tiktokens.chain(relatives).collect()
    })
}

/// The pattern that `scanner` stands for.
pub fn reference_pattern(scanner: &Pattern) -> &'static pattern::Pattern {
    PATTERNS.iter().find(|(other, _)| other == scanner).expect("every scanner has one").1
}

/// One encoding of each set of ranks: together they have every pattern and every token.
const ENCODINGS: [Encoding; 4] = [Encoding::R50kBase, Encoding::P50kBase, Encoding::Cl100kBase, Encoding::O200kBase];

/// An encoding, by every level of instructions and as its definition says it.
pub struct Tested {
    /// By each level, the portable one first. The workers stay, so that what they remember is tested too.
    pub levels: Vec<(Tokenizer, RefCell<Worker>)>,
    /// As the definition says it.
    pub reference: Reference,
    /// No special tokens.
    pub plain: SpecialPolicy,
}

impl Tested {
    /// The tokenizers of these tokens.
    pub fn new(vocabulary: &Vocabulary, pattern: Pattern) -> Self {
        let make = |level| {
            let tokenizer =
                Tokenizer::new(vocabulary.clone(), pattern.clone(), []).expect("no special tokens").with_level(level);
            let worker = RefCell::new(tokenizer.worker());
            (tokenizer, worker)
        };
        let levels: Vec<_> = Level::available().into_iter().map(make).collect();
        let ranks = vocabulary.tokens().map(|(id, token)| (token.to_vec(), id)).collect();
        let plain = levels[0].0.special_policy::<&str>(&[], &[]).expect("none are not too many");
        Self { levels, reference: Reference::new(reference_pattern(&pattern), ranks), plain }
    }

    /// The ids of `text`, which every level gives.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let ids = |(tokenizer, worker): &(Tokenizer, RefCell<Worker>)| {
            let mut ids = Vec::new();
            tokenizer.encode_to(text, &self.plain, &mut worker.borrow_mut(), &mut ids, None).expect("plain text");
            ids
        };
        let first = ids(&self.levels[0]);
        for level in &self.levels[1..] {
            assert_eq!(ids(level), first, "portable is the second: {text:?}");
        }
        first
    }
}

/// The encoding that `number` stands for. For one thread only, as libFuzzer has.
pub fn encoding(number: u8) -> &'static Tested {
    struct OfOneThread(Tested);
    // SAFETY: a fuzz target runs in one thread.
    unsafe impl Sync for OfOneThread {}
    // SAFETY: the same.
    unsafe impl Send for OfOneThread {}
    static MADE: [OnceLock<OfOneThread>; ENCODINGS.len()] = [const { OnceLock::new() }; ENCODINGS.len()];
    let index = usize::from(number) % ENCODINGS.len();
    let made = MADE[index].get_or_init(|| {
        let encoding = ENCODINGS[index];
        let ranks = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        let vocabulary = Vocabulary::from_compact(ranks).expect("the encoding is well-formed");
        OfOneThread(Tested::new(&vocabulary, encoding.pattern()))
    });
    &made.0
}

/// The first byte, and the rest as text.
pub fn number_and_text(data: &[u8]) -> (u8, Cow<'_, str>) {
    let (number, text) = data.split_first().unwrap_or((&0, &[]));
    (*number, String::from_utf8_lossy(text))
}

//! The tokenizer under test, by every level of instructions, and the naive reference with the same tokens.

use tokenmill_bpe::{Counter, Encoding, Level, Pattern, SpecialPolicy, Tokenizer, Worker};
use tokenmill_testkit::bpe::Ranks;
use tokenmill_testkit::cases;
use tokenmill_testkit::pattern;
use tokenmill_testkit::reference::Reference;

/// The tokenizers of one encoding.
pub struct Ours {
    levels: Vec<(Level, Tokenizer, Worker)>,
    /// No special tokens.
    plain: SpecialPolicy,
}

impl Ours {
    pub fn new(encoding: Encoding) -> Self {
        let ranks = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        let levels = Level::available().into_iter().map(|level| {
            let tokenizer = Tokenizer::from_encoding(encoding, &ranks).expect("the encoding is well-formed");
            let tokenizer = tokenizer.with_level(level);
            let worker = tokenizer.worker();
            (level, tokenizer, worker)
        });
        let levels: Vec<_> = levels.collect();
        let plain = levels[0].1.special_policy::<&str>(&[], &[]).expect("none are not too many");
        Self { levels, plain }
    }

    /// The naive reference.
    pub fn reference(&self, encoding: Encoding) -> Reference {
        let (_, tokenizer, _) = &self.levels[0];
        let ranks: Ranks = tokenizer.vocabulary().tokens().map(|(id, token)| (token.to_vec(), id)).collect();
        let pattern = match encoding.pattern() {
            Pattern::R50k => &pattern::R50K,
            Pattern::Cl100k => &pattern::CL100K,
            Pattern::O200k => &pattern::O200K,
        };
        Reference::new(pattern, ranks)
    }

    /// New workers, which remember nothing.
    pub fn forget(&mut self) {
        for (_, tokenizer, worker) in &mut self.levels {
            *worker = tokenizer.worker();
        }
    }

    /// Appends the ids of `text` to `ids`.
    ///
    /// # Errors
    /// Which level does not agree with the first one, or counts or decodes otherwise.
    pub fn encode(&mut self, text: &str, ids: &mut Vec<u32>) -> Result<(), String> {
        let start = ids.len();
        let mut others = Vec::new();
        for (level, tokenizer, worker) in &mut self.levels {
            let first = *level == Level::Portable;
            let to = if first { &mut *ids } else { &mut others };
            tokenizer.encode_to(text, &self.plain, worker, to, None).map_err(|error| error.to_string())?;
            if !first && others != ids[start..] {
                return Err(format!("{} and {} give other ids", Level::Portable.name(), level.name()));
            }
            others.clear();
            let mut count = Counter::default();
            tokenizer.encode_to(text, &self.plain, worker, &mut count, None).map_err(|error| error.to_string())?;
            if count.0 != ids.len() - start {
                return Err(format!("{} counts {} ids and gives {}", level.name(), count.0, ids.len() - start));
            }
        }
        let (_, tokenizer, _) = &self.levels[0];
        if tokenizer.decode_bytes(&ids[start..]).map_err(|error| error.to_string())? != text.as_bytes() {
            return Err("the ids are decoded to another text".to_owned());
        }
        Ok(())
    }

    /// The bytes of a token, for messages.
    pub fn token(&self, id: u32) -> &[u8] {
        self.levels[0].1.token_bytes(id).unwrap_or_default()
    }

    /// The levels, for messages.
    pub fn names(&self) -> String {
        self.levels.iter().map(|(level, ..)| level.name()).collect::<Vec<_>>().join(" ")
    }
}

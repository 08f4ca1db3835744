//! The tokenizer under test, by every level of instructions, and the naive reference with the same tokens.

use tokenmill_bpe::{Counter, Encoding, Level, Pattern, SpecialPolicy, Tokenizer, Worker};
use tokenmill_testkit::bpe::Ranks;
use tokenmill_testkit::cases;
use tokenmill_testkit::pattern;
use tokenmill_testkit::reference::Reference;

use crate::together::Together;
use crate::{stream, together};

/// The tokenizers of one encoding.
pub struct Ours {
    levels: Vec<(Tokenizer, Worker)>,
    together: Together,
    /// No special tokens.
    plain: SpecialPolicy,
}

impl Ours {
    pub fn new(encoding: Encoding) -> Self {
        let ranks = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
        let levels = Level::available().into_iter().map(|level| {
            let tokenizer = Tokenizer::from_encoding(encoding, ranks.clone()).expect("the encoding is well-formed");
            let tokenizer = tokenizer.with_level(level);
            let worker = tokenizer.worker();
            (tokenizer, worker)
        });
        let levels: Vec<_> = levels.collect();
        let plain = levels[0].0.special_policy::<&str>(&[], &[]).expect("none are not too many");
        Self { levels, together: Together::new(), plain }
    }

    /// The naive reference.
    pub fn reference(&self, encoding: Encoding) -> Reference {
        let (tokenizer, _) = &self.levels[0];
        let ranks: Ranks = tokenizer.vocabulary().tokens().map(|(id, token)| (token.to_vec(), id)).collect();
        let pattern = match encoding.pattern() {
            Pattern::R50k => &pattern::R50K,
            Pattern::Cl100k => &pattern::CL100K,
            Pattern::O200k => &pattern::O200K,
            other => unreachable!("no encoding has {other:?}"),
        };
        Reference::new(pattern, ranks)
    }

    /// New workers, which remember nothing.
    pub fn forget(&mut self) {
        for (tokenizer, worker) in &mut self.levels {
            *worker = tokenizer.worker();
        }
    }

    /// Appends the ids of `text` to `ids`. `streams` says which streams it comes in as well.
    ///
    /// # Errors
    /// Which level does not agree with the first one, or counts or decodes otherwise.
    pub fn encode(&mut self, text: &str, streams: stream::Which, ids: &mut Vec<u32>) -> Result<(), String> {
        let start = ids.len();
        let mut others = Vec::new();
        for (index, (tokenizer, worker)) in self.levels.iter_mut().enumerate() {
            let to = if index == 0 { &mut *ids } else { &mut others };
            tokenizer.encode_to(text, &self.plain, worker, to, None).map_err(|error| error.to_string())?;
            if index > 0 && others != ids[start..] {
                return Err(format!("{} and {} give other ids", name(0), name(index)));
            }
            others.clear();
            let mut count = Counter::default();
            tokenizer.encode_to(text, &self.plain, worker, &mut count, None).map_err(|error| error.to_string())?;
            if count.0 != ids.len() - start {
                return Err(format!("{} counts {} ids and gives {}", name(index), count.0, ids.len() - start));
            }
        }
        let ids = &ids[start..];
        // Streams are cut the same by every level; the one that people have encodes them.
        let (tokenizer, worker) = self.levels.last_mut().expect("the portable one is always there");
        stream::check(text, ids, streams, |part, is_last, ids| {
            if is_last {
                tokenizer.encode_to(part, &self.plain, worker, ids, None).map(|()| part.len())
            } else {
                tokenizer.encode_start(part, &self.plain, worker, ids, None)
            }
        })?;
        if tokenizer.decode_bytes(ids).map_err(|error| error.to_string())? != text.as_bytes() {
            return Err("the ids are decoded to another text".to_owned());
        }
        Ok(())
    }

    /// Encodes and counts `texts` in one call: question `number` to this encoding decides by which level and on how many threads.
    /// `ends`: where the ids of each end in `ids`.
    ///
    /// # Errors
    /// Which text has other ids than alone.
    pub fn encode_together(&self, number: u64, texts: &[&str], ids: &[u32], ends: &[usize]) -> Result<(), String> {
        let index = (number / together::POOLS as u64) as usize % self.levels.len();
        let pool = number as usize % together::POOLS;
        self.together
            .check(pool, &self.levels[index].0, &self.plain, texts, ids, ends)
            .map_err(|message| format!("{}, {message}", name(index)))
    }

    /// How many numbers there are for [`Ours::encode_together`] until the same levels and threads come again.
    pub fn ways(&self) -> u64 {
        (together::POOLS * self.levels.len()) as u64
    }

    /// The bytes of a token, for messages.
    pub fn token(&self, id: u32) -> &[u8] {
        self.levels[0].0.token_bytes(id).unwrap_or_default()
    }

    /// The levels, for messages.
    pub fn names(&self) -> String {
        (0..self.levels.len()).map(name).collect::<Vec<_>>().join(" ")
    }
}

fn name(index: usize) -> &'static str {
    Level::available()[index].name()
}

//! Text to ids and back.

use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::cache::Cache;
use crate::merge::{Merger, Scratch};
use crate::pretokenize::{BLOCK, Pattern};
use crate::special::{SpecialPolicy, SpecialTokens};
use crate::vocabulary::Vocabulary;
use crate::words::{Key, Words};
use crate::{Encoding, Error, Level};

/// A byte-level BPE tokenizer. Immutable and shared freely between threads; each thread brings its own [`Worker`].
pub struct Tokenizer {
    vocabulary: Vocabulary,
    pattern: Pattern,
    special: SpecialTokens,
    words: Words,
    merger: Merger,
    level: Level,
}

/// What one thread needs to encode: memory that is used again from call to call, about 300 KiB. It belongs to the first
/// tokenizer that it is used with: another one must bring another worker.
pub struct Worker {
    scratch: Scratch,
    cache: Cache,
    ends: Box<[usize; BATCH + BLOCK]>,
}

/// Pieces between two looks at the cancel flag.
const BATCH: usize = 256;

impl Worker {
    fn new() -> Self {
        Self { scratch: Scratch::new(), cache: Cache::new(), ends: Box::new([0; BATCH + BLOCK]) }
    }
}

/// What becomes of ids: written down, or only counted.
pub trait Sink {
    /// Takes one id.
    fn push(&mut self, id: u32);

    /// Takes several.
    fn extend(&mut self, ids: &[u32]) {
        ids.iter().for_each(|&id| self.push(id));
    }
}

impl Sink for Vec<u32> {
    #[inline(always)]
    fn push(&mut self, id: u32) {
        Self::push(self, id);
    }

    #[inline(always)]
    fn extend(&mut self, ids: &[u32]) {
        self.extend_from_slice(ids);
    }
}

/// Counts ids.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter(pub usize);

impl Sink for Counter {
    #[inline(always)]
    fn push(&mut self, _: u32) {
        self.0 += 1;
    }

    #[inline(always)]
    fn extend(&mut self, ids: &[u32]) {
        self.0 += ids.len();
    }
}

impl Tokenizer {
    /// A tokenizer of these parts.
    ///
    /// # Errors
    /// [`Error::InvalidSpecialToken`] when a special token is empty or there twice.
    pub fn new(
        vocabulary: Vocabulary,
        pattern: Pattern,
        special_tokens: impl IntoIterator<Item = (String, u32)>,
    ) -> Result<Self, Error> {
        let special = SpecialTokens::new(special_tokens)?;
        let (words, merger) = (Words::new(&vocabulary), Merger::new(&vocabulary));
        Ok(Self { vocabulary, pattern, special, words, merger, level: Level::best() })
    }

    /// The tokenizer of `encoding`, with its ranks in the form of [`Vocabulary::to_compact`].
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] when `ranks` is not in that form.
    pub fn from_encoding(encoding: Encoding, ranks: &[u8]) -> Result<Self, Error> {
        Self::new(Vocabulary::from_compact(ranks)?, encoding.pattern(), encoding.special_tokens())
    }

    /// The same tokenizer with other instructions; it gives the same ids.
    #[must_use]
    pub fn with_level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// Its tokens, without the special ones.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The largest id + 1, special tokens too.
    pub fn vocab_size(&self) -> u32 {
        (self.vocabulary.len() as u32).max(self.special.largest_id().map_or(0, |id| id.saturating_add(1)))
    }

    /// Its special tokens and their ids, by ascending id.
    pub fn special_tokens(&self) -> Vec<(&str, u32)> {
        self.special.sorted()
    }

    /// The SHA-256, in hexadecimal, of all that decides the ids: tokens, pattern and special tokens with their ids.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        field(self.pattern.name().as_bytes());
        field(&self.vocabulary.to_compact());
        for (token, id) in self.special.sorted() {
            field(token.as_bytes());
            field(&id.to_le_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Which special tokens a call reads as such (`allowed`) and refuses (`disallowed`, which wins where both name a token); all
    /// others are plain text. A name that is no special token has no effect in `allowed` and is refused in `disallowed`.
    ///
    /// # Errors
    /// [`Error::InvalidSpecialToken`] when no automaton for them can be built: there are too many.
    pub fn special_policy<S: AsRef<str>>(&self, allowed: &[S], disallowed: &[S]) -> Result<SpecialPolicy, Error> {
        self.special.policy(allowed, disallowed)
    }

    /// What a thread needs to encode with this tokenizer.
    pub fn worker(&self) -> Worker {
        Worker::new()
    }

    /// The ids of `text`, every special token in it being plain text.
    pub fn encode_ordinary(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        self.encode_plain(text, &mut self.worker(), &mut ids, None).expect("nobody cancels it");
        ids
    }

    /// How many ids [`Tokenizer::encode_ordinary`] gives.
    pub fn count_ordinary(&self, text: &str) -> usize {
        let mut count = Counter::default();
        self.encode_plain(text, &mut self.worker(), &mut count, None).expect("nobody cancels it");
        count.0
    }

    /// The ids of `text`, with special tokens by `policy`.
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`].
    pub fn encode(&self, text: &str, policy: &SpecialPolicy) -> Result<Vec<u32>, Error> {
        let mut ids = Vec::new();
        self.encode_to(text, policy, &mut self.worker(), &mut ids, None)?;
        Ok(ids)
    }

    /// Gives the ids of `text` to `sink`, with special tokens by `policy`. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`], before any id is given; [`Error::Cancelled`].
    pub fn encode_to(
        &self,
        text: &str,
        policy: &SpecialPolicy,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        policy.check(text)?;
        let mut start = 0;
        while let Some((special, end, id)) = policy.next_allowed(text, start) {
            self.encode_plain(&text[start..special], worker, sink, cancel)?;
            sink.push(id);
            start = end;
        }
        self.encode_plain(&text[start..], worker, sink, cancel)
    }

    fn encode_plain(
        &self,
        text: &str,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        let mut start = 0;
        while start < text.len() {
            if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
                return Err(Error::Cancelled);
            }
            let count = self.pattern.scan(self.level, text, start, &mut worker.ends[..]);
            for index in 0..count {
                let end = worker.ends[index];
                self.encode_piece(text.as_bytes(), start, end, worker, sink);
                start = end;
            }
        }
        Ok(())
    }

    /// A piece that is a token is that token; any other is merged.
    #[inline(always)]
    fn encode_piece(&self, text: &[u8], start: usize, end: usize, worker: &mut Worker, sink: &mut impl Sink) {
        if end - start > Key::MAX {
            return self.encode_long_piece(&text[start..end], worker, sink);
        }
        let key = Key::of(text, start, end);
        let hash = key.hash();
        match self.words.get_short(key, hash) {
            Some(id) => sink.push(id),
            None => self.encode_unknown_piece(&text[start..end], key, hash, worker, sink),
        }
    }

    #[inline(never)]
    fn encode_unknown_piece(&self, piece: &[u8], key: Key, hash: u64, worker: &mut Worker, sink: &mut impl Sink) {
        if let Some(ids) = worker.cache.get(key, hash) {
            return sink.extend(ids);
        }
        let (mut ids, mut count) = ([0; Key::MAX], 0);
        self.merger.merge(piece, &mut worker.scratch, |id| {
            ids[count] = id;
            count += 1;
        });
        worker.cache.insert(key, hash, &ids[..count]);
        sink.extend(&ids[..count]);
    }

    #[inline(never)]
    fn encode_long_piece(&self, piece: &[u8], worker: &mut Worker, sink: &mut impl Sink) {
        match self.words.get_long(piece) {
            Some(id) => sink.push(id),
            None => self.merger.merge(piece, &mut worker.scratch, |id| sink.push(id)),
        }
    }

    /// The id of a token, special tokens first.
    pub fn token_to_id(&self, token: &[u8]) -> Option<u32> {
        let special = str::from_utf8(token).ok().and_then(|token| self.special.id(token));
        special.or_else(|| self.words.get(token))
    }

    /// The bytes of token `id`, special tokens too.
    pub fn token_bytes(&self, id: u32) -> Option<&[u8]> {
        self.vocabulary.get(id).or_else(|| self.special.token(id).map(str::as_bytes))
    }

    /// Whether `id` is that of a special token.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.token(id).is_some()
    }

    /// The bytes of `ids`.
    ///
    /// # Errors
    /// [`Error::UnknownId`] names the first id that no token has.
    pub fn decode_bytes(&self, ids: &[u32]) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(ids.len().saturating_mul(4));
        for (index, &id) in ids.iter().enumerate() {
            let token = self.token_bytes(id).ok_or(Error::UnknownId { id, index, largest: self.vocab_size() - 1 })?;
            bytes.extend_from_slice(token);
        }
        Ok(bytes)
    }
}

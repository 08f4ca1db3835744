//! Text to ids and back.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::cache::Cache;
use crate::few::Few;
use crate::pretokenize::{Pattern, Scan};
use crate::sink::{Counter, Sink};
use crate::special::{SpecialPolicy, SpecialTokens};
use crate::tables::Tables;
use crate::utf16::Units;
use crate::vocabulary::Vocabulary;
use crate::worker::Worker;
use crate::workers::{IdleWorker, IdleWorkers};
use crate::{Encoding, Error, Level, Normalizer};

/// A byte-level BPE tokenizer. Immutable and shared freely between threads; each thread brings its own [`Worker`].
pub struct Tokenizer {
    vocabulary: Arc<Vocabulary>,
    normalizer: Option<Normalizer>,
    pattern: Pattern,
    special: SpecialTokens,
    /// Every special token is plain text.
    plain: SpecialPolicy,
    pub(crate) tables: Arc<Tables>,
    pub(crate) level: Level,
    /// The most that a cache may take, where it was said for this tokenizer.
    cache_bytes: Option<usize>,
    idle: IdleWorkers,
    pub(crate) units: Arc<OnceLock<Units>>,
}

impl Tokenizer {
    /// A tokenizer of these parts.
    ///
    /// # Errors
    /// [`Error::InvalidSpecialToken`] when a special token is empty or there twice; [`Error::SpecialTokensTooLong`] when one is longer than
    /// 4096 bytes, or all are together than 4 MiB.
    pub fn new(
        vocabulary: Vocabulary,
        pattern: Pattern,
        special_tokens: impl IntoIterator<Item = (String, u32)>,
    ) -> Result<Self, Error> {
        Self::with_added_tokens(vocabulary, pattern, special_tokens, [])
    }

    /// [`Tokenizer::new`] with tokens that are found in every text, whatever its policy, and are not special: added tokens of a
    /// tokenizer.json.
    ///
    /// # Errors
    /// Those of [`Tokenizer::new`].
    pub fn with_added_tokens(
        vocabulary: Vocabulary,
        pattern: Pattern,
        special_tokens: impl IntoIterator<Item = (String, u32)>,
        added_tokens: impl IntoIterator<Item = (String, u32)>,
    ) -> Result<Self, Error> {
        let special = SpecialTokens::new(special_tokens, added_tokens)?;
        let plain = special.policy::<&str>(&[], &[])?;
        let (level, cache_bytes, idle) = (Level::best(), None, IdleWorkers::default());
        let (vocabulary, tables, units) = (Arc::new(vocabulary), Arc::new(Tables::new(&pattern)), Arc::default());
        Ok(Self { vocabulary, normalizer: None, pattern, special, plain, tables, level, cache_bytes, idle, units })
    }

    /// The tokenizer of `encoding`, with its ranks in the form of [`Vocabulary::as_compact`].
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] when `ranks` is not in that form.
    pub fn from_encoding(encoding: Encoding, ranks: impl Into<Bytes>) -> Result<Self, Error> {
        Self::new(Vocabulary::from_compact(ranks)?, encoding.pattern(), encoding.special_tokens())
    }

    /// A tokenizer that has `tokens` as special tokens besides its own. It shares all tables with this one. Those of `tokens` that have one id
    /// are names of one token, which is decoded to the first of them.
    ///
    /// # Errors
    /// [`Error::InvalidSpecialToken`] when one is empty or there already, or its id is that of a token of this tokenizer;
    /// [`Error::SpecialTokensTooLong`] when one is longer than 4096 bytes, or all are together than 4 MiB.
    pub fn with_special_tokens(&self, tokens: impl IntoIterator<Item = (String, u32)>) -> Result<Self, Error> {
        let own = self.special_tokens().into_iter().map(|(token, id)| (token.to_owned(), id));
        let mut all: Vec<(String, u32)> = own.collect();
        let taken = all.iter().cloned().chain(self.special.added().map(|(token, id)| (token.to_owned(), id)));
        let ids: HashMap<u32, String> = taken.map(|(token, id)| (id, token)).collect();
        for (token, id) in tokens {
            let ordinary = self.vocabulary.get(id).map(|other| String::from_utf8_lossy(other).into_owned());
            let other = ordinary.or_else(|| ids.get(&id).cloned());
            if let Some(other) = other.filter(|other| *other != token) {
                let reason = format!("its id {id} is that of the token {other:?}");
                return Err(Error::InvalidSpecialToken { token, reason });
            }
            all.push((token, id));
        }
        let added = self.special.added().map(|(token, id)| (token.to_owned(), id));
        let special = SpecialTokens::new(all, added)?;
        Ok(Self {
            vocabulary: Arc::clone(&self.vocabulary),
            normalizer: self.normalizer,
            pattern: self.pattern.clone(),
            plain: special.policy::<&str>(&[], &[])?,
            special,
            tables: Arc::clone(&self.tables),
            level: self.level,
            cache_bytes: self.cache_bytes,
            units: Arc::clone(&self.units),
            idle: IdleWorkers::default(),
        })
    }

    /// The same tokenizer for what `normalizer` makes of the text between special tokens; a text of which that would be too much has its error. What says where in a
    /// text ids are, and what cuts a text by its ids, is then for texts that stay as they are.
    #[must_use]
    pub fn with_normalizer(self, normalizer: Normalizer) -> Self {
        Self { normalizer: Some(normalizer), ..self }
    }

    /// The same tokenizer with other instructions; it gives the same ids. It uses them for every text: its large tables, which else are made
    /// when some texts have come, are made now.
    #[must_use]
    pub fn with_level(self, level: Level) -> Self {
        self.tables.large(&self.vocabulary);
        Self { level, idle: IdleWorkers::default(), ..self }
    }

    /// The same tokenizer, each of whose workers remembers words in at most `bytes`, but 36 KiB at least, instead of what [`set_cache_bytes`](crate::set_cache_bytes) says.
    #[must_use]
    pub fn with_cache_bytes(self, bytes: usize) -> Self {
        Self { cache_bytes: Some(bytes), idle: IdleWorkers::default(), ..self }
    }

    /// How it splits text.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// [`Pattern::split_before`] of what the text comes to.
    pub fn split_before(&self, text: &str, from: usize, mut to: usize) -> Option<usize> {
        loop {
            let at = self.pattern.split_before(text, from, to)?;
            if self.normalizer.is_none_or(|normalizer| normalizer.keeps(text, at)) {
                return Some(at);
            }
            to = at - 1;
        }
    }

    /// A text comes to at most so many times its bytes, and to one of so many at least.
    pub(crate) fn factor(&self) -> usize {
        self.normalizer.map_or(1, |normalizer| normalizer.factor)
    }

    /// Its tokens, without the special ones.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The largest id + 1, special tokens too.
    pub fn vocab_size(&self) -> u32 {
        (self.vocabulary.len() as u32).max(self.special.largest_id().map_or(0, |id| id.saturating_add(1)))
    }

    /// Its special tokens and their ids, by ascending id; of several with one id first the one that it is decoded to.
    pub fn special_tokens(&self) -> Vec<(&str, u32)> {
        self.special.sorted()
    }

    /// The SHA-256, in hexadecimal, of all that decides the ids: tokens, pattern, special and added tokens with their ids.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        field(&self.pattern.identity());
        // By the tokens alone, so that it stays when the form of the files changes.
        let lengths = (0..self.vocabulary.len() as u32).map(|id| self.vocabulary.range(id).len() as u32);
        field(&lengths.flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
        field(self.vocabulary.bytes());
        for (token, id) in self.special.sorted() {
            field(token.as_bytes());
            field(&id.to_le_bytes());
        }
        for (token, id) in self.special.added() {
            field(b"added");
            field(token.as_bytes());
            field(&id.to_le_bytes());
        }
        hash.finalize().iter().fold(String::new(), |mut digits, byte| {
            // Writing to a string does not fail.
            _ = write!(digits, "{byte:02x}");
            digits
        })
    }

    /// Which special tokens a call reads as such (`allowed`) and refuses (`disallowed`, which wins where both name a token); all
    /// others are plain text. A name that is no special token has no effect in `allowed` and is refused in `disallowed`.
    ///
    /// # Errors
    /// [`Error::SpecialTokensTooLong`] when one is longer than 4096 bytes, or all are together than 4 MiB.
    pub fn special_policy<S: AsRef<str>>(&self, allowed: &[S], disallowed: &[S]) -> Result<SpecialPolicy, Error> {
        self.special.policy(allowed, disallowed)
    }

    /// What a thread needs to encode with this tokenizer.
    pub fn worker(&self) -> Worker {
        Worker::new(self.level, self.cache_bytes.unwrap_or_else(Cache::most))
    }

    /// A worker of an earlier call, which knows its words; a new one when all are busy. It is kept for later calls when it is dropped.
    pub fn idle_worker(&self) -> IdleWorker<'_> {
        self.idle.take(|| self.worker())
    }

    /// The ids of `text`, every special token in it being plain text.
    ///
    /// # Panics
    /// When the text is not within the limits of a pattern of regular expressions, or of a normalizer, or there is not enough memory:
    /// [`Tokenizer::encode`] gives an error there.
    pub fn encode_ordinary(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let result = self.encode_to(text, &self.plain, &mut self.idle_worker(), &mut ids, None);
        result
            .expect("nobody cancels it, the text is within the limits of pattern and normalizer, and there is memory");
        ids
    }

    /// How many ids [`Tokenizer::encode_ordinary`] gives.
    ///
    /// # Panics
    /// Where that does.
    pub fn count_ordinary(&self, text: &str) -> usize {
        let mut count = Counter::default();
        let result = self.encode_to(text, &self.plain, &mut self.idle_worker(), &mut count, None);
        result
            .expect("nobody cancels it, the text is within the limits of pattern and normalizer, and there is memory");
        count.0
    }

    /// The ids of `text`, with special tokens by `policy`.
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`]; [`Error::OutOfMemory`]; [`Error::PatternLimit`], for a pattern of regular expressions;
    /// [`Error::NormalizerLimit`], with a normalizer.
    pub fn encode(&self, text: &str, policy: &SpecialPolicy) -> Result<Vec<u32>, Error> {
        let mut ids = Vec::new();
        self.encode_to(text, policy, &mut self.idle_worker(), &mut ids, None)?;
        Ok(ids)
    }

    /// Gives the ids of `text` to `sink`, with special tokens by `policy`. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`], before any id is given; [`Error::Cancelled`]; [`Error::OutOfMemory`]; [`Error::PatternLimit`], for a
    /// pattern of regular expressions; [`Error::NormalizerLimit`], with a normalizer.
    pub fn encode_to(
        &self,
        text: &str,
        policy: &SpecialPolicy,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        policy.check(text, cancel)?;
        let mut start = 0;
        while let Some(special) = policy.next_allowed(text, start, cancel)? {
            self.encode_part(text, start..special.start, worker, sink, cancel)?;
            sink.reserve(1)?;
            sink.push(special.id);
            start = special.end;
            if sink.is_full() {
                return Ok(());
            }
        }
        self.encode_part(text, start..text.len(), worker, sink, cancel)
    }

    /// [`Tokenizer::encode_to`] for the start of a text that goes on: gives the ids that are the same however it goes on, and returns the
    /// number of bytes that they are of. The next call takes the text from there on; for its last part there is `encode_to`.
    ///
    /// # Errors
    /// [`Error::DisallowedSpecialToken`] when one starts in those bytes, before any id is given; [`Error::Cancelled`]; [`Error::OutOfMemory`];
    /// [`Error::PatternLimit`], for a pattern of regular expressions; [`Error::NormalizerLimit`], with a normalizer.
    pub fn encode_start(
        &self,
        text: &str,
        policy: &SpecialPolicy,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) -> Result<usize, Error> {
        // Whatever follows, a special token that starts up to here is in `text` to its end.
        let Some(last) = text.len().checked_sub(policy.longest().max(1)) else { return Ok(0) };
        let Some(cut) = self.split_before(text, 0, last) else { return Ok(0) };
        // One that starts at `cut` or later is for the next call.
        policy.check(&text[..text.floor_char_boundary(cut + policy.longest())], cancel).or_else(
            |error| match error {
                Error::DisallowedSpecialToken { at, .. } if at >= cut => Ok(()),
                error => Err(error),
            },
        )?;
        let mut start = 0;
        while let Some(special) = policy.next_allowed(text, start, cancel)?.filter(|special| special.start < cut) {
            self.encode_part(text, start..special.start, worker, sink, cancel)?;
            if special.end > cut {
                return Ok(special.start);
            }
            sink.reserve(1)?;
            sink.push(special.id);
            start = special.end;
            if sink.is_full() {
                return Ok(start);
            }
        }
        self.encode_part(text, start..cut, worker, sink, cancel)?;
        Ok(cut)
    }

    /// Encodes a part of `text`, in which no special token is looked for, as a text of its own.
    pub(crate) fn encode_part(
        &self,
        text: &str,
        part: Range<usize>,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        let start = part.start;
        self.encode_plain(&text[part], worker, sink, cancel).map_err(|error| error.after(start))
    }

    /// Encodes `text`, in which no special token is looked for.
    pub(crate) fn encode_plain(
        &self,
        text: &str,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        match self.normalizer {
            None => self.encode_normalized(text, worker, sink, cancel),
            Some(normalizer) => self.encode_normalized(&(normalizer.normalized)(text)?, worker, sink, cancel),
        }
    }

    /// Encodes a text as it is.
    fn encode_normalized(
        &self,
        text: &str,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        let mut scan = Scan::new(&self.pattern, self.level, text);
        while !scan.is_done() {
            if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
                return Err(Error::Cancelled);
            }
            if sink.is_full() {
                return Ok(());
            }
            let start = scan.at();
            let parts = self.tables.parts(self.vocabulary(), text);
            let count = scan.next_parts(&mut worker.ends[..], parts)?;
            // No id is of less than a byte.
            sink.reserve(scan.at() - start)?;
            worker.memory.scratch.reserve(scan.at() - start)?;
            self.encode_pieces(text.as_bytes(), start, count, worker, sink, cancel);
            worker.memory.scratch.check()?;
        }
        // Then the last ids are any.
        if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// The most bytes of a text that an id may be of: the length of the longest token, special tokens too, where texts stay as they are.
    pub fn longest_token(&self) -> usize {
        let special = self.special.sorted().into_iter().chain(self.special.added()).map(|(token, _)| token.len());
        self.vocabulary.tokens().map(|(_, token)| token.len() * self.factor()).chain(special).max().unwrap_or(0)
    }

    /// The id of a token, special tokens first.
    pub fn token_to_id(&self, token: &[u8]) -> Option<u32> {
        let special = str::from_utf8(token).ok().and_then(|token| self.special.id(token));
        special.or_else(|| self.few().id(token))
    }

    /// What finds tokens without the large tables.
    pub(crate) fn few(&self) -> Few<'_> {
        self.tables.few(&self.vocabulary)
    }

    /// The bytes of token `id`, special tokens too.
    pub fn token_bytes(&self, id: u32) -> Option<&[u8]> {
        self.vocabulary.get(id).or_else(|| self.special.token(id).map(str::as_bytes))
    }

    /// Whether `id` is that of a special token.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.has(id)
    }
}

//! Pieces to ids: the loop that all text goes through.
//!
//! The pieces of a batch go through each step together. So no step waits for memory that the one before has asked for, and what a
//! processor cannot foresee is done without a branch: whether a piece is a token is noted for all, and then those that are none are
//! handled on their own; they are merged in turns.

use std::hash::Hasher;
use std::sync::atomic::AtomicBool;

use rustc_hash::FxHasher;

use crate::Level;
use crate::cache::{ABSENT, Cache, INLINE, Stretch};
use crate::first_look::{FirstLook, Looks, Portable};
#[cfg(target_arch = "x86_64")]
use crate::level::HasAvx2;
use crate::merge::Merger;
use crate::sink::{SLACK, Sink};
use crate::tables::Large;
use crate::tokenizer::Tokenizer;
use crate::vocabulary::Vocabulary;
use crate::words::{Medium, Short, Words};
use crate::worker::{BATCH, Memory, Miss, Seen, Worker};

/// The pieces of a batch.
#[derive(Clone, Copy)]
struct Pieces<'a> {
    text: &'a [u8],
    start: usize,
    ends: &'a [usize],
}

impl Pieces<'_> {
    #[inline(always)]
    fn bounds(&self, index: usize) -> (usize, usize) {
        (if index == 0 { self.start } else { self.ends[index - 1] }, self.ends[index])
    }
}

impl Tokenizer {
    /// Encodes the pieces of `text` from `start` on that end at `worker.ends[..count]`. A piece that is a token is that token; any other is
    /// merged. Stops soon after `cancel` is set, with any ids.
    pub(crate) fn encode_pieces(
        &self,
        text: &[u8],
        start: usize,
        count: usize,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) {
        let ends = &worker.ends[..count];
        let Some(large) = self.tables.large_for(self.vocabulary(), start, ends) else {
            return self.few().encode(text, start, ends, sink);
        };
        let vocabulary = self.vocabulary();
        match self.level {
            Level::Portable => Engine::of(large, vocabulary, Portable).encode(text, start, count, worker, sink, cancel),
            // All that is compiled for 64-bit Arm may use NEON.
            #[cfg(target_arch = "aarch64")]
            Level::Neon => Engine::of(large, vocabulary, Portable).encode(text, start, count, worker, sink, cancel),
            // SAFETY: there is such a level only on processors that have AVX2.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe {
                Engine::of(large, vocabulary, HasAvx2::new()).encode_avx2(text, start, count, worker, sink, cancel);
            },
            // SAFETY: there is such a level only on processors that have AVX-512, and with it AVX2.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe {
                Engine::of(large, vocabulary, HasAvx2::new()).encode_avx512(text, start, count, worker, sink, cancel);
            },
        }
    }
}

/// Encodes by the large tables.
struct Engine<'a, L> {
    words: &'a Words,
    merger: &'a Merger,
    vocabulary: &'a Vocabulary,
    first_look: L,
}

impl<'a, L: FirstLook> Engine<'a, L> {
    fn of(Large { words, merger, .. }: &'a Large, vocabulary: &'a Vocabulary, first_look: L) -> Self {
        Self { words, merger, vocabulary, first_look }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn encode_avx2(
        &self,
        text: &[u8],
        start: usize,
        count: usize,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) {
        self.encode(text, start, count, worker, sink, cancel);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512bw,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn encode_avx512(
        &self,
        text: &[u8],
        start: usize,
        count: usize,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) {
        self.encode(text, start, count, worker, sink, cancel);
    }

    #[inline(always)]
    fn encode(
        &self,
        text: &[u8],
        start: usize,
        count: usize,
        worker: &mut Worker,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) {
        let Worker { ends, looks, ids, misses, unknown, seen, memory } = worker;
        let pieces = Pieces { text, start, ends: &ends[..count] };
        let first = ids.first_chunk_mut().expect("they are more");
        let missed = self.first_look.look(&self.words.short, text, start, pieces.ends, looks, first);
        let looks = &*looks;
        let misses = &mut misses[..missed];
        ask_for(pieces, looks, &looks.missed[..missed], misses, &memory.cache);
        let unknown = find_known(pieces, looks, misses, unknown, &memory.cache);
        if !unknown.is_empty() {
            memory.cache.grow();
            self.look_up(pieces, looks, misses, unknown, seen, memory);
            self.merge_jobs(pieces, looks, misses, unknown, memory);
            for &(again, first) in &seen.again {
                let Miss { state, ids, .. } = misses[usize::from(first)];
                let miss = &mut misses[usize::from(again)];
                (miss.state, miss.ids) = (state, ids);
            }
        }

        let mut next = 0;
        for miss in &*misses {
            let index = miss.piece as usize;
            sink.extend_run(&ids[..], next..index);
            next = index + 1;
            if miss.state <= INLINE as u32 {
                sink.extend_some(&miss.ids, miss.state as usize);
            } else if miss.state < Miss::JOB
                && let count = (miss.state - Miss::PLACED) as usize
                && let Some(known) = memory.cache.stretch(Stretch::of(&miss.ids, count + SLACK))
            {
                // With what is behind them in the ring they are copied by whole vectors.
                sink.extend_run(known, 0..count);
            } else {
                self.emit_more(pieces, looks, miss, memory, sink, cancel);
            }
        }
        sink.extend_run(&ids[..], next..count);
    }

    /// Looks for the `unknown` of `misses` in the rest of the tables of tokens, and makes jobs of the others, but only of the first of those that are the
    /// same.
    #[inline]
    fn look_up(
        &self,
        pieces: Pieces,
        looks: &Looks,
        misses: &mut [Miss],
        unknown: &[u16],
        seen: &mut Seen,
        memory: &mut Memory,
    ) {
        let Memory { cache, jobs, .. } = memory;
        jobs.clear();
        seen.again.clear();
        for &number in unknown {
            let miss = &misses[usize::from(number)];
            let (start, end) = pieces.bounds(miss.piece as usize);
            if end - start <= Short::MAX {
                cache.prefetch_short_elsewhere(miss.hash);
            } else if end - start <= Medium::MAX {
                cache.prefetch_medium_elsewhere(miss.hash);
                self.words.medium.prefetch(self.words.medium.home(Medium::of(pieces.text, start, end)));
            }
        }
        for &number in unknown {
            let (before, from) = misses.split_at_mut(usize::from(number));
            let miss = &mut from[0];
            let (start, end) = pieces.bounds(miss.piece as usize);
            let piece = &pieces.text[start..end];
            let first = std::mem::replace(&mut seen.last[Seen::place(miss.hash)], number);
            if let Some(same) = before.get(usize::from(first)).filter(|same| same.hash == miss.hash) {
                let (start, end) = pieces.bounds(same.piece as usize);
                if pieces.text[start..end] == *piece {
                    seen.again.push((number, first));
                    continue;
                }
            }
            let id = if piece.len() <= Short::MAX {
                if let Some(merged) = self.merger.merge_at_once(piece) {
                    *miss.ids.first_chunk_mut().expect("they are more") = merged.padded;
                    miss.state = merged.count as u32;
                    continue;
                }
                let piece = looks.pieces[miss.piece as usize];
                let found = cache.get_short_elsewhere(piece, miss.hash, &mut miss.ids);
                if found != ABSENT {
                    miss.state = Miss::known(found, Cache::SHORT_INLINE);
                    continue;
                }
                let id = self.words.short.get_from(looks.slots[miss.piece as usize] as usize, piece);
                id.inspect(|&id| cache.insert_short(piece, miss.hash, &[id]))
            } else if piece.len() <= Medium::MAX {
                let piece = Medium::of(pieces.text, start, end);
                let found = cache.get_medium_elsewhere(piece, miss.hash, &mut miss.ids);
                if found != ABSENT {
                    miss.state = Miss::known(found, INLINE as u32);
                    continue;
                }
                let id = self.words.medium.get_from(self.words.medium.home(piece), piece);
                id.inspect(|&id| cache.insert_medium(piece, miss.hash, &[id]))
            } else {
                let id = self.words.get_long(piece);
                id.inspect(|&id| cache.insert_long(piece, miss.hash, &[id]))
            };
            if let Some(id) = id {
                (miss.ids[0], miss.state) = (id, 1);
            } else {
                let (first, count) = (jobs.len() as u32, self.merger.prepare(piece, jobs));
                if count > 0 {
                    (miss.state, miss.ids[0]) = (Miss::JOB + first, count as u32);
                }
            }
        }
    }

    /// Merges the jobs, and remembers what they came to.
    #[inline]
    fn merge_jobs(&self, pieces: Pieces, looks: &Looks, misses: &mut [Miss], unknown: &[u16], memory: &mut Memory) {
        let Memory { scratch, cache, jobs, ids } = memory;
        if jobs.is_empty() {
            return;
        }
        self.merger.merge_in_turns(jobs, scratch);
        for &number in unknown {
            let miss = &mut misses[usize::from(number)];
            if miss.state < Miss::JOB || miss.state == Miss::OPEN {
                continue;
            }
            let first = (miss.state - Miss::JOB) as usize;
            let jobs = &jobs[first..first + miss.ids[0] as usize];
            let tokens = if let [job] = jobs {
                let tokens = job.symbols();
                if tokens.count <= INLINE {
                    miss.ids = *tokens.padded.first_chunk().expect("they are more");
                    miss.state = tokens.count as u32;
                }
                &tokens.padded[..tokens.count]
            } else if self.merger.can_be_joined(jobs, self.vocabulary) {
                ids.clear();
                for job in jobs {
                    let tokens = job.symbols();
                    ids.extend_from_slice(&tokens.padded[..tokens.count]);
                }
                &ids[..]
            } else {
                miss.state = Miss::OPEN;
                continue;
            };
            let (start, end) = pieces.bounds(miss.piece as usize);
            if end - start <= Short::MAX {
                let piece = looks.pieces[miss.piece as usize];
                if miss.state <= Cache::SHORT_INLINE {
                    cache.insert_short_inline(piece, miss.hash, tokens.len(), &miss.ids);
                } else {
                    cache.insert_short(piece, miss.hash, tokens);
                }
            } else if end - start <= Medium::MAX {
                let piece = Medium::of(pieces.text, start, end);
                if miss.state <= INLINE as u32 {
                    cache.insert_medium_inline(piece, miss.hash, tokens.len(), &miss.ids);
                } else {
                    cache.insert_medium(piece, miss.hash, tokens);
                }
            } else {
                cache.insert_long(&pieces.text[start..end], miss.hash, tokens);
            }
        }
    }

    /// Gives the tokens of a piece to `sink` that are many and lie at the end of the ring, or in jobs, or are not known yet.
    #[inline(never)]
    fn emit_more(
        &self,
        pieces: Pieces,
        looks: &Looks,
        miss: &Miss,
        memory: &mut Memory,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) {
        if miss.state >= Miss::JOB && miss.state != Miss::OPEN {
            let first = (miss.state - Miss::JOB) as usize;
            for job in &memory.jobs[first..first + miss.ids[0] as usize] {
                let tokens = job.symbols();
                let (eights, _) = tokens.padded.as_chunks();
                sink.extend_some(&eights[0], tokens.count.min(8));
                sink.extend_some(&eights[1], tokens.count.saturating_sub(8));
            }
            return;
        }
        if miss.state != Miss::OPEN {
            let count = (miss.state - Miss::PLACED) as usize;
            if let Some(known) = memory.cache.stretch(Stretch::of(&miss.ids, count)) {
                return sink.extend(known);
            }
        }
        let Memory { scratch, cache, ids, .. } = memory;
        let (start, end) = pieces.bounds(miss.piece as usize);
        let piece = &pieces.text[start..end];
        if piece.len() > Cache::LONGEST {
            return self.merger.merge(piece, self.vocabulary, scratch, cancel, |id| sink.push(id));
        }
        // Another such piece of this batch may be the same.
        if piece.len() > Medium::MAX
            && let Some(known) = cache.find_long(piece, miss.hash).and_then(|stretch| cache.stretch(stretch))
        {
            return sink.extend(known);
        }
        ids.clear();
        self.merger.merge(piece, self.vocabulary, scratch, None, |id| ids.push(id));
        if piece.len() <= Short::MAX {
            cache.insert_short(looks.pieces[miss.piece as usize], miss.hash, ids);
        } else if piece.len() <= Medium::MAX {
            cache.insert_medium(Medium::of(pieces.text, start, end), miss.hash, ids);
        } else {
            cache.insert_long(piece, miss.hash, ids);
        }
        sink.extend(ids);
    }
}

/// Asks for the places where `misses` may be.
#[inline(always)]
fn ask_for(pieces: Pieces, looks: &Looks, numbers: &[u16], misses: &mut [Miss], cache: &Cache) {
    for (miss, &number) in misses.iter_mut().zip(numbers) {
        miss.piece = u32::from(number);
        let (start, end) = pieces.bounds(miss.piece as usize);
        if end - start <= Short::MAX {
            miss.hash = looks.pieces[miss.piece as usize].hash();
            cache.prefetch_short(miss.hash);
        } else if end - start <= Medium::MAX {
            miss.hash = Medium::of(pieces.text, start, end).hash();
            cache.prefetch_medium(miss.hash);
        } else {
            miss.hash = hash_of_long(&pieces.text[start..end]);
            cache.prefetch_long(miss.hash);
        }
    }
}

/// Looks for `misses` in the cache, and returns the numbers of those that are not there, in `unknown`.
#[inline(always)]
fn find_known<'a>(
    pieces: Pieces,
    looks: &Looks,
    misses: &mut [Miss],
    unknown: &'a mut [u16; BATCH],
    cache: &Cache,
) -> &'a [u16] {
    let mut count = 0;
    for (number, miss) in misses.iter_mut().enumerate() {
        let (start, end) = pieces.bounds(miss.piece as usize);
        let (found, inline) = if end - start <= Short::MAX {
            let piece = looks.pieces[miss.piece as usize];
            (cache.get_short(piece, miss.hash, &mut miss.ids), Cache::SHORT_INLINE)
        } else if end - start <= Medium::MAX {
            let found = cache.get_medium(Medium::of(pieces.text, start, end), miss.hash, &mut miss.ids);
            cache.prefetch_stretch(Stretch::of(&miss.ids, 0), (INLINE as u32 + 1..ABSENT).contains(&found));
            (found, INLINE as u32)
        } else if let Some(found) = cache.find_long(&pieces.text[start..end], miss.hash) {
            [miss.ids[0], miss.ids[1]] = found.halves();
            (found.count as u32, 0)
        } else {
            (ABSENT, 0)
        };
        unknown[count] = number as u16;
        count += usize::from(found == ABSENT);
        miss.state = Miss::known(found, inline);
    }
    &unknown[..count]
}

/// The hash of a piece of more than [`Medium::MAX`] bytes.
#[inline(always)]
fn hash_of_long(piece: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(&piece[..piece.len().min(Cache::LONGEST)]);
    // The high bits are the good ones.
    hasher.finish().wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

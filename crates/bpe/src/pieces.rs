//! Pieces to ids: the loop that all text goes through.
//!
//! The pieces of a batch go through each step together. So no step waits for memory that the one before has asked for, and what a
//! processor cannot foresee is done without a branch: whether a piece is a token is noted for all, and then those that are none are
//! handled on their own; they are merged in turns.

use std::hash::Hasher;
use std::sync::atomic::AtomicBool;

use rustc_hash::FxHasher;

use crate::cache::{Cache, INLINE, Key};
use crate::sink::Sink;
use crate::tokenizer::Tokenizer;
use crate::words::Short;
use crate::worker::{Lookup, Memory, Miss, Worker};

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
        let Worker { ends, lookups, ids, misses, memory } = worker;
        let pieces = Pieces { text, start, ends: &ends[..count] };
        let lookups = &mut lookups[..count];
        let mut from = start;
        for (lookup, &end) in lookups.iter_mut().zip(pieces.ends) {
            let piece = Short::of(text, from, end);
            let home = self.words.short.home(piece.hash());
            self.words.short.prefetch(home);
            *lookup = Lookup { piece, home };
            from = end;
        }

        let mut missed = 0;
        for (index, (lookup, id)) in lookups.iter().zip(ids.iter_mut()).enumerate() {
            let slot = self.words.short.slot(lookup.home);
            *id = slot.payload();
            misses[missed].piece = index as u32;
            missed += usize::from(!slot.is_piece_of(lookup.piece));
        }
        let misses = &mut misses[..missed];
        self.ask_for(pieces, misses, &memory.cache);
        self.look_up(pieces, lookups, misses, memory);
        self.merge_jobs(pieces, misses, memory);

        let mut next = 0;
        for miss in &*misses {
            let index = miss.piece as usize;
            sink.extend_run(&ids[..], next..index);
            next = index + 1;
            if miss.state <= INLINE as u32 {
                sink.extend_some(&miss.ids, miss.state as usize);
            } else if miss.state == Miss::OPEN {
                self.encode_open(pieces, miss, memory, sink, cancel);
            } else {
                let tokens = memory.jobs[(miss.state - Miss::JOB) as usize].symbols();
                if let (Some(eight), true) = (tokens.padded.first_chunk(), tokens.count <= INLINE) {
                    sink.extend_some(eight, tokens.count);
                } else {
                    sink.extend(&tokens.padded[..tokens.count]);
                }
            }
        }
        sink.extend_run(&ids[..], next..count);
    }

    /// Asks for the places where `misses` may be.
    #[inline(always)]
    fn ask_for(&self, pieces: Pieces, misses: &mut [Miss], cache: &Cache) {
        for miss in misses {
            let (start, end) = pieces.bounds(miss.piece as usize);
            if end - start <= Key::MAX {
                miss.hash = Key::of(pieces.text, start, end).hash();
                cache.prefetch(miss.hash);
                // For shorter pieces it is asked for in vain, which costs less than to ask whether they are.
                self.words.medium.prefetch(self.words.medium.home(miss.hash));
            } else {
                miss.hash = hash_of_long(&pieces.text[start..end]);
                cache.prefetch_long(miss.hash);
            }
        }
    }

    /// Looks for `misses` in the cache and in the rest of the table of tokens, and makes jobs of the others.
    #[inline(always)]
    fn look_up(&self, pieces: Pieces, lookups: &[Lookup], misses: &mut [Miss], memory: &mut Memory) {
        let Memory { cache, jobs, .. } = memory;
        jobs.clear();
        for miss in misses {
            miss.state = Miss::OPEN;
            let (start, end) = pieces.bounds(miss.piece as usize);
            let piece = &pieces.text[start..end];
            if piece.len() <= Key::MAX {
                let key = Key::of(pieces.text, start, end);
                if let Some(count) = cache.get(key, miss.hash, &mut miss.ids) {
                    if count <= INLINE {
                        miss.state = count as u32;
                    }
                    continue;
                }
                let id = if piece.len() <= Short::MAX {
                    let lookup = &lookups[miss.piece as usize];
                    self.words.short.get_from(lookup.home, lookup.piece)
                } else {
                    self.words.medium.get_from(self.words.medium.home(miss.hash), key)
                };
                if let Some(id) = id {
                    (miss.ids[0], miss.state) = (id, 1);
                    cache.insert(key, miss.hash, &[id]);
                    continue;
                }
            } else if cache.has_long(piece, miss.hash) || self.words.get_long(piece).is_some() {
                continue;
            }
            if self.merger.prepare(piece, jobs) {
                miss.state = Miss::JOB + jobs.len() as u32 - 1;
            }
        }
    }

    /// Merges the jobs, and remembers what they came to.
    #[inline(always)]
    fn merge_jobs(&self, pieces: Pieces, misses: &[Miss], memory: &mut Memory) {
        let Memory { scratch, cache, jobs, .. } = memory;
        if jobs.is_empty() {
            return;
        }
        self.merger.merge_in_turns(jobs, scratch);
        for miss in misses.iter().filter(|miss| miss.state >= Miss::JOB && miss.state != Miss::OPEN) {
            let (start, end) = pieces.bounds(miss.piece as usize);
            let tokens = jobs[(miss.state - Miss::JOB) as usize].symbols();
            let tokens = &tokens.padded[..tokens.count];
            if end - start <= Key::MAX {
                cache.insert(Key::of(pieces.text, start, end), miss.hash, tokens);
            } else {
                cache.insert_long(&pieces.text[start..end], miss.hash, tokens);
            }
        }
    }

    /// A piece that has too many symbols or tokens for the ways above.
    #[inline(never)]
    fn encode_open(
        &self,
        pieces: Pieces,
        miss: &Miss,
        memory: &mut Memory,
        sink: &mut impl Sink,
        cancel: Option<&AtomicBool>,
    ) {
        let Memory { scratch, cache, ids, .. } = memory;
        let (start, end) = pieces.bounds(miss.piece as usize);
        let piece = &pieces.text[start..end];
        if piece.len() > Cache::LONGEST {
            return match self.words.get_long(piece) {
                Some(id) => sink.push(id),
                None => self.merger.merge(piece, scratch, cancel, |id| sink.push(id)),
            };
        }
        ids.clear();
        let mut merge = |ids: &mut Vec<u32>| self.merger.merge(piece, scratch, None, |id| ids.push(id));
        if piece.len() <= Key::MAX {
            let key = Key::of(pieces.text, start, end);
            if cache.get_many(key, miss.hash, sink) {
                return;
            }
            merge(ids);
            cache.insert(key, miss.hash, ids);
        } else {
            if cache.get_long(piece, miss.hash, sink) {
                return;
            }
            match self.words.get_long(piece) {
                Some(id) => ids.push(id),
                None => merge(ids),
            }
            cache.insert_long(piece, miss.hash, ids);
        }
        sink.extend(ids);
    }
}

/// The hash of a piece of more than [`Key::MAX`] bytes.
#[inline(always)]
fn hash_of_long(piece: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(&piece[..piece.len().min(Cache::LONGEST)]);
    // The high bits are the good ones.
    hasher.finish().wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

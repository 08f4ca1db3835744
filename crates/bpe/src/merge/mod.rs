//! Merging the bytes of one piece into tokens.

mod characters;
mod heap;
mod lanes;
mod long;
mod pairs;
mod short;
mod together;

use characters::{Characters, length_of, merge_character};
use long::Long;
use pairs::{NO_ID, NONE, Pairs};
use short::{MAX_SYMBOLS, Symbols};
pub(crate) use together::Job;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Level;
use crate::vocabulary::Vocabulary;

/// A token and the number of the symbol that it starts with.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Placed {
    start: usize,
    id: u32,
}

/// The merges of a vocabulary.
pub(crate) struct Merger {
    pairs: Pairs,
    bytes: [u32; 256],
    characters: Option<Characters>,
}

/// A place for the work on one piece, used again for the next.
pub(crate) struct Scratch {
    short: Symbols,
    long: Long,
    symbols: Vec<u32>,
    level: Level,
}

impl Scratch {
    pub fn new(level: Level) -> Self {
        Self { short: Symbols::new(level), long: Long::default(), symbols: Vec::new(), level }
    }
}

impl Merger {
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let mut bytes = [NONE; 256];
        for (id, token) in vocabulary.tokens() {
            if let [byte] = token {
                bytes[usize::from(*byte)] = id;
            }
        }
        Self { pairs: Pairs::new(vocabulary), bytes, characters: Characters::new(vocabulary) }
    }

    /// Merges the bytes of `piece`, which is valid UTF-8, and calls `emit` for each token that is left. A long one is given up soon after
    /// `cancel` is set, with any tokens.
    #[inline]
    pub fn merge(&self, piece: &[u8], scratch: &mut Scratch, cancel: Option<&AtomicBool>, mut emit: impl FnMut(u32)) {
        if piece.len() <= MAX_SYMBOLS && piece.is_ascii() {
            scratch.short.set_bytes(piece, |byte| self.bytes[usize::from(byte)]);
            scratch.short.merge_bytes(piece, &self.pairs, |_, id| emit(id));
            return;
        }
        if piece.len() <= MAX_SYMBOLS {
            scratch.short.clear();
            self.symbols(piece, |symbol| scratch.short.push(symbol));
            scratch.short.merge(&self.pairs, |_, id| emit(id));
            return;
        }
        scratch.symbols.clear();
        self.symbols(piece, |symbol| scratch.symbols.push(symbol));
        if scratch.symbols.len() <= MAX_SYMBOLS {
            scratch.short.clear();
            scratch.symbols.iter().for_each(|&symbol| scratch.short.push(symbol));
            scratch.short.merge(&self.pairs, |_, id| emit(id));
        } else {
            let level = scratch.level;
            scratch.long.merge(&scratch.symbols, &mut scratch.short, &self.pairs, level, cancel, emit);
        }
    }

    /// Adds the job of merging `piece`, which is valid UTF-8, to `jobs`; `false` when it has too many symbols for one.
    #[inline]
    pub fn prepare(&self, piece: &[u8], jobs: &mut Vec<Job>) -> bool {
        let mut job = Job::EMPTY;
        if piece.len() <= together::MAX_SYMBOLS && piece.is_ascii() {
            for (id, &one) in job.ids.iter_mut().zip(piece) {
                *id = self.bytes[usize::from(one)];
            }
            for (result, &[first, second]) in job.results.iter_mut().zip(piece.array_windows()) {
                *result = self.pairs.of_bytes(first, second);
            }
            job = job.start(piece.len());
            job.is_paired = true;
        } else if piece.len() <= together::LONGEST {
            let (mut before, mut count) = (NO_ID, 0);
            self.symbols(piece, |symbol| {
                self.pairs.ask_for(before, symbol);
                before = symbol;
                job.ids[count.min(together::MAX_SYMBOLS)] = symbol;
                count += 1;
            });
            if count > together::MAX_SYMBOLS {
                return false;
            }
            job = job.start(count);
        }
        let fits = job.count > 0;
        if fits {
            jobs.push(job);
        }
        fits
    }

    /// Merges each of `jobs`.
    pub fn merge_in_turns(&self, jobs: &mut [Job], scratch: &mut Scratch) {
        merge_in_turns(jobs, &mut scratch.short, &self.pairs, scratch.level);
    }

    /// The symbols that merging starts with: characters merged on their own where that is exact, else bytes.
    #[inline(always)]
    fn symbols(&self, piece: &[u8], mut push: impl FnMut(u32)) {
        let byte = |byte: u8| self.bytes[usize::from(byte)];
        let Some(characters) = &self.characters else {
            return piece.iter().for_each(|&one| push(byte(one)));
        };
        let merge = |character: &[u8]| {
            let mut symbols = character.iter().map(|&one| byte(one)).collect();
            merge_character(&mut symbols, &self.pairs)
        };
        let mut start = 0;
        while start < piece.len() {
            let first = piece[start];
            if first < 0x80 {
                push(byte(first));
                start += 1;
                continue;
            }
            let end = (start + length_of(first)).min(piece.len());
            if let Some(merged) = characters.get(piece, start, end, merge) {
                push(merged.first());
                if let Some(second) = merged.second() {
                    push(second);
                }
            } else {
                for &one in &piece[start..end] {
                    push(byte(one));
                }
            }
            start = end;
        }
    }
}

/// Merges each of `jobs`.
fn merge_in_turns(jobs: &mut [Job], short: &mut Symbols, pairs: &Pairs, level: Level) {
    match level {
        // SAFETY: there is such a level only on processors that have AVX-512.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { together::avx512::merge(jobs, pairs) },
        _ => {
            for job in jobs {
                short.clear();
                job.ids[..job.count].iter().for_each(|&symbol| short.push(symbol));
                (job.count, job.starts) = (0, 0);
                short.merge(pairs, |place, id| {
                    job.ids[job.count] = id;
                    job.count += 1;
                    job.starts |= 1 << place;
                });
            }
        }
    }
}

fn is_set(cancel: Option<&AtomicBool>) -> bool {
    cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
}

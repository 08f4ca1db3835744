//! Merging the bytes of one piece into tokens.

mod border;
mod characters;
mod four_bytes;
mod heap;
mod lanes;
mod long;
mod pairs;
mod repeated;
mod rounds;
mod short;
mod together;

pub(crate) use border::holds;
use characters::{Characters, merge_character};
pub(crate) use characters::{is_continuation, length_of};
use four_bytes::FourBytes;
pub(crate) use four_bytes::UpToFour;
use long::Long;
use pairs::NO_ID;
pub(crate) use pairs::NONE;
pub(crate) use pairs::Pairs;
use short::{MAX_SYMBOLS, Symbols};
pub(crate) use together::Job;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::vocabulary::Vocabulary;
use crate::{Error, Level};

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
    /// Whether the parts of every token have smaller ids.
    ascends: bool,
    four_bytes: FourBytes,
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

    /// Makes room for the tokens of pieces of `bytes` in all.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn reserve(&mut self, bytes: usize) -> Result<(), Error> {
        self.long.reserve(bytes)
    }

    /// Whether all pieces were merged since this was asked.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]: of one there was not enough memory for, and no token was given.
    #[inline]
    pub fn check(&mut self) -> Result<(), Error> {
        self.long.failure.take().map_or(Ok(()), Err)
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
        let descends = |&id: &u32| vocabulary.parts(id).is_some_and(|(left, right)| left.max(right) > id);
        let first_descending = (0..vocabulary.len() as u32).find(descends);
        Self {
            pairs: Pairs::new(vocabulary),
            bytes,
            characters: Characters::new(vocabulary, first_descending),
            ascends: first_descending.is_none(),
            four_bytes: FourBytes::new(vocabulary),
        }
    }

    /// Whether the tokens at the borders of neighbouring `jobs`, which have been merged, stay as they are: then their tokens one after the other
    /// are those of their symbols one after the other.
    #[inline]
    pub fn can_be_joined(&self, jobs: &[Job], vocabulary: &Vocabulary) -> bool {
        jobs.array_windows().all(|[left, right]| self.holds(left.last_id(), right.ids[0], vocabulary))
    }

    /// Whether merging the bytes of two tokens, one after the other, ends in these two.
    #[inline]
    fn holds(&self, left: u32, right: u32, vocabulary: &Vocabulary) -> bool {
        holds(left, right, |id| vocabulary.parts(id), |left, right| self.pairs.get(left, right))
    }

    /// Merges the bytes of `piece`, which is valid UTF-8, and calls `emit` for each token that is left. A long one is given up soon after
    /// `cancel` is set, with any tokens, and where there is not enough memory: see [`Scratch::check`].
    #[inline]
    pub fn merge(
        &self,
        piece: &[u8],
        vocabulary: &Vocabulary,
        scratch: &mut Scratch,
        cancel: Option<&AtomicBool>,
        mut emit: impl FnMut(u32),
    ) {
        let vocabulary = self.ascends.then_some(vocabulary);
        let means = long::Means { merger: self, vocabulary, level: scratch.level, cancel };
        if piece.len() <= MAX_SYMBOLS && piece.is_ascii() {
            if is_run(piece) {
                let Scratch { symbols, long, .. } = scratch;
                symbols.clear();
                symbols.extend(piece.iter().map(|&byte| self.bytes[usize::from(byte)]));
                return long.merge_few(symbols, means, emit);
            }
            scratch.short.set_bytes(piece, |byte| self.bytes[usize::from(byte)]);
            scratch.short.merge_bytes(piece, &self.pairs, |_, id| emit(id));
            return;
        }
        // A symbol has four bytes at most.
        if piece.len() <= 4 * MAX_SYMBOLS {
            let Scratch { short, symbols, long, .. } = scratch;
            symbols.clear();
            self.symbols(piece, 0..piece.len(), |some| symbols.extend_from_slice(some.ids()));
            if symbols.len() <= MAX_SYMBOLS {
                if is_run(symbols) {
                    return long.merge_few(symbols, means, emit);
                }
                short.clear();
                for &symbol in &*symbols {
                    short.push(symbol);
                }
                return short.merge(&self.pairs, |_, id| emit(id));
            }
        }
        scratch.long.merge(piece, &mut scratch.short, means, emit);
    }

    /// The tokens of `piece`, when it is a character whose bytes merge two at a time or not at all.
    #[inline(always)]
    pub fn merge_at_once(&self, piece: &[u8]) -> Option<UpToFour> {
        match *piece {
            [first @ 0xf0..=0xff, second, third, fourth] => {
                self.four_bytes.merge([first, second, third, fourth], &self.pairs, &self.bytes)
            }
            _ => None,
        }
    }

    /// Adds the jobs of merging `piece`, which is valid UTF-8, to `jobs`, and returns how many they are: several, when it has many symbols,
    /// for which [`Merger::can_be_joined`] has to be asked; none when it has too many.
    #[inline]
    pub fn prepare(&self, piece: &[u8], jobs: &mut Vec<Job>) -> usize {
        if piece.len() <= together::MAX_SYMBOLS && piece.is_ascii() {
            let mut job = Job::EMPTY;
            for (id, &one) in job.ids.iter_mut().zip(piece) {
                *id = self.bytes[usize::from(one)];
            }
            for (result, &[first, second]) in job.results.iter_mut().zip(piece.array_windows()) {
                *result = self.pairs.of_bytes(first, second);
            }
            jobs.push(job.start(piece.len()));
            return 1;
        }
        if piece.len() > 4 * MAX_SYMBOLS {
            return 0;
        }
        // A bit of `open` is for a symbol and the one before it.
        let (mut symbols, mut count, mut open) = ([NO_ID; MAX_SYMBOLS + 4], 0, 0_u64);
        self.symbols(piece, 0..piece.len(), |some| {
            *symbols[count.min(MAX_SYMBOLS)..].first_chunk_mut().expect("there are four more") = some.padded;
            open |= (some.open << 1 | 1) << count.min(MAX_SYMBOLS - 1);
            count += some.count;
        });
        if count > MAX_SYMBOLS || count > together::MAX_SYMBOLS && !self.ascends {
            return 0;
        }
        if count <= together::MAX_SYMBOLS {
            jobs.push(Job::of_padded(symbols.first_chunk().expect("they are more"), count, (open >> 1) as u16));
            return 1;
        }
        let (mut rest, first) = (&symbols[..count], jobs.len());
        while !rest.is_empty() {
            let cut = place_to_cut(rest.len(), |at| self.pairs.get(rest[at - 1], rest[at]));
            let (block, after) = rest.split_at(cut);
            jobs.push(Job::of(block));
            rest = after;
        }
        jobs.len() - first
    }

    /// Merges each of `jobs`.
    pub fn merge_in_turns(&self, jobs: &mut [Job], scratch: &mut Scratch) {
        merge_in_turns(jobs, &mut scratch.short, &self.pairs, scratch.level);
    }

    /// The symbols that merging starts with, of the characters that start in `range` of `piece`: characters merged on their own where that is
    /// exact, else bytes. `push` gets those of one character at a time. Returns where the next one starts.
    #[inline(always)]
    fn symbols(&self, piece: &[u8], range: Range<usize>, mut push: impl FnMut(UpToFour)) -> usize {
        let byte = |byte: u8| self.bytes[usize::from(byte)];
        let Some(characters) = &self.characters else {
            piece[range.clone()].iter().for_each(|&one| push(UpToFour::one(byte(one))));
            return range.end;
        };
        let merge = |character: &[u8]| {
            let mut symbols = character.iter().map(|&one| byte(one)).collect();
            merge_character(&mut symbols, &self.pairs)
        };
        let Range { mut start, end: until } = range;
        while start < until {
            let first = piece[start];
            push(match first {
                0..0x80 => UpToFour::one(byte(first)),
                0x80..0xe0 => characters.symbols::<2>(piece, start, byte, merge),
                0xe0..0xf0 => characters.symbols::<3>(piece, start, byte, merge),
                0xf0.. => characters.symbols::<4>(piece, start, byte, merge),
            });
            start += length_of(first);
        }
        start
    }
}

/// How many of `count` symbols make a job: where there are more than one has, they are cut where the next two merge late, if at all, so that
/// mostly no token reaches over the cut. `result` tells what the symbols before and after a place merge into.
#[inline(always)]
fn place_to_cut(count: usize, result: impl Fn(usize) -> u32) -> usize {
    if count <= together::MAX_SYMBOLS {
        return count;
    }
    let (mut place, mut latest) = (0, 0);
    for at in (together::MAX_SYMBOLS / 2 + 1..=together::MAX_SYMBOLS).rev() {
        let result = result(at);
        if result == NONE {
            return at;
        }
        if result >= latest {
            (place, latest) = (at, result);
        }
    }
    place
}

/// Merges each of `jobs`.
fn merge_in_turns(jobs: &mut [Job], short: &mut Symbols, pairs: &Pairs, level: Level) {
    match level {
        // SAFETY: there is such a level only on processors that have AVX-512.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { together::avx512::merge(jobs, pairs) },
        // SAFETY: there is such a level only on processors that have AVX2.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { together::avx2::merge(jobs, pairs) },
        _ => {
            for job in jobs {
                job.pair_up(|left, right| pairs.get(left, right));
                short.clear();
                job.ids[..job.count].iter().for_each(|&symbol| short.push(symbol));
                (job.count, job.starts) = (0, 0);
                let emit = |place: usize, id| {
                    job.ids[job.count] = id;
                    job.count += 1;
                    job.starts |= 1 << place;
                };
                short.merge_known(&job.results, pairs, emit);
            }
        }
    }
}

/// Whether `symbols` are some of one kind, perhaps behind another, and so many that merging one pair at a time would take longer.
fn is_run<T: Copy + PartialEq>(symbols: &[T]) -> bool {
    symbols.len() > together::MAX_SYMBOLS && symbols[2..].iter().all(|&symbol| symbol == symbols[1])
}

fn is_set(cancel: Option<&AtomicBool>) -> bool {
    cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
}

//! What one thread needs to encode.

use std::fmt;

use crate::Level;
use crate::cache::{Cache, INLINE};
use crate::first_look::Looks;
use crate::merge::{Job, Scratch};
use crate::pretokenize::BLOCK;
use crate::sink::SLACK;

/// The most pieces that are looked up together.
pub(crate) const BATCH: usize = 1024 + BLOCK;

/// What one thread needs to encode: memory that is used again from call to call. It belongs to the first tokenizer that it is used with:
/// another one must bring another worker.
pub struct Worker {
    pub(crate) ends: Box<[usize; BATCH]>,
    pub(crate) looks: Looks,
    /// The token of each piece that is one.
    pub(crate) ids: Box<[u32; BATCH + SLACK]>,
    pub(crate) misses: Box<[Miss; BATCH]>,
    /// The numbers of the misses that are not in the cache.
    pub(crate) unknown: Box<[u16; BATCH]>,
    pub(crate) seen: Seen,
    pub(crate) memory: Memory,
}

/// A piece that is not in the first slot of its hash.
#[derive(Clone, Copy, Default)]
pub(crate) struct Miss {
    /// Its number.
    pub piece: u32,
    /// The number of its tokens, where they are in `ids`; [`Miss::PLACED`] and their number, where their place is; [`Miss::JOB`] and the
    /// number of its first job, where the number of its jobs is; or [`Miss::OPEN`].
    pub state: u32,
    /// The hash that the cache knows it by.
    pub hash: u64,
    pub ids: [u32; INLINE],
}

impl Miss {
    pub const PLACED: u32 = 1 << 16;
    pub const JOB: u32 = 1 << 17;
    /// Still to be looked for.
    pub const OPEN: u32 = u32::MAX;

    /// The state of a piece of `count` tokens, of which at most `inline` are in `ids`; that of [`ABSENT`](crate::cache::ABSENT) is open.
    #[inline(always)]
    pub fn known(count: u32, inline: u32) -> u32 {
        count | if count > inline { Self::PLACED } else { 0 }
    }
}

/// Where unknown pieces come for the second time in a batch.
pub(crate) struct Seen {
    /// By some bits of the hash of a piece the number of a miss that may have been the same, of this batch or of an earlier one.
    pub last: Box<[u16; Seen::PLACES]>,
    /// Numbers of misses that are the same as an earlier one, and of that.
    pub again: Vec<(u16, u16)>,
}

impl Seen {
    const BITS: u32 = 11;
    const PLACES: usize = 1 << Self::BITS;

    /// Where the last miss with this hash is.
    #[inline(always)]
    pub fn place(hash: u64) -> usize {
        (hash >> (u64::BITS - Self::BITS)) as usize
    }
}

/// The part of a [`Worker`] for pieces that are not one token.
pub(crate) struct Memory {
    pub scratch: Scratch,
    pub cache: Cache,
    pub jobs: Vec<Job>,
    pub ids: Vec<u32>,
}

impl Worker {
    pub(crate) fn new(level: Level, cache_bytes: usize) -> Self {
        Self {
            ends: filled(0),
            looks: Looks::new(),
            ids: filled(0),
            misses: filled(Miss::default()),
            unknown: filled(0),
            seen: Seen { last: filled(0), again: Vec::with_capacity(BATCH) },
            memory: Memory {
                scratch: Scratch::new(level),
                cache: Cache::new(cache_bytes),
                jobs: Vec::with_capacity(BATCH),
                ids: Vec::new(),
            },
        }
    }
}

/// `N` times `value`, on the heap from the start.
#[expect(clippy::unnecessary_box_returns, reason = "it is too much for the stack")]
pub(crate) fn filled<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    vec![value; N].try_into().unwrap_or_else(|_| unreachable!("they are as many"))
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Worker").finish_non_exhaustive()
    }
}

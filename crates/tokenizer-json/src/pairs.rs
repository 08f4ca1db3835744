//! Merges of pairs of tokens, in the order of a list, of equal ones the leftmost first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use ahash::RandomState;

/// A merge of a list, by its place there, and what it makes.
#[derive(Clone, Copy)]
struct Merge {
    rank: u32,
    id: u32,
}

/// By the ids of the two tokens. Hashes have a secret: files can be made whose tokens meet in one place.
#[derive(Default)]
pub(crate) struct Pairs(HashMap<u64, Merge, RandomState>);

/// A few tokens.
pub(crate) struct Few {
    tokens: [u32; Pairs::SHORT],
    count: usize,
}

impl Few {
    #[inline(always)]
    pub fn push(&mut self, id: u32) {
        self.tokens[self.count] = id;
        self.count += 1;
    }
}

/// One as it was when it was put into a heap: the rank of a merge, and where its left token starts.
type Candidate = Reverse<(u32, u32)>;

fn pair(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

impl Pairs {
    /// The most tokens that [`Pairs::add_short`] begins with.
    pub const SHORT: usize = 48;

    pub fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }

    /// Of a pair that is there twice the last counts, as in the crate.
    pub fn insert(&mut self, left: u32, right: u32, rank: usize, id: u32) {
        self.0.insert(pair(left, right), Merge { rank: rank as u32, id });
    }

    #[inline(always)]
    fn merge(&self, left: u32, right: u32) -> Option<Merge> {
        self.0.get(&pair(left, right)).copied()
    }

    /// Merges a few, at most [`Pairs::SHORT`]: of all pairs the one with the lowest rank is looked for again and again.
    #[inline(always)]
    pub fn add_short(&self, all: impl FnOnce(&mut Few), ids: &mut Vec<u32>) {
        /// Of a pair that no merge joins.
        const NONE: Merge = Merge { rank: u32::MAX, id: 0 };
        let mut few = Few { tokens: [0; Pairs::SHORT], count: 0 };
        all(&mut few);
        // Of each token that and the next, and what they make.
        let Few { mut tokens, mut count } = few;
        let (mut ranks, mut made) = ([NONE.rank; Self::SHORT], [NONE.id; Self::SHORT]);
        let look = |tokens: &[u32], at: usize| self.merge(tokens[at], tokens[at + 1]).unwrap_or(NONE);
        for at in 1..count {
            Merge { rank: ranks[at - 1], id: made[at - 1] } = look(&tokens, at - 1);
        }
        while let Some(&best) = ranks[..count].iter().min()
            && best != NONE.rank
        {
            let at = ranks.iter().position(|&rank| rank == best).unwrap_or_default();
            tokens[at] = made[at];
            tokens.copy_within(at + 2..count, at + 1);
            ranks.copy_within(at + 1..count, at);
            made.copy_within(at + 1..count, at);
            count -= 1;
            if at + 1 < count {
                Merge { rank: ranks[at], id: made[at] } = look(&tokens, at);
            }
            if at > 0 {
                Merge { rank: ranks[at - 1], id: made[at - 1] } = look(&tokens, at - 1);
            }
        }
        ids.extend_from_slice(&tokens[..count]);
    }

    /// Merges many, in a time that grows little faster than their number.
    pub fn add_long(&self, mut tokens: Vec<u32>, ids: &mut Vec<u32>) {
        /// In place of the id of one that was merged into the one before it.
        const GONE: u32 = u32::MAX;
        let count = tokens.len() as u32;
        let (mut next, mut previous): (Vec<u32>, Vec<u32>) = (0..count).map(|at| (at + 1, at.wrapping_sub(1))).unzip();
        let found = |tokens: &[u32], at: u32, next: u32| -> Option<Candidate> {
            let merge = self.merge(tokens[at as usize], *tokens.get(next as usize)?)?;
            Some(Reverse((merge.rank, at)))
        };
        let mut heap: BinaryHeap<Candidate> = (0..count).filter_map(|at| found(&tokens, at, at + 1)).collect();
        while let Some(Reverse((rank, at))) = heap.pop() {
            let (left, right) = (at as usize, next[at as usize]);
            let merge = if tokens[left] == GONE { None } else { tokens.get(right as usize) };
            // Since it was put there one of the two may have become another one.
            let Some(merge) =
                merge.and_then(|&right| self.merge(tokens[left], right)).filter(|merge| merge.rank == rank)
            else {
                continue;
            };
            tokens[left] = merge.id;
            tokens[right as usize] = GONE;
            next[left] = next[right as usize];
            if let Some(after) = previous.get_mut(next[left] as usize) {
                *after = at;
            }
            heap.extend(found(&tokens, at, next[left]));
            if previous[left] != u32::MAX {
                heap.extend(found(&tokens, previous[left], at));
            }
        }
        ids.extend(tokens.into_iter().filter(|&id| id != GONE));
    }
}

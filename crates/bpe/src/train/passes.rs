//! The merges of a training whose pieces do not fit the memory: several merges in each pass over a [`Store`].
//!
//! Counts of pairs are known exactly, of those at least that are not rarer than a floor. The most frequent pair is the next merge. The pair
//! after it is the one after that, as long as it shares no symbol with an earlier one in such a way that places overlap: `(l, r)` is
//! untouched by the merge of `(a, b)` unless `r = a` or `l = b`. And no pair that a merge makes comes before it: `(x, ab)` stands at most where
//! `(x, a)` stood, which is one of those that the merge touches; so either it comes later in the order and has at most that count, or it was met
//! before, and there the merges of this pass end, as they do after a pair of a symbol and itself. Where counts are equal the new pair is later too, since its new id is greater than all
//! others. The merges of a pass so never overlap, and their order does not matter within it.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::Error;
use crate::train::cells::reserve;
use crate::train::merges::{FLOOR, Limits};
use crate::train::pairs::Key;
use crate::train::store::{Store, Symbol};
use crate::train::{Progress, Watch};

/// The most merges in one pass.
const BATCH: usize = 1 << 12;
/// The least and the most sums that stand for the counts of pairs before the frequent ones are known.
const SUMS: [usize; 2] = [1 << 10, 1 << 24];

/// The state of such a training.
pub(crate) struct Passes<'a> {
    pub store: Store,
    pub limits: Limits,
    cancel: Option<&'a AtomicBool>,
    /// The length of each symbol in bytes, by id.
    pub lengths: Vec<u16>,
    pub merges: Vec<[u32; 2]>,
    /// The pairs that are allowed and stand in the texts at least `floor` times.
    pairs: FxHashMap<Key, u64>,
    floor: u64,
    sums: usize,
}

impl<'a> Passes<'a> {
    /// `bytes` is the memory that may be taken, of which the pairs get a part.
    pub fn new(store: Store, first_id: usize, limits: Limits, bytes: usize, cancel: Option<&'a AtomicBool>) -> Self {
        let sums = (bytes / 4 / size_of::<u64>()).clamp(SUMS[0], SUMS[1]);
        let sums = if sums.is_power_of_two() { sums } else { sums.next_power_of_two() / 2 };
        let lengths = vec![1; first_id];
        Self { store, limits, cancel, lengths, merges: Vec::new(), pairs: FxHashMap::default(), floor: u64::MAX, sums }
    }

    /// Makes merges until `fits` says that so many pieces and symbols fit the memory, and returns `true`; `false` when there are no more
    /// merges to be made. `progress` as in [`Trainer::train`](crate::train::Trainer::train).
    pub fn run<S: Symbol>(
        &mut self,
        fits: impl Fn([u64; 2]) -> bool,
        most: u32,
        progress: &mut Watch<'_>,
    ) -> Result<bool, Error> {
        loop {
            if self.merges.len() == self.limits.merges {
                return Ok(false);
            }
            if fits(self.store.size()) {
                return Ok(true);
            }
            let batch = self.next_batch();
            if batch.is_empty() {
                if self.floor <= self.limits.min_frequency.max(1) || !self.find_pairs::<S>()? {
                    return Ok(false);
                }
                continue;
            }
            for &(frequency, pair) in &batch {
                reserve(&mut self.merges, 1)?;
                self.merges.push(pair);
                let now = Progress { merges: self.merges.len() as u32, most, frequency };
                if progress.as_mut().is_some_and(|progress| progress(now).is_break()) {
                    return Ok(false);
                }
            }
            if self.merges.len() < self.limits.merges {
                self.join::<S>(&batch)?;
            }
        }
    }

    /// The next merges that are sure, and how often each pair stands in the texts.
    fn next_batch(&self) -> Vec<(u64, [u32; 2])> {
        let mut order: Vec<(u64, Reverse<Key>)> =
            self.pairs.iter().map(|(&key, &count)| (count, Reverse(key))).collect();
        let most = BATCH.min(self.limits.merges - self.merges.len());
        if order.len() > most {
            order.select_nth_unstable_by_key(most, |&pair| Reverse(pair));
            order.truncate(most);
        }
        order.sort_unstable_by_key(|&pair| Reverse(pair));
        let (mut lefts, mut rights) = (FxHashSet::default(), FxHashSet::default());
        let mut batch = Vec::new();
        for (count, Reverse(key)) in order {
            let [left, right] = key.ids();
            if lefts.contains(&right) || rights.contains(&left) {
                break;
            }
            lefts.insert(left);
            rights.insert(right);
            batch.push((count, [left, right]));
            // In a run of one symbol the merge makes pairs of the new one and the old, as many as it was met itself at most.
            if left == right {
                break;
            }
        }
        batch
    }

    /// Joins the pairs of `batch` everywhere, and counts what that changes.
    fn join<S: Symbol>(&mut self, batch: &[(u64, [u32; 2])]) -> Result<(), Error> {
        let first = self.lengths.len() as u32;
        for &(_, ids) in batch {
            reserve(&mut self.lengths, 1)?;
            self.lengths.push(ids.map(|id| self.lengths[id as usize]).iter().sum());
        }
        let joined: FxHashMap<Key, u32> = batch.iter().map(|&(_, ids)| Key::new(ids)).zip(first..).collect();
        let mut is_left = vec![false; self.lengths.len()];
        for &(_, [left, _]) in batch {
            is_left[left as usize] = true;
        }
        let cancel = self.cancel;
        let changes: Vec<FxHashMap<Key, i64>> = (self.store.lanes.par_iter_mut().with_max_len(1))
            .map(|lane| {
                let mut changes: FxHashMap<Key, i64> = FxHashMap::default();
                lane.rewrite::<S>(cancel, |piece, count, changed| {
                    // Most pieces have none.
                    if !piece.iter().any(|symbol| is_left[symbol.id() as usize]) {
                        return false;
                    }
                    join_in(piece, &is_left, &joined, changed);
                    if changed.len() == piece.len() {
                        return false;
                    }
                    // Counts are less than 2^63: each is of two bytes at least, and all bytes are less than 2^64.
                    let count = count.cast_signed();
                    for_each_pair(piece, |key| *changes.entry(key).or_default() -= count);
                    for_each_pair(changed, |key| *changes.entry(key).or_default() += count);
                    true
                })?;
                Ok(changes)
            })
            .collect::<Result<_, Error>>()?;
        let mut all: FxHashMap<Key, i64> = FxHashMap::default();
        for (key, change) in changes.into_iter().flatten() {
            *all.entry(key).or_default() += change;
        }
        for (key, change) in all {
            let is_new = key.ids().iter().any(|&id| id >= first);
            // A pair that is new or was rarer than the floor is not there: 0, and less than the floor after it.
            let count = self.pairs.get(&key).copied().unwrap_or_default().saturating_add_signed(change);
            if count < self.floor || is_new && !self.allows(key.ids()) {
                self.pairs.remove(&key);
            } else if is_new || self.pairs.contains_key(&key) {
                self.pairs.insert(key, count);
            }
        }
        Ok(())
    }

    fn allows(&self, ids: [u32; 2]) -> bool {
        self.limits.allows(ids.iter().map(|&id| usize::from(self.lengths[id as usize])).sum())
    }

    /// Counts the pairs that are not rarer than a new floor, lower than the old one; `false` when there are none.
    ///
    /// There may be more pairs than fit the memory. So sums are taken first, each of all pairs of some hash: a pair is not more frequent than
    /// its sum. Only pairs of large sums are counted.
    fn find_pairs<S: Symbol>(&mut self) -> Result<bool, Error> {
        self.pairs = FxHashMap::default();
        let mut sums: Vec<AtomicU64> = Vec::new();
        reserve(&mut sums, self.sums)?;
        sums.resize_with(self.sums, AtomicU64::default);
        let shift = 64 - self.sums.trailing_zeros();
        let sum_of = |key: Key| &sums[(key.hash() >> shift) as usize];
        let (cancel, lengths, limits) = (self.cancel, &self.lengths, &self.limits);
        let allows = |key: Key| limits.allows(key.ids().iter().map(|&id| usize::from(lengths[id as usize])).sum());
        (self.store.lanes.par_iter_mut().with_max_len(1)).try_for_each(|lane| {
            lane.for_each::<S>(cancel, |piece, count| {
                for_each_pair(piece, |key| {
                    if allows(key) {
                        sum_of(key).fetch_add(count, Ordering::Relaxed);
                    }
                });
                Ok(())
            })
        })?;
        let mut order: Vec<u64> = sums.iter().map(|sum| sum.load(Ordering::Relaxed)).filter(|&sum| sum > 0).collect();
        let Some(&highest) = order.iter().max() else { return Ok(false) };
        // So few that the pairs of their hashes fit the memory.
        let few = (self.sums / 16).min(order.len());
        let (_, &mut bound, _) = order.select_nth_unstable_by(few - 1, |left, right| right.cmp(left));
        drop(order);
        self.floor = bound.max(highest / FLOOR).min(self.floor / 2).max(self.limits.min_frequency).max(1);

        let floor = self.floor;
        let counted: Vec<FxHashMap<Key, u64>> = (self.store.lanes.par_iter_mut().with_max_len(1))
            .map(|lane| {
                let mut pairs: FxHashMap<Key, u64> = FxHashMap::default();
                lane.for_each::<S>(cancel, |piece, count| {
                    for_each_pair(piece, |key| {
                        if sum_of(key).load(Ordering::Relaxed) >= floor && allows(key) {
                            *pairs.entry(key).or_default() += count;
                        }
                    });
                    Ok(())
                })?;
                Ok(pairs)
            })
            .collect::<Result<_, Error>>()?;
        for (key, count) in counted.into_iter().flatten() {
            *self.pairs.entry(key).or_default() += count;
        }
        self.pairs.retain(|_, count| *count >= floor);
        Ok(true)
    }
}

/// `piece` with its pairs joined, from left to right.
#[inline(always)]
fn join_in<S: Symbol>(piece: &[S], is_left: &[bool], joined: &FxHashMap<Key, u32>, changed: &mut Vec<S>) {
    let mut at = 0;
    while let Some(&left) = piece.get(at) {
        if is_left[left.id() as usize]
            && let Some(right) = piece.get(at + 1)
            && let Some(&id) = joined.get(&Key::new([left.id(), right.id()]))
        {
            changed.push(S::of(id));
            at += 2;
        } else {
            changed.push(left);
            at += 1;
        }
    }
}

#[inline(always)]
fn for_each_pair<S: Symbol>(piece: &[S], mut visit: impl FnMut(Key)) {
    for [left, right] in piece.array_windows() {
        visit(Key::new([left.id(), right.id()]));
    }
}

//! The merges of a training, one after the other.
//!
//! Pairs are found by counting all neighbours ([`Merging::find_pairs`]); from then on only what a merge changes is counted. A pair that is
//! rarer than a *floor* is not kept: most pairs are rare and never come to be merged. When no other is left the floor falls, and pairs
//! are found anew, in pieces that have become short by then.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;
use crate::train::cells::{Cells, EDGE, reserve};
use crate::train::pairs::{Key, Pair, Pairs, Place};
use crate::train::queue::Queue;
use crate::vocabulary::MAX_TOKEN;

/// The floor is not less than this part of the highest count when pairs are found.
pub(crate) const FLOOR: u64 = 64;
/// Cancelling is looked for once in so many places.
const CHECK: usize = 1 << 16;

/// When to stop.
pub(crate) struct Limits {
    /// The most merges.
    pub merges: usize,
    /// Pairs that are rarer are not merged.
    pub min_frequency: u64,
    /// Tokens of two bytes are always allowed, longer ones only below this length, in bytes.
    pub token_length: usize,
}

impl Limits {
    #[inline(always)]
    pub fn allows(&self, length: usize) -> bool {
        length == 2 || length < self.token_length && length <= MAX_TOKEN
    }
}

/// What stood beside the joined pairs of one step, by id.
#[derive(Clone, Copy, Default)]
struct Beside {
    /// How often, in the texts.
    count: u64,
    /// At how many places.
    places: u32,
    /// Where the next of these places goes; [`Beside::DROPPED`]: nowhere.
    next: usize,
}

impl Beside {
    const DROPPED: usize = usize::MAX;
}

/// A neighbour of a joined pair, and the place of the new pair.
struct Seen {
    id: u32,
    place: Place,
}

/// One side of the joined pairs.
#[derive(Default)]
struct Side {
    by_id: Vec<Beside>,
    ids: Vec<u32>,
    seen: Vec<Seen>,
}

impl Side {
    #[inline(always)]
    fn see(&mut self, id: u32, count: u64, place: Place) {
        let beside = &mut self.by_id[id as usize];
        if beside.places == 0 {
            self.ids.push(id);
        }
        beside.count += count;
        beside.places += 1;
        self.seen.push(Seen { id, place });
    }
}

/// The state of a training.
pub(crate) struct Merging<'a> {
    cells: Cells,
    /// The length of each symbol in bytes, by id.
    lengths: Vec<u16>,
    limits: Limits,
    pairs: Pairs,
    queue: Queue,
    floor: u64,
    before: Side,
    after: Side,
    pub merges: Vec<[u32; 2]>,
    cancel: Option<&'a AtomicBool>,
}

impl<'a> Merging<'a> {
    /// Goes on after `merges`, with symbols of these `lengths` in bytes.
    pub fn new(
        cells: Cells,
        lengths: Vec<u16>,
        merges: Vec<[u32; 2]>,
        limits: Limits,
        cancel: Option<&'a AtomicBool>,
    ) -> Self {
        let mut merging = Self {
            cells,
            lengths,
            limits,
            pairs: Pairs::default(),
            queue: Queue::new(),
            floor: u64::MAX,
            before: Side::default(),
            after: Side::default(),
            merges,
            cancel,
        };
        let ids = merging.lengths.len();
        merging.before.by_id.resize(ids, Beside::default());
        merging.after.by_id.resize(ids, Beside::default());
        merging
    }

    /// Does the next merge, and returns how often the pair stood in the texts; `None` when there is none, or there are enough.
    pub fn step(&mut self) -> Result<Option<u64>, Error> {
        if self.merges.len() == self.limits.merges {
            return Ok(None);
        }
        let index = loop {
            self.check()?;
            if let Some(index) = self.queue.pop(&self.pairs.all, self.floor) {
                break index;
            }
            if self.floor <= self.limits.min_frequency.max(1) || !self.find_pairs()? {
                return Ok(None);
            }
        };
        let pair = &mut self.pairs.all[index as usize];
        let (ids, count) = (pair.key.ids(), std::mem::take(&mut pair.count));
        let places = pair.first..pair.first + pair.length as usize;
        let joined = self.lengths.len() as u32;
        for items in [&mut self.before.by_id, &mut self.after.by_id] {
            reserve(items, 1)?;
            items.push(Beside::default());
        }
        reserve(&mut self.merges, 1)?;
        for lengths in [&mut self.lengths, &mut self.cells.lengths] {
            reserve(lengths, 1)?;
            lengths.push(ids.map(|id| lengths[id as usize]).iter().sum());
        }
        self.merges.push(ids);
        for first in places.clone().step_by(CHECK) {
            self.check()?;
            self.join(first..places.end.min(first + CHECK), ids, joined)?;
        }
        self.update_pairs(ids, joined)?;
        Ok(Some(count))
    }

    fn check(&self) -> Result<(), Error> {
        if self.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Counts all neighbours, and keeps those that are not rarer than a new floor, lower than the old one; `false` when there are none.
    fn find_pairs(&mut self) -> Result<bool, Error> {
        let Self { cells, lengths, limits, pairs, cancel, .. } = self;
        let allows = |[left, right]: [u32; 2]| {
            limits.allows(usize::from(lengths[left as usize]) + usize::from(lengths[right as usize]))
        };
        pairs.clear();
        let mut visited = 0_usize;
        let mut check = || {
            visited = visited.wrapping_add(1);
            let is_cancelled =
                visited.is_multiple_of(CHECK) && cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed));
            if is_cancelled { Err(Error::Cancelled) } else { Ok(()) }
        };
        pairs.reserve(1)?;
        cells.for_each_pair(|ids, _, class| {
            if allows(ids) {
                pairs.reserve(1)?;
                pairs.count(Key::new(ids), cells.counts[class as usize]);
            }
            check()
        })?;

        let Some(highest) = pairs.all.iter().map(|pair| pair.count).max() else { return Ok(false) };
        let mut counts = Vec::new();
        reserve(&mut counts, pairs.all.len())?;
        counts.extend(pairs.all.iter().map(|pair| pair.count));
        // More pairs than there are merges to come are not needed now.
        let wanted = (limits.merges - self.merges.len()).min(counts.len());
        let (_, &mut needed, _) = counts.select_nth_unstable_by(wanted - 1, |left, right| right.cmp(left));
        // At most half of the last one: so it falls 64 times at most, however the texts are made.
        self.floor = needed.max(highest / FLOOR).min(self.floor / 2).max(limits.min_frequency).max(1);
        pairs.keep_from(self.floor)?;
        cells.for_each_pair(|ids, start, class| {
            // Pairs that are not allowed are not there.
            pairs.note(Key::new(ids), Place { start, class });
            check()
        })?;
        self.queue.clear();
        for (index, pair) in pairs.all.iter().enumerate() {
            self.queue.push(pair, index as u32);
        }
        self.cells.forget_whole();
        Ok(!self.pairs.all.is_empty())
    }

    /// Joins the pair where it still is at `places`, and notes what stands beside it.
    fn join(&mut self, places: std::ops::Range<usize>, ids: [u32; 2], joined: u32) -> Result<(), Error> {
        let Self { cells, pairs, before, after, .. } = self;
        let places = &pairs.places[places];
        reserve(&mut before.seen, places.len())?;
        reserve(&mut after.seen, places.len())?;
        for (index, &place) in places.iter().enumerate() {
            if let Some(ahead) = places.get(index + 16) {
                crate::packed::prefetch(&cells.symbols, ahead.start as usize);
            }
            let Some(beside) = cells.join(place.start, ids, joined) else { continue };
            let count = cells.counts[place.class as usize];
            if beside.before != EDGE {
                let start = place.start - u32::from(cells.lengths[beside.before as usize]);
                before.see(beside.before, count, Place { start, ..place });
            }
            if beside.after != EDGE {
                after.see(beside.after, count, place);
            }
        }
        Ok(())
    }

    /// Counts the pairs that are there no more, and adds those that are new.
    fn update_pairs(&mut self, [left, right]: [u32; 2], joined: u32) -> Result<(), Error> {
        let Self { lengths, limits, pairs, queue, floor, before, after, .. } = self;
        pairs.reserve(before.ids.len() + after.ids.len())?;
        // Places are taken from left to right. So in `abab` the second `ab` finds the first one joined already, and takes back the pair of
        // `ab` and `a` that the first one has added.
        let taken_back = before.by_id[joined as usize].count;
        for &id in &before.ids {
            pairs.prefetch(Key::new([id, left]));
            pairs.prefetch(Key::new([id, joined]));
        }
        for &id in &after.ids {
            pairs.prefetch(Key::new([right, id]));
            pairs.prefetch(Key::new([joined, id]));
        }
        let mut add =
            |old: Option<[u32; 2]>, new: [u32; 2], beside: &mut Beside, taken_back: u64| -> Result<(), Error> {
                if let Some(index) = old.and_then(|old| pairs.find(Key::new(old))) {
                    let pair = &mut pairs.all[index as usize];
                    // The pair that is merged has 0 already.
                    pair.count = pair.count.saturating_sub(beside.count);
                }
                let count = beside.count - taken_back;
                beside.next = Beside::DROPPED;
                let length = new.iter().map(|&id| usize::from(lengths[id as usize])).sum();
                if count >= *floor && limits.allows(length) {
                    let first = pairs.places.len();
                    reserve(&mut pairs.places, beside.places as usize)?;
                    pairs.places.resize(first + beside.places as usize, Place::default());
                    beside.next = first;
                    let index = pairs.add(Pair { key: Key::new(new), count, first, length: beside.places });
                    queue.push(&pairs.all[index as usize], index);
                }
                Ok(())
            };
        for &id in &before.ids {
            let old = (id != joined).then_some([id, left]);
            add(old, [id, joined], &mut before.by_id[id as usize], 0)?;
        }
        for &id in &after.ids {
            let taken_back = if id == left { taken_back } else { 0 };
            add(Some([right, id]), [joined, id], &mut after.by_id[id as usize], taken_back)?;
        }
        for side in [before, after] {
            for seen in side.seen.drain(..) {
                let next = &mut side.by_id[seen.id as usize].next;
                if *next != Beside::DROPPED {
                    pairs.places[*next] = seen.place;
                    *next += 1;
                }
            }
            for id in side.ids.drain(..) {
                side.by_id[id as usize] = Beside::default();
            }
        }
        Ok(())
    }
}

//! The ids of one text, in memory that suits their number.

use std::ops::{Deref, DerefMut, Range};
use std::sync::{Mutex, PoisonError};
use std::{mem, ptr};

use crate::Error;
use crate::buffer::Buffer;
use crate::copies::Appended;
use crate::sink::{SLACK, Sink, copy_run};

/// Ids one after the other: a vector of them, but those of a long text have room from the start, where the system has it, and some of that memory is
/// kept for the next such text. Not on large pages: a virtual machine that has given those it did not use back to its host waits milliseconds for each.
#[derive(Debug, Default)]
pub struct Ids(Room);

#[derive(Debug)]
enum Room {
    Few(Vec<u32>),
    Many(Many),
}

impl Ids {
    /// The bytes of a text from which on its ids are many.
    pub const LONG: usize = 1 << 20;

    /// Room for the ids of a text of about so many `bytes`, none yet. What is not written to takes no memory.
    pub fn of_text(bytes: usize) -> Self {
        // No id is of less than a byte.
        let most = (bytes >= Self::LONG).then(|| bytes.checked_add(SLACK)).flatten();
        Self(most.and_then(|most| KEPT.take(most).or_else(|| Many::new(most))).map_or_else(Room::default, Room::Many))
    }

    /// The room that was made from the start, behind the ids that are there, and how much of it has memory already.
    pub(crate) fn room(&mut self) -> (&mut [u32], usize) {
        match &mut self.0 {
            Room::Few(_) => (&mut [], 0),
            Room::Many(Many(ids)) => ids.room_and_ready(),
        }
    }

    /// The first `count` of the [room](Ids::room), which were written, are part of them.
    pub(crate) fn add(&mut self, count: usize) {
        if let Room::Many(Many(ids)) = &mut self.0 {
            ids.add(count);
        }
    }

    /// Forgets them all, and keeps room for at most `room`.
    pub fn forget(&mut self, room: usize) {
        match &mut self.0 {
            Room::Few(ids) => {
                ids.clear();
                ids.shrink_to(room);
            }
            Room::Many(_) => *self = Self::default(),
        }
    }

    /// Gives back the memory that they do not need.
    pub fn shrink_to_fit(&mut self) {
        match &mut self.0 {
            Room::Few(ids) => ids.shrink_to_fit(),
            Room::Many(ids) => ids.0.shrink_to_fit(),
        }
    }
}

impl From<Vec<u32>> for Ids {
    fn from(ids: Vec<u32>) -> Self {
        Self(Room::Few(ids))
    }
}

impl Drop for Ids {
    fn drop(&mut self) {
        if let Room::Many(ids) = mem::take(&mut self.0) {
            KEPT.give(ids);
        }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Deref for Ids {
    type Target = [u32];

    #[inline]
    fn deref(&self) -> &[u32] {
        match &self.0 {
            Room::Few(ids) => ids,
            Room::Many(Many(ids)) => ids,
        }
    }
}

impl DerefMut for Ids {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u32] {
        match &mut self.0 {
            Room::Few(ids) => ids,
            Room::Many(Many(ids)) => ids,
        }
    }
}

impl Sink for Ids {
    fn reserve(&mut self, ids: usize) -> Result<(), Error> {
        match &mut self.0 {
            Room::Few(few) => Sink::reserve(few, ids),
            Room::Many(many) => many.0.reserve(ids.saturating_add(SLACK)),
        }
    }

    #[inline(always)]
    fn push(&mut self, id: u32) {
        match &mut self.0 {
            Room::Few(ids) => ids.push(id),
            Room::Many(ids) => ids.extend(&[id]),
        }
    }

    #[inline(always)]
    fn extend(&mut self, ids: &[u32]) {
        match &mut self.0 {
            Room::Few(few) => Sink::extend(few, ids),
            Room::Many(many) => many.extend(ids),
        }
    }

    #[inline(always)]
    fn extend_run(&mut self, ids: &[u32], run: Range<usize>) {
        match &mut self.0 {
            Room::Few(few) => few.extend_run(ids, run),
            Room::Many(many) => many.extend_run(ids, run),
        }
    }

    #[inline(always)]
    fn extend_some(&mut self, ids: &[u32; 8], count: usize) {
        match &mut self.0 {
            Room::Few(few) => few.extend_some(ids, count),
            Room::Many(many) => many.extend_some(ids, count),
        }
    }
}

/// Ids with room from the start.
#[derive(Debug)]
struct Many(Buffer<u32>);

impl Many {
    /// Room for `most` and some more: what they take is decided by those that come.
    fn new(most: usize) -> Option<Self> {
        Buffer::with_room(most.checked_next_power_of_two()?).map(Self)
    }

    /// The place of the next `count` ids, which there is room for.
    #[inline(always)]
    fn place(&mut self, count: usize) -> *mut u32 {
        self.0.place(count).expect("there is memory, as nobody asked for room before")
    }

    #[inline(always)]
    fn extend(&mut self, ids: &[u32]) {
        // SAFETY: there is room for them, in memory that nobody else has.
        unsafe {
            ptr::copy_nonoverlapping(ids.as_ptr(), self.place(ids.len()), ids.len());
            self.0.grow(ids.len());
        }
    }

    #[inline(always)]
    fn extend_run(&mut self, ids: &[u32], run: Range<usize>) {
        let (count, source) = (run.len(), &ids[run.start..run.end + SLACK]);
        // SAFETY: there are `count + SLACK` of them, and room for as many.
        unsafe {
            copy_run(source.as_ptr(), self.place(count + SLACK), count);
            self.0.grow(count);
        }
    }

    #[inline(always)]
    fn extend_some(&mut self, ids: &[u32; 8], count: usize) {
        let place = self.place(ids.len()).cast();
        // SAFETY: there is room for all eight.
        unsafe {
            ptr::write_unaligned(place, *ids);
            self.0.grow(count.min(ids.len()));
        }
    }
}

/// Memory of ids that are no more.
struct Kept(Mutex<Vec<Many>>);

static KEPT: Kept = Kept(Mutex::new(Vec::new()));

impl Kept {
    /// So many ids at most, of which 16 MiB are.
    const MOST: usize = 4 << 20;

    /// Room for `most`, if there is.
    fn take(&self, most: usize) -> Option<Many> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|ids| ids.0.capacity() >= most)?;
        Some(kept.remove(found))
    }

    /// Keeps the memory of `ids`, if it is not too much, in place of that which came first.
    fn give(&self, mut ids: Many) {
        ids.0.clear();
        if ids.0.longest() > Self::MOST {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(ids);
        while kept.iter().map(|ids| ids.0.longest()).sum::<usize>() > Self::MOST {
            kept.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the numbers from 0 on in all ways that there are; returns how many.
    fn fill(ids: &mut Ids) -> u32 {
        let numbers: Vec<u32> = (0..1000).collect();
        let mut next = 0;
        for count in [0, 1, 8, 15, 16, 17, 500] {
            ids.extend_run(&numbers, next..next + count);
            ids.extend(&numbers[next + count..next + count + 3]);
            next += count + 3;
            ids.extend_some(numbers[next..].first_chunk().expect("they are more"), count % 9);
            ids.push((next + count % 9) as u32);
            next += count % 9 + 1;
        }
        next as u32
    }

    #[test]
    fn they_are_the_same_in_room_of_their_own() {
        for bytes in [0, Ids::LONG - 1, Ids::LONG, 10 * Ids::LONG, usize::MAX] {
            let mut ids = Ids::of_text(bytes);
            for _ in 0..2 {
                let count = fill(&mut ids);
                assert!(ids.iter().copied().eq(0..count), "{bytes}");
                ids.shrink_to_fit();
                assert!(ids.iter().copied().eq(0..count), "{bytes}");
                ids[0] = 5;
                assert_eq!((ids[0], ids.len()), (5, count as usize));
                ids.forget(10);
                assert!(ids.is_empty());
            }
        }
    }

    #[test]
    fn more_than_were_expected_find_room() {
        let mut ids = Ids::of_text(Ids::LONG);
        let count = (5 * Ids::LONG) as u32;
        for id in 0..count {
            ids.push(id);
        }
        assert!(ids.iter().copied().eq(0..count));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn those_of_a_long_text_have_room_of_their_own() {
        assert!(matches!(Ids::of_text(Ids::LONG - 1).0, Room::Few(_)));
        assert!(matches!(Ids::of_text(Ids::LONG).0, Room::Many(_)));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_kept_for_later_texts_up_to_a_bound() {
        let kept = Kept(Mutex::default());
        let of = |count| {
            let mut ids = Many::new(8 * Ids::LONG).expect("the system has room");
            ids.0.add(count);
            ids
        };
        for count in [7, Kept::MOST / 2, 8, Kept::MOST / 2 - 8, Kept::MOST + 1] {
            kept.give(of(count));
        }
        assert!(kept.take(8 * Ids::LONG + 1).is_none());
        let touched: Vec<_> =
            std::iter::from_fn(|| kept.take(Ids::LONG)).map(|ids| (ids.0.len(), ids.0.longest())).collect();
        assert_eq!(touched, [(0, Kept::MOST / 2), (0, 8), (0, Kept::MOST / 2 - 8)]);
    }
}

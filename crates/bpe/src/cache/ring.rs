//! Records of words in a ring: new ones take the place of the oldest.

use std::ops::Range;

use super::next::{Next, drop_aside};
use crate::packed::prefetch;
use crate::pages::Pages;

/// So many words are on pages of the usual size, as most texts have no more: a large page, which all of them are on then, takes .1 to 5 ms to be had.
const FEW: usize = 1 << 16;

/// A place is the number of words that were written before it, so whether its record is still there is told by the place alone.
pub(crate) struct Ring {
    words: Pages<u32>,
    /// Memory was taken for so many of them: it is asked for as the first round goes on.
    ready: usize,
    /// How many were written, ever. It starts above the length, so that place 0 is that of no record.
    written: u64,
    /// So many of the last of them are there.
    kept: u64,
    next: Next<Doubled>,
}

/// Room for twice as many words.
struct Doubled {
    words: Pages<u32>,
    /// What was written after so many words up to where so many were has been copied.
    copied: Range<u64>,
}

impl Ring {
    /// One of `length` words, a power of two; `None`: there is not enough memory.
    pub fn new(length: usize) -> Option<Self> {
        assert!(length.is_power_of_two());
        let words = Pages::map(length).or_else(|| Pages::try_zeros(length))?;
        Some(Self { words, ready: 0, written: 2 * length as u64, kept: 0, next: Next::None })
    }

    /// How many words it has room for.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// What it takes; while it grows, what it will.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.words[..]) * (1 + usize::from(self.is_growing()))
    }

    pub fn is_growing(&self) -> bool {
        !self.next.is_none()
    }

    /// Starts to grow to twice as many words, where there is memory for them.
    pub fn grow(&mut self) {
        let length = 2 * self.words.len();
        self.next.make(move || Some(Doubled { words: Pages::touched(length)?, copied: 0..0 }));
    }

    /// Waits until there is memory to go on with.
    #[cfg(test)]
    pub fn wait(&mut self) {
        self.next.wait();
    }

    /// Goes on to grow, by `count` words: what is there is copied from the oldest on, until the newest is reached.
    pub fn go_on(&mut self, count: usize) {
        let (length, oldest) = (self.words.len(), self.written - self.kept);
        let Some(Doubled { words, copied }) = self.next.here() else { return };
        if copied.end < oldest {
            *copied = oldest..oldest;
        }
        let end = self.written.min(copied.end + count as u64);
        while copied.end < end {
            // Up to where it begins anew.
            let start = copied.end as usize & (length - 1);
            let count = (length - start).min((end - copied.end) as usize);
            let to = copied.end as usize & (words.len() - 1);
            words[to..to + count].copy_from_slice(&self.words[start..start + count]);
            copied.end += count as u64;
        }
        if copied.end == self.written
            && let Some(Doubled { words, copied }) = self.next.take()
        {
            self.kept = (copied.end - copied.start).min(words.len() as u64);
            self.ready = words.len();
            drop_aside(std::mem::replace(&mut self.words, words));
        }
    }

    /// Writes a record, and returns its place: that of no record when it is longer than the ring.
    pub fn push(&mut self, record: impl Iterator<Item = u32> + Clone) -> u64 {
        let length = record.clone().count();
        if length > self.words.len() {
            return 0;
        }
        // A record is never cut in two by the end of the ring.
        let start = self.index(self.written);
        let skipped = if start + length > self.words.len() { self.words.len() - start } else { 0 };
        let place = self.written + skipped as u64;
        let start = self.index(place);
        if self.ready < start + length {
            self.make_ready(start + length);
        }
        for (word, value) in self.words[start..start + length].iter_mut().zip(record) {
            *word = value;
        }
        self.written = place + length as u64;
        self.kept = (self.kept + (skipped + length) as u64).min(self.words.len() as u64);
        place
    }

    #[cold]
    fn make_ready(&mut self, end: usize) {
        self.ready = if end <= FEW {
            self.words.touch(self.ready..end)
        } else {
            self.words.collapse();
            self.words.len()
        };
    }

    /// The first `length` words of the record at `place`; `None` when it is gone.
    #[inline(always)]
    pub fn get(&self, place: u64, length: usize) -> Option<&[u32]> {
        if self.written - place > self.kept {
            return None;
        }
        let start = self.index(place);
        self.words.get(start..start + length)
    }

    /// Asks for the record at `place` to be brought near.
    #[inline(always)]
    pub fn prefetch(&self, place: u64) {
        prefetch(&self.words, self.index(place));
    }

    #[inline(always)]
    fn index(&self, place: u64) -> usize {
        place as usize & (self.words.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_stay_until_they_are_written_over() {
        let mut ring = Ring::new(16).expect("it is small");
        assert_eq!(ring.get(0, 1), None);
        let places: Vec<u64> = (0..9_u32).map(|value| ring.push([value; 5].into_iter())).collect();
        for (value, &place) in (0..).zip(&places) {
            // Three of five words fit in sixteen.
            assert_eq!(ring.get(place, 5), (value >= 6).then_some(&[value; 5][..]), "{value}");
        }
    }

    #[test]
    fn records_are_there_on_pages_of_any_size() {
        let mut ring = Ring::new(1 << 19).expect("it is small");
        let count = (1 << 19) / 900;
        let places: Vec<u64> = (0..count).map(|value| ring.push([value; 900].into_iter())).collect();
        for (value, &place) in (0..).zip(&places) {
            assert_eq!(ring.get(place, 900), Some(&[value; 900][..]), "{value}");
        }
        for value in 0..count {
            let place = ring.push([count + value; 900].into_iter());
            assert_eq!(ring.get(place, 900), Some(&[count + value; 900][..]), "{value}");
        }
    }

    #[test]
    fn records_are_at_their_places_in_twice_the_room() {
        for (before, step, each) in (0..12_u32).flat_map(|before| [(before, 16, 0), (before, 3, 0), (before, 7, 1)]) {
            let mut ring = Ring::new(16).expect("it is small");
            let mut places: Vec<u64> = (0..before).map(|value| ring.push([value; 5].into_iter())).collect();
            let is_there = |ring: &Ring, places: &[u64]| -> Vec<bool> {
                let found = (0..).zip(places).map(|(value, &place)| (value, ring.get(place, 5)));
                // What is there is what was written.
                found.map(|(value, words)| words.inspect(|words| assert_eq!(words, &[value; 5])).is_some()).collect()
            };
            ring.grow();
            assert_eq!((ring.is_growing(), ring.bytes()), (true, 128));
            ring.wait();
            while ring.is_growing() {
                let there = is_there(&ring, &places);
                ring.go_on(step);
                assert!(is_there(&ring, &places).iter().zip(there).all(|(now, before)| *now >= before));
                // Those that come meanwhile.
                for _ in 0..each {
                    places.push(ring.push([places.len() as u32; 5].into_iter()));
                }
            }
            assert_eq!((ring.len(), ring.bytes()), (32, 128));
            for _ in 0..20 {
                places.push(ring.push([places.len() as u32; 5].into_iter()));
                is_there(&ring, &places);
            }
            let newest = is_there(&ring, &places).into_iter().rev().take_while(|&is_there| is_there).count();
            assert_eq!(newest, 6, "of five words in thirty-two, {before} {step}");
        }
    }

    #[test]
    fn a_ring_that_is_written_faster_than_it_is_copied_stays_as_it_is() {
        let mut ring = Ring::new(16).expect("it is small");
        ring.grow();
        ring.wait();
        let mut last = 0;
        for value in 0..100_u32 {
            last = ring.push([value; 16].into_iter());
            ring.go_on(3);
            assert_eq!(ring.get(last, 16), Some(&[value; 16][..]));
        }
        assert_eq!((ring.len(), ring.is_growing()), (16, true));
        for _ in 0..4 {
            ring.go_on(3);
        }
        assert_eq!((ring.len(), ring.is_growing()), (16, true));
        ring.go_on(3);
        assert_eq!((ring.len(), ring.get(last, 16)), (32, Some(&[99; 16][..])));
    }

    #[test]
    fn a_record_that_is_too_long_is_not_kept() {
        let mut ring = Ring::new(16).expect("it is small");
        let kept = ring.push([1; 16].into_iter());
        let place = ring.push([2; 17].into_iter());
        assert_eq!((ring.get(kept, 16), ring.get(place, 1)), (Some(&[1; 16][..]), None));
    }
}

//! Records of words in a ring: new ones take the place of the oldest.

use crate::packed::prefetch;
use crate::pages::Pages;

/// A place is the number of words that were written before it, so whether its record is still there is told by the place alone.
pub(crate) struct Ring {
    words: Pages<u32>,
    /// How many were written, ever. It starts above the length, so that place 0 is that of no record.
    written: u64,
    /// So many of the last of them are there.
    kept: u64,
}

impl Ring {
    /// One of `length` words, a power of two; `None`: there is not enough memory.
    pub fn new(length: usize) -> Option<Self> {
        assert!(length.is_power_of_two());
        Some(Self { words: Pages::try_zeros(length)?, written: 2 * length as u64, kept: 0 })
    }

    /// How many words it has room for.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// What it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.words[..])
    }

    /// The same with room for twice as many words; `None`: there is not enough memory.
    pub fn doubled(&self) -> Option<Self> {
        let doubled = Self::new(2 * self.words.len())?;
        let mut doubled = Self { written: self.written, kept: self.kept, ..doubled };
        let mut place = self.written - self.kept;
        while place < self.written {
            // Up to where it begins anew.
            let start = self.index(place);
            let count = (self.words.len() - start).min((self.written - place) as usize);
            let to = doubled.index(place);
            doubled.words[to..to + count].copy_from_slice(&self.words[start..start + count]);
            place += count as u64;
        }
        Some(doubled)
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
        for (word, value) in self.words[start..start + length].iter_mut().zip(record) {
            *word = value;
        }
        self.written = place + length as u64;
        self.kept = (self.kept + (skipped + length) as u64).min(self.words.len() as u64);
        place
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
    fn records_are_at_their_places_in_twice_the_room() {
        for before in 0..12_u32 {
            let mut ring = Ring::new(16).expect("it is small");
            let mut places: Vec<u64> = (0..before).map(|value| ring.push([value; 5].into_iter())).collect();
            let is_there = |ring: &Ring, value| ring.get(places[value as usize], 5).is_some();
            let there: Vec<bool> = (0..before).map(|value| is_there(&ring, value)).collect();
            let mut ring = ring.doubled().expect("it is small");
            assert_eq!(there, (0..before).map(|value| is_there(&ring, value)).collect::<Vec<_>>());
            for value in before..before + 20 {
                places.push(ring.push([value; 5].into_iter()));
                for (value, &place) in (0..).zip(&places) {
                    assert!(ring.get(place, 5).is_none_or(|words| words == [value; 5]));
                }
            }
            for (value, &place) in (0..).zip(&places) {
                // Six of five words fit in thirty-two.
                assert_eq!(ring.get(place, 5), (value >= before + 14).then_some(&[value; 5][..]), "{value}");
            }
        }
    }

    #[test]
    fn a_record_that_is_too_long_is_not_kept() {
        let mut ring = Ring::new(16).expect("it is small");
        let kept = ring.push([1; 16].into_iter());
        let place = ring.push([2; 17].into_iter());
        assert_eq!((ring.get(kept, 16), ring.get(place, 1)), (Some(&[1; 16][..]), None));
    }
}

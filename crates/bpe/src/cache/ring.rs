//! Records of words in a ring: new ones take the place of the oldest.

use crate::pages::Pages;

/// A place is the number of words that were written before it, so whether its record is still there is told by the place alone.
pub(crate) struct Ring {
    words: Pages<u32>,
    /// How many were written, ever. It starts above the length, so that place 0 is that of no record.
    written: u64,
}

impl Ring {
    /// One of `length` words, a power of two.
    pub fn new(length: usize) -> Self {
        assert!(length.is_power_of_two());
        Self { words: Pages::zeros(length), written: 2 * length as u64 }
    }

    /// What it takes.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        size_of_val(&self.words[..])
    }

    /// Writes a record, and returns its place: that of no record when it is longer than the ring.
    pub fn push(&mut self, record: impl Iterator<Item = u32> + Clone) -> u64 {
        let length = record.clone().count();
        if length > self.words.len() {
            return 0;
        }
        // A record is never cut in two by the end of the ring.
        let start = self.index(self.written);
        if start + length > self.words.len() {
            self.written += (self.words.len() - start) as u64;
        }
        let place = self.written;
        let start = self.index(place);
        for (word, value) in self.words[start..start + length].iter_mut().zip(record) {
            *word = value;
        }
        self.written += length as u64;
        place
    }

    /// The first `length` words of the record at `place`; `None` when it is gone.
    #[inline(always)]
    pub fn get(&self, place: u64, length: usize) -> Option<&[u32]> {
        if self.written - place > self.words.len() as u64 {
            return None;
        }
        let start = self.index(place);
        self.words.get(start..start + length)
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
        let mut ring = Ring::new(16);
        assert_eq!(ring.get(0, 1), None);
        let places: Vec<u64> = (0..9_u32).map(|value| ring.push([value; 5].into_iter())).collect();
        for (value, &place) in (0..).zip(&places) {
            // Three of five words fit in sixteen.
            assert_eq!(ring.get(place, 5), (value >= 6).then_some(&[value; 5][..]), "{value}");
        }
    }

    #[test]
    fn a_record_that_is_too_long_is_not_kept() {
        let mut ring = Ring::new(16);
        let kept = ring.push([1; 16].into_iter());
        let place = ring.push([2; 17].into_iter());
        assert_eq!((ring.get(kept, 16), ring.get(place, 1)), (Some(&[1; 16][..]), None));
    }
}

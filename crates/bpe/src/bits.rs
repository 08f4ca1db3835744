//! A set of places in a text that can be counted.

use crate::Error;

/// Places from 0 to a length, a bit each, and for each 64 of them how many are set before: 12 bytes for 64 places.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    /// The set bits before each word. Places are places of a text of less than 4 GiB.
    before: Vec<u32>,
}

impl Bits {
    /// Room for the places 0 to `length`, none of them set.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn new(length: usize) -> Result<Self, Error> {
        let count = length / 64 + 1;
        Ok(Self { words: zeros(count)?, before: zeros(count)? })
    }

    #[inline(always)]
    pub fn set(&mut self, place: usize) {
        self.words[place / 64] |= 1 << (place % 64);
    }

    #[inline(always)]
    pub fn has(&self, place: usize) -> bool {
        self.words[place / 64] >> (place % 64) & 1 == 1
    }

    /// To be called when all are set, before they are counted.
    pub fn finish(&mut self) {
        let mut total = 0;
        for (before, word) in self.before.iter_mut().zip(&self.words) {
            *before = total;
            total += word.count_ones();
        }
    }

    /// How many are set up to `place`, itself included.
    #[inline]
    pub fn rank(&self, place: usize) -> usize {
        let up_to = self.words[place / 64] & (!0 >> (63 - place % 64));
        self.before[place / 64] as usize + up_to.count_ones() as usize
    }

    /// The place of set bit number `number`, counted from 1; `None` when there are fewer.
    pub fn select(&self, number: usize) -> Option<usize> {
        let index = self.before.partition_point(|&before| (before as usize) < number).checked_sub(1)?;
        let (mut word, number) = (self.words[index], number - self.before[index] as usize);
        if number > word.count_ones() as usize {
            return None;
        }
        for _ in 1..number {
            word &= word - 1;
        }
        Some(64 * index + word.trailing_zeros() as usize)
    }

    /// The last place that is set in `from..=to`.
    pub fn last_in(&self, from: usize, to: usize) -> Option<usize> {
        if from > to {
            return None;
        }
        let mut index = to / 64;
        let mut word = self.words[index] & (!0 >> (63 - to % 64));
        while word == 0 && index > from / 64 {
            index -= 1;
            word = self.words[index];
        }
        (word != 0).then(|| 64 * index + word.ilog2() as usize).filter(|&place| place >= from)
    }

    /// The first place that is set in `from..=to`.
    pub fn first_in(&self, from: usize, to: usize) -> Option<usize> {
        if from > to {
            return None;
        }
        let mut index = from / 64;
        let mut word = self.words[index] & (!0 << (from % 64));
        while word == 0 && index < to / 64 {
            index += 1;
            word = self.words[index];
        }
        (word != 0).then(|| 64 * index + word.trailing_zeros() as usize).filter(|&place| place <= to)
    }

    /// The memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        12 * self.words.len()
    }
}

fn zeros<T: Clone + Default>(count: usize) -> Result<Vec<T>, Error> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(count).map_err(|_| Error::OutOfMemory { bytes: count.saturating_mul(size_of::<T>()) })?;
    zeros.resize(count, T::default());
    Ok(zeros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_found() {
        for step in [1, 3, 64, 65, 200] {
            let places: Vec<usize> = (1..=1000).step_by(step).collect();
            let mut bits = Bits::new(1000).expect("little memory");
            for &place in &places {
                bits.set(place);
            }
            bits.finish();
            for place in 0..=1000 {
                assert_eq!(bits.has(place), places.contains(&place));
                assert_eq!(bits.rank(place), places.iter().filter(|&&other| other <= place).count());
                for to in [place, place + 1, place + 70, 1000] {
                    let inside = |other: &&usize| (place..=to.min(1000)).contains(*other);
                    assert_eq!(bits.first_in(place, to.min(1000)), places.iter().find(inside).copied());
                    assert_eq!(bits.last_in(place, to.min(1000)), places.iter().rfind(inside).copied());
                }
            }
            for (index, &place) in places.iter().enumerate() {
                assert_eq!(bits.select(index + 1), Some(place));
            }
            assert_eq!(bits.select(places.len() + 1), None);
            // At once: nothing is done for each that there is not.
            assert_eq!(bits.select(usize::MAX), None);
            assert_eq!(bits.select(0), None);
        }
    }
}

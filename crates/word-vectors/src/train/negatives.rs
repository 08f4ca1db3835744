//! Random words by their frequency to the power of 3/4.

use std::sync::atomic::AtomicBool;

use super::chance::Chance;
use crate::Result;
use crate::error::{check_cancel, reserved};

/// An alias table (Walker 1977, Vose 1991): a random word takes one random number of 64 bits and one look, however many words there are.
pub(super) struct Negatives {
    /// For each place: the share of 2^32 up to which it is its own word, and the other word.
    places: Vec<(u32, u32)>,
}

impl Negatives {
    /// For words of these counts, of which there is at least one.
    pub fn new(counts: &[u64], cancel: Option<&AtomicBool>) -> Result<Self> {
        let weights = || counts.iter().map(|&count| (count as f64).powf(0.75));
        let mean = weights().sum::<f64>() / counts.len() as f64;
        check_cancel(cancel)?;
        let mut shares = reserved(counts.len())?;
        shares.extend(weights().map(|weight| weight / mean));
        let mut places = reserved(counts.len())?;
        places.extend((0..counts.len() as u32).map(|word| (u32::MAX, word)));
        let (mut small, mut large) = (reserved(counts.len())?, reserved(counts.len())?);
        for (word, &share) in shares.iter().enumerate() {
            if share < 1.0 { small.push(word) } else { large.push(word) }
        }
        check_cancel(cancel)?;
        while let (Some(&less), Some(&more)) = (small.last(), large.last()) {
            small.pop();
            places[less] = ((shares[less] * f64::from(u32::MAX)) as u32, more as u32);
            shares[more] -= 1.0 - shares[less];
            if shares[more] < 1.0 {
                large.pop();
                small.push(more);
            }
        }
        Ok(Self { places })
    }

    #[inline(always)]
    pub fn word(&self, chance: &mut Chance) -> u32 {
        let (place, share) = chance.below_and_word(self.places.len() as u32);
        let (own, other) = self.places[place as usize];
        if share <= own { place } else { other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_by_their_frequency_to_the_power_of_three_quarters() {
        let counts = [1000, 1, 10, 500, 3, 77];
        let negatives = Negatives::new(&counts, None).unwrap();
        let (mut seen, mut chance) = ([0u32; 6], Chance::new(7));
        let draws = 1_000_000;
        (0..draws).for_each(|_| seen[negatives.word(&mut chance) as usize] += 1);
        let all: f64 = counts.iter().map(|&count| (count as f64).powf(0.75)).sum();
        for (word, &count) in counts.iter().enumerate() {
            let expected = f64::from(draws) * (count as f64).powf(0.75) / all;
            assert!(
                (f64::from(seen[word]) - expected).abs() < 5.0 * expected.sqrt() + 2.0,
                "{word}: {} {expected}",
                seen[word]
            );
        }
    }
}

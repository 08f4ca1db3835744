//! Values left out at random in training.
//!
//! # Definition
//! Each value of a result has a row `r` (that of its id) and a column `c`. With `mix64` the finaliser of `SplitMix64` and `mix32` that of
//! `MurmurHash3`, all arithmetic modulo the size of the word,
//!
//! ```text
//! a + 2^32 b = mix64(key + (r + 1) * 0x9E3779B97F4A7C15)
//! h = mix32(mix32(a + c * 0x9E3779B9) ^ b)
//! ```
//!
//! and the value is kept, times `1 / (1 - probability)`, where `h >= probability * 2^32`, else it is 0. The mask is not stored: the
//! backward pass computes it again. It depends on no other value, so any number of threads gives the same mask.

use crate::{Error, Result};

/// Which mask the next pass in training has: [`Dropout::key_of`] this seed and number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passes {
    /// That of the model.
    pub seed: u64,
    /// Passes in training that were made.
    pub made: u64,
}

impl Passes {
    /// The key of the next mask.
    pub fn key(self) -> u64 {
        Dropout::key_of(self.seed, self.made)
    }
}

/// Which values of a result are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    key: u64,
    threshold: u32,
    factor: f32,
}

impl Dropout {
    /// The mask of `key` that leaves out a share of `probability`; `None` when that is 0.
    ///
    /// # Errors
    /// [`Error::Number`] unless the probability is at least 0 and less than 1.
    pub fn new(probability: f64, key: u64) -> Result<Option<Self>> {
        if !(0.0..1.0).contains(&probability) {
            let expected = "at least 0 and less than 1";
            return Err(Error::Number { what: "dropout", value: probability, expected });
        }
        let dropout = Self {
            key,
            // Saturating: a probability next to 1 leaves out all but one in 2^32.
            threshold: (probability * 4_294_967_296.0) as u32,
            factor: (1.0 / (1.0 - probability)) as f32,
        };
        Ok((probability > 0.0).then_some(dropout))
    }

    /// The key of pass number `pass` of a model with this seed.
    pub fn key_of(seed: u64, pass: u64) -> u64 {
        mix64(mix64(seed).wrapping_add(pass))
    }

    /// Key, threshold and factor, for a kernel that computes the same.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "kernels alone take them"))]
    pub(crate) fn parts(self) -> (u64, u32, f32) {
        (self.key, self.threshold, self.factor)
    }

    /// Multiplies the values of row `row` by 0 or by `1 / (1 - probability)`.
    #[inline(always)]
    pub(crate) fn apply(&self, row: usize, values: &mut [f32]) {
        let words = mix64(self.key.wrapping_add((row as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let (a, b) = (words as u32, (words >> 32) as u32);
        for (column, value) in values.iter_mut().enumerate() {
            let hash = mix32(mix32(a.wrapping_add((column as u32).wrapping_mul(0x9E37_79B9))) ^ b);
            *value *= if hash >= self.threshold { self.factor } else { 0.0 };
        }
    }
}

#[inline(always)]
fn mix64(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

#[inline(always)]
fn mix32(mut word: u32) -> u32 {
    word = (word ^ word >> 16).wrapping_mul(0x85EB_CA6B);
    word = (word ^ word >> 13).wrapping_mul(0xC2B2_AE35);
    word ^ word >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(probability: f64, key: u64, rows: usize, columns: usize) -> Vec<bool> {
        let dropout = Dropout::new(probability, key).unwrap().unwrap();
        let mut all = Vec::new();
        for row in 0..rows {
            let mut values = vec![1.0; columns];
            dropout.apply(row, &mut values);
            let factor = (1.0 / (1.0 - probability)) as f32;
            assert!(values.iter().all(|&value| value == 0.0 || value.to_bits() == factor.to_bits()));
            all.extend(values.iter().map(|&value| value != 0.0));
        }
        all
    }

    #[test]
    fn the_share_that_is_left_out_is_the_probability() {
        for probability in [0.1, 0.5, 0.9] {
            let kept = kept(probability, 3, 500, 400);
            let share = kept.iter().filter(|&&kept| !kept).count() as f64 / kept.len() as f64;
            let deviation = (probability * (1.0 - probability) / kept.len() as f64).sqrt();
            assert!((share - probability).abs() < 5.0 * deviation, "{share} of {probability}");
        }
    }

    /// Whether one value is kept tells nothing of its neighbours, nor of the same place in the next pass.
    #[test]
    fn values_are_independent() {
        let (rows, columns) = (1000, 257);
        let first = kept(0.5, Dropout::key_of(1, 0), rows, columns);
        let next = kept(0.5, Dropout::key_of(1, 1), rows, columns);
        let agree = |pairs: &mut dyn Iterator<Item = (bool, bool)>| {
            let (mut agree, mut all) = (0u32, 0u32);
            for (a, b) in pairs {
                agree += u32::from(a == b);
                all += 1;
            }
            let deviation = 0.5 / f64::from(all).sqrt();
            assert!((f64::from(agree) / f64::from(all) - 0.5).abs() < 5.0 * deviation, "{agree} of {all}");
        };
        for lag in [1, 2, 8, 256, 257, 258, 257 * 2, 257 * 16] {
            agree(&mut first.iter().copied().zip(first[lag..].iter().copied()));
        }
        agree(&mut first.iter().copied().zip(next));
        // Each column, and each row, has its share.
        for column in 0..columns {
            let kept = (0..rows).filter(|row| first[row * columns + column]).count() as f64;
            assert!((kept / rows as f64 - 0.5).abs() < 6.0 * 0.5 / (rows as f64).sqrt(), "column {column}");
        }
        for row in first.chunks(columns) {
            let kept = row.iter().filter(|&&kept| kept).count() as f64;
            assert!((kept / columns as f64 - 0.5).abs() < 6.0 * 0.5 / (columns as f64).sqrt());
        }
    }

    #[test]
    fn probabilities_that_cannot_be_are_errors() {
        assert_eq!(Dropout::new(0.0, 1).unwrap(), None);
        for probability in [-0.1, 1.0, 1.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(Dropout::new(probability, 1), Err(Error::Number { .. })));
        }
    }
}

//! Initial values that are the same on every machine.
//!
//! # Definition
//! A table has a `seed` and a `stream` number. Its `ChaCha8` key is the seed (8 bytes, little-endian) and then the 24 bytes
//! of [`DOMAIN`], its nonce the stream number. Words `2k` and `2k + 1` of the key stream make values `2k` and `2k + 1` by
//! the Box–Muller transform (Box and Muller, 1958):
//!
//! ```text
//! r = sqrt(-2 ln((w[2k] + 1) / 2^32))     angle = 2 pi w[2k + 1] / 2^32
//! value[2k] = f32(std * r * cos(angle))   value[2k + 1] = f32(std * r * sin(angle))
//! ```
//!
//! all in `f64` as the `libm` crate computes it, in plain arithmetic (`cpu/normal.rs` does so for many values at a time): the C library's
//! `log` and `sin` differ between systems, and candle's CPU generator cannot be seeded. A value depends on its index alone, so any number of
//! threads gives the same table. (A ziggurat draws a varying number of words per value.)

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use crate::cpu::{PAIRS, normal_pairs, rounded_pairs};
use crate::memory;
use crate::threads::in_pool;
use crate::{Element, Result};

/// Sets these streams apart from others that are made from the same seed.
pub const DOMAIN: &[u8; 24] = b"tokenmill embedding init";

/// Values per task; even, because values come in pairs.
const CHUNK: usize = 1 << 14;

/// How a table starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All zero.
    Zeros,
    /// Normal, mean 0, with this standard deviation.
    Normal {
        /// The standard deviation.
        std: f64,
    },
}

/// Which of the reproducible sequences a table is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The seed of the model.
    pub seed: u64,
    /// The number of the table in the model: tables of one seed are independent.
    pub stream: u64,
}

/// `len` initial values from number `first` on, each rounded to its type.
///
/// # Errors
/// [`crate::Error::OutOfMemory`], [`crate::Error::Threads`].
pub fn initial_values<T: Element>(first: usize, len: usize, init: Init, source: Source) -> Result<Vec<T>> {
    let mut values = memory::filled(len, T::narrow(0.0))?;
    if let Init::Normal { std } = init {
        in_pool(|| {
            values.par_chunks_mut(CHUNK).enumerate().for_each(|(index, chunk)| {
                fill_normal(chunk, first + index * CHUNK, std, source);
            });
        })?;
    }
    Ok(values)
}

/// Values `first ..` of the sequence.
fn fill_normal<T: Element>(values: &mut [T], first: usize, std: f64, source: Source) {
    let mut stream = key_stream(source);
    stream.set_word_pos((first - first % 2) as u128);
    let (mut words, mut cosines, mut sines) = ([0; 2 * PAIRS], [0.0; PAIRS], [0.0; PAIRS]);
    let (mut bytes, mut block) = ([0; 8 * PAIRS], [T::narrow(0.0); 2 * PAIRS]);
    let (mut before, mut rest) = (first % 2, values);
    while !rest.is_empty() {
        let (values, after) = rest.split_at_mut(rest.len().min(block.len() - before));
        stream.fill_bytes(&mut bytes);
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        normal_pairs(&words, &mut cosines, &mut sines);
        rounded_pairs(&cosines, &sines, std, &mut block);
        values.copy_from_slice(&block[before..][..values.len()]);
        (before, rest) = (0, after);
    }
}

fn key_stream(source: Source) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&source.seed.to_le_bytes());
    key[8..].copy_from_slice(DOMAIN);
    let mut words = ChaCha8Rng::from_seed(key);
    words.set_stream(source.stream);
    words
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;

    const SOURCE: Source = Source { seed: 7, stream: 0 };

    fn normal(len: usize, source: Source) -> Vec<f32> {
        initial_values(0, len, Init::Normal { std: 1.0 }, source).unwrap()
    }

    #[test]
    fn a_value_depends_on_its_index_alone() {
        let long = normal(5 * CHUNK + 3, SOURCE);
        assert_eq!(long[..=CHUNK], normal(CHUNK + 1, SOURCE));
        for first in [1, 2, 7, CHUNK - 1] {
            let rest: Vec<f32> = initial_values(first, long.len() - first, Init::Normal { std: 1.0 }, SOURCE).unwrap();
            assert_eq!(long[first..], rest, "from {first} on");
        }
        let mut one_thread = vec![0.0; long.len()];
        fill_normal(&mut one_thread, 0, 1.0, SOURCE);
        assert_eq!(long, one_thread);
    }

    #[test]
    fn seeds_and_streams_differ() {
        let base = normal(64, SOURCE);
        assert_ne!(base, normal(64, Source { seed: 8, ..SOURCE }));
        assert_ne!(base, normal(64, Source { stream: 1, ..SOURCE }));
    }

    #[test]
    fn values_are_normal() {
        let values = normal(1 << 20, SOURCE);
        let n = values.len() as f64;
        let moment = |k: i32| values.iter().map(|&v| f64::from(v).powi(k)).sum::<f64>() / n;
        let within = |z: f32| values.iter().filter(|v| v.abs() < z).count() as f64 / n;
        assert!(moment(1).abs() < 5e-3, "mean {}", moment(1));
        assert!((moment(2) - 1.0).abs() < 5e-3, "variance {}", moment(2));
        assert!(moment(3).abs() < 2e-2, "skewness {}", moment(3));
        assert!((moment(4) - 3.0).abs() < 5e-2, "kurtosis {}", moment(4));
        for (z, share) in [(0.5, 0.382_925), (1.0, 0.682_689), (2.0, 0.954_500), (3.0, 0.997_300)] {
            assert!((within(z) - share).abs() < 2e-3, "share within {z}: {}", within(z));
        }
    }

    #[test]
    fn halves_are_rounded_one_by_one() {
        let halves = initial_values::<bf16>(0, 1001, Init::Normal { std: 1.0 }, SOURCE).unwrap();
        let rounded: Vec<_> = normal(1001, SOURCE).into_iter().map(<bf16 as Element>::narrow).collect();
        assert_eq!(halves, rounded);
    }

    #[test]
    fn zeros_are_zeros() {
        assert_eq!(initial_values::<f32>(0, 3, Init::Zeros, SOURCE).unwrap(), [0.0; 3]);
    }
}

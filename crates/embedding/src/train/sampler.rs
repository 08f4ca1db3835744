//! Ids drawn by how frequent they are.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::{Result, memory};

/// Sets these draws apart from others that are made from the same seed.
const DOMAIN: &[u8; 24] = b"tokenmill softmax draws.";

/// Ids with the probability `(count + 1) / sum`, by the alias method (Walker 1977): any number of ids, the same time for each draw.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    probabilities: Vec<f64>,
    /// For each column how much of it is its own id, of 2^32.
    own: Vec<u32>,
    /// Whose the rest of the column is.
    other: Vec<u32>,
}

impl Sampler {
    /// # Errors
    /// [`crate::Error::OutOfMemory`].
    pub(crate) fn new(counts: &[u64]) -> Result<Self> {
        let total: f64 = counts.iter().map(|&count| count as f64 + 1.0).sum();
        let mut probabilities = memory::reserved(counts.len())?;
        probabilities.extend(counts.iter().map(|&count| (count as f64 + 1.0) / total));
        let columns = counts.len() as f64;
        let mut height = memory::reserved::<f64>(counts.len())?;
        height.extend(probabilities.iter().map(|probability| probability * columns));
        let (mut own, mut other) = (memory::reserved(counts.len())?, memory::reserved(counts.len())?);
        own.resize(counts.len(), u32::MAX);
        other.extend(0..counts.len() as u32);
        let (mut low, mut high) = (memory::reserved(counts.len())?, memory::reserved(counts.len())?);
        for (id, &height) in height.iter().enumerate() {
            if height < 1.0 { low.push(id) } else { high.push(id) }
        }
        // Each low column is filled up by a high one, which may be low then. What rounding leaves over is full.
        while let (Some(small), Some(&large)) = (low.pop(), high.last()) {
            own[small] = (height[small] * f64::from(u32::MAX)) as u32;
            other[small] = large as u32;
            height[large] -= 1.0 - height[small];
            if height[large] < 1.0 {
                high.pop();
                low.push(large);
            }
        }
        Ok(Self { probabilities, own, other })
    }

    /// The same for the same probabilities, and hardly for others: FNV-1a.
    pub(crate) fn fingerprint(&self) -> u64 {
        let bytes = self.probabilities.iter().flat_map(|probability| probability.to_bits().to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// The different ones of `draws` ids, ascending; the same for the same seed and step.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`].
    pub(crate) fn draw(&self, draws: usize, seed: u64, step: u64) -> Result<Vec<u32>> {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..].copy_from_slice(DOMAIN);
        let mut words = ChaCha8Rng::from_seed(key);
        words.set_stream(step);
        let mut ids = memory::reserved(draws)?;
        ids.extend((0..draws).map(|_| {
            let column = ((u64::from(words.next_u32()) * self.own.len() as u64) >> 32) as usize;
            if words.next_u32() <= self.own[column] { column as u32 } else { self.other[column] }
        }));
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// The logarithm of how likely `id` is to be among so many draws.
    pub(crate) fn log_inclusion(&self, id: u32, draws: usize) -> f32 {
        let none = draws as f64 * libm::log1p(-self.probabilities[id as usize]);
        libm::log(-libm::expm1(none)) as f32
    }

    /// How likely each id is to be the one drawn.
    pub(crate) fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_as_often_as_they_should() {
        let counts = [0, 9, 99, 4, 0, 888];
        let sampler = Sampler::new(&counts).unwrap();
        let (steps, draws) = (40_000, 3);
        let mut found = [0u32; 6];
        for step in 0..steps {
            for id in sampler.draw(draws, 1, step).unwrap() {
                found[id as usize] += 1;
            }
        }
        for (id, &found) in found.iter().enumerate() {
            let expected = f64::from(sampler.log_inclusion(id as u32, draws)).exp() * steps as f64;
            let deviation = (f64::from(found) - expected).abs() / expected.sqrt().max(1.0);
            assert!(deviation < 4.5, "{id}: {found} times, expected {expected}");
        }
        let total: f64 = sampler.probabilities().iter().sum();
        assert!((total - 1.0).abs() < 1e-12);
        assert!((sampler.probabilities()[5] - 889.0 / 1006.0).abs() < 1e-12);
    }

    #[test]
    fn a_seed_and_a_step_are_one_draw() {
        let sampler = Sampler::new(&[5; 1000]).unwrap();
        let draw = |seed, step| sampler.draw(64, seed, step).unwrap();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
        assert!(draw(1, 2).is_sorted_by(|a, b| a < b) && draw(1, 2).len() > 50);
    }

    #[test]
    fn one_id_is_always_drawn() {
        let sampler = Sampler::new(&[0]).unwrap();
        assert_eq!(sampler.draw(10, 0, 0).unwrap(), [0]);
        assert_eq!(sampler.log_inclusion(0, 10).to_bits(), 0);
    }
}

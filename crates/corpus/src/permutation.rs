//! The order of shuffled samples, many places at a time.

/// The rounds of the network.
pub const ROUNDS: usize = 8;
/// Places that go through the rounds together, in vectors.
const LANES: usize = 256;

/// A permutation of the numbers below `length` that is computed, not stored. `src/dataset/permutation.ts` defines it, and gives single places; this gives
/// the same for many, in a tenth of the time.
pub struct Permutation {
    length: u64,
    keys: [u32; ROUNDS],
    low_bits: u32,
    low_mask: u32,
    high_mask: u32,
}

impl Permutation {
    /// The one of these keys. `length` is at most 2^53.
    pub fn new(length: u64, keys: [u32; ROUNDS]) -> Self {
        let bits = length.next_power_of_two().trailing_zeros().max(8);
        let low_bits = bits / 2;
        Self { length, keys, low_bits, low_mask: (1 << low_bits) - 1, high_mask: (1 << (bits - low_bits)) - 1 }
    }

    /// Writes where the places `first`, `first + step`, … go, all of them below the length, as many as `out` has.
    pub fn fill(&self, first: u64, step: u64, out: &mut [f64]) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the instructions.
            return unsafe { self.fill_avx2(first, step, out) };
        }
        self.fill_inline(first, step, out);
    }

    /// Products of 32 bits are one instruction there, and several without.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn fill_avx2(&self, first: u64, step: u64, out: &mut [f64]) {
        self.fill_inline(first, step, out);
    }

    #[inline(always)]
    fn fill_inline(&self, first: u64, step: u64, out: &mut [f64]) {
        let (mut high, mut low, mut rows) = ([0_u32; LANES], [0_u32; LANES], [0_u8; LANES]);
        for (block, out) in out.chunks_mut(LANES).enumerate() {
            let mut count = out.len();
            for row in 0..count {
                let place = first + (block * LANES + row) as u64 * step;
                high[row] = (place >> self.low_bits) as u32;
                low[row] = place as u32 & self.low_mask;
                rows[row] = row as u8;
            }
            // What lands at or above the length goes through them again until it lands below.
            while count > 0 {
                self.rounds(&mut high[..count], &mut low[..count]);
                let mut left = 0;
                for lane in 0..count {
                    let (h, l, row) = (high[lane], low[lane], rows[lane]);
                    let place = u64::from(h) << self.low_bits | u64::from(l);
                    out[usize::from(row)] = place as f64;
                    (high[left], low[left], rows[left]) = (h, l, row);
                    left += usize::from(place >= self.length);
                }
                count = left;
            }
        }
    }

    #[inline(always)]
    fn rounds(&self, high: &mut [u32], low: &mut [u32]) {
        for keys in self.keys.chunks_exact(2) {
            for (high, low) in high.iter_mut().zip(&mut *low) {
                *high ^= scramble(*low ^ keys[0]) & self.high_mask;
                *low ^= scramble(*high ^ keys[1]) & self.low_mask;
            }
        }
    }
}

/// `scramble` of `src/dataset/scramble.ts`.
#[inline(always)]
fn scramble(word: u32) -> u32 {
    let mut x = word;
    x = (x ^ x >> 16).wrapping_mul(0x21f0_aaad);
    x = (x ^ x >> 15).wrapping_mul(0x735a_2d97);
    x ^ x >> 15
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const KEYS: [u32; ROUNDS] = [1, 0x9e37_79b9, 77, 0xffff_ffff, 5, 0x8000_0000, 3, 12_345];

    /// One place, as the definition says it.
    fn naive(permutation: &Permutation, place: u64) -> u64 {
        let mut value = place;
        loop {
            let (mut high, mut low) = ((value >> permutation.low_bits) as u32, value as u32 & permutation.low_mask);
            for (round, key) in KEYS.into_iter().enumerate() {
                if round % 2 == 0 {
                    high ^= scramble(low ^ key) & permutation.high_mask;
                } else {
                    low ^= scramble(high ^ key) & permutation.low_mask;
                }
            }
            value = u64::from(high) << permutation.low_bits | u64::from(low);
            if value < permutation.length {
                return value;
            }
        }
    }

    #[test]
    fn every_place_goes_somewhere_else() {
        for length in [1, 2, 255, 256, 257, 1000, 4097] {
            let mut out = vec![0.0; length];
            Permutation::new(length as u64, KEYS).fill(0, 1, &mut out);
            let seen: HashSet<u64> = out.iter().map(|&place| place as u64).collect();
            assert_eq!(seen.len(), length, "{length}");
            assert!(seen.iter().all(|&place| place < length as u64), "{length}");
        }
    }

    #[test]
    fn many_places_go_where_each_goes_alone() {
        for length in [1, 300, 78_124, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, 1_000_000_000_000, 1 << 53] {
            let permutation = Permutation::new(length, KEYS);
            for (first, step, count) in [(0, 1, 700), (length / 3, 1, 1), (length / 2, 7, 300), (length - 1, 1, 1)] {
                let count = (count as u64).min((length - first).div_ceil(step)) as usize;
                let mut out = vec![0.0; count];
                permutation.fill(first, step, &mut out);
                for (row, &place) in out.iter().enumerate() {
                    assert_eq!(place as u64, naive(&permutation, first + row as u64 * step), "{length} {first} {row}");
                }
                permutation.fill_inline(first, step, &mut out);
                assert_eq!(out[0] as u64, naive(&permutation, first), "{length} {first}");
            }
        }
    }
}

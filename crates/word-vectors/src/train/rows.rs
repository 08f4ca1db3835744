//! A table that several threads read and write.

use std::sync::atomic::{AtomicU64, Ordering};

use super::chance::mixed;
use crate::Result;
use crate::error::reserved;
use crate::kernel::LANES;

/// Rows of `f32`, two of them in each atomic number: a row is read and written with half as many instructions, and as plain ones on
/// every processor of 64 bits.
pub(super) struct Rows {
    pairs: Vec<AtomicU64>,
    dimensions: usize,
}

impl Rows {
    pub fn zeros(rows: usize, dimensions: usize) -> Result<Self> {
        Self::of(rows, dimensions, |_, _| 0.0)
    }

    /// Evenly from -1 / (2 dimensions) to 1 / (2 dimensions), as in word2vec.c.
    pub fn random(rows: usize, dimensions: usize, seed: u64) -> Result<Self> {
        Self::of(rows, dimensions, |row, place| {
            let word = mixed(seed, (row * dimensions + place) as u64) >> 40;
            ((word as f32 + 0.5) / (1u32 << 24) as f32 - 0.5) / dimensions as f32
        })
    }

    fn of(rows: usize, dimensions: usize, value: impl Fn(usize, usize) -> f32) -> Result<Self> {
        let width = dimensions.next_multiple_of(LANES) / 2;
        let mut pairs = reserved(rows.saturating_mul(width))?;
        for row in 0..rows {
            pairs.extend((0..width).map(|pair| {
                let second = 2 * pair + 1;
                let or_zero = |place| if place < dimensions { value(row, place) } else { 0.0 };
                AtomicU64::new(packed([or_zero(2 * pair), or_zero(second)]))
            }));
        }
        Ok(Self { pairs, dimensions })
    }

    /// Values of a row in a buffer: the dimensions, and zeros up to a multiple of [`LANES`]. Zeros stay zeros, whatever is trained.
    pub fn width(&self) -> usize {
        self.dimensions.next_multiple_of(LANES)
    }

    #[inline]
    pub fn read(&self, row: u32, values: &mut [f32]) {
        let (places, _) = values.as_chunks_mut::<2>();
        for (place, pair) in places.iter_mut().zip(self.row(row)) {
            *place = unpacked(pair.load(Ordering::Relaxed));
        }
    }

    #[inline]
    pub fn write(&self, row: u32, values: &[f32]) {
        let (places, _) = values.as_chunks::<2>();
        for (&place, pair) in places.iter().zip(self.row(row)) {
            pair.store(packed(place), Ordering::Relaxed);
        }
    }

    #[inline]
    fn row(&self, row: u32) -> &[AtomicU64] {
        let width = self.width() / 2;
        &self.pairs[row as usize * width..][..width]
    }

    /// All values, row after row.
    pub fn into_values(self) -> Result<Vec<f32>> {
        let width = self.width() / 2;
        let mut values = reserved(self.pairs.len() / width * self.dimensions)?;
        for row in self.pairs.chunks_exact(width) {
            let row = row.iter().flat_map(|pair| unpacked(pair.load(Ordering::Relaxed)));
            values.extend(row.take(self.dimensions));
        }
        Ok(values)
    }
}

fn packed([first, second]: [f32; 2]) -> u64 {
    u64::from(first.to_bits()) | u64::from(second.to_bits()) << 32
}

fn unpacked(pair: u64) -> [f32; 2] {
    [f32::from_bits(pair as u32), f32::from_bits((pair >> 32) as u32)]
}

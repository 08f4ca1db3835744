//! A table that several threads read and write.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::chance::mixed;
use crate::Result;
use crate::error::reserved;
use crate::lanes::WIDEST;
use crate::lines::Lines;

/// Rows of `f32`, each padded with zeros to a multiple of [`WIDEST`] numbers.
pub(super) struct Rows {
    numbers: Lines<AtomicU32>,
    dimensions: usize,
}

impl Rows {
    /// Made by so many threads, until `cancel` is set.
    pub fn zeros(rows: usize, dimensions: usize, threads: usize, cancel: Option<&AtomicBool>) -> Result<Self> {
        Self::of(rows, dimensions, |_, _| 0.0, threads, cancel)
    }

    /// Evenly from -1 / dimensions to 1 / dimensions, as in gensim. (word2vec.c: half of that.)
    pub fn random(
        rows: usize,
        dimensions: usize,
        seed: u64,
        threads: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Self> {
        let value = |row, place| {
            let word = mixed(seed, (row * dimensions + place) as u64) >> 40;
            ((word as f32 + 0.5) / (1u32 << 23) as f32 - 1.0) / dimensions as f32
        };
        Self::of(rows, dimensions, value, threads, cancel)
    }

    fn of(
        rows: usize,
        dimensions: usize,
        value: impl Fn(usize, usize) -> f32 + Sync,
        threads: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Self> {
        let width = dimensions.next_multiple_of(WIDEST);
        let number = |at: usize| match (at / width, at % width) {
            (row, place) if place < dimensions => AtomicU32::new(value(row, place).to_bits()),
            _ => AtomicU32::new(0),
        };
        let numbers = Lines::by_threads(rows.saturating_mul(width / WIDEST), number, threads, cancel)?;
        Ok(Self { numbers, dimensions })
    }

    /// Numbers of a row with what it is padded with.
    pub fn width(&self) -> usize {
        self.dimensions.next_multiple_of(WIDEST)
    }

    #[inline(always)]
    pub fn row(&self, row: u32) -> &[AtomicU32] {
        let width = self.width();
        &self.numbers[row as usize * width..][..width]
    }

    /// All values, row after row.
    pub fn into_values(self) -> Result<Vec<f32>> {
        let mut values = reserved(self.numbers.len() / self.width() * self.dimensions)?;
        for row in self.numbers.chunks_exact(self.width()) {
            values.extend(row[..self.dimensions].iter().map(|number| f32::from_bits(number.load(Ordering::Relaxed))));
        }
        Ok(values)
    }
}

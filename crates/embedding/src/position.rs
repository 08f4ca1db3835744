//! What a table knows about positions.

use crate::Result;
use crate::memory;

/// How the position of a token enters its embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// A trained row per position is added (GPT-2).
    Learned,
    /// A fixed row of sines and cosines per position is added, see [`sinusoidal`].
    Sinusoidal,
    /// Nothing is added; the model sees order elsewhere, e.g. by rotations in its attention.
    None,
}

impl Position {
    /// The name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Learned => "learned",
            Self::Sinusoidal => "sinusoidal",
            Self::None => "none",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Learned, Self::Sinusoidal, Self::None].into_iter().find(|position| position.name() == name)
    }
}

/// The sinusoidal encoding of Vaswani et al., "Attention Is All You Need" (2017), section 3.5, row after row:
///
/// ```text
/// row[p][2i] = sin(p / 10000^(2i / dimensions))    row[p][2i + 1] = cos(p / 10000^(2i / dimensions))
/// ```
///
/// Computed in `f64` by `libm`, so that it is the same everywhere; an odd `dimensions` ends with a sine.
///
/// # Errors
/// [`crate::Error::TooLarge`] and [`crate::Error::OutOfMemory`].
pub fn sinusoidal(rows: usize, dimensions: usize) -> Result<Vec<f32>> {
    let mut values = memory::zeros(memory::checked_len(rows, dimensions)?)?;
    let mut divisors = memory::reserved(dimensions.div_ceil(2))?;
    divisors.extend((0..dimensions).step_by(2).map(|even| libm::pow(10_000.0, even as f64 / dimensions as f64)));
    for (row, out) in values.chunks_exact_mut(dimensions.max(1)).enumerate() {
        for (pair, divisor) in out.chunks_mut(2).zip(&divisors) {
            let (sin, cos) = libm::sincos(row as f64 / divisor);
            pair[0] = sin as f32;
            if let Some(second) = pair.get_mut(1) {
                *second = cos as f32;
            }
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula, read off the paper, by the standard library's functions.
    fn naive(position: usize, index: usize, dimensions: usize) -> f64 {
        let angle = position as f64 / 10_000f64.powf((index / 2 * 2) as f64 / dimensions as f64);
        if index.is_multiple_of(2) { angle.sin() } else { angle.cos() }
    }

    #[test]
    fn values_follow_the_formula() {
        for dimensions in [1, 2, 5, 64] {
            let table = sinusoidal(300, dimensions).unwrap();
            for position in 0..300 {
                for index in 0..dimensions {
                    let (value, expected) = (table[position * dimensions + index], naive(position, index, dimensions));
                    assert!((f64::from(value) - expected).abs() < 1e-7, "[{position}][{index}] of {dimensions}");
                }
            }
        }
    }

    #[test]
    fn names_go_both_ways() {
        for position in [Position::Learned, Position::Sinusoidal, Position::None] {
            assert_eq!(Position::from_name(position.name()), Some(position));
        }
        assert_eq!(Position::from_name("Learned"), None);
    }
}

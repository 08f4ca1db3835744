//! Tables for rotary positions: what attention turns queries and keys by (Su et al., "`RoFormer`", 2021, section 3.2.2).

use std::f64::consts::TAU;

use rayon::prelude::*;

use crate::{Error, Result, memory};

/// What a [`RopeTable`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RopeConfig {
    /// Rows: positions.
    pub context_length: usize,
    /// The dimensions of a head that are turned, two at a time; even.
    pub head_dimensions: usize,
    /// Pair `i` turns by `base^(-2i / head_dimensions)` for each position. 10,000 in the paper.
    pub base: f64,
    /// The position of the first row.
    pub position_offset: usize,
    /// How a model that was trained with fewer positions is stretched over more.
    pub scaling: RopeScaling,
}

/// How the frequencies of a model are changed, so that it reads more positions than it was first trained with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// They are not.
    None,
    /// All of them are divided (Chen et al., "Extending context window … via positional interpolation", 2023).
    Linear {
        /// By what.
        factor: f64,
    },
    /// Only slow ones are divided, as in Llama 3.1: those that turn less than `low_frequency` times in the original context, and
    /// in part those that turn less than `high_frequency` times.
    Llama3 {
        /// By what.
        factor: f64,
        /// Pairs that turn less often are divided by all of `factor`.
        low_frequency: f64,
        /// Pairs that turn more often are left alone.
        high_frequency: f64,
        /// Positions that the model was first trained with.
        original_context_length: usize,
    },
    /// As Peng et al., "`YaRN`", 2023, and with its factor on all values, by which attention becomes sharper.
    Yarn {
        /// By what.
        factor: f64,
        /// Pairs that turn more often in the original context are left alone.
        beta_fast: f64,
        /// Pairs that turn less often are divided by all of `factor`.
        beta_slow: f64,
        /// Positions that the model was first trained with.
        original_context_length: usize,
        /// Whether the first and the last pair that is divided in part are whole ones, as in the code of the paper; not so in gpt-oss.
        truncate: bool,
        /// What all values are multiplied by; `0.1 ln(factor) + 1` in the paper.
        attention_factor: Option<f64>,
    },
}

/// `cos` and `sin` of position times frequency, `[context_length, head_dimensions / 2]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct RopeTable {
    /// Cosines, row after row.
    pub cos: Vec<f32>,
    /// Sines, row after row.
    pub sin: Vec<f32>,
}

/// The table of `config`, computed in `f64` by `libm`, so that it is the same everywhere.
///
/// # Errors
/// [`Error::Number`] names what cannot be; [`Error::TooLarge`] and [`Error::OutOfMemory`].
pub fn rope_table(config: &RopeConfig) -> Result<RopeTable> {
    let len = memory::checked_len(config.context_length, config.head_dimensions / 2)?;
    let (mut cos, mut sin) = (memory::zeros(len)?, memory::zeros(len)?);
    fill_rope_table(config, &mut cos, &mut sin)?;
    Ok(RopeTable { cos, sin })
}

/// [`rope_table`] into memory of the caller, which is exactly as large.
///
/// # Errors
/// Those of [`rope_table`], and [`Error::LengthMismatch`]; nothing is written then.
pub fn fill_rope_table(config: &RopeConfig, cos: &mut [f32], sin: &mut [f32]) -> Result<()> {
    let frequencies = frequencies(config)?;
    let RopeConfig { context_length, position_offset, scaling, .. } = *config;
    if context_length == 0 {
        return Err(Error::Zero { what: "context length" });
    }
    let scale = scaling.attention_factor();
    let expected = memory::checked_len(context_length, frequencies.len())?;
    if let Some(actual) = [cos.len(), sin.len()].into_iter().find(|&len| len != expected) {
        return Err(Error::LengthMismatch { expected, actual });
    }
    let rows = cos.par_chunks_mut(frequencies.len()).zip(sin.par_chunks_mut(frequencies.len())).enumerate();
    rows.for_each(|(row, (cos, sin))| {
        let position = (position_offset + row) as f64;
        for ((cos, sin), frequency) in cos.iter_mut().zip(sin).zip(&frequencies) {
            let (sine, cosine) = libm::sincos(position * frequency);
            (*cos, *sin) = ((scale * cosine) as f32, (scale * sine) as f32);
        }
    });
    Ok(())
}

/// What each pair of dimensions turns by from one position to the next, in radians.
fn frequencies(config: &RopeConfig) -> Result<Vec<f64>> {
    let RopeConfig { head_dimensions, base, scaling, .. } = *config;
    if head_dimensions == 0 || !head_dimensions.is_multiple_of(2) {
        return Err(Error::Number {
            what: "the number of dimensions of a head",
            value: head_dimensions as f64,
            expected: "even and more than 0",
        });
    }
    if !(base.is_finite() && base > 1.0) {
        return Err(Error::Number { what: "the base", value: base, expected: "finite and more than 1" });
    }
    scaling.check()?;
    let mut frequencies = memory::reserved(head_dimensions / 2)?;
    let exponents = (0..head_dimensions).step_by(2).map(|even| even as f64 / head_dimensions as f64);
    frequencies.extend(exponents.map(|exponent| 1.0 / libm::pow(base, exponent)));
    for (pair, frequency) in frequencies.iter_mut().enumerate() {
        *frequency = scaling.scaled(*frequency, pair, config);
    }
    Ok(frequencies)
}

impl RopeScaling {
    fn check(&self) -> Result<()> {
        let number = |what, value: f64, holds: bool, expected| {
            if value.is_finite() && holds { Ok(()) } else { Err(Error::Number { what, value, expected }) }
        };
        let factor_of = |factor| number("the factor", factor, factor >= 1.0, "finite and at least 1");
        let in_order = |[low, high]: [(&'static str, f64); 2], original: usize| {
            number(low.0, low.1, low.1 > 0.0, "finite and more than 0")?;
            number(high.0, high.1, high.1 > low.1, "finite and more than the other")?;
            if original == 0 { Err(Error::Zero { what: "original context length" }) } else { Ok(()) }
        };
        match *self {
            Self::None => Ok(()),
            Self::Linear { factor } => factor_of(factor),
            Self::Llama3 { factor, low_frequency, high_frequency, original_context_length } => {
                factor_of(factor)?;
                let both = [("the low frequency", low_frequency), ("the high frequency", high_frequency)];
                in_order(both, original_context_length)
            }
            Self::Yarn { factor, beta_fast, beta_slow, original_context_length, attention_factor, .. } => {
                factor_of(factor)?;
                in_order([("the slow beta", beta_slow), ("the fast beta", beta_fast)], original_context_length)?;
                let attention = attention_factor.unwrap_or(1.0);
                number("the attention factor", attention, attention > 0.0, "finite and more than 0")
            }
        }
    }

    fn attention_factor(&self) -> f64 {
        match *self {
            Self::Yarn { factor, attention_factor, .. } => {
                attention_factor.unwrap_or_else(|| 0.1 * libm::log(factor) + 1.0)
            }
            _ => 1.0,
        }
    }

    /// The frequency of `pair`, which is `frequency` without scaling.
    fn scaled(&self, frequency: f64, pair: usize, config: &RopeConfig) -> f64 {
        // `kept` is the share of the frequency that is not divided.
        let mixed = |factor: f64, kept: f64| frequency / factor * (1.0 - kept) + frequency * kept;
        match *self {
            Self::None => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 { factor, low_frequency, high_frequency, original_context_length } => {
                let turns = original_context_length as f64 * frequency / TAU;
                mixed(factor, ((turns - low_frequency) / (high_frequency - low_frequency)).clamp(0.0, 1.0))
            }
            Self::Yarn { factor, beta_fast, beta_slow, original_context_length, truncate, .. } => {
                let dimensions = config.head_dimensions as f64;
                // The pair that turns so often in the original context, as a number between pairs.
                let pair_of = |turns: f64| {
                    let length = original_context_length as f64 / (turns * TAU);
                    dimensions * libm::log(length) / (2.0 * libm::log(config.base))
                };
                let (first, last) = (pair_of(beta_fast), pair_of(beta_slow));
                let (first, last) = if truncate { (libm::floor(first), libm::ceil(last)) } else { (first, last) };
                let (low, high) = (first.max(0.0), last.min(dimensions - 1.0));
                // Where they are one pair, faster ones are kept and slower ones divided.
                let width = if high - low == 0.0 { 0.001 } else { high - low };
                mixed(factor, 1.0 - ((pair as f64 - low) / width).clamp(0.0, 1.0))
            }
        }
    }
}

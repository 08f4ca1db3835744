//! Slopes for attention with linear biases (Press et al., "Train short, test long", 2022, section 3).

use crate::{Error, Result, memory};

/// What the scores of each head fall by for every position between query and key.
///
/// For a power of two they are `2^(-8/heads)` and its powers; for another number, those of the power of two below and then every
/// second one of the power of two above, as in the code of the paper.
///
/// # Errors
/// [`Error::Zero`] and [`Error::OutOfMemory`].
pub fn alibi_slopes(heads: usize) -> Result<Vec<f32>> {
    if heads == 0 {
        return Err(Error::Zero { what: "heads" });
    }
    let below = 1 << heads.ilog2();
    let slope = |number: usize, of: usize| libm::exp2(-8.0 * number as f64 / of as f64) as f32;
    let mut slopes = memory::reserved(heads)?;
    slopes.extend((1..=below).map(|number| slope(number, below)));
    slopes.extend((0..heads - below).map(|number| slope(2 * number + 1, 2 * below)));
    Ok(slopes)
}

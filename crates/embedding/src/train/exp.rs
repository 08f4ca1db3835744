//! The exponential function, many at a time and the same on every machine.

/// `e^x` for `x <= 0` (NaN for NaN), to within 2 units in the last place; 0 below `e^-60`, so that products with it are no subnormal numbers, which take
/// processors a hundred times as long.
///
/// Plain arithmetic without a branch or a table, so that the compiler makes vectors of it: a softmax over a vocabulary spends more time in
/// the C library's function than in its matrix products. `x = n ln 2 + r`, and `e^r` is a polynomial.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LEAST: f32 = -60.0;
    /// Adding it rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, of which the first has so few bits that its products with n are exact.
    const HIGH: f32 = 355.0 / 512.0;
    const LOW: f32 = -2.121_944_4e-4;
    let is_nothing = x < LEAST;
    // Not `max`, which makes a number of NaN.
    let x = if is_nothing { LEAST } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * HIGH - n * LOW;
    let tail = 1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r / 5040.0)));
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    let value = (1.0 + r + r * r * (0.5 + r * tail)) * f32::from_bits(power);
    if is_nothing { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exponential_function() {
        assert_eq!(exp(0.0).to_bits(), 1.0f32.to_bits());
        for step in 0..600_000 {
            let x = step as f32 * -1e-4;
            let (value, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((value / expected - 1.0).abs() < 2.5e-7, "{x}: {value} is not {expected}");
        }
        for x in [-60.1, -88.0, -1e9, f32::NEG_INFINITY] {
            assert_eq!(exp(x).to_bits(), 0, "{x}");
        }
        assert!(exp(f32::NAN).is_nan() && exp(-f32::NAN).is_nan());
    }
}

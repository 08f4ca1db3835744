//! Normal numbers out of random words, many at a time.
//!
//! What `libm` makes of each, to the last bit: the operations of its `log` and `sincos`, which are FreeBSD's, in the same order, but without a
//! branch, so that a compiler makes one instruction of several numbers. What they look at besides cannot come here: a logarithm is of a number
//! above 0 and at most 1, an angle at least 0 and less than a turn.

use super::wide::wide;
use crate::element::Element;

/// Pairs that are made at a time.
pub(crate) const PAIRS: usize = 64;

wide! {
    /// The Box–Muller transform of the words `2k` and `2k + 1`, for each `k`: radii times cosines, and times sines.
    pub(crate) fn normal_pairs(words: &[u32; 2 * PAIRS], cosines: &mut [f64; PAIRS], sines: &mut [f64; PAIRS]) {
        let mut near = 0;
        for k in 0..PAIRS {
            let radius = radius_of(words[2 * k]);
            let (sin, cos, is_near) = sin_cos(angle_of(words[2 * k + 1]));
            (cosines[k], sines[k]) = (radius * cos, radius * sin);
            near |= u32::from(is_near);
        }
        if near != 0 {
            for k in 0..PAIRS {
                let radius = radius_of(words[2 * k]);
                let (sin, cos) = libm::sincos(angle_of(words[2 * k + 1]));
                (cosines[k], sines[k]) = (radius * cos, radius * sin);
            }
        }
    }
}

wide! {
    /// The numbers of the pairs times `factor`, cosines and sines in turn, each rounded to its type.
    pub(crate) fn rounded_pairs<T: Element>[halves: H](
        cosines: &[f64; PAIRS],
        sines: &[f64; PAIRS],
        factor: f64,
        values: &mut [T; 2 * PAIRS],
    ) {
        let mut rounded = [0.0; 2 * PAIRS];
        for k in 0..PAIRS {
            rounded[2 * k] = (factor * cosines[k]) as f32;
            rounded[2 * k + 1] = (factor * sines[k]) as f32;
        }
        *values = T::narrow_all(&rounded, halves);
    }
}

const TWO_POW_32: f64 = 4_294_967_296.0;

#[inline(always)]
fn radius_of(word: u32) -> f64 {
    (-2.0 * ln((f64::from(word) + 1.0) / TWO_POW_32)).sqrt()
}

#[inline(always)]
fn angle_of(word: u32) -> f64 {
    std::f64::consts::TAU * (f64::from(word) / TWO_POW_32)
}

/// The number whose upper half has these bits.
const fn upper(bits: u64) -> f64 {
    f64::from_bits(bits << 32)
}

/// `libm::log` of a normal number that is at most 1.
///
/// `x = 2^k (1 + f)` with `1 + f` from half the root of 2 to the root of 2. With `s = f / (2 + f)` and `R` a polynomial in `s`,
/// `ln(1 + f) = f - (f^2 / 2 - s (f^2 / 2 + R))`.
#[inline(always)]
fn ln(x: f64) -> f64 {
    const LN2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    const R: [f64; 7] = [
        0.666_666_666_666_673_5,
        0.399_999_999_994_094_2,
        0.285_714_287_436_623_9,
        0.222_221_984_321_497_84,
        0.181_835_721_616_180_5,
        0.153_138_376_992_093_73,
        0.147_981_986_051_165_86,
    ];
    const HALF_ROOT: u64 = upper(0x3FE6_A09E).to_bits();
    /// 2^52: the last bit of it counts ones.
    const ONES: f64 = 4_503_599_627_370_496.0;
    let bits = x.to_bits() + (1f64.to_bits() - HALF_ROOT);
    let k = f64::from_bits(bits >> 52 | ONES.to_bits()) - (ONES + 1023.0);
    let f = f64::from_bits((bits & ((1 << 52) - 1)) + HALF_ROOT) - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let (z, w) = (s * s, s * s * (s * s));
    let even = w * (R[1] + w * (R[3] + w * R[5]));
    let odd = z * (R[0] + w * (R[2] + w * (R[4] + w * R[6])));
    s * (half_square + (odd + even)) + k * LN2[1] - half_square + f + k * LN2[0]
}

/// `libm::sincos` of an angle from 0 to a turn; the last is whether it is so near to one, two, three or four quarters of a turn that more digits
/// of π may be needed: then the others are not to be used.
#[inline(always)]
#[expect(clippy::needless_bitwise_bool, reason = "what is not looked at in turn needs no branch")]
fn sin_cos(x: f64) -> (f64, f64, bool) {
    /// From these on, the nearest quarter is the first, the second, the third, the fourth.
    const FROM: [f64; 4] = [upper(0x3FE9_21FC), upper(0x4002_D97D), upper(0x400F_6A7B), upper(0x4015_FDBD)];
    /// A quarter of a turn, in 33 bits and the next 53.
    const QUARTER: [f64; 2] = [1.570_796_326_734_125_6, 6.077_100_506_506_192e-11];
    const NEAR: f64 = 1.0 / 16_384.0;
    let is_from = [x >= FROM[0], x >= FROM[1], x >= FROM[2], x >= FROM[3]];
    let one = |is_from| if is_from { 1.0 } else { 0.0 };
    let quarters = one(is_from[0]) + one(is_from[1]) + one(is_from[2]) + one(is_from[3]);
    let (first, second) = (x - quarters * QUARTER[0], quarters * QUARTER[1]);
    let y = first - second;
    let rest = first - y - second;
    let (sin, cos) = (if is_from[0] { sin_of(y, rest) } else { sin_of_all(y) }, cos_of(y, rest));
    let is_odd = is_from[0] & !is_from[1] | is_from[2] & !is_from[3];
    let (along, across) = if is_odd { (cos, sin) } else { (sin, cos) };
    (
        if is_from[1] & !is_from[3] { -along } else { along },
        if is_from[0] & !is_from[2] { -across } else { across },
        is_from[0] & (y.abs() < NEAR),
    )
}

const SIN: [f64; 6] = [
    -0.166_666_666_666_666_32,
    0.008_333_333_333_322_49,
    -0.000_198_412_698_298_579_5,
    2.755_731_370_707_006_8e-6,
    -2.505_076_025_340_686_3e-8,
    1.589_690_995_211_55e-10,
];
const COS: [f64; 6] = [
    0.041_666_666_666_666_6,
    -0.001_388_888_888_887_411,
    2.480_158_728_947_673e-5,
    -2.755_731_435_139_066_3e-7,
    2.087_572_321_298_175e-9,
    -1.135_964_755_778_819_5e-11,
];

/// All but the first two terms of the sine of `y`, over its cube.
#[inline(always)]
fn sin_series(y: f64) -> f64 {
    let (z, w) = (y * y, y * y * (y * y));
    SIN[1] + z * (SIN[2] + z * SIN[3]) + z * w * (SIN[4] + z * SIN[5])
}

/// The sine of `y`, between an eighth of a turn and minus that.
#[inline(always)]
fn sin_of_all(y: f64) -> f64 {
    let z = y * y;
    y + z * y * (SIN[0] + z * sin_series(y))
}

/// The sine of `y + rest`.
#[inline(always)]
fn sin_of(y: f64, rest: f64) -> f64 {
    let (z, cube) = (y * y, y * y * y);
    y - ((z * (0.5 * rest - cube * sin_series(y)) - rest) - cube * SIN[0])
}

/// The cosine of `y + rest`.
#[inline(always)]
fn cos_of(y: f64, rest: f64) -> f64 {
    let (z, w) = (y * y, y * y * (y * y));
    let series = z * (COS[0] + z * (COS[1] + z * COS[2])) + w * w * (COS[3] + z * (COS[4] + z * COS[5]));
    let half = 0.5 * z;
    let most = 1.0 - half;
    most + (((1.0 - most) - half) + (z * series - y * rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(first: u32, second: u32) -> [f64; 2] {
        let radius = libm::sqrt(-2.0 * libm::log((f64::from(first) + 1.0) / TWO_POW_32));
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * (f64::from(second) / TWO_POW_32));
        [radius * cos, radius * sin]
    }

    /// Compares the pairs of all words that `word` gives for 0, 1, 2, …: each is the first of a pair, and each the second.
    fn check(count: u64, word: impl Fn(u64) -> u32) {
        let (mut cosines, mut sines) = ([0.0; PAIRS], [0.0; PAIRS]);
        for start in (0..count).step_by(PAIRS) {
            let at = |index: usize| word(start + (index / 2) as u64);
            let words = std::array::from_fn(at);
            normal_pairs(&words, &mut cosines, &mut sines);
            for k in 0..PAIRS {
                let expected = naive(words[2 * k], words[2 * k + 1]).map(f64::to_bits);
                assert_eq!([cosines[k], sines[k]].map(f64::to_bits), expected, "{}", words[2 * k]);
            }
        }
    }

    #[test]
    fn pairs_are_those_of_libm() {
        check(1 << 16, |index| (index as u32).wrapping_mul(2_654_435_761));
        // Around every eighth of a turn, and 0.
        for eighth in 0..8u32 {
            check(1 << 15, |index| (eighth << 29).wrapping_add(index as u32).wrapping_sub(1 << 14));
        }
        // Where more digits of π begin to be needed.
        for quarter in 1..=4u32 {
            for places in 14..=22 {
                let away = (f64::from(1u32 << (32 - places)) / std::f64::consts::TAU) as u32;
                for side in [away, away.wrapping_neg(), 2 * away, (2 * away).wrapping_neg()] {
                    check(256, |index| (quarter << 30).wrapping_add(side).wrapping_add(index as u32).wrapping_sub(128));
                }
            }
        }
    }

    #[test]
    #[ignore = "all words: some minutes"]
    fn all_pairs_are_those_of_libm() {
        check(1 << 32, |index| index as u32);
    }
}

//! Sums of products, by the widest instructions of the processor.
//!
//! Written once for arrays of 16 numbers, which the compiler turns into the instructions of each level. Where a product and a sum are one
//! instruction, the result differs from the portable one in the last bits.

use std::sync::LazyLock;

/// Rows of the buffers of training are padded to a multiple of this.
pub(crate) const LANES: usize = 16;

/// The instructions that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The widest that this processor has.
    pub fn best() -> Self {
        static BEST: LazyLock<Level> = LazyLock::new(|| {
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx512f") {
                    return Level::Avx512;
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    return Level::Avx2;
                }
            }
            Level::Portable
        });
        *BEST
    }

    /// All that this processor has.
    #[cfg(test)]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        match Self::best() {
            Self::Portable => {}
            Self::Avx2 => all.push(Self::Avx2),
            Self::Avx512 => all.extend([Self::Avx2, Self::Avx512]),
        }
        all
    }
}

/// A function for each level, of the same body.
macro_rules! by_level {
    ($(#[$meta:meta])* $name:ident, $body:ident, ($($arg:ident: $type:ty),*) $(-> $out:ty)?) => {
        $(#[$meta])*
        #[inline]
        pub(crate) fn $name(level: Level, $($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx2,fma")]
                fn avx512($($arg: $type),*) $(-> $out)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) $(-> $out)? {
                    $body::<true>($($arg),*)
                }
                match level {
                    // SAFETY: there is such a level only on processors that have these instructions.
                    Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    Level::Avx2 => return unsafe { avx2($($arg),*) },
                    Level::Portable => {}
                }
            }
            let _ = level;
            $body::<false>($($arg),*)
        }
    };
}

by_level! {
    /// The sum of the products of `a` and `b`, which are equally long.
    dot, dot_body, (a: &[f32], b: &[f32]) -> f32
}

by_level! {
    /// The sums of products of each row of `a` with each row of `b`: `out[row * rows of b + other]`. Rows have `width` numbers, a multiple of
    /// [`LANES`].
    products, products_body, (a: &[f32], b: &[f32], width: usize, out: &mut [f32])
}

by_level! {
    /// Writes to `into` the rows of `base`, to each of which each row of `other` was added, as often as `factors` say:
    /// `into[row] = base[row] + sum of factors[row * rows of other + o] * other[o]`.
    combine, combine_body, (factors: &[f32], other: &[f32], width: usize, base: &[f32], into: &mut [f32])
}

by_level! {
    /// Adds to each row of `into` each row of `other`, as often as `factors` say, which are laid out the other way round: row `o` of `other`
    /// is added to row `r` of `into` `factors[o * rows of into + r]` times.
    combine_turned, combine_turned_body, (factors: &[f32], other: &[f32], width: usize, into: &mut [f32])
}

by_level! {
    /// Writes to `mean` the mean of the rows of `rows`, which are as long.
    mean_of, mean_of_body, (rows: &[f32], mean: &mut [f32])
}

by_level! {
    /// Adds `change` to each of `rows`, which are as long.
    add_to_each, add_to_each_body, (change: &[f32], rows: &mut [f32])
}

#[inline(always)]
fn multiply_add<const FUSED: bool>(a: f32, b: f32, sum: f32) -> f32 {
    if FUSED { a.mul_add(b, sum) } else { a * b + sum }
}

#[inline(always)]
fn dot_body<const FUSED: bool>(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    // Two sums at a time, so that one does not wait for the other.
    let mut sums = [[0.0f32; LANES]; 2];
    let (wide_a, rest_a) = a.as_chunks::<LANES>();
    let (wide_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in wide_a.chunks(2).zip(wide_b.chunks(2)) {
        for (sums, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            for lane in 0..LANES {
                sums[lane] = multiply_add::<FUSED>(a[lane], b[lane], sums[lane]);
            }
        }
    }
    let mut lanes = [0.0f32; LANES];
    for lane in 0..LANES {
        lanes[lane] = sums[0][lane] + sums[1][lane];
    }
    rest_a.iter().zip(rest_b).fold(sum_of(&mut lanes), |sum, (&a, &b)| multiply_add::<FUSED>(a, b, sum))
}

/// Rows of `width` numbers as blocks of [`LANES`].
#[inline(always)]
fn blocks(row: &[f32]) -> &[[f32; LANES]] {
    row.as_chunks::<LANES>().0
}

#[inline(always)]
fn add_product<const FUSED: bool>(factor: f32, x: &[f32; LANES], sum: &mut [f32; LANES]) {
    for lane in 0..LANES {
        sum[lane] = multiply_add::<FUSED>(factor, x[lane], sum[lane]);
    }
}

#[inline(always)]
fn products_body<const FUSED: bool>(a: &[f32], b: &[f32], width: usize, out: &mut [f32]) {
    let mut out = out.iter_mut();
    for row in a.chunks_exact(width) {
        for (other, out) in b.chunks_exact(width).zip(&mut out) {
            let mut sums = [0.0f32; LANES];
            for (a, b) in blocks(row).iter().zip(blocks(other)) {
                for lane in 0..LANES {
                    sums[lane] = multiply_add::<FUSED>(a[lane], b[lane], sums[lane]);
                }
            }
            *out = sum_of(&mut sums);
        }
    }
}

#[inline(always)]
fn sum_of(lanes: &mut [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn combine_body<const FUSED: bool>(factors: &[f32], other: &[f32], width: usize, base: &[f32], into: &mut [f32]) {
    let others = other.len() / width;
    let rows = base.chunks_exact(width).zip(into.chunks_exact_mut(width)).zip(factors.chunks_exact(others));
    for ((base, into), factors) in rows {
        let into = into.as_chunks_mut::<LANES>().0;
        for (block, (base, into)) in blocks(base).iter().zip(into).enumerate() {
            let mut sum = *base;
            for (o, &factor) in factors.iter().enumerate() {
                add_product::<FUSED>(factor, &blocks(&other[o * width..][..width])[block], &mut sum);
            }
            *into = sum;
        }
    }
}

#[inline(always)]
fn combine_turned_body<const FUSED: bool>(factors: &[f32], other: &[f32], width: usize, into: &mut [f32]) {
    let rows = into.len() / width;
    for (row, into) in into.chunks_exact_mut(width).enumerate() {
        for (block, into) in into.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut sum = *into;
            for (o, other) in other.chunks_exact(width).enumerate() {
                add_product::<FUSED>(factors[o * rows + row], &blocks(other)[block], &mut sum);
            }
            *into = sum;
        }
    }
}

#[inline(always)]
fn mean_of_body<const FUSED: bool>(rows: &[f32], mean: &mut [f32]) {
    let width = mean.len();
    let factor = width as f32 / rows.len() as f32;
    for (block, mean) in mean.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let mut sum = [0.0; LANES];
        for row in rows.chunks_exact(width) {
            add_product::<FUSED>(factor, &blocks(row)[block], &mut sum);
        }
        *mean = sum;
    }
}

#[inline(always)]
fn add_to_each_body<const FUSED: bool>(change: &[f32], rows: &mut [f32]) {
    for row in rows.chunks_exact_mut(change.len()) {
        for (change, row) in blocks(change).iter().zip(row.as_chunks_mut::<LANES>().0) {
            add_product::<FUSED>(1.0, change, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(length: usize, step: f32) -> Vec<f32> {
        (0..length).map(|index| ((index as f32 * step) % 7.0) - 3.0).collect()
    }

    fn product(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    #[track_caller]
    fn near(values: &[f32], expected: impl Iterator<Item = f64>) {
        for (index, (&value, expected)) in values.iter().zip(expected).enumerate() {
            assert!((f64::from(value) - expected).abs() < 1e-3, "[{index}] {value} {expected}");
        }
    }

    #[test]
    fn every_level_gives_the_sum_of_the_products() {
        for length in (0..70).chain([100, 300, 1000]) {
            let (a, b) = (numbers(length, 1.7), numbers(length, 2.3));
            for level in Level::all() {
                near(&[dot(level, &a, &b)], std::iter::once(product(&a, &b)));
            }
        }
    }

    #[test]
    fn every_level_gives_what_the_formulas_say() {
        for (rows, others, width) in [(1, 1, 16), (3, 6, 112), (10, 6, 16), (4, 1, 304)] {
            let (a, b) = (numbers(rows * width, 1.7), numbers(others * width, 2.3));
            let factors = numbers(rows * others, 0.7);
            let row = |values: &[f32], row: usize| values[row * width..][..width].to_vec();
            for level in Level::all() {
                let mut out = vec![0.0; rows * others];
                products(level, &a, &b, width, &mut out);
                near(&out, (0..rows * others).map(|at| product(&row(&a, at / others), &row(&b, at % others))));

                let combined = |r: usize, place: usize| -> f64 {
                    let sum = (0..others).map(|o| f64::from(factors[r * others + o]) * f64::from(b[o * width + place]));
                    f64::from(a[r * width + place]) + sum.sum::<f64>()
                };
                let mut into = vec![f32::NAN; rows * width];
                combine(level, &factors, &b, width, &a, &mut into);
                near(&into, (0..rows * width).map(|at| combined(at / width, at % width)));

                let turned = |o: usize, place: usize| -> f64 {
                    let sum = (0..rows).map(|r| f64::from(factors[r * others + o]) * f64::from(a[r * width + place]));
                    f64::from(b[o * width + place]) + sum.sum::<f64>()
                };
                let mut into = b.clone();
                combine_turned(level, &factors, &a, width, &mut into);
                near(&into, (0..others * width).map(|at| turned(at / width, at % width)));

                let mut mean = vec![f32::NAN; width];
                mean_of(level, &a, &mut mean);
                let sum = |place: usize| (0..rows).map(|r| f64::from(a[r * width + place])).sum::<f64>();
                near(&mean, (0..width).map(|place| sum(place) / rows as f64));

                let mut each = a.clone();
                add_to_each(level, &mean, &mut each);
                near(&each, (0..rows * width).map(|at| f64::from(a[at]) + f64::from(mean[at % width])));
            }
        }
    }
}

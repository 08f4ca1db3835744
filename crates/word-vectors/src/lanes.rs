//! Numbers side by side in the widest registers of the processor.
//!
//! Where a product and a sum are one instruction, results differ from the portable ones in the last bits.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Rows of the tables of training are padded to a multiple of this, which is one of every [`Lanes::COUNT`].
pub(crate) const WIDEST: usize = 16;

/// The instructions that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Level {
    /// The widest that this processor has.
    pub fn best() -> Self {
        static BEST: LazyLock<Level> = LazyLock::new(|| Level::all().pop().unwrap_or(Level::Portable));
        *BEST
    }

    /// All that this processor has, the widest last.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            all.push(Self::Avx2);
            // The compiler takes F16C for granted beside AVX-512.
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("f16c") {
                all.push(Self::Avx512);
            }
        }
        #[cfg(target_arch = "aarch64")]
        all.push(Self::Neon);
        all
    }
}

/// A register of `f32`.
///
/// # Safety
/// Every function needs the instructions of its level. `at` of [`Lanes::load`] and [`Lanes::store`] points to [`Lanes::COUNT`] numbers that
/// nobody else writes; that of [`Lanes::read`] and [`Lanes::write`] to as many that other threads may read and write meanwhile, by these
/// functions: each number is then one or another that was written, as with relaxed atomic operations, which these are, several at a time.
pub(crate) trait Lanes {
    type Value: Copy;
    const COUNT: usize;

    unsafe fn all(value: f32) -> Self::Value;
    unsafe fn load(at: *const f32) -> Self::Value;
    unsafe fn store(at: *mut f32, value: Self::Value);
    unsafe fn read(at: *const AtomicU32) -> Self::Value;
    unsafe fn write(at: *const AtomicU32, value: Self::Value);
    /// `a * b + sum`.
    unsafe fn multiply_add(a: Self::Value, b: Self::Value, sum: Self::Value) -> Self::Value;
    unsafe fn add(a: Self::Value, b: Self::Value) -> Self::Value;
    unsafe fn sum(value: Self::Value) -> f32;
}

/// A function that runs `$body::<L>` with the lanes and the instructions of a level.
macro_rules! by_level {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)? = $body:ident) => {
        $(#[$meta])*
        $visibility fn $name(level: $crate::lanes::Level, $($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx2,fma")]
                fn avx512($($arg: $type),*) $(-> $out)? {
                    // SAFETY: this function is compiled for these instructions.
                    unsafe { $body::<$crate::lanes::Avx512>($($arg),*) }
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) $(-> $out)? {
                    // SAFETY: this function is compiled for these instructions.
                    unsafe { $body::<$crate::lanes::Avx2>($($arg),*) }
                }
                match level {
                    // SAFETY: there is such a level only on processors that have these instructions.
                    $crate::lanes::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::lanes::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::lanes::Level::Portable => {}
                }
            }
            #[cfg(target_arch = "aarch64")]
            if level == $crate::lanes::Level::Neon {
                // SAFETY: every processor of this kind has these instructions.
                return unsafe { $body::<$crate::lanes::Neon>($($arg),*) };
            }
            let _ = level;
            // SAFETY: it needs no instructions that not every processor has.
            unsafe { $body::<$crate::lanes::Portable>($($arg),*) }
        }
    };
}
pub(crate) use by_level;

by_level! {
    /// The sum of the products of `a` and `b`, which are equally long.
    pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 = dot_body
}

/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn dot_body<L: Lanes>(a: &[f32], b: &[f32]) -> f32 {
    // As many sums as keep one from waiting for the other.
    const SUMS: usize = 4;
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    // SAFETY: every place is followed by as many numbers as are read; the instructions are the caller's.
    unsafe {
        let mut sums = [L::all(0.0); SUMS];
        let mut at = 0;
        while at + L::COUNT <= length {
            let place = at / L::COUNT % SUMS;
            sums[place] = L::multiply_add(L::load(a[at..].as_ptr()), L::load(b[at..].as_ptr()), sums[place]);
            at += L::COUNT;
        }
        let sum = L::sum(L::add(L::add(sums[0], sums[1]), L::add(sums[2], sums[3])));
        a[at..].iter().zip(&b[at..]).fold(sum, |sum, (a, b)| a * b + sum)
    }
}

/// What every processor can.
pub(crate) struct Portable;

impl Lanes for Portable {
    type Value = [f32; 8];
    const COUNT: usize = 8;

    #[inline(always)]
    unsafe fn all(value: f32) -> Self::Value {
        [value; 8]
    }

    #[inline(always)]
    unsafe fn load(at: *const f32) -> Self::Value {
        // SAFETY: there are as many numbers.
        unsafe { at.cast::<Self::Value>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(at: *mut f32, value: Self::Value) {
        // SAFETY: there are as many numbers.
        unsafe { at.cast::<Self::Value>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn read(at: *const AtomicU32) -> Self::Value {
        // SAFETY: there are as many numbers.
        let numbers = unsafe { &*at.cast::<[AtomicU32; 8]>() };
        std::array::from_fn(|lane| f32::from_bits(numbers[lane].load(Ordering::Relaxed)))
    }

    #[inline(always)]
    unsafe fn write(at: *const AtomicU32, value: Self::Value) {
        // SAFETY: there are as many numbers.
        let numbers = unsafe { &*at.cast::<[AtomicU32; 8]>() };
        numbers.iter().zip(value).for_each(|(number, value)| number.store(value.to_bits(), Ordering::Relaxed));
    }

    #[inline(always)]
    unsafe fn multiply_add(a: Self::Value, b: Self::Value, sum: Self::Value) -> Self::Value {
        std::array::from_fn(|lane| a[lane] * b[lane] + sum[lane])
    }

    #[inline(always)]
    unsafe fn add(a: Self::Value, b: Self::Value) -> Self::Value {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    unsafe fn sum(value: Self::Value) -> f32 {
        let [a, b, c, d, e, f, g, h] = value;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }
}

/// The lanes of one width of registers. Numbers that are shared are moved by an instruction that is written out, which is to the compiler what as
/// many relaxed atomic moves are: it would make one instruction of each number out of those.
macro_rules! lanes {
    (
        $(#[$meta:meta])* $name:ident, $count:literal, $value:ty, $register:ident, $feature:literal,
        $read:literal, $write:literal,
        $all:ident, $load:ident, $store:ident, $multiply_add:ident, $add:ident, $sum:ident
    ) => {
        $(#[$meta])*
        pub(crate) struct $name;

        impl $name {
            #[inline]
            #[target_feature(enable = $feature)]
            unsafe fn read_shared(at: *const AtomicU32) -> $value {
                let value: $value;
                // SAFETY: there are as many numbers.
                unsafe {
                    asm!(
                        $read,
                        value = out($register) value,
                        at = in(reg) at,
                        options(readonly, nostack, preserves_flags)
                    );
                }
                value
            }

            #[inline]
            #[target_feature(enable = $feature)]
            unsafe fn write_shared(at: *const AtomicU32, value: $value) {
                // SAFETY: there are as many numbers.
                unsafe {
                    asm!(
                        $write,
                        value = in($register) value,
                        at = in(reg) at,
                        options(nostack, preserves_flags)
                    );
                }
            }
        }

        impl Lanes for $name {
            type Value = $value;
            const COUNT: usize = $count;

            #[inline(always)]
            unsafe fn all(value: f32) -> Self::Value {
                // SAFETY: as the caller says.
                unsafe { $all(value) }
            }

            #[inline(always)]
            unsafe fn load(at: *const f32) -> Self::Value {
                // SAFETY: as the caller says.
                unsafe { $load(at) }
            }

            #[inline(always)]
            unsafe fn store(at: *mut f32, value: Self::Value) {
                // SAFETY: as the caller says.
                unsafe { $store(at, value) }
            }

            #[inline(always)]
            unsafe fn read(at: *const AtomicU32) -> Self::Value {
                // SAFETY: as the caller says.
                unsafe { Self::read_shared(at) }
            }

            #[inline(always)]
            unsafe fn write(at: *const AtomicU32, value: Self::Value) {
                // SAFETY: as the caller says.
                unsafe { Self::write_shared(at, value) }
            }

            #[inline(always)]
            unsafe fn multiply_add(a: Self::Value, b: Self::Value, sum: Self::Value) -> Self::Value {
                // SAFETY: as the caller says.
                unsafe { $multiply_add(a, b, sum) }
            }

            #[inline(always)]
            unsafe fn add(a: Self::Value, b: Self::Value) -> Self::Value {
                // SAFETY: as the caller says.
                unsafe { $add(a, b) }
            }

            #[inline(always)]
            unsafe fn sum(value: Self::Value) -> f32 {
                // SAFETY: as the caller says.
                unsafe { $sum(value) }
            }
        }
    };
}

#[cfg(target_arch = "aarch64")]
pub(crate) use arm::Neon;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;
    use std::arch::x86_64::{
        __m256, __m512, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehdup_ps, _mm_movehl_ps, _mm256_add_ps,
        _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps,
        _mm256_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_reduce_add_ps, _mm512_set1_ps,
        _mm512_storeu_ps,
    };
    use std::sync::atomic::AtomicU32;

    use super::Lanes;

    lanes! {
        /// 16 numbers.
        Avx512, 16, __m512, zmm_reg, "avx512f,avx2,fma", "vmovups {value}, [{at}]", "vmovups [{at}], {value}",
        _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_add_ps, _mm512_reduce_add_ps
    }

    lanes! {
        /// 8 numbers.
        Avx2, 8, __m256, ymm_reg, "avx2,fma", "vmovups {value}, [{at}]", "vmovups [{at}], {value}",
        _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_add_ps, sum_of_8
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn sum_of_8(value: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps::<1>(value));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::{float32x4_t, vaddq_f32, vaddvq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vst1q_f32};
    use std::arch::asm;
    use std::sync::atomic::AtomicU32;

    use super::Lanes;

    lanes! {
        /// 4 numbers.
        Neon, 4, float32x4_t, vreg, "neon", "ldr {value:q}, [{at}]", "str {value:q}, [{at}]",
        vdupq_n_f32, vld1q_f32, vst1q_f32, multiply_add, vaddq_f32, vaddvq_f32
    }

    #[inline]
    #[target_feature(enable = "neon")]
    fn multiply_add(a: float32x4_t, b: float32x4_t, sum: float32x4_t) -> float32x4_t {
        vfmaq_f32(sum, a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_gives_the_sum_of_the_products() {
        let numbers =
            |length, step: f32| -> Vec<f32> { (0..length).map(|index| ((index as f32 * step) % 7.0) - 3.0).collect() };
        for length in (0..70).chain([100, 300, 1000]) {
            let (a, b) = (numbers(length, 1.7), numbers(length, 2.3));
            let expected: f64 = a.iter().zip(&b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            for level in Level::all() {
                let found = f64::from(dot(level, &a, &b));
                assert!((found - expected).abs() < 1e-3, "{length} {level:?}: {found} {expected}");
            }
        }
    }
}

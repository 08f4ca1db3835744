//! Which instructions of the processor are used.

use std::sync::LazyLock;

/// A level of instructions. There are values only of those that this processor has; all give the same results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Ordinary registers alone, which every processor has.
    Portable,
    /// The vectors of 64-bit Arm, NEON.
    #[cfg(target_arch = "aarch64")]
    #[non_exhaustive]
    Neon,
    /// AVX2, BMI and LZCNT.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx2,
    /// AVX-512 F, BW and VL as well, with FMA and F16C, which the compiler takes for granted beside them.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx512,
}

impl Level {
    /// The levels that this processor has, the best one last.
    pub fn available() -> Vec<Self> {
        let mut levels = vec![Self::Portable];
        #[cfg(target_arch = "aarch64")]
        levels.push(Self::Neon);
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            if avx2 {
                levels.push(Self::Avx2);
                let avx512 = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c");
                if avx512 {
                    levels.push(Self::Avx512);
                }
            }
        }
        levels
    }

    /// The best one.
    pub fn best() -> Self {
        static BEST: LazyLock<Level> = LazyLock::new(|| Level::available().pop().unwrap_or(Level::Portable));
        *BEST
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
    }
}

/// Says that the processor has AVX2, BMI, LZCNT and POPCNT: a value is made by code that is compiled for them, or by `unsafe` code that knows.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct HasAvx2(());

#[cfg(target_arch = "x86_64")]
impl HasAvx2 {
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub fn new() -> Self {
        Self(())
    }
}

/// Says that the processor has AVX-512 F and BW, in the same way.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct HasAvx512(());

#[cfg(target_arch = "x86_64")]
impl HasAvx512 {
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub fn new() -> Self {
        Self(())
    }
}

/// Where no processor of the target lacks it, [`Level::Neon`] need not be looked for.
#[cfg(target_arch = "aarch64")]
const _: () = assert!(cfg!(target_feature = "neon"), "64-bit Arm without NEON is not supported");

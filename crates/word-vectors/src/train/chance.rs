//! Random numbers: fast, and the same for the same seed.

/// xorshift64* (Vigna 2016). Good enough to choose words by, and a few cycles each.
pub(super) struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    #[inline(always)]
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 32 random bits.
    pub fn word(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }

    /// A number below `count`, which is not 0.
    #[inline(always)]
    pub fn below(&mut self, count: u32) -> u32 {
        self.below_and_word(count).0
    }

    /// A number below `count`, which is not 0, and 32 random bits.
    #[inline(always)]
    pub fn below_and_word(&mut self, count: u32) -> (u32, u32) {
        let bits = self.next();
        ((((bits >> 32) * u64::from(count)) >> 32) as u32, bits as u32)
    }
}

/// A seed that depends on all bits of both (the finaliser of `SplitMix64`, Steele et al. 2014).
pub(super) fn mixed(seed: u64, number: u64) -> u64 {
    let mut x = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

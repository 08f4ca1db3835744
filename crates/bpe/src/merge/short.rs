//! Merging up to 64 symbols.

use super::lanes::{Lanes, Portable};
use super::pairs::{NONE, Pairs};
use crate::Level;

/// The most symbols that are merged here: one bit of a word for each.
pub(crate) const MAX_SYMBOLS: usize = 64;

/// A place for the symbols of one piece.
pub(crate) struct Symbols {
    ids: [u32; MAX_SYMBOLS],
    keys: Keys,
    count: usize,
    level: Level,
}

/// For each symbol but the last what orders its merge with the next one; then [`NONE`] up to a multiple of sixteen.
type Keys = [u32; MAX_SYMBOLS];

const PLACE_BITS: u32 = 6;
const _: () = assert!(MAX_SYMBOLS == 1 << PLACE_BITS && crate::vocabulary::MAX_IDS < 1 << (32 - PLACE_BITS));

/// What orders possible merges: by result, and of several with the same result the leftmost.
#[inline(always)]
fn key(result: u32, place: usize) -> u32 {
    if result == NONE { NONE } else { result << PLACE_BITS | place as u32 }
}

impl Symbols {
    pub fn new(level: Level) -> Self {
        Self { ids: [0; MAX_SYMBOLS], keys: [NONE; MAX_SYMBOLS], count: 0, level }
    }

    /// Adds a symbol; there are fewer than [`MAX_SYMBOLS`].
    #[inline(always)]
    pub fn push(&mut self, id: u32) {
        self.ids[self.count] = id;
        self.count += 1;
    }

    #[inline(always)]
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Takes the bytes of `piece`, at most [`MAX_SYMBOLS`], as symbols.
    #[inline(always)]
    pub fn set_bytes(&mut self, piece: &[u8], byte: impl Fn(u8) -> u32) {
        self.count = piece.len();
        for (id, &one) in self.ids[..piece.len()].iter_mut().zip(piece) {
            *id = byte(one);
        }
    }

    /// Merges the symbols: always the pair with the smallest result, the leftmost of several. Calls `emit` for each token that is
    /// left, with the number of the symbol that it starts with.
    #[inline(always)]
    pub fn merge(&mut self, pairs: &Pairs, emit: impl FnMut(usize, u32)) {
        for place in 1..self.count {
            self.keys[place - 1] = key(pairs.get(self.ids[place - 1], self.ids[place]), place - 1);
        }
        self.merge_from_keys(pairs, emit);
    }

    /// [`Symbols::merge`] where the symbols are the bytes of `piece`.
    #[inline(always)]
    pub fn merge_bytes(&mut self, piece: &[u8], pairs: &Pairs, emit: impl FnMut(usize, u32)) {
        for (place, two) in piece.array_windows().enumerate() {
            let &[first, second] = two;
            self.keys[place] = key(pairs.of_bytes(first, second), place);
        }
        self.merge_from_keys(pairs, emit);
    }

    /// [`Symbols::merge`] where it is known what each symbol and the next merge into: the first of `results`.
    #[inline(always)]
    pub fn merge_known(&mut self, results: &[u32], pairs: &Pairs, emit: impl FnMut(usize, u32)) {
        for (place, &result) in results[..self.count.saturating_sub(1)].iter().enumerate() {
            self.keys[place] = key(result, place);
        }
        self.merge_from_keys(pairs, emit);
    }

    #[inline(always)]
    fn merge_from_keys(&mut self, pairs: &Pairs, mut emit: impl FnMut(usize, u32)) {
        let Some(last) = self.count.checked_sub(1) else { return };
        self.keys[last..=last | 31].fill(NONE);
        let (ids, keys) = (&mut self.ids[..self.count], &self.keys);
        let mut left = match self.level {
            // SAFETY: every processor has what it needs.
            Level::Portable => unsafe { merge::<Portable>(ids, keys, pairs) },
            // SAFETY: all that is compiled for 64-bit Arm may use NEON.
            #[cfg(target_arch = "aarch64")]
            Level::Neon => unsafe { merge::<super::lanes::arm::Neon>(ids, keys, pairs) },
            // SAFETY: there is such a level only on processors that have AVX2.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { merge_avx2(ids, keys, pairs) },
            // SAFETY: there is such a level only on processors that have AVX-512.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { merge_avx512(ids, keys, pairs) },
        };
        while left != 0 {
            let place = left.trailing_zeros() as usize;
            emit(place, self.ids[place]);
            left &= left - 1;
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn merge_avx2(ids: &mut [u32], keys: &Keys, pairs: &Pairs) -> u64 {
    // SAFETY: this function is compiled for AVX2.
    unsafe { merge::<super::lanes::x86::Avx2>(ids, keys, pairs) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn merge_avx512(ids: &mut [u32], keys: &Keys, pairs: &Pairs) -> u64 {
    // SAFETY: this function is compiled for AVX-512 F.
    unsafe { merge::<super::lanes::x86::Avx512>(ids, keys, pairs) }
}

/// Merges in place; bit `i` of the result says whether `ids[i]` is left. There is a symbol at least.
///
/// # Safety
/// As [`Lanes::none`].
#[inline(always)]
unsafe fn merge<L: Lanes>(ids: &mut [u32], keys: &Keys, pairs: &Pairs) -> u64 {
    // With one vector the keys stay in a register.
    // SAFETY: the caller's promise.
    unsafe {
        match ids.len().div_ceil(L::WIDTH) {
            0 | 1 => merge_in::<L, 1>(ids, keys, pairs),
            2 => merge_in::<L, 2>(ids, keys, pairs),
            3 | 4 => merge_in::<L, 4>(ids, keys, pairs),
            _ => merge_in::<L, 8>(ids, keys, pairs),
        }
    }
}

/// # Safety
/// As [`Lanes::none`].
#[inline(always)]
unsafe fn merge_in<L: Lanes, const VECTORS: usize>(ids: &mut [u32], keys: &Keys, pairs: &Pairs) -> u64 {
    let count = ids.len();
    let vectors = if VECTORS <= 4 { VECTORS } else { count.div_ceil(L::WIDTH) };
    // SAFETY: the caller's promise.
    let mut lanes = [unsafe { L::none() }; VECTORS];
    for (lanes, keys) in lanes.iter_mut().zip(keys.chunks_exact(L::WIDTH)).take(vectors) {
        // SAFETY: the caller's promise.
        *lanes = unsafe { L::load(keys) };
    }
    let set = |lanes: &mut [L; VECTORS], place: usize, key: u32| {
        let vector = if VECTORS == 1 { 0 } else { place / L::WIDTH };
        lanes[vector].set(place % L::WIDTH, key);
    };

    let mut alive = u64::MAX >> (MAX_SYMBOLS - count);
    loop {
        let least = lanes[1..vectors].iter().fold(lanes[0], |least, &lanes| least.min(lanes));
        let best = least.smallest();
        if best == NONE {
            return alive;
        }
        let place = (best & (MAX_SYMBOLS as u32 - 1)) as usize;
        let id = best >> PLACE_BITS;
        ids[place] = id;
        // The next symbol goes; it is there, since there was a merge.
        let after = alive & (u64::MAX << place << 1);
        let next = after.trailing_zeros() as usize;
        alive &= !(1 << next);
        set(&mut lanes, next, NONE);
        let after = after & after.wrapping_sub(1);
        let following = if after == 0 { NONE } else { key(pairs.get(id, ids[after.trailing_zeros() as usize]), place) };
        set(&mut lanes, place, following);
        let before = alive & ((1 << place) - 1);
        if before != 0 {
            let previous = before.ilog2() as usize;
            set(&mut lanes, previous, key(pairs.get(ids[previous], id), previous));
        }
    }
}

//! By vectors of AVX2.

use std::arch::x86_64::{
    __m256i, _mm_add_epi16, _mm_and_si128, _mm_cvtepu8_epi16, _mm_cvtsi32_si128, _mm_loadl_epi64, _mm_loadu_si128,
    _mm_or_si128, _mm_set1_epi16, _mm_storeu_si128, _mm256_add_epi32, _mm256_add_epi64, _mm256_and_si256,
    _mm256_castps_si256, _mm256_castsi128_si256, _mm256_castsi256_ps, _mm256_cmpeq_epi32, _mm256_cmpeq_epi64,
    _mm256_inserti128_si256, _mm256_loadu_si256, _mm256_movemask_ps, _mm256_mul_epu32, _mm256_mullo_epi32,
    _mm256_packs_epi16, _mm256_packs_epi32, _mm256_permutevar8x32_epi32, _mm256_set1_epi8, _mm256_set1_epi32,
    _mm256_setr_epi32, _mm256_setr_epi64x, _mm256_setzero_si256, _mm256_shuffle_ps, _mm256_srl_epi32,
    _mm256_srli_epi64, _mm256_storeu_si256, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::{BATCH, FirstLook, Looks, Short, Table};
use crate::level::HasAvx2;
use crate::packed::prefetch;

/// So many pieces are looked at together.
const STEP: usize = 8;
const _: () = assert!(BATCH.is_multiple_of(STEP));
/// So many pieces before a slot is looked at, it is asked for.
const AHEAD: usize = 64;

impl FirstLook for HasAvx2 {
    #[inline(always)]
    fn look(
        self,
        table: &Table<2>,
        text: &[u8],
        start: usize,
        ends: &[usize],
        looks: &mut Looks,
        ids: &mut [u32; BATCH],
    ) -> usize {
        let ends = &ends[..ends.len().min(BATCH)];
        // SAFETY: the processor has the instructions, as `self` says.
        unsafe {
            pack(text, start, ends, &mut looks.pieces);
            place(table, ends.len(), looks);
            compare(table, ends.len(), looks, ids)
        }
    }
}

/// What is kept of sixteen bytes of which so many are a piece, and what is added.
#[repr(C, align(32))]
struct Form {
    mask: [u8; 16],
    length: [u8; 16],
}

static FORMS: [Form; Short::MAX + 2] = {
    let mut forms = [const { Form { mask: [0; 16], length: [0; 16] } }; Short::MAX + 2];
    let mut length = 0;
    while length < forms.len() {
        let mut at = 0;
        while at < length && at < Short::MAX {
            forms[length].mask[at] = 0xff;
            at += 1;
        }
        forms[length].length = Short::bytes_of_length(length);
        length += 1;
    }
    forms
};

/// Packs the pieces.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline(never)]
fn pack(text: &[u8], start: usize, ends: &[usize], pieces: &mut [Short; BATCH]) {
    let (mut from, mut count) = (start, 0);
    // Sixteen bytes may be read from before there on.
    let inner = (text.len() + 1).saturating_sub(size_of::<Short>());
    for (piece, &end) in pieces.iter_mut().zip(ends) {
        if from >= inner {
            break;
        }
        let form = &FORMS[(end - from).min(Short::MAX + 1)];
        // SAFETY: sixteen bytes are read each time, and a piece is as many.
        unsafe {
            let load = |place: *const u8| _mm_loadu_si128(place.cast());
            let bytes = _mm_and_si128(load(text.as_ptr().add(from)), load(form.mask.as_ptr()));
            _mm_storeu_si128((&raw mut *piece).cast(), _mm_or_si128(bytes, load(form.length.as_ptr())));
        }
        (from, count) = (end, count + 1);
    }
    for (piece, &end) in pieces[count..].iter_mut().zip(&ends[count..]) {
        *piece = Short::of(text, from, end);
        from = end;
    }
}

/// In the order of a vector what two shuffles of pairs have made of it.
#[target_feature(enable = "avx2")]
#[inline]
fn in_order(scrambled: __m256i) -> __m256i {
    _mm256_permutevar8x32_epi32(scrambled, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7))
}

/// Tells the slots of the first `count` pieces, and of what is behind them up to a multiple of [`STEP`]: [`Table::home`].
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline(never)]
fn place(table: &Table<2>, count: usize, looks: &mut Looks) {
    let [a, b, c, d, ..] = Short::SALTS.map(u32::cast_signed);
    let salts = _mm256_setr_epi32(a, b, c, d, a, b, c, d);
    let shift = _mm_cvtsi32_si128(table.shift().cast_signed());
    for at in (0..count).step_by(STEP) {
        // SAFETY: eight pieces are read, and eight numbers written.
        unsafe {
            // Of two pieces the products of their words' halves.
            let products = |index| {
                let two = _mm256_loadu_si256(looks.pieces.as_ptr().add(at + index).cast());
                let salted = _mm256_add_epi32(two, salts);
                _mm256_mul_epu32(salted, _mm256_srli_epi64::<32>(salted))
            };
            let four = |one, other| {
                let sums = _mm256_add_epi64(_mm256_unpacklo_epi64(one, other), _mm256_unpackhi_epi64(one, other));
                _mm256_castsi256_ps(_mm256_xor_si256(sums, _mm256_srli_epi64::<32>(sums)))
            };
            let (one, other) = (four(products(0), products(2)), four(products(4), products(6)));
            let folded = in_order(_mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(one, other)));
            let hashes = _mm256_mullo_epi32(folded, _mm256_set1_epi32(Short::FACTOR.cast_signed()));
            _mm256_storeu_si256(looks.slots.as_mut_ptr().add(at).cast(), _mm256_srl_epi32(hashes, shift));
        }
    }
}

/// For each byte the places of its bits.
static PLACES: [[u8; STEP]; 256] = {
    let (mut all, mut byte) = ([[0; STEP]; 256], 0);
    while byte < all.len() {
        let (mut count, mut bit) = (0, 0);
        while bit < STEP {
            if byte >> bit & 1 == 1 {
                all[byte][count] = bit as u8;
                count += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    all
};

/// Compares the first `count` pieces with what is in their slots.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline(never)]
fn compare(table: &Table<2>, count: usize, looks: &mut Looks, ids: &mut [u32; BATCH]) -> usize {
    let Looks { pieces, slots, missed } = looks;
    let known = table.slots();
    let ask_for = |slots: &[u32]| slots.iter().for_each(|&slot| prefetch(known, slot as usize));
    ask_for(&slots[..count.min(AHEAD)]);
    let piece = (!Short::PAYLOAD).cast_signed();
    let piece = _mm256_setr_epi64x(-1, piece, -1, piece);
    let mut misses = 0;
    for at in (0..count).step_by(STEP) {
        if at + AHEAD < count {
            ask_for(&slots[at + AHEAD..][..STEP]);
        }
        // SAFETY: eight values are read from each array or written to it; places are of bits of eight, so there are no more misses than pieces. Slots up
        // to a multiple of eight are in the table.
        unsafe {
            let slot = |index| _mm_loadu_si128(known.as_ptr().add(slots[at + index] as usize).cast());
            let two = |index| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(slot(index)), slot(index + 1));
            let (a, b, c, d) = (two(0), two(2), two(4), two(6));
            let same = |known, index| {
                let pieces = _mm256_loadu_si256(pieces.as_ptr().add(at + index).cast());
                let difference = _mm256_and_si256(_mm256_xor_si256(known, pieces), piece);
                _mm256_cmpeq_epi64(difference, _mm256_setzero_si256())
            };
            let halves = (_mm256_packs_epi32(same(a, 0), same(b, 2)), _mm256_packs_epi32(same(c, 4), same(d, 6)));
            let same = _mm256_cmpeq_epi32(_mm256_packs_epi16(halves.0, halves.1), _mm256_set1_epi8(-1));
            let left = !_mm256_movemask_ps(_mm256_castsi256_ps(in_order(same))) as u8;
            let places = _mm_cvtepu8_epi16(_mm_loadl_epi64(PLACES[usize::from(left)].as_ptr().cast()));
            let numbers = _mm_add_epi16(places, _mm_set1_epi16((at as u16).cast_signed()));
            _mm_storeu_si128(missed.as_mut_ptr().add(misses).cast(), numbers);
            misses += left.count_ones() as usize;

            let last =
                |one, other| _mm256_shuffle_ps::<0b11_11_11_11>(_mm256_castsi256_ps(one), _mm256_castsi256_ps(other));
            let last = _mm256_shuffle_ps::<0b10_00_10_00>(last(a, b), last(c, d));
            let payload = _mm256_set1_epi32(Short::PAYLOAD_BITS.cast_signed());
            let payloads = _mm256_and_si256(in_order(_mm256_castps_si256(last)), payload);
            _mm256_storeu_si256(ids.as_mut_ptr().add(at).cast(), payloads);
        }
    }
    // Those behind the last piece come last.
    while misses > 0 && usize::from(missed[misses - 1]) >= count {
        misses -= 1;
    }
    misses
}

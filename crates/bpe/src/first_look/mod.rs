//! The first look: which pieces of a batch are in the slots where their searches start.
//!
//! Three loops over the batch, each of a few instructions for a piece: pieces are packed, their slots are told, the slots are compared. So a processor has
//! many of them under way, and what a slot is waited for is hardly seen.

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::words::{Short, Table};
use crate::worker::{BATCH, filled};

/// What a first look finds.
pub(crate) struct Looks {
    /// Each piece as one of up to 12 bytes; another one when it has more.
    pub pieces: Box<[Short; BATCH]>,
    /// The slot of each.
    pub slots: Box<[u32; BATCH]>,
    /// The numbers of those that are not in their slots.
    pub missed: Box<[u16; BATCH]>,
}

impl Looks {
    /// For a first look.
    pub fn new() -> Self {
        Self { pieces: filled(Short::EMPTY), slots: filled(0), missed: filled(0) }
    }
}

/// How to look. Whoever has one has the instructions for it.
pub(crate) trait FirstLook: Copy {
    /// Looks for the pieces of `text` from `start` on that end at `ends`, at most [`BATCH`]. Writes the payloads of their slots to `ids`, and returns how many
    /// were missed.
    fn look(
        self,
        table: &Table<2>,
        text: &[u8],
        start: usize,
        ends: &[usize],
        looks: &mut Looks,
        ids: &mut [u32; BATCH],
    ) -> usize;
}

/// For every processor.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl FirstLook for Portable {
    fn look(
        self,
        table: &Table<2>,
        text: &[u8],
        start: usize,
        ends: &[usize],
        looks: &mut Looks,
        ids: &mut [u32; BATCH],
    ) -> usize {
        let Looks { pieces, slots, missed } = looks;
        let mut from = start;
        for ((piece, slot), &end) in pieces.iter_mut().zip(&mut **slots).zip(ends) {
            *piece = Short::of(text, from, end);
            let home = table.home(*piece);
            table.prefetch(home);
            (*slot, from) = (home as u32, end);
        }
        let mut count = 0;
        for (number, ((piece, &slot), id)) in (0..).zip(pieces.iter().zip(&**slots).zip(ids).take(ends.len())) {
            let slot = table.slot(slot as usize);
            *id = slot.payload();
            missed[count] = number;
            count += usize::from(!slot.is_piece_of(*piece));
        }
        count
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use tokenmill_testkit::cases;
    use tokenmill_testkit::rng::{Rng, share};

    use super::*;
    use crate::level::HasAvx2;
    use crate::words::Words;
    use crate::{Level, Vocabulary};

    #[test]
    fn vectors_find_what_is_found_without_them() {
        if !Level::available().contains(&Level::Avx2) {
            return;
        }
        // SAFETY: the processor has the level.
        let avx2 = unsafe { HasAvx2::new() };
        let vocabulary = Vocabulary::from_compact(cases::read("encodings/r50k_base.bpe")).expect("well-formed");
        let table = &Words::new(&vocabulary).short;
        let tokens: Vec<&[u8]> = vocabulary.tokens().map(|(_, token)| token).collect();
        let (mut by_vectors, mut without) = (Looks::new(), Looks::new());
        let (mut missed, mut all) = (0, 0);
        for seed in 0..share(300) {
            let mut rng = Rng::new(seed);
            let (mut text, mut ends) = (b"before".to_vec(), Vec::new());
            let start = text.len();
            let most = *rng.choose(&[20, BATCH]);
            for _ in 0..=rng.below(most) {
                let token = *rng.choose(&tokens);
                text.extend(if rng.below(4) > 0 { token } else { &token[..=rng.below(token.len())] });
                text.extend(b"and longer than any".iter().take(rng.below(20).saturating_sub(10)));
                ends.push(text.len());
            }
            // With and without bytes behind the last piece.
            text.extend(vec![b'x'; rng.below(20)]);
            let (mut ids, mut expected) = ([0; BATCH], [0; BATCH]);
            let count = avx2.look(table, &text, start, &ends, &mut by_vectors, &mut ids);
            let expected_count = Portable.look(table, &text, start, &ends, &mut without, &mut expected);
            assert_eq!(by_vectors.missed[..count], without.missed[..expected_count]);
            assert_eq!(ids[..ends.len()], expected[..ends.len()]);
            assert_eq!(by_vectors.slots[..ends.len()], without.slots[..ends.len()]);
            for (one, other) in by_vectors.pieces.iter().zip(&*without.pieces).take(ends.len()) {
                assert_eq!(one.to_bytes(), other.to_bytes());
            }
            (missed, all) = (missed + count, all + ends.len());
        }
        assert!(missed > all / 4 && missed < all / 4 * 3, "{missed} of {all}");
    }
}

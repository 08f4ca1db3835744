//! A bounded memory of what pieces of several tokens are merged to.

use crate::packed::Packed;

/// One entry: a piece, with the number of its tokens as payload, and its tokens.
#[derive(Clone, Copy)]
#[repr(C)]
struct Entry<const N: usize, const IDS: usize> {
    piece: Packed<N>,
    ids: [u32; IDS],
}

/// `SLOTS` entries, direct-mapped: a new piece takes the place of the one that was there. Each worker has its own, so nothing
/// is shared between threads. Every entry is checked by its whole piece, so crafted text can make it useless but not wrong, nor
/// slower than to look there once for each piece.
pub(crate) struct Cache<const N: usize, const IDS: usize, const SLOTS: usize>(Box<[Entry<N, IDS>]>);

impl<const N: usize, const IDS: usize, const SLOTS: usize> Cache<N, IDS, SLOTS> {
    pub fn new() -> Self {
        Self(vec![Entry { piece: Packed::EMPTY, ids: [0; IDS] }; SLOTS].into())
    }

    /// The tokens of `piece`, whose hash is `hash`.
    #[inline(always)]
    pub fn get(&self, piece: Packed<N>, hash: u64) -> Option<&[u32]> {
        let entry = &self.0[hash as usize % SLOTS];
        entry.piece.is_piece_of(piece).then(|| &entry.ids[..entry.piece.payload() as usize])
    }

    /// Remembers the tokens of `piece`, when there are at most `IDS`.
    #[inline(always)]
    pub fn insert(&mut self, piece: Packed<N>, hash: u64, ids: &[u32]) {
        if ids.len() <= IDS {
            let entry = &mut self.0[hash as usize % SLOTS];
            entry.piece = piece.with_payload(ids.len() as u32);
            entry.ids[..ids.len()].copy_from_slice(ids);
        }
    }
}

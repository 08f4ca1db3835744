//! A bounded memory of what pieces of several tokens are merged to.

use crate::packed::Packed;
use crate::tokenizer::Sink;

/// `SLOTS` entries, direct-mapped: a new piece takes the place of the one that was there. Each worker has its own, so nothing
/// is shared between threads. Every entry is checked by its whole piece, so crafted text can make it useless but not wrong, nor
/// slower than to look there once for each piece.
///
/// An entry is `N` words of the piece, with the number of its tokens as payload, and then the tokens, two to a word. Zeros are an empty
/// entry: the memory is asked for as zeros, so that what is never used is never touched.
pub(crate) struct Cache<const N: usize, const WORDS: usize, const SLOTS: usize>(Box<[[u64; WORDS]]>);

impl<const N: usize, const WORDS: usize, const SLOTS: usize> Cache<N, WORDS, SLOTS> {
    /// The most tokens that an entry holds.
    pub const IDS: usize = 2 * (WORDS - N);

    pub fn new() -> Self {
        Self(vec![[0; WORDS]; SLOTS].into())
    }

    /// Gives the tokens of `piece`, whose hash is `hash`, to `sink`; `false` when it is not there.
    #[inline(always)]
    pub fn get(&self, piece: Packed<N>, hash: u64, sink: &mut impl Sink) -> bool {
        let entry = &self.0[hash as usize % SLOTS];
        let known = Packed::from_words(entry);
        if !known.is_piece_of(piece) {
            return false;
        }
        for index in 0..known.payload() as usize {
            sink.push((entry[N + index / 2] >> (32 * (index % 2))) as u32);
        }
        true
    }

    /// Remembers the tokens of `piece`, when they fit.
    #[inline(always)]
    pub fn insert(&mut self, piece: Packed<N>, hash: u64, ids: &[u32]) {
        if ids.len() <= Self::IDS {
            let entry = &mut self.0[hash as usize % SLOTS];
            *entry = [0; WORDS];
            piece.with_payload(ids.len() as u32).to_words(entry);
            for (index, &id) in ids.iter().enumerate() {
                entry[N + index / 2] |= u64::from(id) << (32 * (index % 2));
            }
        }
    }
}

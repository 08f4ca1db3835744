//! A bounded memory of what short pieces of several tokens are merged to.

use crate::words::Key;

/// As many tokens as fit a cache line beside the key.
const MAX_TOKENS: usize = 9;
const SLOTS: usize = 1 << 12;

#[derive(Clone)]
#[repr(C, align(64))]
struct Slot {
    key: Option<Key>,
    count: u32,
    ids: [u32; MAX_TOKENS],
}

/// Direct-mapped: a new piece takes the place of the one that was there. 256 KiB; one for each worker, so nothing is shared between
/// threads. Every entry is checked by its whole key, so crafted text can make it useless but not wrong or slow.
pub(crate) struct Cache(Box<[Slot]>);

impl Cache {
    pub fn new() -> Self {
        Self(vec![Slot { key: None, count: 0, ids: [0; MAX_TOKENS] }; SLOTS].into())
    }

    #[inline(always)]
    pub fn get(&self, key: Key, hash: u64) -> Option<&[u32]> {
        let slot = &self.0[hash as usize % SLOTS];
        (slot.key == Some(key)).then(|| &slot.ids[..slot.count as usize])
    }

    #[inline(always)]
    pub fn insert(&mut self, key: Key, hash: u64, ids: &[u32]) {
        if ids.len() <= MAX_TOKENS {
            let slot = &mut self.0[hash as usize % SLOTS];
            slot.key = Some(key);
            slot.count = ids.len() as u32;
            slot.ids[..ids.len()].copy_from_slice(ids);
        }
    }
}

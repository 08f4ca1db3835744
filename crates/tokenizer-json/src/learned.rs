//! A number for each character, found out when it is asked for first.

use std::iter;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Numbers of characters that have been asked for; of others 0, in pages of 256 characters.
pub(crate) struct Learned(Box<[OnceLock<Box<[AtomicU32; 256]>>]>);

impl Learned {
    pub fn new() -> Self {
        Self(iter::repeat_with(OnceLock::new).take(0x1100).collect())
    }

    /// The number of `character`, which `learn` gives: never 0, and always the same.
    #[inline(always)]
    pub fn number(&self, character: char, learn: impl FnOnce() -> u32) -> u32 {
        let code = character as usize;
        let page = self.0[code / 256].get_or_init(|| Box::new([const { AtomicU32::new(0) }; 256]));
        let place = &page[code % 256];
        // Whoever asks for it at the same time finds the same.
        match place.load(Ordering::Relaxed) {
            0 => {
                let number = learn();
                place.store(number, Ordering::Relaxed);
                number
            }
            number => number,
        }
    }
}

//! Memory for the strings that go to JavaScript.

use std::cell::Cell;
use std::mem;
use std::ops::{Deref, DerefMut};

use tokenmill_bpe::Utf16;

thread_local! {
    /// What the last text of this thread was written to: the engine copies a string, so that memory for it is wanted for no longer than a call, but new
    /// memory takes as long as decoding.
    static KEPT: Cell<Utf16> = const { Cell::new(Utf16::new()) };
}

/// Of longer texts the memory is given back: 4 MiB are kept.
const KEPT_UNITS: usize = 2 << 20;

/// A text in the memory that this thread keeps.
pub struct KeptUtf16(Utf16);

impl KeptUtf16 {
    /// No text yet.
    pub fn take() -> Self {
        let mut units = KEPT.take();
        units.clear();
        Self(units)
    }
}

impl Deref for KeptUtf16 {
    type Target = Utf16;

    fn deref(&self) -> &Utf16 {
        &self.0
    }
}

impl DerefMut for KeptUtf16 {
    fn deref_mut(&mut self) -> &mut Utf16 {
        &mut self.0
    }
}

impl Drop for KeptUtf16 {
    fn drop(&mut self) {
        if self.0.longest() <= KEPT_UNITS {
            KEPT.set(mem::take(&mut self.0));
        }
    }
}

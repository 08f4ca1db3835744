//! A text in UTF-16.

use std::ops::{Deref, DerefMut};

use crate::Error;
use crate::buffer::Buffer;
use crate::copies::Appended;

/// The code units of a text. It may be used again for another text.
pub struct Utf16(Buffer<u16>);

impl Utf16 {
    /// No text, and no memory.
    pub const fn new() -> Self {
        Self(Buffer::new())
    }

    /// The units of the longest text that was in its memory: what is behind them takes none.
    pub fn longest(&self) -> usize {
        self.0.longest()
    }

    /// Forgets the text, and keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Makes room for `more` units.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, more: usize) -> Result<(), Error> {
        self.0.reserve(more)
    }

    /// The places of the next units, `more` of them at least; what is in them is part of the text when it is [added](Utf16::add).
    #[inline(always)]
    pub(crate) fn room(&mut self, more: usize) -> Result<&mut [u16], Error> {
        self.0.reserve(more)?;
        Ok(self.0.room())
    }

    /// Adds the next `count` units, for which there is room.
    #[inline(always)]
    pub(crate) fn add(&mut self, count: usize) {
        self.0.add(count);
    }

    pub(crate) fn extend(&mut self, units: &[u16]) -> Result<(), Error> {
        self.room(units.len())?[..units.len()].copy_from_slice(units);
        self.add(units.len());
        Ok(())
    }
}

impl Default for Utf16 {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Utf16 {
    type Target = [u16];

    fn deref(&self) -> &[u16] {
        &self.0
    }
}

impl DerefMut for Utf16 {
    fn deref_mut(&mut self) -> &mut [u16] {
        &mut self.0
    }
}

// SAFETY: what it is made of is appended to.
unsafe impl Appended<u16> for Utf16 {
    type Error = Error;

    #[inline(always)]
    fn place(&mut self, more: usize) -> Result<*mut u16, Error> {
        self.0.place(more)
    }

    #[inline(always)]
    unsafe fn grow(&mut self, more: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.0.grow(more) };
    }
}

//! A text in UTF-16.

use std::ops::{Deref, DerefMut};

use crate::Error;
use crate::copies::Appended;
use crate::pages::Pages;

/// The code units of a text, on large pages where they are many: small ones take longer to be had than all else that is done with them. It may be
/// used again for another text.
#[derive(Default)]
pub struct Utf16 {
    /// `None`: nothing was written yet.
    pages: Option<Pages<u16>>,
    length: usize,
    /// The most that `length` was: pages behind it were not touched.
    longest: usize,
}

impl Utf16 {
    /// No text, and no memory.
    pub const fn new() -> Self {
        Self { pages: None, length: 0, longest: 0 }
    }

    /// The units of the longest text that was in its memory: what is behind them takes none, where it is large pages.
    pub fn longest(&self) -> usize {
        self.longest.max(self.length)
    }

    /// Forgets the text, and keeps the memory.
    pub fn clear(&mut self) {
        self.longest = self.longest();
        self.length = 0;
    }

    fn capacity(&self) -> usize {
        self.pages.as_ref().map_or(0, |pages| pages.len())
    }

    /// Makes room for `more` units.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, more: usize) -> Result<(), Error> {
        if self.capacity() - self.length < more { self.make_room(more) } else { Ok(()) }
    }

    /// The places of the next units, `more` of them at least; what is in them is part of the text when it is [added](Utf16::add).
    #[inline(always)]
    pub(crate) fn room(&mut self, more: usize) -> Result<&mut [u16], Error> {
        self.reserve(more)?;
        Ok(self.pages.as_mut().map_or(&mut [], |pages| &mut pages[self.length..]))
    }

    /// Adds the next `count` units, for which there is room.
    #[inline(always)]
    pub(crate) fn add(&mut self, count: usize) {
        assert!(count <= self.capacity() - self.length, "there is room for them");
        self.length += count;
    }

    pub(crate) fn extend(&mut self, units: &[u16]) -> Result<(), Error> {
        self.room(units.len())?[..units.len()].copy_from_slice(units);
        self.add(units.len());
        Ok(())
    }

    #[cold]
    fn make_room(&mut self, more: usize) -> Result<(), Error> {
        let wanted = self.length.saturating_add(more).max(self.length.saturating_mul(2));
        let mut pages =
            Pages::try_zeros(wanted).ok_or(Error::OutOfMemory { bytes: wanted.saturating_mul(size_of::<u16>()) })?;
        pages[..self.length].copy_from_slice(self);
        self.pages = Some(pages);
        Ok(())
    }
}

impl Deref for Utf16 {
    type Target = [u16];

    fn deref(&self) -> &[u16] {
        self.pages.as_ref().map_or(&[], |pages| &pages[..self.length])
    }
}

impl DerefMut for Utf16 {
    fn deref_mut(&mut self) -> &mut [u16] {
        self.pages.as_mut().map_or(&mut [], |pages| &mut pages[..self.length])
    }
}

impl Appended<u16> for Utf16 {
    type Error = Error;

    #[inline(always)]
    fn place(&mut self, more: usize) -> Result<*mut u16, Error> {
        Ok(self.room(more)?.as_mut_ptr())
    }

    #[inline(always)]
    unsafe fn grow(&mut self, more: usize) {
        self.add(more);
    }
}

//! A text in UTF-16.

use std::ops::{Deref, DerefMut};
use std::slice;

use crate::buffer::Buffer;
use crate::copies::Appended;
use crate::transcode::push_str;
use crate::{Error, Level};

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

    /// Appends `text`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn push_str(&mut self, text: &str) -> Result<(), Error> {
        push_str(Level::best(), text, self).ok_or(Error::OutOfMemory { bytes: text.len() })
    }

    /// Whether every unit is below 256, so that a byte holds it.
    pub fn is_latin1(&self) -> bool {
        self.iter().fold(0, |all, unit| all | unit) < 0x100
    }

    /// The low bytes of all units, in the first half of their memory: the text, where it [is so](Utf16::is_latin1). What the units are then is not said.
    pub fn to_latin1(&mut self) -> &[u8] {
        narrow(self)
    }

    pub(crate) fn extend(&mut self, units: &[u16]) -> Result<(), Error> {
        self.room(units.len())?[..units.len()].copy_from_slice(units);
        self.add(units.len());
        Ok(())
    }
}

/// Units that are narrowed together.
const BLOCK: usize = 32;

/// The low bytes of `units`, in the first half of their memory.
fn narrow(units: &mut [u16]) -> &[u8] {
    let (length, units) = (units.len(), units.as_mut_ptr());
    let bytes = units.cast::<u8>();
    let mut done = 0;
    while done + BLOCK <= length {
        // SAFETY: so many units are there from `done` on, and as many bytes, up to `done + BLOCK`, in the memory of units that were read.
        unsafe {
            let block = units.add(done).cast::<[u16; BLOCK]>().read();
            bytes.add(done).cast::<[u8; BLOCK]>().write(block.map(|unit| unit as u8));
        }
        done += BLOCK;
    }
    for at in done..length {
        // SAFETY: likewise, one unit.
        unsafe { bytes.add(at).write(units.add(at).read() as u8) };
    }
    // SAFETY: so many bytes were written, in memory that stays borrowed.
    unsafe { slice::from_raw_parts(bytes, length) }
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

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;

    use super::*;

    fn of(text: &str) -> Utf16 {
        let mut units = Utf16::new();
        units.push_str(text).expect("there is memory");
        units
    }

    #[test]
    fn units_below_256_are_bytes() {
        let mut rng = Rng::new(1);
        for length in 0..300 {
            let text: String = (0..length).map(|_| char::from(rng.below(256) as u8)).collect();
            let mut units = of(&text);
            assert!(units.is_latin1());
            let expected: Vec<u8> = text.chars().map(|character| u32::from(character) as u8).collect();
            assert_eq!(units.to_latin1(), expected);
            for wide in ["\u{100}", "\u{ff00}", "\u{10000}"] {
                assert!(!of(&format!("{wide}{text}")).is_latin1() && !of(&format!("{text}{wide}")).is_latin1());
            }
        }
    }
}

//! Numbers one after the other, in memory of their own that is used again.

use std::ops::{Deref, DerefMut};

use crate::Error;
use crate::copies::Appended;
use crate::pages::{Pages, Zero};

/// Numbers with [room from the start](Buffer::with_room) are on pages as the system chooses, which are touched in good time, others on large ones where they are many. The memory may be
/// used again for other numbers.
#[derive(Debug)]
pub(crate) struct Buffer<T> {
    pages: Pages<T>,
    length: usize,
    /// Up to where pages were touched, and numbers may be written.
    ready: usize,
    /// The most that `length` was: what was never written to takes no memory.
    longest: usize,
}

impl<T: Zero> Buffer<T> {
    /// None, and no memory.
    pub const fn new() -> Self {
        Self { pages: Pages::none(), length: 0, ready: 0, longest: 0 }
    }

    /// Room for `most`; `None` where that would take memory at once.
    pub fn with_room(most: usize) -> Option<Self> {
        Some(Self { pages: Pages::map(most)?, ..Self::new() })
    }

    /// How many there is room for.
    pub fn capacity(&self) -> usize {
        self.pages.len()
    }

    /// How many take memory.
    pub fn longest(&self) -> usize {
        self.longest.max(self.length)
    }

    /// Forgets them, and keeps the memory.
    pub fn clear(&mut self) {
        self.longest = self.longest();
        self.length = 0;
    }

    /// Gives memory back where earlier ones took more.
    pub fn shrink_to_fit(&mut self) {
        if self.longest > self.length {
            self.pages.empty_from(self.length);
            (self.ready, self.longest) = (self.length, self.length);
        }
    }

    /// Makes room for `more`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    #[inline(always)]
    pub fn reserve(&mut self, more: usize) -> Result<(), Error> {
        if self.ready - self.length < more { self.make_ready(more) } else { Ok(()) }
    }

    #[cold]
    fn make_ready(&mut self, more: usize) -> Result<(), Error> {
        if self.capacity() - self.length < more {
            self.make_room(more)?;
            self.ready = self.capacity();
        } else {
            self.ready = self.pages.touch(self.ready..self.length + more);
        }
        Ok(())
    }

    fn make_room(&mut self, more: usize) -> Result<(), Error> {
        let most = self.length.saturating_add(more).max(self.length.saturating_mul(2));
        let no_memory = || Error::OutOfMemory { bytes: most.saturating_mul(size_of::<T>()) };
        let mut pages = Pages::try_zeros(most).ok_or_else(no_memory)?;
        pages[..self.length].copy_from_slice(self);
        (self.pages, self.longest) = (pages, self.length);
        Ok(())
    }

    /// The places of the next ones.
    #[inline(always)]
    pub fn room(&mut self) -> &mut [T] {
        &mut self.pages[self.length..]
    }

    /// The same, and how many of them memory was taken for.
    pub fn room_and_ready(&mut self) -> (&mut [T], usize) {
        let ready = self.ready - self.length;
        (self.room(), ready)
    }

    /// The next `count`, for which there is room, are part of them.
    #[inline(always)]
    pub fn add(&mut self, count: usize) {
        assert!(count <= self.capacity() - self.length, "there is room for them");
        self.length += count;
        self.ready = self.ready.max(self.length);
    }
}

// SAFETY: its pages have the room that was reserved, from its length on.
unsafe impl<T: Zero> Appended<T> for Buffer<T> {
    type Error = Error;

    #[inline(always)]
    fn place(&mut self, more: usize) -> Result<*mut T, Error> {
        self.reserve(more)?;
        Ok(self.pages.as_mut_ptr().wrapping_add(self.length))
    }

    #[inline(always)]
    unsafe fn grow(&mut self, more: usize) {
        self.length += more;
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.pages[..self.length]
    }
}

impl<T> DerefMut for Buffer<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.pages[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_grow_and_stay() {
        let mut buffer = Buffer::<u32>::new();
        assert_eq!((buffer.capacity(), buffer.len()), (0, 0));
        for number in 0..3_000_000 {
            buffer.reserve(1).expect("there is memory");
            buffer.room()[0] = number;
            buffer.add(1);
        }
        assert!(buffer.iter().copied().eq(0..3_000_000));
        assert!(buffer.reserve(usize::MAX / 8).is_err(), "there is not so much memory");
        assert!(buffer.iter().copied().eq(0..3_000_000));
        buffer.clear();
        assert_eq!((buffer.len(), buffer.longest()), (0, 3_000_000));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn fewer_give_back_what_more_took() {
        let (page, mut buffer) = (1 << 19, Buffer::<u32>::with_room(2 << 20).expect("the system has room"));
        buffer.room()[..3 * page].fill(7);
        buffer.add(3 * page);
        buffer.shrink_to_fit();
        assert_eq!(buffer.longest(), 3 * page);
        buffer.clear();
        buffer.add(page + 5);
        buffer.shrink_to_fit();
        assert_eq!(buffer.longest(), page + 5);
        // What was given back is zeros when it is asked for again.
        buffer.add(page);
        assert_eq!((buffer[page + 4], buffer[2 * page - 1], buffer[2 * page]), (7, 7, 0));
    }
}

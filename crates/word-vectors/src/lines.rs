//! Numbers that begin at a cache line.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use crate::Result;
use crate::error::{check_cancel, reserved};
use crate::lanes::WIDEST;
use crate::threads::on_threads;

/// A cache line of numbers of 4 bytes.
#[derive(Debug)]
#[repr(C, align(64))]
struct Line<T>([T; WIDEST]);

/// A slice whose first number, and each [`WIDEST`]th after it, begins at a cache line, so that no register of numbers lies in two of them.
#[derive(Debug)]
pub(crate) struct Lines<T>(Vec<Line<T>>);

impl<T> Lines<T> {
    /// `lines` times [`WIDEST`] numbers.
    pub fn new(lines: usize, value: impl Fn(usize) -> T) -> Result<Self> {
        let mut all = reserved(lines)?;
        all.extend((0..lines).map(|line| Line(std::array::from_fn(|place| value(line * WIDEST + place)))));
        Ok(Self(all))
    }

    /// [`Lines::new`] by so many threads, which stop soon after `cancel` is set.
    pub fn by_threads(
        lines: usize,
        value: impl Fn(usize) -> T + Sync,
        threads: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Self>
    where
        T: Send,
    {
        /// Lines between two looks at `cancel`.
        const BETWEEN: usize = 1 << 14;
        let mut all: Vec<Line<T>> = reserved(lines)?;
        let parts = Mutex::new(all.spare_capacity_mut()[..lines].chunks_mut(BETWEEN).enumerate());
        let work = || -> Result<()> {
            loop {
                check_cancel(cancel)?;
                let part = parts.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((index, part)) = part else { return Ok(()) };
                for (line, place) in (index * BETWEEN..).zip(part) {
                    place.write(Line(std::array::from_fn(|number| value(line * WIDEST + number))));
                }
            }
        };
        let stop = || {
            parts.lock().unwrap_or_else(PoisonError::into_inner).nth(lines);
        };
        on_threads(threads.min(lines.div_ceil(BETWEEN)), work, stop)?;
        // SAFETY: no part is left, and each that was taken was written to its end: the threads have come back without an error.
        unsafe { all.set_len(lines) };
        Ok(Self(all))
    }
}

impl<T> Deref for Lines<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        const { assert!(size_of::<Line<T>>() == WIDEST * size_of::<T>(), "a line is filled") };
        // SAFETY: lines are numbers without anything between them.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * WIDEST) }
    }
}

impl<T> DerefMut for Lines<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * WIDEST) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn threads_make_what_one_makes_until_they_are_cancelled() {
        let value = |at: usize| at as u32;
        for lines in [0, 1, 100_000] {
            let expected = Lines::new(lines, value).unwrap();
            for threads in [1, 3] {
                let made = Lines::by_threads(lines, value, threads, Some(&AtomicBool::new(false))).unwrap();
                assert!(made[..] == expected[..], "{lines} {threads}");
            }
        }
        let cancelled = Lines::by_threads(100_000, value, 3, Some(&AtomicBool::new(true)));
        assert!(matches!(cancelled, Err(Error::Cancelled)));
    }
}

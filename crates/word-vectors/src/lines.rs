//! Numbers that begin at a cache line.

use std::ops::{Deref, DerefMut};

use crate::Result;
use crate::error::reserved;
use crate::lanes::WIDEST;

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

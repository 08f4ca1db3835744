//! What becomes of ids: written down, or only counted.

use std::ops::Range;
use std::ptr;

/// One vector of ids.
pub(crate) const SLACK: usize = 16;

/// Copies `count` ids from `source` to `place` by whole vectors.
///
/// # Safety
/// `count + SLACK` ids may be read there and written here.
#[inline(always)]
pub(crate) unsafe fn copy_run(source: *const u32, place: *mut u32, count: usize) {
    // SAFETY: a vector is copied, and others up to the first one that ends at or after `count`: at most `count + SLACK` ids.
    unsafe {
        // One always: whether there are any ids cannot be foreseen.
        ptr::copy_nonoverlapping(source, place, SLACK);
        for at in (SLACK..count).step_by(SLACK) {
            ptr::copy_nonoverlapping(source.add(at), place.add(at), SLACK);
        }
    }
}

/// Takes ids.
pub trait Sink {
    /// Whether it wants no more. It may get some all the same.
    fn is_full(&self) -> bool {
        false
    }

    /// Takes one id.
    fn push(&mut self, id: u32);

    /// Takes several.
    fn extend(&mut self, ids: &[u32]) {
        for &id in ids {
            self.push(id);
        }
    }

    /// Takes `ids[run]`. There are sixteen more behind it, which a copy by whole vectors may read.
    fn extend_run(&mut self, ids: &[u32], run: Range<usize>) {
        self.extend(&ids[run]);
    }

    /// Takes the first `count` of `ids`; `count <= 8`.
    fn extend_some(&mut self, ids: &[u32; 8], count: usize) {
        self.extend(&ids[..count]);
    }
}

impl Sink for Vec<u32> {
    #[inline(always)]
    fn push(&mut self, id: u32) {
        Self::push(self, id);
    }

    #[inline(always)]
    fn extend(&mut self, ids: &[u32]) {
        self.extend_from_slice(ids);
    }

    #[inline(always)]
    fn extend_run(&mut self, ids: &[u32], run: Range<usize>) {
        let (count, source) = (run.len(), &ids[run.start..run.end + SLACK]);
        self.reserve(count + SLACK);
        // SAFETY: as many are in `source`, and room was made for as many. The first `count` become part of this vector.
        unsafe {
            copy_run(source.as_ptr(), self.as_mut_ptr().add(self.len()), count);
            self.set_len(self.len() + count);
        }
    }

    /// Writes all eight, which is one copy of known length, and keeps the first.
    #[inline(always)]
    fn extend_some(&mut self, ids: &[u32; 8], count: usize) {
        let length = self.len() + count.min(8);
        self.extend_from_slice(ids);
        self.truncate(length);
    }
}

/// Counts ids.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter(pub usize);

impl Sink for Counter {
    #[inline(always)]
    fn push(&mut self, _: u32) {
        self.0 += 1;
    }

    #[inline(always)]
    fn extend(&mut self, ids: &[u32]) {
        self.0 += ids.len();
    }

    #[inline(always)]
    fn extend_some(&mut self, _: &[u32; 8], count: usize) {
        self.0 += count;
    }
}

/// Counts ids up to a limit: more than `limit` may be counted, but not all when there are many more.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimitedCounter {
    /// How many were counted.
    pub count: usize,
    /// It is full when there are more.
    pub limit: usize,
}

impl Sink for LimitedCounter {
    #[inline(always)]
    fn is_full(&self) -> bool {
        self.count > self.limit
    }

    #[inline(always)]
    fn push(&mut self, _: u32) {
        self.count += 1;
    }

    #[inline(always)]
    fn extend(&mut self, ids: &[u32]) {
        self.count += ids.len();
    }

    #[inline(always)]
    fn extend_some(&mut self, _: &[u32; 8], count: usize) {
        self.count += count;
    }
}

//! What becomes of ids: written down, or only counted.

use std::ops::Range;
use std::ptr;

use crate::Error;

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

/// Makes room for so many `more` items.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(crate) fn reserve<T>(items: &mut Vec<T>, more: usize) -> Result<(), Error> {
    let most = items.len().saturating_add(more);
    items.try_reserve(more).map_err(|_| Error::OutOfMemory { bytes: most.saturating_mul(size_of::<T>()) })
}

/// Takes ids.
pub trait Sink {
    /// Whether it wants no more. It may get some all the same.
    fn is_full(&self) -> bool {
        false
    }

    /// Makes room for so many more ids. It is asked before they come, once for many.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    fn reserve(&mut self, _ids: usize) -> Result<(), Error> {
        Ok(())
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
    fn reserve(&mut self, ids: usize) -> Result<(), Error> {
        reserve(self, ids.saturating_add(SLACK))
    }

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
        Self::reserve(self, count + SLACK);
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

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;
    use tokenmill_testkit::{cases, text};

    use super::*;
    use crate::{Encoding, Level, Tokenizer};

    /// Takes no id that it was not asked for room for, and is out of memory after so many.
    #[derive(Default)]
    struct Strict {
        room: usize,
        left: usize,
        count: usize,
    }

    impl Sink for Strict {
        fn reserve(&mut self, ids: usize) -> Result<(), Error> {
            self.room = self.room.max(ids);
            self.left = self.left.checked_sub(ids).ok_or(Error::OutOfMemory { bytes: ids })?;
            Ok(())
        }

        fn push(&mut self, _: u32) {
            self.room = self.room.checked_sub(1).expect("there was room for it");
            self.count += 1;
        }
    }

    #[test]
    fn room_is_asked_for_before_ids_come() {
        let ranks = cases::read("encodings/o200k_base.bpe");
        let small = Tokenizer::from_encoding(Encoding::O200kBase, ranks.clone()).expect("well-formed");
        let tokenizer = Tokenizer::from_encoding(Encoding::O200kBase, ranks).expect("well-formed");
        let mut rng = Rng::new(1);
        let mut letters = |count| (0..count).map(|_| char::from(b'a' + rng.below(26) as u8)).collect::<String>();
        let (short, long) = (letters(3_000), letters(300_000));
        let many = text::awkward(&mut Rng::new(2), 20_000);
        let special = "<|endoftext|>a".repeat(50);
        for tokenizer in [small, tokenizer.with_level(Level::best())] {
            let policy = tokenizer.special_policy(&["<|endoftext|>"], &[]).expect("it is one");
            for text in [&short, &long, &many, &special] {
                let encode = |left| {
                    let mut sink = Strict { left, ..Strict::default() };
                    let result = tokenizer.encode_to(text, &policy, &mut tokenizer.worker(), &mut sink, None);
                    (result, sink.count)
                };
                let (done, count) = encode(usize::MAX);
                assert!(done.is_ok() && count == tokenizer.encode(text, &policy).expect("likewise").len());
                for left in [0, 10] {
                    let (failed, count) = encode(left);
                    assert!(matches!(failed, Err(Error::OutOfMemory { .. })) && count <= left, "{failed:?} {count}");
                }
            }
        }
    }
}

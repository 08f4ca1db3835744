//! Memory of results that were let go, for the next ones: fresh memory costs a page fault for each page, which takes longer than to
//! fill it.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Result, memory};

/// How many vectors are kept, however large: one is filled while the one before is read.
const KEPT: usize = 2;
/// More are kept while all of them take no more bytes: the garbage collector finds several results at a time.
const KEPT_BYTES: usize = 128 << 20;
const KEPT_AT_MOST: usize = 16;

/// Vectors that nobody uses. A clone shares them.
#[derive(Clone, Default)]
pub(crate) struct Spare(Arc<Mutex<Vec<Kept>>>);

struct Kept {
    capacity: usize,
    bytes: usize,
    vector: Box<dyn Any + Send>,
}

impl Spare {
    /// An empty vector with room for `len` values: a kept one when there is one of about that size.
    pub(crate) fn take<T: Send + 'static>(&self, len: usize) -> Result<Vec<T>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |kept: &Kept| (len..=len.saturating_mul(2)).contains(&kept.capacity) && kept.vector.is::<Vec<T>>();
        let found = kept.iter().position(fits).map(|index| kept.swap_remove(index));
        drop(kept);
        match found.and_then(|kept| kept.vector.downcast().ok()) {
            Some(vector) => Ok(*vector),
            None => memory::reserved(len),
        }
    }

    /// Keeps `values` for later, in the place of those that have been kept the longest.
    pub(crate) fn give<T: Send + 'static>(&self, mut values: Vec<T>) {
        values.clear();
        let capacity = values.capacity();
        let new = Kept { capacity, bytes: capacity * size_of::<T>(), vector: Box::new(values) };
        let mut old = Vec::new();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(new);
        while kept.len() > KEPT && (kept.len() > KEPT_AT_MOST || bytes_of(&kept) > KEPT_BYTES) {
            old.push(kept.remove(0));
        }
        drop(kept);
        drop(old);
    }
}

fn bytes_of(kept: &[Kept]) -> usize {
    kept.iter().map(|kept| kept.bytes).sum()
}

impl std::fmt::Debug for Spare {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Spare")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back() {
        let spare = Spare::default();
        let values = spare.take::<f32>(1000).unwrap();
        let place = values.as_ptr();
        spare.give(values);
        let (larger, other) = (spare.take::<f32>(1001).unwrap(), spare.take::<u32>(1000).unwrap());
        assert_ne!(larger.as_ptr(), place, "it is too small");
        assert_ne!(other.as_ptr().cast(), place, "it is of another type");
        assert!(spare.take::<f32>(400).unwrap().capacity() < 1000, "it is much too large");
        let again = spare.take::<f32>(600).unwrap();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
    }

    #[test]
    fn two_are_kept_and_more_where_they_are_small() {
        let kept = |count, bytes| {
            let spare = Spare::default();
            for _ in 0..count {
                spare.give(Vec::<u8>::with_capacity(bytes));
            }
            spare.0.lock().unwrap().len()
        };
        assert_eq!(kept(5, KEPT_BYTES), KEPT);
        assert_eq!(kept(5, KEPT_BYTES / 4), 4);
        assert_eq!(kept(100, 10), KEPT_AT_MOST);
    }
}

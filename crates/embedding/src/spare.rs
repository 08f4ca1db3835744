//! Memory of results that were let go, for the next ones: fresh memory costs a page fault for each page, which takes longer than to
//! fill it.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Result, memory};

/// How many vectors are kept: one is filled while the one before is read.
const KEPT: usize = 2;

/// Vectors that nobody uses. A clone shares them.
#[derive(Clone, Default)]
pub(crate) struct Spare(Arc<Mutex<Vec<Kept>>>);

struct Kept {
    capacity: usize,
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

    /// Keeps `values` for later, in the place of the one that has been kept the longest.
    pub(crate) fn give<T: Send + 'static>(&self, mut values: Vec<T>) {
        values.clear();
        let new = Kept { capacity: values.capacity(), vector: Box::new(values) };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = (kept.len() >= KEPT).then(|| kept.remove(0));
        kept.push(new);
        drop(kept);
        drop(old);
    }
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
    fn no_more_than_two_are_kept() {
        let spare = Spare::default();
        for _ in 0..5 {
            spare.give(Vec::<f32>::with_capacity(10));
        }
        assert_eq!(spare.0.lock().unwrap().len(), KEPT);
    }
}

//! Where work on many things on several threads may stop.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The first of several things in a row that failed, as far as is known: those behind it need not be done, while those before it tell which one is the
/// first.
#[derive(Debug)]
pub struct FirstFailed(AtomicUsize);

impl FirstFailed {
    /// Whether one before number `index` has failed.
    pub fn is_before(&self, index: usize) -> bool {
        self.0.load(Ordering::Relaxed) < index
    }

    /// Notes what became of number `index`.
    ///
    /// # Errors
    /// That of `result`.
    pub fn note<T, E>(&self, index: usize, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            self.0.fetch_min(index, Ordering::Relaxed);
        }
        result
    }
}

impl Default for FirstFailed {
    /// None yet.
    fn default() -> Self {
        Self(AtomicUsize::new(usize::MAX))
    }
}

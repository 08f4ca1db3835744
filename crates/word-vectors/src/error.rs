//! What can go wrong.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// The result of a call that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A file is not what it should be.
    #[error("{reason}")]
    InvalidFile {
        /// What was expected, where, and what was found.
        reason: String,
    },
    /// A word has no vector.
    #[error("there is no vector of the word {word:?}")]
    UnknownWord {
        /// The word.
        word: String,
    },
    /// A vector has another length than those of the table.
    #[error("expected a vector of {expected} numbers, received {actual}")]
    LengthMismatch {
        /// The dimensions of the table.
        expected: usize,
        /// What was given.
        actual: usize,
    },
    /// An option has a value that cannot be.
    #[error("expected {expected} for {option}, received {received}")]
    InvalidOption {
        /// The name of the option.
        option: &'static str,
        /// Which values can be.
        expected: String,
        /// Which one was given.
        received: String,
    },
    /// The texts have no word that is frequent enough, or no two words beside each other.
    #[error(
        "expected texts with words that stand there at least {min_count} times, found {words} such words among {distinct}"
    )]
    TooFewWords {
        /// How often a word must be there.
        min_count: u64,
        /// The words that are.
        words: usize,
        /// All words.
        distinct: usize,
    },
    /// Memory that was asked for is not there.
    #[error("there is not enough memory for {bytes} bytes")]
    OutOfMemory {
        /// How much was asked for.
        bytes: usize,
    },
    /// The system does not give as many threads as were asked for.
    #[error("the system does not give {threads} threads: {error}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What it says.
        error: io::Error,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Fails when `cancel` is set.
pub(crate) fn check_cancel(cancel: Option<&AtomicBool>) -> Result<()> {
    if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) { Err(Error::Cancelled) } else { Ok(()) }
}

/// An empty vector with room for `len` values.
pub(crate) fn reserved<T>(len: usize) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    values.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes })?;
    Ok(values)
}

/// `len` times `value`.
pub(crate) fn filled<T: Clone>(len: usize, value: T) -> Result<Vec<T>> {
    let mut values = reserved(len)?;
    values.resize(len, value);
    Ok(values)
}

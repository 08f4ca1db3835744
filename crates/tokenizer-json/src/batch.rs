//! Several texts on all threads of the current rayon pool.

use std::sync::atomic::AtomicBool;

use rayon::prelude::*;
use tokenmill_bpe::FirstFailed;

use crate::added::Policy;
use crate::error::Error;
use crate::tokenizer::Tokenizer;

/// An error and the index of the text that it is about.
#[derive(Debug)]
pub struct RowError {
    /// The index of the text.
    pub row: usize,
    /// What is wrong with it.
    pub error: Error,
}

impl Tokenizer {
    /// The ids of each of `texts`: those of [`Tokenizer::encode`]. Stops soon after `cancel` is set, or a text has an error.
    ///
    /// # Errors
    /// That of the first text that has one.
    pub fn encode_batch(
        &self,
        texts: &[&str],
        policy: &Policy,
        cancel: Option<&AtomicBool>,
    ) -> Result<Vec<Vec<u32>>, RowError> {
        self.rows(texts, policy, cancel, |ids| ids)
    }

    /// How many ids [`Tokenizer::encode_batch`] gives for each text.
    ///
    /// # Errors
    /// That of the first text that has one.
    pub fn count_batch(
        &self,
        texts: &[&str],
        policy: &Policy,
        cancel: Option<&AtomicBool>,
    ) -> Result<Vec<usize>, RowError> {
        self.rows(texts, policy, cancel, |ids| ids.len())
    }

    /// What `keep` leaves of the ids of each text.
    fn rows<T: Send>(
        &self,
        texts: &[&str],
        policy: &Policy,
        cancel: Option<&AtomicBool>,
        keep: impl Fn(Vec<u32>) -> T + Sync,
    ) -> Result<Vec<T>, RowError> {
        let first_failed = FirstFailed::default();
        let one = |(row, text): (usize, &&str)| {
            let ids = || self.encode(text, policy, cancel).map(&keep).map_err(|error| RowError { row, error });
            (!first_failed.is_before(row)).then(|| first_failed.note(row, ids()))
        };
        let rows: Vec<_> = texts.par_iter().enumerate().map(one).collect();
        // What was left out is behind the first error.
        rows.into_iter().flatten().collect()
    }
}

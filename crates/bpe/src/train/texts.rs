//! Many texts, or long ones, counted on all threads of the current rayon pool.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::train::Trainer;
use crate::{Error, Pattern};

/// Threads take texts by tasks of about this length; longer texts are cut where that changes no piece.
const TASK: usize = 256 << 10;

impl Trainer {
    /// Takes `texts`, each on its own, on all threads of the current rayon pool. Each thread has a counter of its own, which is kept for
    /// the next call.
    ///
    /// # Errors
    /// [`Error::Cancelled`] soon after `cancel` is set, [`Error::OutOfMemory`], [`Error::Scratch`], [`Error::PatternLimit`]: parts of the texts are then taken.
    pub fn add_texts(&self, texts: &[&str], cancel: Option<&AtomicBool>) -> Result<(), Error> {
        let tasks = tasks(&self.pattern, texts);
        let threads = rayon::current_num_threads().min(tasks.len()).max(1);
        let next = AtomicUsize::new(0);
        let count = || {
            while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.add_texts_here(task, threads, cancel)?;
            }
            Ok(())
        };
        if threads == 1 {
            return count();
        }
        (0..threads).into_par_iter().with_max_len(1).try_for_each(|_| count())
    }
}

/// The texts, long ones in parts, put together to tasks.
fn tasks<'t>(pattern: &Pattern, texts: &[&'t str]) -> Vec<Vec<&'t str>> {
    let (mut tasks, mut task, mut length) = (Vec::new(), Vec::new(), 0);
    for &text in texts {
        let mut rest = text;
        while !rest.is_empty() {
            let part;
            (part, rest) = rest.split_at(end_of_part(pattern, rest));
            length += part.len();
            task.push(part);
            if length >= TASK {
                tasks.push(std::mem::take(&mut task));
                length = 0;
            }
        }
    }
    if !task.is_empty() {
        tasks.push(task);
    }
    tasks
}

/// Where the first part of `text` ends.
fn end_of_part(pattern: &Pattern, text: &str) -> usize {
    let (mut from, mut to) = (TASK / 2, TASK);
    while to < text.len() {
        if let Some(at) = pattern.split_before(text, from, to) {
            return at;
        }
        (from, to) = (to, to + TASK);
    }
    text.len()
}

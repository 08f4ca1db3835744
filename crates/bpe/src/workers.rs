//! Workers that wait for their next call.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use crate::Worker;

/// So many are kept; what more were in use at once are dropped.
const KEPT: usize = 64;

/// Those of one tokenizer.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "they go in and out with every call, and are more than a thousand bytes")]
pub(crate) struct IdleWorkers(Mutex<Vec<Box<Worker>>>);

impl IdleWorkers {
    /// One of them, or a new one.
    pub fn take(&self, new: impl FnOnce() -> Worker) -> IdleWorker<'_> {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        IdleWorker { worker: Some(idle.unwrap_or_else(|| Box::new(new()))), home: self }
    }
}

/// A [`Worker`] on loan: it goes back when this is dropped.
pub struct IdleWorker<'a> {
    /// There until the drop.
    worker: Option<Box<Worker>>,
    home: &'a IdleWorkers,
}

impl fmt::Debug for IdleWorker<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IdleWorker").finish_non_exhaustive()
    }
}

impl Deref for IdleWorker<'_> {
    type Target = Worker;

    fn deref(&self) -> &Worker {
        self.worker.as_ref().expect("it is there until the drop")
    }
}

impl DerefMut for IdleWorker<'_> {
    fn deref_mut(&mut self) -> &mut Worker {
        self.worker.as_mut().expect("it is there until the drop")
    }
}

impl Drop for IdleWorker<'_> {
    fn drop(&mut self) {
        // After a panic nobody knows what state it is in.
        if std::thread::panicking() {
            return;
        }
        let mut idle = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.extend(self.worker.take());
        }
    }
}

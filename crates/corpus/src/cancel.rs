//! Stopping: callers set a flag, which loops look at; what reads has one for each call, which its end sets.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::Error;

/// How often who waits looks whether it is still to wait.
pub const LOOK: Duration = Duration::from_millis(20);

/// [`Error::Cancelled`] when the caller has set `cancel`.
pub fn check(cancel: Option<&AtomicBool>) -> Result<(), Error> {
    if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) { Err(Error::Cancelled) } else { Ok(()) }
}

/// Whether nobody wants what is read any more.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error that [`Error::io`] knows, when it is set.
    pub fn check(&self) -> io::Result<()> {
        if self.is_set() { Err(io::Error::other(Error::Cancelled)) } else { Ok(()) }
    }
}

/// Sets a [`Stop`] at the end of a block, however that is left.
pub struct StopAtEnd(pub Stop);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.set();
    }
}

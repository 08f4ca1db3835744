//! Threads that do the same work side by side.

use std::panic::resume_unwind;
use std::thread;

use crate::{Error, Result};

/// Does `work` on so many threads, of which this one is the last, and gives the first error. Where the system has no more threads, `stop` is
/// called first: what the others do is for nobody.
///
/// # Errors
/// Those of `work`, and [`Error::Threads`].
pub(crate) fn on_threads(threads: usize, work: impl Fn() -> Result<()> + Sync, stop: impl Fn()) -> Result<()> {
    thread::scope(|scope| {
        let mut others = Vec::new();
        for _ in 1..threads {
            let spawned = thread::Builder::new().spawn_scoped(scope, &work).inspect_err(|_| stop());
            others.push(spawned.map_err(|error| Error::Threads { threads, error })?);
        }
        let own = work();
        others.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))?;
        own
    })
}

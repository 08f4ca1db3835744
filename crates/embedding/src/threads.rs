//! Which threads work on what is large.
//!
//! A call takes its locks on the thread that made it, and only what is computed under them runs in the pool: a pool's thread that
//! waits for its share of a call may begin another one, and would wait for ever for a lock that it holds itself.

use std::sync::{Arc, OnceLock};

use rayon::ThreadPool;

use crate::{Error, Result};

/// Gives the pool to work in, or says why there is none.
pub type PoolOf = fn() -> std::result::Result<Arc<ThreadPool>, String>;

static POOL: OnceLock<PoolOf> = OnceLock::new();

/// Work that is large runs in the pool that `pool` gives, which is asked each time. Without this call, and on threads of a pool,
/// it runs in `rayon`'s pool of the thread. Only the first call counts.
pub fn use_pool(pool: PoolOf) {
    POOL.get_or_init(|| pool);
}

/// Does `work`, which divides itself by `rayon`, in the pool.
///
/// # Errors
/// [`Error::Threads`]; nothing was done then.
pub(crate) fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    match POOL.get() {
        Some(pool) if rayon::current_thread_index().is_none() => {
            Ok(pool().map_err(|reason| Error::Threads { reason })?.install(work))
        }
        _ => Ok(work()),
    }
}

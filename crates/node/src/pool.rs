//! The threads that work on batches and long texts.

use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use napi_derive::{module_init, napi};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Code, Error, Result};

/// The most threads that can be asked for.
const MOST: usize = 1024;

/// Made when it is needed first. Work that runs in a pool that is replaced is finished there.
static POOL: Mutex<Option<Arc<ThreadPool>>> = Mutex::new(None);

/// Sets the number of threads, for work that starts from now on. The facade has checked it.
#[napi(catch_unwind)]
pub fn set_threads(threads: u32) -> Result<()> {
    let pool = make(threads as usize)?;
    // What was there is dropped after the lock: it waits for nothing, but it is not our business while others wait.
    let _before = POOL.lock().unwrap_or_else(PoisonError::into_inner).replace(pool);
    Ok(())
}

/// The number of threads.
#[napi(catch_unwind)]
pub fn threads() -> Result<u32> {
    Ok(pool()?.current_num_threads() as u32)
}

/// Does `work` on the threads of the pool, in which `rayon` then divides it.
#[cfg(feature = "text")]
pub fn on_all_threads<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    Ok(pool()?.install(work))
}

/// Embeddings work in the pool too.
#[module_init]
fn share() {
    tokenmill_embedding::use_pool(|| pool().map_err(|error| error.reason.clone()));
}

/// Those threads.
pub fn pool() -> Result<Arc<ThreadPool>> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = &*pool {
        return Ok(Arc::clone(pool));
    }
    Ok(Arc::clone(pool.insert(make(threads_of_environment()?)?)))
}

fn make(threads: usize) -> Result<Arc<ThreadPool>> {
    let builder = ThreadPoolBuilder::new().num_threads(threads).thread_name(|index| format!("tokenmill {index}"));
    let pool = builder
        .build()
        .map_err(|error| Error::new(Code::Limit, format!("the system does not give {threads} threads: {error}")))?;
    Ok(Arc::new(pool))
}

/// What `TOKENMILL_THREADS` says, else as many as the process may run at once.
fn threads_of_environment() -> Result<usize> {
    let Some(value) = std::env::var_os("TOKENMILL_THREADS").filter(|value| !value.is_empty()) else {
        return Ok(available_parallelism().map_or(1, NonZero::get).min(MOST));
    };
    let threads = value.to_str().and_then(|value| value.parse().ok()).filter(|threads| (1..=MOST).contains(threads));
    threads.ok_or_else(|| {
        let expected = format!("expected an integer from 1 to {MOST} for the environment variable TOKENMILL_THREADS");
        Error::new(Code::InvalidArgument, format!("{expected}, received \"{}\"", value.display()))
    })
}

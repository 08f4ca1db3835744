//! The threads that work on batches and long texts.
//!
//! There are two pools. What JavaScript waits for has one of its own: a thread of a pool ends the work that it has before it begins other, which for a batch
//! in the background may take seconds, in which nothing else of the program would run.

use std::cell::Cell;
use std::mem;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use napi::bindgen_prelude::Object;
use napi_derive::{module_init, napi};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Code, Error, Result};

/// The most threads that can be asked for.
const MOST: usize = 1024;

struct Pools {
    /// How many threads each has, once that is known.
    threads: Option<usize>,
    /// Made when it is needed first. Work that runs in a pool that is replaced is finished there.
    waited_for: Option<Arc<ThreadPool>>,
    background: Option<Arc<ThreadPool>>,
}

static POOLS: Mutex<Pools> = Mutex::new(Pools { threads: None, waited_for: None, background: None });

thread_local! {
    /// Whether JavaScript waits for what this thread does: its own threads, and those of their pool.
    static IS_WAITED_FOR: Cell<bool> = const { Cell::new(false) };
}

/// The thread that loads the addon runs JavaScript.
#[napi(module_exports)]
pub fn on_thread_of_javascript(_exports: Object<'_>) {
    IS_WAITED_FOR.set(true);
}

/// Sets the number of threads, for work that starts from now on. The facade has checked it.
#[napi(catch_unwind)]
pub fn set_threads(threads: u32) -> Result<()> {
    let threads = threads as usize;
    let pools = Pools { threads: Some(threads), waited_for: Some(make(threads, true)?), background: None };
    // What was there is dropped after the lock: it waits for nothing, but it is not our business while others wait.
    let _before = mem::replace(&mut *POOLS.lock().unwrap_or_else(PoisonError::into_inner), pools);
    Ok(())
}

/// The number of threads.
#[napi(catch_unwind)]
pub fn threads() -> Result<u32> {
    POOLS.lock().unwrap_or_else(PoisonError::into_inner).threads().map(|threads| threads as u32)
}

/// Does `work` on the threads of the pool, in which `rayon` then divides it.
#[cfg(feature = "text")]
pub fn on_all_threads<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    Ok(pool()?.install(work))
}

/// Embeddings work in the pools too.
#[module_init]
fn share() {
    tokenmill_embedding::use_pool(|| pool().map_err(|error| error.reason.clone()));
}

/// The threads for what this thread does.
pub fn pool() -> Result<Arc<ThreadPool>> {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let (threads, is_waited_for) = (pools.threads()?, IS_WAITED_FOR.get());
    let pool = if is_waited_for { &mut pools.waited_for } else { &mut pools.background };
    if let Some(pool) = pool {
        return Ok(Arc::clone(pool));
    }
    Ok(Arc::clone(pool.insert(make(threads, is_waited_for)?)))
}

impl Pools {
    fn threads(&mut self) -> Result<usize> {
        if let Some(threads) = self.threads {
            return Ok(threads);
        }
        Ok(*self.threads.insert(threads_of_environment()?))
    }
}

fn make(threads: usize, is_waited_for: bool) -> Result<Arc<ThreadPool>> {
    let builder = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("tokenmill {index}"))
        .start_handler(move |_| IS_WAITED_FOR.set(is_waited_for));
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

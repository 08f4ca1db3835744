//! What the work of a test costs.

use std::time::Duration;

use cpu_time::ThreadTime;

use crate::rng::share;

/// How much longer instrumented or emulated code takes.
const SLOWER: u32 = 20;

/// What `work` gives, and the time of this thread's processor that it took: the machine of the tests may be busy. Where tests make a
/// [`share`] of their texts, code is many times slower, and the time is that part of it.
pub fn took<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = ThreadTime::now();
    let result = work();
    let took = start.elapsed();
    (result, if share(2) < 2 { took / SLOWER } else { took })
}

//! Stopping work that runs off the main thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi_derive::napi;

/// A flag that a running task looks at every now and then.
#[napi]
#[derive(Default)]
pub struct CancelFlag {
    flag: Arc<AtomicBool>,
}

#[napi]
impl CancelFlag {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the tasks that were given this flag to stop.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }
}

impl CancelFlag {
    pub fn shared(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// That of a call, also of one that was given none.
    #[cfg(feature = "text")]
    pub fn of(given: Option<&Self>) -> Arc<AtomicBool> {
        given.map(Self::shared).unwrap_or_default()
    }
}

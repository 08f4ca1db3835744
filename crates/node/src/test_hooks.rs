//! Exports for tests: those that panic on purpose, one for each place where a panic can start, and one that keeps threads from other work.

#[cfg(feature = "text")]
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(feature = "text")]
use std::{thread, time::Duration};

use napi::Env;
use napi::bindgen_prelude::AsyncTask;
#[cfg(feature = "text")]
use napi::bindgen_prelude::Uint32ArraySlice;
use napi_derive::napi;
use rayon::prelude::*;

#[cfg(feature = "text")]
use crate::calls::{Value, panicking};
use crate::error::Result;
#[cfg(feature = "text")]
use crate::later::{Later, later};
#[cfg(feature = "text")]
use crate::pool::on_all_threads;
use crate::task::{Job, Work};

/// Has all threads for work in the background sleep for that long, as if a batch kept them.
#[cfg(feature = "text")]
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn occupy_threads(milliseconds: u32) -> AsyncTask<Work<Later<()>>> {
    let sleep = move || thread::sleep(Duration::from_millis(milliseconds.into()));
    later(move || on_all_threads(|| rayon::broadcast(|_| sleep())).map(drop))
}

#[napi(catch_unwind)]
pub fn panic_in_call() {
    panic!("on purpose, in a call");
}

#[napi(catch_unwind)]
pub fn panic_in_rayon() {
    (0..64).into_par_iter().for_each(|i| assert!(i != 40, "on purpose, in a rayon thread"));
}

#[cfg(feature = "text")]
static IN_BLOCK: AtomicBool = AtomicBool::new(false);

/// The next block of texts that crosses while others are encoded is not encoded.
#[cfg(feature = "text")]
#[napi(catch_unwind)]
pub fn panic_in_block() {
    IN_BLOCK.store(true, Ordering::Relaxed);
}

#[cfg(feature = "text")]
pub fn panic_when_asked() {
    assert!(!IN_BLOCK.swap(false, Ordering::Relaxed), "on purpose, in a block of texts");
}

/// A function that panics when it is called, made as those of [`calls`](crate::calls) are.
#[cfg(feature = "text")]
#[napi(catch_unwind, ts_return_type = "() => number")]
pub fn panicking_call(env: Env, scratch: Uint32ArraySlice<'_>) -> Result<Value> {
    panicking(env, &scratch)
}

#[napi]
pub struct PanicInConstructor {}

#[napi]
impl PanicInConstructor {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        panic!("on purpose, in a constructor");
    }
}

pub struct Panicking {
    in_finish: bool,
}

impl Job for Panicking {
    type Output = ();
    type JsValue = ();

    fn run(&mut self) -> Result<()> {
        assert!(self.in_finish, "on purpose, in an async task");
        Ok(())
    }

    fn finish(&mut self, _env: Env, (): ()) -> Result<()> {
        panic!("on purpose, in the end of an async task");
    }
}

#[napi(catch_unwind)]
pub fn panic_in_task(in_finish: bool) -> AsyncTask<Work<Panicking>> {
    AsyncTask::new(Work(Panicking { in_finish }))
}

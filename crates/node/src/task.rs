//! Work off the main thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::{ToNapiValue, TypeName};
use napi::{Env, JsError, Task};

use crate::error::{Code, Error, Result};

/// One piece of work: [`Job::run`] on a worker thread, then [`Job::finish`] on the thread that asked.
pub trait Job: Send {
    type Output: Send + 'static;
    type JsValue: ToNapiValue + TypeName;

    fn run(&mut self) -> Result<Self::Output>;
    fn finish(&mut self, env: Env, output: Self::Output) -> Result<Self::JsValue>;
}

/// A [`Job`] as a napi task: `AsyncTask<Work<J>>` is a promise. napi calls `compute` from an `extern "C"` function without
/// a catch, where a panic would abort the process, and rejects with its own statuses only; here a panic is `ERR_INTERNAL`,
/// and the rejection is an error with our code.
pub struct Work<J>(pub J);

impl<J: Job> Task for Work<J> {
    type Output = Result<J::Output>;
    type JsValue = J::JsValue;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(catching(|| self.0.run()))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        settle(env, output, |output, env| self.0.finish(env, output))
    }
}

/// What a promise is settled with: the value that `finish` makes of `outcome`, or an error.
pub fn settle<T, V>(env: Env, outcome: Result<T>, finish: impl FnOnce(T, Env) -> Result<V>) -> napi::Result<V> {
    outcome.and_then(|output| catching(|| finish(output, env))).map_err(|error| {
        // An error that is already a JavaScript value is what the promise is rejected with, code and all.
        napi::Error::from(JsError::from(error).into_unknown(env))
    })
}

/// What `work` gives; a panic is `ERR_INTERNAL`.
pub fn catching<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = (panic.downcast_ref::<&str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    Error::new(Code::Internal, message)
}

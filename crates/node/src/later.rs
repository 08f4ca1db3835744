//! A closure as work off the main thread.

use napi::Env;
#[cfg(feature = "text")]
use napi::bindgen_prelude::Uint32Array;
use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
#[cfg(feature = "text")]
use tokenmill_bpe::Ids;

#[cfg(feature = "text")]
use crate::encoder::{as_u32, handed_over};
use crate::error::{Code, Error, Result};
use crate::task::{Job, Work};

/// What a closure made on a worker thread, on its way to JavaScript.
pub trait Deliver: Send + 'static {
    type JsValue: ToNapiValue + TypeName;

    fn deliver(self, env: Env) -> Result<Self::JsValue>;
}

/// A closure that has not run yet.
pub struct Later<T>(Option<Box<dyn FnOnce() -> Result<T> + Send>>);

/// A promise of what `work` makes on a worker thread.
pub fn later<T: Deliver>(work: impl FnOnce() -> Result<T> + Send + 'static) -> AsyncTask<Work<Later<T>>> {
    AsyncTask::new(Work(Later(Some(Box::new(work)))))
}

impl<T: Deliver> Job for Later<T> {
    type Output = T;
    type JsValue = T::JsValue;

    fn run(&mut self) -> Result<T> {
        let work = self.0.take().ok_or_else(|| Error::new(Code::Internal, "work cannot run twice"))?;
        work()
    }

    fn finish(&mut self, env: Env, output: T) -> Result<T::JsValue> {
        output.deliver(env)
    }
}

#[cfg(feature = "text")]
impl Deliver for bool {
    type JsValue = Self;

    fn deliver(self, _env: Env) -> Result<Self> {
        Ok(self)
    }
}

impl Deliver for f64 {
    type JsValue = Self;

    fn deliver(self, _env: Env) -> Result<Self> {
        Ok(self)
    }
}

impl Deliver for u32 {
    type JsValue = Self;

    fn deliver(self, _env: Env) -> Result<Self> {
        Ok(self)
    }
}

#[cfg(feature = "text")]
impl Deliver for Vec<u32> {
    type JsValue = Uint32Array;

    fn deliver(self, _env: Env) -> Result<Uint32Array> {
        as_u32(self.len())?;
        Ok(Uint32Array::new(self))
    }
}

#[cfg(feature = "text")]
impl Deliver for Ids {
    type JsValue = Uint32Array;

    fn deliver(self, _env: Env) -> Result<Uint32Array> {
        as_u32(self.len())?;
        Ok(handed_over(self, || ()))
    }
}

impl Deliver for () {
    type JsValue = ();

    fn deliver(self, _env: Env) -> Result<()> {
        Ok(())
    }
}

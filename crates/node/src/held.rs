//! What a JavaScript object holds until it is disposed.

use std::cell::{Cell, RefCell};

use napi::Env;

use crate::error::{Code, Error, Result, from_napi};

/// A value that can be let go before its JavaScript object is, and the memory of it.
///
/// The garbage collector knows how many bytes it has: without that, objects of many megabytes look as small as their
/// handles, and pile up until the next collection. Cells instead of `&mut self`, because napi counts an object as borrowed
/// for as long as a promise that its method returned is pending, and would refuse to dispose it.
pub struct Held<T> {
    what: &'static str,
    value: RefCell<Option<T>>,
    bytes: Cell<i64>,
}

impl<T: Clone> Held<T> {
    /// `what` is what messages call it.
    pub fn new(env: Env, what: &'static str, value: T, bytes: usize) -> Result<Self> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        env.adjust_external_memory(bytes).map_err(|error| from_napi(&error))?;
        Ok(Self { what, value: RefCell::new(Some(value)), bytes: Cell::new(bytes) })
    }

    /// A value whose memory somebody else accounts for.
    #[cfg(feature = "text")]
    pub fn shared(what: &'static str, value: T) -> Self {
        Self { what, value: RefCell::new(Some(value)), bytes: Cell::new(0) }
    }

    /// The memory of the value; 0 when it was let go.
    pub fn bytes(&self) -> usize {
        usize::try_from(self.bytes.get()).unwrap_or(usize::MAX)
    }

    /// The value; `ERR_DISPOSED` after [`Held::release`].
    pub fn get(&self) -> Result<T> {
        let disposed = || Error::new(Code::Disposed, format!("the {} was disposed", self.what));
        self.value.borrow().clone().ok_or_else(disposed)
    }

    /// Lets the value go; the second call does nothing.
    pub fn release(&self, env: Env) -> Result<()> {
        self.value.take();
        match self.bytes.take() {
            0 => Ok(()),
            bytes => env.adjust_external_memory(-bytes).map(|_| ()).map_err(|error| from_napi(&error)),
        }
    }

    /// Puts `value` in the place of the one that is held.
    pub fn replace(&self, env: Env, value: T, bytes: usize) -> Result<()> {
        self.release(env)?;
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        env.adjust_external_memory(bytes).map_err(|error| from_napi(&error))?;
        self.bytes.set(bytes);
        self.value.replace(Some(value));
        Ok(())
    }

    /// [`Held::release`] when the garbage collector has found the object.
    pub fn finalize(&self, env: Env) -> napi::Result<()> {
        self.release(env).map_err(|error| napi::Error::from_reason(error.reason.clone()))
    }
}

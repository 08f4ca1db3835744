//! Tensors: results of the embeddings.

use std::rc::Rc;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{
    AsyncTask, ClassInstance, Float32Array, Float32ArraySlice, ObjectFinalize, Uint16Array, Uint16ArraySlice,
};
use napi_derive::napi;
use tokenmill_embedding::{Output, ValuesMut};

use crate::embedding_convert::coded;
use crate::error::Result;
use crate::forgotten;
use crate::held::Held;
use crate::later::{Deliver, Later, later};
use crate::task::Work;

#[napi(custom_finalize)]
pub struct NativeTensor {
    output: Rc<Held<Arc<Output>>>,
}

impl NativeTensor {
    pub fn output(&self) -> Result<Arc<Output>> {
        self.output.get()
    }

    /// The tensor of what `forward` makes at once.
    pub fn at_once(env: &Env, forward: impl FnOnce() -> Result<Output>) -> Result<ClassInstance<'_, Self>> {
        forgotten::watched(env, || forward()?.deliver(*env), |tensor| &tensor.output)
    }
}

#[napi]
impl NativeTensor {
    /// Copies the values as `f32` into `out`, which is as long as there are values.
    #[napi(catch_unwind)]
    pub fn copy_to(&self, mut out: Float32ArraySlice) -> Result<()> {
        // SAFETY: JavaScript waits, and the facade gives arrays that no other thread sees.
        let out = unsafe { out.as_mut() };
        self.output.get()?.widen_to(out).map_err(coded)
    }

    /// Copies the bits of the values, which are halves, into `out`, which is as long as there are values.
    #[napi(catch_unwind)]
    pub fn copy_bits_to(&self, mut out: Uint16ArraySlice) -> Result<()> {
        // SAFETY: JavaScript waits, and the facade gives arrays that no other thread sees.
        let out = unsafe { out.as_mut() };
        self.output.get()?.copy_to(ValuesMut::Bits(out)).map_err(coded)
    }

    /// A copy of the values as `f32`, made on a worker thread.
    #[napi(catch_unwind, ts_return_type = "Promise<Float32Array>")]
    pub fn values(&self) -> Result<AsyncTask<Work<Later<Vec<f32>>>>> {
        let output = self.output.get()?;
        Ok(later(move || output.values().map_err(coded)))
    }

    /// A copy of the bits of the values, which are halves, made on a worker thread.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint16Array>")]
    pub fn bits(&self) -> Result<AsyncTask<Work<Later<Bits>>>> {
        let output = self.output.get()?;
        Ok(later(move || output.bits().map(Bits).map_err(coded)))
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self, env: Env) -> Result<()> {
        self.output.release(env)
    }
}

impl ObjectFinalize for NativeTensor {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.output.finalize(env)
    }
}

impl Deliver for Output {
    type JsValue = NativeTensor;

    fn deliver(self, env: Env) -> Result<NativeTensor> {
        let bytes = self.byte_length();
        Ok(NativeTensor { output: Rc::new(Held::new(env, "tensor", Arc::new(self), bytes)?) })
    }
}

impl Deliver for Vec<f32> {
    type JsValue = Float32Array;

    fn deliver(self, _env: Env) -> Result<Float32Array> {
        Ok(Float32Array::new(self))
    }
}

/// Bits of halves.
pub struct Bits(pub Vec<u16>);

impl Deliver for Bits {
    type JsValue = Uint16Array;

    fn deliver(self, _env: Env) -> Result<Uint16Array> {
        Ok(Uint16Array::new(self.0))
    }
}

//! Tensors: results of the embeddings.

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Float32Array, Float32ArraySlice, ObjectFinalize};
use napi_derive::napi;
use tokenmill_embedding::{Tensor, copy_values, values};

use crate::embedding_convert::coded;
use crate::error::Result;
use crate::held::Held;
use crate::later::{Deliver, Later, later};
use crate::task::Work;

#[napi(custom_finalize)]
pub struct NativeTensor {
    tensor: Held<Tensor>,
}

impl NativeTensor {
    /// A tensor with memory of its own.
    pub fn new(env: Env, tensor: Tensor) -> Result<Self> {
        let bytes = tensor.elem_count() * tensor.dtype().size_in_bytes();
        Ok(Self { tensor: Held::new(env, "tensor", tensor, bytes)? })
    }

    /// A tensor whose memory somebody else accounts for.
    pub fn shared(tensor: Tensor) -> Self {
        Self { tensor: Held::shared("tensor", tensor) }
    }
}

#[napi]
impl NativeTensor {
    /// Copies the values into `out`, which is as long as there are values.
    #[napi(catch_unwind)]
    pub fn copy_to(&self, mut out: Float32ArraySlice) -> Result<()> {
        // SAFETY: JavaScript waits, and the facade gives arrays that no other thread sees.
        let out = unsafe { out.as_mut() };
        copy_values(&self.tensor.get()?, out).map_err(coded)
    }

    /// A copy of the values, made on a worker thread.
    #[napi(catch_unwind, ts_return_type = "Promise<Float32Array>")]
    pub fn values(&self) -> Result<AsyncTask<Work<Later<Vec<f32>>>>> {
        let tensor = self.tensor.get()?;
        Ok(later(move || values(&tensor).map_err(coded)))
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self, env: Env) -> Result<()> {
        self.tensor.release(env)
    }
}

impl ObjectFinalize for NativeTensor {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.tensor.finalize(env)
    }
}

impl Deliver for Tensor {
    type JsValue = NativeTensor;

    fn deliver(self, env: Env) -> Result<NativeTensor> {
        NativeTensor::new(env, self)
    }
}

impl Deliver for Vec<f32> {
    type JsValue = Float32Array;

    fn deliver(self, _env: Env) -> Result<Float32Array> {
        Ok(Float32Array::new(self))
    }
}

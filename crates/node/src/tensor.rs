//! Tensors: results of the embeddings.

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Float32Array, Float32ArraySlice, ObjectFinalize};
use napi_derive::napi;
use tokenmill_embedding::{Tensor, copy_values, values};

use crate::embedding_error::{coded, disposed};
use crate::error::Result;
use crate::external_memory::ExternalMemory;
use crate::later::{Deliver, Later, later};
use crate::task::Work;

#[napi(custom_finalize)]
pub struct NativeTensor {
    tensor: Option<Tensor>,
    memory: ExternalMemory,
}

impl NativeTensor {
    /// A tensor with memory of its own.
    pub fn new(env: Env, tensor: Tensor) -> Result<Self> {
        let memory = ExternalMemory::new(env, tensor.elem_count() * tensor.dtype().size_in_bytes())?;
        Ok(Self { tensor: Some(tensor), memory })
    }

    /// A tensor whose memory somebody else accounts for.
    pub fn shared(tensor: Tensor) -> Self {
        Self { tensor: Some(tensor), memory: ExternalMemory::default() }
    }

    fn tensor(&self) -> Result<&Tensor> {
        self.tensor.as_ref().ok_or_else(|| disposed("tensor"))
    }
}

#[napi]
impl NativeTensor {
    /// Copies the values into `out`, which is as long as there are values.
    #[napi(catch_unwind)]
    pub fn copy_to(&self, mut out: Float32ArraySlice) -> Result<()> {
        // SAFETY: JavaScript waits, and the facade gives arrays that no other thread sees.
        let out = unsafe { out.as_mut() };
        copy_values(self.tensor()?, out).map_err(coded)
    }

    /// A copy of the values, made on a worker thread.
    #[napi(catch_unwind, ts_return_type = "Promise<Float32Array>")]
    pub fn values(&self) -> Result<AsyncTask<Work<Later<Vec<f32>>>>> {
        let tensor = self.tensor()?.clone();
        Ok(later(move || values(&tensor).map_err(coded)))
    }

    #[napi(catch_unwind)]
    pub fn dispose(&mut self, env: Env) -> Result<()> {
        self.tensor = None;
        self.memory.release(env)
    }
}

impl ObjectFinalize for NativeTensor {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.memory.release(env).map_err(|error| napi::Error::from_reason(error.reason.clone()))
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

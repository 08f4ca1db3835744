//! Tables of one row per id.

use std::path::PathBuf;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Float32ArraySlice, ObjectFinalize};
use napi_derive::napi;
use tokenmill_embedding::{Device, Embedding, Init, Source, Tensor};

use crate::embedding_convert::{coded, number, size, sizes};
use crate::error::Result;
use crate::held::Held;
use crate::later::{Deliver, Later, later};
use crate::task::Work;
use crate::tensor::NativeTensor;

#[napi(object)]
pub struct NativeEmbeddingOptions {
    pub count: i64,
    pub dimensions: i64,
    /// The standard deviation of the initial values; 0 is all zeros.
    pub std: f64,
    pub seed: i64,
    pub padding_id: Option<u32>,
}

#[napi(custom_finalize)]
pub struct NativeEmbedding {
    embedding: Held<Arc<Embedding>>,
}

#[napi]
impl NativeEmbedding {
    #[napi(catch_unwind)]
    pub fn create(env: Env, options: NativeEmbeddingOptions) -> Result<NativeEmbedding> {
        create(options)?.deliver(env)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeEmbedding>")]
    pub fn create_async(options: NativeEmbeddingOptions) -> AsyncTask<Work<Later<Embedding>>> {
        later(move || create(options))
    }

    #[napi(catch_unwind)]
    pub fn from_array(env: Env, data: &[f32], count: i64, dimensions: i64) -> Result<NativeEmbedding> {
        let (rows, dimensions) = (size("count", count)?, size("dimensions", dimensions)?);
        Embedding::from_slice(data, rows, dimensions, &Device::Cpu).map_err(coded)?.deliver(env)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeEmbedding>")]
    pub fn load(path: String, key: String, max_bytes: i64) -> AsyncTask<Work<Later<Embedding>>> {
        later(move || {
            let max_bytes = size("maxBytes", max_bytes)?;
            Embedding::load(&PathBuf::from(path), &key, &Device::Cpu, max_bytes).map_err(coded)
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn save(&self, path: String, key: String) -> Result<AsyncTask<Work<Later<()>>>> {
        let embedding = self.embedding.get()?;
        Ok(later(move || embedding.save(&PathBuf::from(path), &key).map_err(coded)))
    }

    #[napi(getter, catch_unwind)]
    pub fn count(&self) -> Result<i64> {
        Ok(number(self.embedding.get()?.rows()))
    }

    #[napi(getter, catch_unwind)]
    pub fn dimensions(&self) -> Result<i64> {
        Ok(number(self.embedding.get()?.dimensions()))
    }

    #[napi(catch_unwind)]
    pub fn forward(&self, env: Env, ids: &[u32], shape: Vec<i64>) -> Result<NativeTensor> {
        self.embedding.get()?.forward(ids, &sizes("shape", shape)?).map_err(coded)?.deliver(env)
    }

    /// `forward` into `out`, which shares no memory with `ids`.
    #[napi(catch_unwind)]
    pub fn forward_into(&self, ids: &[u32], shape: Vec<i64>, mut out: Float32ArraySlice) -> Result<()> {
        // SAFETY: JavaScript waits, and the facade gives an array that no other thread sees and that is apart from `ids`.
        let out = unsafe { out.as_mut() };
        self.embedding.get()?.forward_into(ids, &sizes("shape", shape)?, out).map_err(coded)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeTensor>")]
    pub fn forward_async(&self, ids: &[u32], shape: Vec<i64>) -> Result<AsyncTask<Work<Later<Tensor>>>> {
        let (embedding, ids, shape) = (self.embedding.get()?, ids.to_vec(), sizes("shape", shape)?);
        Ok(later(move || embedding.forward(&ids, &shape).map_err(coded)))
    }

    /// The table, which shares its memory with the embedding.
    #[napi(catch_unwind)]
    pub fn table(&self) -> Result<NativeTensor> {
        Ok(NativeTensor::shared(self.embedding.get()?.table().clone()))
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self, env: Env) -> Result<()> {
        self.embedding.release(env)
    }
}

fn create(options: NativeEmbeddingOptions) -> Result<Embedding> {
    let (rows, dimensions) = (size("count", options.count)?, size("dimensions", options.dimensions)?);
    let init = if options.std == 0.0 { Init::Zeros } else { Init::Normal { std: options.std } };
    let source = Source { seed: options.seed as u64, stream: 0 };
    Embedding::new(rows, dimensions, init, source, options.padding_id, &Device::Cpu).map_err(coded)
}

impl ObjectFinalize for NativeEmbedding {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.embedding.finalize(env)
    }
}

impl Deliver for Embedding {
    type JsValue = NativeEmbedding;

    fn deliver(self, env: Env) -> Result<NativeEmbedding> {
        let bytes = self.rows() * self.dimensions() * size_of::<f32>();
        Ok(NativeEmbedding { embedding: Held::new(env, "embedding", Arc::new(self), bytes)? })
    }
}

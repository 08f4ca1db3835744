//! Token and position tables together.

use std::path::PathBuf;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Float32ArraySlice, ObjectFinalize};
use napi_derive::napi;
use tokenmill_embedding::{Device, InputEmbedding, InputEmbeddingConfig, Position, Tensor};

use crate::embedding_convert::{coded, number, size, sizes};
use crate::error::{Code, Error, Result};
use crate::held::Held;
use crate::later::{Deliver, Later, later};
use crate::task::Work;
use crate::tensor::NativeTensor;

#[napi(object)]
pub struct NativeInputEmbeddingConfig {
    pub vocab_size: i64,
    pub context_length: i64,
    pub dimensions: i64,
    #[napi(ts_type = "'learned' | 'sinusoidal' | 'none'")]
    pub position: String,
    pub scale: f64,
}

#[napi(object)]
pub struct NativeParameter {
    pub name: String,
    pub shape: Vec<i64>,
}

#[napi(custom_finalize)]
pub struct NativeInputEmbedding {
    embedding: Held<Arc<InputEmbedding>>,
}

#[napi]
impl NativeInputEmbedding {
    #[napi(catch_unwind)]
    pub fn create(env: Env, config: NativeInputEmbeddingConfig, seed: i64) -> Result<NativeInputEmbedding> {
        create(config, seed)?.deliver(env)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeInputEmbedding>")]
    pub fn create_async(config: NativeInputEmbeddingConfig, seed: i64) -> AsyncTask<Work<Later<InputEmbedding>>> {
        later(move || create(config, seed))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeInputEmbedding>")]
    pub fn load(path: String, max_bytes: i64) -> AsyncTask<Work<Later<InputEmbedding>>> {
        later(move || {
            let max_bytes = size("maxBytes", max_bytes)?;
            InputEmbedding::load(&PathBuf::from(path), &Device::Cpu, max_bytes).map_err(coded)
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn save(&self, path: String) -> Result<AsyncTask<Work<Later<()>>>> {
        let embedding = self.embedding.get()?;
        Ok(later(move || embedding.save(&PathBuf::from(path)).map_err(coded)))
    }

    #[napi(getter, catch_unwind)]
    pub fn config(&self) -> Result<NativeInputEmbeddingConfig> {
        let config = *self.embedding.get()?.config();
        Ok(NativeInputEmbeddingConfig {
            vocab_size: number(config.vocab_size),
            context_length: number(config.context_length),
            dimensions: number(config.dimensions),
            position: config.position.name().to_owned(),
            scale: f64::from(config.scale),
        })
    }

    #[napi(catch_unwind)]
    pub fn forward(&self, env: Env, ids: &[u32], shape: Vec<i64>, offset: i64) -> Result<NativeTensor> {
        let (shape, offset) = (sizes("shape", shape)?, size("positionOffset", offset)?);
        self.embedding.get()?.forward(ids, &shape, offset).map_err(coded)?.deliver(env)
    }

    /// `forward` into `out`, which shares no memory with `ids`.
    #[napi(catch_unwind)]
    pub fn forward_into(&self, ids: &[u32], shape: Vec<i64>, offset: i64, mut out: Float32ArraySlice) -> Result<()> {
        let (shape, offset) = (sizes("shape", shape)?, size("positionOffset", offset)?);
        // SAFETY: JavaScript waits, and the facade gives an array that no other thread sees and that is apart from `ids`.
        let out = unsafe { out.as_mut() };
        self.embedding.get()?.forward_into(ids, &shape, offset, out).map_err(coded)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeTensor>")]
    pub fn forward_async(&self, ids: &[u32], shape: Vec<i64>, offset: i64) -> Result<AsyncTask<Work<Later<Tensor>>>> {
        let (shape, offset) = (sizes("shape", shape)?, size("positionOffset", offset)?);
        let (embedding, ids) = (self.embedding.get()?, ids.to_vec());
        Ok(later(move || embedding.forward(&ids, &shape, offset).map_err(coded)))
    }

    /// Names and shapes of the tables that training would change.
    #[napi(catch_unwind)]
    pub fn parameters(&self) -> Result<Vec<NativeParameter>> {
        let describe = |parameter: tokenmill_embedding::Parameter| NativeParameter {
            name: parameter.name.to_owned(),
            shape: parameter.tensor.dims().iter().map(|&size| number(size)).collect(),
        };
        Ok(self.embedding.get()?.parameters().map(describe).collect())
    }

    /// A parameter, which shares its memory with the embedding.
    #[napi(catch_unwind)]
    pub fn parameter(&self, name: String) -> Result<NativeTensor> {
        (self.embedding.get()?.parameters().find(|parameter| parameter.name == name))
            .map(|parameter| NativeTensor::shared(parameter.tensor.clone()))
            .ok_or_else(|| Error::new(Code::OutOfRange, format!("there is no parameter {name:?}")))
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self, env: Env) -> Result<()> {
        self.embedding.release(env)
    }
}

fn create(config: NativeInputEmbeddingConfig, seed: i64) -> Result<InputEmbedding> {
    let position = Position::from_name(&config.position)
        .ok_or_else(|| Error::new(Code::InvalidArgument, format!("there is no position {:?}", config.position)))?;
    let config = InputEmbeddingConfig {
        vocab_size: size("vocabSize", config.vocab_size)?,
        context_length: size("contextLength", config.context_length)?,
        dimensions: size("dimensions", config.dimensions)?,
        position,
        scale: config.scale as f32,
    };
    InputEmbedding::new(config, seed as u64, &Device::Cpu).map_err(coded)
}

impl ObjectFinalize for NativeInputEmbedding {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.embedding.finalize(env)
    }
}

impl Deliver for InputEmbedding {
    type JsValue = NativeInputEmbedding;

    fn deliver(self, env: Env) -> Result<NativeInputEmbedding> {
        let bytes = self.byte_length();
        Ok(NativeInputEmbedding { embedding: Held::new(env, "embedding", Arc::new(self), bytes)? })
    }
}

//! Tables of one row per id.

use std::path::PathBuf;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{
    AsyncTask, ClassInstance, Float32ArraySlice, ObjectFinalize, Uint16ArraySlice, Uint32ArraySlice,
};
use napi_derive::napi;
use tokenmill_embedding::{Embedding, Init, Output, Source, TableOptions, ValuesMut};

use crate::apart::outside;
use crate::embedding_convert::{coded, device, dtype, number, size, sizes};
use crate::error::Result;
use crate::held::Held;
use crate::later::{Deliver, Later, later};
use crate::live::Live;
use crate::memory::copied;
use crate::parameter::NativeParameter;
use crate::task::Work;
use crate::tensor::NativeTensor;

#[napi(object)]
pub struct NativeEmbeddingOptions {
    pub count: i64,
    pub dimensions: i64,
    /// The standard deviation of the initial values; 0 is all zeros.
    pub std: f64,
    pub seed: i64,
    pub table: NativeTableOptions,
}

#[napi(object)]
pub struct NativeTableOptions {
    #[napi(ts_type = "'f32' | 'bf16' | 'f16'")]
    pub dtype: String,
    pub padding_id: Option<u32>,
    pub trainable: bool,
    /// Whose ids it is for, as the facade writes it. Files say it themselves.
    pub tokenizer: Option<String>,
}

#[napi(custom_finalize)]
pub struct NativeEmbedding {
    embedding: Held<Arc<Live<Embedding>>>,
}

#[napi]
impl NativeEmbedding {
    #[napi(catch_unwind)]
    pub fn create(env: Env, options: NativeEmbeddingOptions, cuda: Option<u32>) -> Result<NativeEmbedding> {
        create(options, cuda)?.deliver(env)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeEmbedding>")]
    pub fn create_async(options: NativeEmbeddingOptions, cuda: Option<u32>) -> AsyncTask<Work<Later<Embedding>>> {
        later(move || create(options, cuda))
    }

    #[napi(catch_unwind)]
    pub fn from_array(
        env: Env,
        data: &[f32],
        count: i64,
        dimensions: i64,
        table: NativeTableOptions,
        cuda: Option<u32>,
    ) -> Result<NativeEmbedding> {
        let (rows, dimensions) = (size("count", count)?, size("dimensions", dimensions)?);
        let options = table_options(&table)?;
        let embedding = Embedding::from_slice(data, rows, dimensions, options, &device(cuda)?).map_err(coded)?;
        embedding.noted(table.tokenizer.map(Arc::from)).deliver(env)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeEmbedding>")]
    pub fn load(
        path: String,
        key: String,
        table: NativeTableOptions,
        max_bytes: i64,
        cuda: Option<u32>,
    ) -> AsyncTask<Work<Later<Embedding>>> {
        later(move || {
            let (options, max_bytes) = (table_options(&table)?, size("maxBytes", max_bytes)?);
            Embedding::load(&PathBuf::from(path), &key, options, &device(cuda)?, max_bytes).map_err(coded)
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeEmbedding>")]
    pub fn load_npy(
        path: String,
        table: NativeTableOptions,
        max_bytes: i64,
        cuda: Option<u32>,
    ) -> AsyncTask<Work<Later<Embedding>>> {
        later(move || {
            let (options, max_bytes) = (table_options(&table)?, size("maxBytes", max_bytes)?);
            Embedding::load_npy(&PathBuf::from(path), options, &device(cuda)?, max_bytes).map_err(coded)
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn save_npy(&self, path: String) -> Result<AsyncTask<Work<Later<()>>>> {
        let embedding = self.embedding.get()?;
        Ok(later(move || embedding.save_npy(&PathBuf::from(path)).map_err(coded)))
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

    /// Whose ids it is for, as the facade has written it.
    #[napi(getter, catch_unwind)]
    pub fn tokenizer(&self) -> Result<Option<String>> {
        Ok(self.embedding.get()?.note().map(str::to_owned))
    }

    #[napi(catch_unwind)]
    pub fn forward<'env>(
        &self,
        env: &'env Env,
        ids: &[u32],
        shape: Vec<i64>,
    ) -> Result<ClassInstance<'env, NativeTensor>> {
        let embedding = self.embedding.get()?;
        NativeTensor::at_once(env, || embedding.forward(ids, &sizes("shape", shape)?).map_err(coded))
    }

    /// `forward` into `out`.
    #[napi(catch_unwind)]
    pub fn forward_into(
        &self,
        ids: Uint32ArraySlice<'_>,
        shape: Vec<i64>,
        mut out: Float32ArraySlice<'_>,
    ) -> Result<()> {
        let ids = outside(&out, &ids)?;
        // SAFETY: JavaScript waits, the facade gives an array that no other thread sees, and the ids lie outside it.
        let out = unsafe { out.as_mut() };
        self.embedding.get()?.forward_into(&ids, &sizes("shape", shape)?, out).map_err(coded)
    }

    /// `forward_into` of the bits of halves.
    #[napi(catch_unwind)]
    pub fn forward_bits_into(
        &self,
        ids: Uint32ArraySlice<'_>,
        shape: Vec<i64>,
        mut out: Uint16ArraySlice<'_>,
    ) -> Result<()> {
        let ids = outside(&out, &ids)?;
        // SAFETY: as in `forward_into`.
        let out = ValuesMut::Bits(unsafe { out.as_mut() });
        self.embedding.get()?.forward_into(&ids, &sizes("shape", shape)?, out).map_err(coded)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeTensor>")]
    pub fn forward_async(&self, ids: &[u32], shape: Vec<i64>) -> Result<AsyncTask<Work<Later<Output>>>> {
        let (embedding, ids, shape) = (self.embedding.get()?, copied(ids)?, sizes("shape", shape)?);
        Ok(later(move || embedding.forward(&ids, &shape).map_err(coded)))
    }

    /// The gradient of the table grows by what `grad`, that of `output`, makes of it.
    #[napi(catch_unwind)]
    pub fn backward(&self, output: &NativeTensor, grad: &[f32]) -> Result<()> {
        self.embedding.get()?.backward(&*output.output()?, grad).map_err(coded)
    }

    /// `backward` with a gradient that is a tensor.
    #[napi(catch_unwind)]
    pub fn backward_tensor(&self, output: &NativeTensor, grad: &NativeTensor) -> Result<()> {
        self.embedding.get()?.backward_tensor(&*output.output()?, &*grad.output()?).map_err(coded)
    }

    #[napi(catch_unwind)]
    pub fn parameter(&self) -> Result<NativeParameter> {
        Ok(NativeParameter::new(self.embedding.get()?.parameter()))
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self, env: Env) -> Result<()> {
        self.embedding.release(env)
    }
}

fn create(options: NativeEmbeddingOptions, cuda: Option<u32>) -> Result<Embedding> {
    let (rows, dimensions) = (size("count", options.count)?, size("dimensions", options.dimensions)?);
    let init = if options.std == 0.0 { Init::Zeros } else { Init::Normal { std: options.std } };
    let source = Source { seed: options.seed as u64, stream: 0 };
    let device = device(cuda)?;
    let made = Embedding::new(rows, dimensions, init, source, table_options(&options.table)?, &device);
    Ok(made.map_err(coded)?.noted(options.table.tokenizer.map(Arc::from)))
}

fn table_options(options: &NativeTableOptions) -> Result<TableOptions> {
    let NativeTableOptions { padding_id, trainable, .. } = *options;
    Ok(TableOptions { dtype: dtype(&options.dtype)?, padding: padding_id, trainable })
}

impl ObjectFinalize for NativeEmbedding {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.embedding.finalize(env)
    }
}

impl Deliver for Embedding {
    type JsValue = NativeEmbedding;

    fn deliver(self, env: Env) -> Result<NativeEmbedding> {
        let bytes = self.byte_length();
        Ok(NativeEmbedding { embedding: Held::new(env, "embedding", Arc::new(Live(self)), bytes)? })
    }
}

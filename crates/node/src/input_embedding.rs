//! Token and position tables together.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{
    AsyncTask, ClassInstance, Float32ArraySlice, ObjectFinalize, Uint16ArraySlice, Uint32Array, Uint32ArraySlice,
};
use napi_derive::napi;
use tokenmill_embedding::{
    Input, InputEmbedding, InputEmbeddingConfig, Names, Output, Passes, Position, Positions, ValuesMut,
};

use crate::apart::outside;
use crate::embedding_convert::{self as convert, coded, number, size, sizes};
use crate::error::{Code, Error, Result};
use crate::held::Held;
use crate::later::{Deliver, Later, later};
use crate::live::Live;
use crate::memory::copied;
use crate::parameter::NativeParameter;
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
    /// Rows of the table of token types; 0 for none.
    pub token_types: i64,
    /// The epsilon of the layer normalisation.
    pub layer_norm: Option<f64>,
    pub dropout: f64,
    pub padding_id: Option<u32>,
    #[napi(ts_type = "'f32' | 'bf16' | 'f16'")]
    pub dtype: String,
    /// Whose ids it is for, as the facade writes it.
    pub tokenizer: Option<String>,
}

/// How a pass reads ids.
#[napi(object)]
pub struct NativePass {
    pub shape: Vec<i64>,
    /// The position of the first id of each row, unless there are `position_ids`.
    pub offset: i64,
    pub position_ids: Option<Uint32Array>,
    pub type_ids: Option<Uint32Array>,
    /// In training, the seed of the values that are left out, and how many passes there were before.
    pub training: Option<Vec<i64>>,
}

#[napi(custom_finalize)]
pub struct NativeInputEmbedding {
    embedding: Held<Arc<Live<InputEmbedding>>>,
}

#[napi]
impl NativeInputEmbedding {
    #[napi(catch_unwind)]
    pub fn create(
        env: Env,
        config: NativeInputEmbeddingConfig,
        seed: i64,
        cuda: Option<u32>,
    ) -> Result<NativeInputEmbedding> {
        create(config, seed, cuda)?.deliver(env)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeInputEmbedding>")]
    pub fn create_async(
        config: NativeInputEmbeddingConfig,
        seed: i64,
        cuda: Option<u32>,
    ) -> AsyncTask<Work<Later<InputEmbedding>>> {
        later(move || create(config, seed, cuda))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeInputEmbedding>")]
    pub fn load(
        path: String,
        dtype: String,
        max_bytes: i64,
        cuda: Option<u32>,
    ) -> AsyncTask<Work<Later<InputEmbedding>>> {
        later(move || {
            let (dtype, max_bytes) = (convert::dtype(&dtype)?, size("maxBytes", max_bytes)?);
            InputEmbedding::load(&PathBuf::from(path), dtype, &convert::device(cuda)?, max_bytes).map_err(coded)
        })
    }

    /// `passes`: the seed of dropout, and how many passes in training there were.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn save(
        &self,
        path: String,
        #[napi(ts_arg_type = "'gpt2' | 'bert'")] names: String,
        passes: Vec<i64>,
    ) -> Result<AsyncTask<Work<Later<()>>>> {
        let embedding = self.embedding.get()?;
        let passes = passes_of(&passes)?;
        let names = Names::from_name(&names)
            .ok_or_else(|| Error::new(Code::InvalidArgument, format!("there are no names {names:?}")))?;
        Ok(later(move || embedding.save_after(passes, &PathBuf::from(path), names).map_err(coded)))
    }

    /// The seed of dropout, and how many passes in training there were, when the file was written that it was read from.
    #[napi(getter, catch_unwind, ts_return_type = "[seed: number, made: number]")]
    pub fn passes(&self) -> Result<Vec<i64>> {
        let Passes { seed, made } = self.embedding.get()?.passes();
        Ok(vec![seed.cast_signed(), made.cast_signed()])
    }

    #[napi(getter, catch_unwind)]
    pub fn config(&self) -> Result<NativeInputEmbeddingConfig> {
        let embedding = self.embedding.get()?;
        let config = *embedding.config();
        Ok(NativeInputEmbeddingConfig {
            vocab_size: number(config.vocab_size),
            context_length: number(config.context_length),
            dimensions: number(config.dimensions),
            position: config.position.name().to_owned(),
            scale: f64::from(config.scale),
            token_types: number(config.token_types),
            layer_norm: config.layer_norm,
            dropout: config.dropout,
            padding_id: config.padding,
            dtype: config.dtype.name().to_owned(),
            tokenizer: embedding.note().map(str::to_owned),
        })
    }

    #[napi(catch_unwind)]
    pub fn forward<'env>(
        &self,
        env: &'env Env,
        ids: &[u32],
        pass: NativePass,
    ) -> Result<ClassInstance<'env, NativeTensor>> {
        let embedding = self.embedding.get()?;
        NativeTensor::at_once(env, || embedding.forward(&Pass::new(&pass, in_place)?.input(ids)).map_err(coded))
    }

    /// `forward` into `out`.
    #[napi(catch_unwind)]
    pub fn forward_into(
        &self,
        ids: Uint32ArraySlice<'_>,
        pass: NativePass,
        mut out: Float32ArraySlice<'_>,
    ) -> Result<()> {
        let embedding = self.embedding.get()?;
        let (ids, pass) = (outside(&out, &ids)?, Pass::new(&pass, |ids| outside(&out, ids))?);
        // SAFETY: JavaScript waits, the facade gives an array that no other thread sees, and what is read lies outside it.
        let out = unsafe { out.as_mut() };
        embedding.forward_into(&pass.input(&ids), out).map_err(coded)
    }

    /// `forward_into` of the bits of halves.
    #[napi(catch_unwind)]
    pub fn forward_bits_into(
        &self,
        ids: Uint32ArraySlice<'_>,
        pass: NativePass,
        mut out: Uint16ArraySlice<'_>,
    ) -> Result<()> {
        let embedding = self.embedding.get()?;
        let (ids, pass) = (outside(&out, &ids)?, Pass::new(&pass, |ids| outside(&out, ids))?);
        // SAFETY: as in `forward_into`.
        let out = ValuesMut::Bits(unsafe { out.as_mut() });
        embedding.forward_into(&pass.input(&ids), out).map_err(coded)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeTensor>")]
    pub fn forward_async(&self, ids: &[u32], pass: NativePass) -> Result<AsyncTask<Work<Later<Output>>>> {
        let (embedding, ids) = (self.embedding.get()?, copied(ids)?);
        let pass = Pass::new(&pass, |ids| copied(ids).map(Cow::Owned))?;
        Ok(later(move || embedding.forward(&pass.input(&ids)).map_err(coded)))
    }

    /// The gradients of the parameters grow by what `grad`, that of `output`, makes of them.
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
    pub fn parameters(&self) -> Result<Vec<NativeParameter>> {
        Ok(self.embedding.get()?.parameters().into_iter().map(NativeParameter::new).collect())
    }

    /// Other tables, of another number of tokens. Parameters of the old ones are disposed.
    #[napi(catch_unwind)]
    pub fn resize(&self, env: Env, vocab_size: i64, seed: i64) -> Result<()> {
        let old = self.embedding.get()?;
        let device = old.device().map_err(coded)?;
        let new = old.resized(size("vocabSize", vocab_size)?, seed as u64, &device).map_err(coded)?;
        let bytes = new.byte_length();
        self.embedding.replace(env, Arc::new(Live(new)), bytes)
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self, env: Env) -> Result<()> {
        self.embedding.release(env)
    }
}

fn create(config: NativeInputEmbeddingConfig, seed: i64, cuda: Option<u32>) -> Result<InputEmbedding> {
    let embedding = InputEmbedding::new(config_of(&config)?, seed as u64, &convert::device(cuda)?).map_err(coded)?;
    Ok(embedding.noted(config.tokenizer.map(Arc::from)))
}

/// What the facade has checked.
pub fn config_of(config: &NativeInputEmbeddingConfig) -> Result<InputEmbeddingConfig> {
    let position = Position::from_name(&config.position)
        .ok_or_else(|| Error::new(Code::InvalidArgument, format!("there is no position {:?}", config.position)))?;
    Ok(InputEmbeddingConfig {
        vocab_size: size("vocabSize", config.vocab_size)?,
        context_length: size("contextLength", config.context_length)?,
        dimensions: size("dimensions", config.dimensions)?,
        position,
        scale: config.scale as f32,
        token_types: size("tokenTypes", config.token_types)?,
        layer_norm: config.layer_norm,
        dropout: config.dropout,
        padding: config.padding_id,
        dtype: convert::dtype(&config.dtype)?,
    })
}

/// How a pass reads ids.
struct Pass<'a> {
    shape: Vec<usize>,
    offset: usize,
    position_ids: Option<Ids<'a>>,
    type_ids: Option<Ids<'a>>,
    training: Option<u64>,
}

type Ids<'a> = Cow<'a, [u32]>;

#[expect(clippy::unnecessary_wraps, reason = "other ways to take ids may find no memory")]
fn in_place(ids: &[u32]) -> Result<Ids<'_>> {
    Ok(Cow::Borrowed(ids))
}

impl<'a> Pass<'a> {
    /// That of JavaScript, with what `take` makes of its ids.
    fn new<'p>(pass: &'p NativePass, take: impl Fn(&'p [u32]) -> Result<Ids<'a>>) -> Result<Self> {
        let ids = |ids: &'p Option<Uint32Array>| ids.as_deref().map(&take).transpose();
        Ok(Self {
            shape: sizes("shape", pass.shape.clone())?,
            offset: size("positionOffset", pass.offset)?,
            position_ids: ids(&pass.position_ids)?,
            type_ids: ids(&pass.type_ids)?,
            training: match &pass.training {
                None => None,
                Some(passes) => Some(passes_of(passes)?.key()),
            },
        })
    }

    fn input<'b>(&'b self, ids: &'b [u32]) -> Input<'b> {
        Input {
            ids,
            shape: &self.shape,
            positions: self.position_ids.as_deref().map_or(Positions::From(self.offset), Positions::Each),
            types: self.type_ids.as_deref(),
            training: self.training,
        }
    }
}

/// A seed and a number of passes, as JavaScript has them.
fn passes_of(numbers: &[i64]) -> Result<Passes> {
    let &[seed, made] = numbers else {
        let reason = format!("expected a seed and a number of passes, received {} numbers", numbers.len());
        return Err(Error::new(Code::InvalidArgument, reason));
    };
    Ok(Passes { seed: seed as u64, made: made as u64 })
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
        Ok(NativeInputEmbedding { embedding: Held::new(env, "embedding", Arc::new(Live(self)), bytes)? })
    }
}

//! Training of an embedding by a small model.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, ObjectFinalize};
use napi_derive::napi;
use tokenmill_embedding::{Device, InputEmbedding, Loss, Objective, Rule, Trainer, TrainerConfig};

use crate::embedding_convert::{coded, number, size, sizes};
use crate::error::{Code, Error, Result};
use crate::held::Held;
use crate::input_embedding::{NativeInputEmbedding, NativeInputEmbeddingConfig, config_of};
use crate::later::{Deliver, Later, later};
use crate::memory::{collected, copied};
use crate::task::Work;

#[napi(object)]
pub struct NativeTrainerConfig {
    #[napi(ts_type = "'nextToken' | 'masked'")]
    pub objective: String,
    pub neighbours: i64,
    /// Draws of ids for a sampled softmax; without it all ids count.
    pub draws: Option<i64>,
    pub weight_decay: f64,
    pub seed: i64,
}

/// How surprised the model was by so many targets, in nats.
#[napi(object)]
pub struct NativeLoss {
    pub sum: f64,
    pub targets: i64,
}

#[napi(custom_finalize)]
pub struct NativeEmbeddingTrainer {
    trainer: Held<Arc<Mutex<Trainer>>>,
    progress: String,
}

#[napi]
impl NativeEmbeddingTrainer {
    /// `counts` has how often each id is a target.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeEmbeddingTrainer>")]
    pub fn create(
        embedding: NativeInputEmbeddingConfig,
        config: NativeTrainerConfig,
        counts: &[f64],
    ) -> Result<AsyncTask<Work<Later<Made>>>> {
        let (seed, inputs) = (config.seed, config_of(&embedding)?);
        let (config, counts) = (trainer_config(&config)?, counts_of(counts)?);
        let note = embedding.tokenizer.map(Arc::from);
        Ok(later(move || {
            let embedding = InputEmbedding::new(inputs, seed as u64, &Device::Cpu).map_err(coded)?;
            let trainer = Trainer::new(embedding.noted(note), config, &counts).map_err(coded)?;
            Ok(Made { trainer, progress: String::new() })
        }))
    }

    /// What `save` wrote. A file that says whose ids it is for says more than `embedding`.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeEmbeddingTrainer>")]
    pub fn load(
        path: String,
        embedding: NativeInputEmbeddingConfig,
        config: NativeTrainerConfig,
        counts: &[f64],
        max_bytes: i64,
    ) -> Result<AsyncTask<Work<Later<Made>>>> {
        let (config, counts, inputs) = (trainer_config(&config)?, counts_of(counts)?, config_of(&embedding)?);
        let max_bytes = size("maxBytes", max_bytes)?;
        let note = embedding.tokenizer.map(Arc::from);
        Ok(later(move || {
            let loaded = Trainer::load(&PathBuf::from(path), &inputs, config, &counts, max_bytes);
            let (trainer, progress) = loaded.map_err(coded)?;
            let is_noted = trainer.embedding().note().is_some();
            Ok(Made { trainer: if is_noted { trainer } else { trainer.noted(note) }, progress })
        }))
    }

    /// What the caller gave to `save`.
    #[napi(getter, catch_unwind)]
    pub fn progress(&self) -> String {
        self.progress.clone()
    }

    /// Whose ids the embedding is for, as the facade has written it.
    #[napi(getter, catch_unwind)]
    pub fn tokenizer(&self) -> Result<Option<String>> {
        locked(&*self.trainer.get()?, |trainer| Ok(trainer.embedding().note().map(str::to_owned)))
    }

    /// One step, off the event loop. The arrays are copied first.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeLoss>")]
    pub fn step(
        &self,
        ids: &[u32],
        targets: &[i32],
        shape: Vec<i64>,
        learning_rate: f64,
    ) -> Result<AsyncTask<Work<Later<Loss>>>> {
        let (trainer, ids, targets) = (self.trainer.get()?, copied(ids)?, copied(targets)?);
        let shape = sizes("shape", shape)?;
        Ok(later(move || locked(&trainer, |trainer| trainer.step(&ids, &targets, &shape, learning_rate))))
    }

    /// How surprised the model is, off the event loop. The arrays are copied first.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeLoss>")]
    pub fn loss(&self, ids: &[u32], targets: &[i32], shape: Vec<i64>) -> Result<AsyncTask<Work<Later<Loss>>>> {
        let (trainer, ids, targets) = (self.trainer.get()?, copied(ids)?, copied(targets)?);
        let shape = sizes("shape", shape)?;
        Ok(later(move || locked(&trainer, |trainer| trainer.loss(&ids, &targets, &shape))))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn save(&self, path: String, progress: String) -> Result<AsyncTask<Work<Later<()>>>> {
        let trainer = self.trainer.get()?;
        Ok(later(move || locked(&trainer, |trainer| trainer.save(&PathBuf::from(path), &progress))))
    }

    /// What is trained, which shares its memory with the trainer.
    #[napi(catch_unwind)]
    pub fn embedding(&self, env: Env) -> Result<NativeInputEmbedding> {
        locked(&*self.trainer.get()?, |trainer| Ok(trainer.embedding().clone()))?.deliver(env)
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self, env: Env) -> Result<()> {
        self.trainer.release(env)
    }
}

fn trainer_config(config: &NativeTrainerConfig) -> Result<TrainerConfig> {
    let Rule::AdamW { betas, epsilon, .. } = Rule::ADAM_W else {
        return Err(Error::new(Code::Internal, "the rule is not AdamW"));
    };
    Ok(TrainerConfig {
        objective: Objective::from_name(&config.objective).ok_or_else(|| {
            Error::new(Code::InvalidArgument, format!("there is no objective {:?}", config.objective))
        })?,
        neighbours: size("neighbours", config.neighbours)?,
        draws: config.draws.map(|draws| size("draws", draws)).transpose()?,
        rule: Rule::AdamW { betas, epsilon, weight_decay: config.weight_decay },
        seed: config.seed as u64,
    })
}

/// Counts are whole numbers, which the facade made.
fn counts_of(counts: &[f64]) -> Result<Vec<u64>> {
    collected(counts.iter().map(|&count| count as u64))
}

fn locked<T>(trainer: &Mutex<Trainer>, work: impl FnOnce(&mut Trainer) -> tokenmill_embedding::Result<T>) -> Result<T> {
    work(&mut trainer.lock().unwrap_or_else(PoisonError::into_inner)).map_err(coded)
}

/// A trainer on its way to JavaScript.
pub struct Made {
    trainer: Trainer,
    progress: String,
}

impl Deliver for Made {
    type JsValue = NativeEmbeddingTrainer;

    fn deliver(self, env: Env) -> Result<NativeEmbeddingTrainer> {
        // Moments take twice what the tables take, which the embedding itself accounts for.
        let bytes = 2 * self.trainer.embedding().byte_length();
        let trainer = Held::new(env, "trainer", Arc::new(Mutex::new(self.trainer)), bytes)?;
        Ok(NativeEmbeddingTrainer { trainer, progress: self.progress })
    }
}

impl ObjectFinalize for NativeEmbeddingTrainer {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.trainer.finalize(env)
    }
}

impl From<Loss> for NativeLoss {
    fn from(loss: Loss) -> Self {
        Self { sum: loss.sum, targets: number(loss.targets) }
    }
}

impl Deliver for Loss {
    type JsValue = NativeLoss;

    fn deliver(self, _env: Env) -> Result<NativeLoss> {
        Ok(self.into())
    }
}

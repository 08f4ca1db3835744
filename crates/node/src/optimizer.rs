//! Optimisers.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, ClassInstance, Float32Array, ObjectFinalize};
use napi_derive::napi;
use tokenmill_embedding::{Optimizer, Rule, SlotState};

use crate::arrays::to_array;
use crate::embedding_convert::{coded, number, size};
use crate::error::{Code, Error, Result};
use crate::held::Held;
use crate::later::{Later, later};
use crate::memory::copied;
use crate::parameter::NativeParameter;
use crate::task::Work;

/// `betas` and `epsilon` are those of `AdamW`, `momentum` and `nesterov` those of SGD. The facade has checked all, and hands over the learning rate with
/// each step.
#[napi(object)]
pub struct NativeRule {
    #[napi(ts_type = "'adamW' | 'sgd'")]
    pub name: String,
    pub weight_decay: f64,
    pub dense: bool,
    pub betas: Vec<f64>,
    pub epsilon: f64,
    pub momentum: f64,
    pub nesterov: bool,
}

/// What is kept for one parameter.
#[napi(object)]
pub struct NativeSlotState {
    pub steps: i64,
    pub moments: Vec<Float32Array>,
}

#[napi(custom_finalize)]
pub struct NativeOptimizer {
    optimizer: Held<Arc<Mutex<Optimizer>>>,
}

#[napi]
impl NativeOptimizer {
    #[napi(catch_unwind)]
    pub fn create(
        env: Env,
        parameters: Vec<ClassInstance<'_, NativeParameter>>,
        rule: NativeRule,
    ) -> Result<NativeOptimizer> {
        let parameters: Vec<_> = parameters.iter().map(|parameter| parameter.core().clone()).collect();
        let NativeRule { weight_decay, dense, epsilon, momentum, nesterov, .. } = rule;
        let beta = |index: usize| rule.betas.get(index).copied().unwrap_or(f64::NAN);
        let rule = match &*rule.name {
            "sgd" => Rule::Sgd { momentum, weight_decay, nesterov },
            "adamW" => Rule::AdamW { betas: [beta(0), beta(1)], epsilon, weight_decay },
            name => return Err(Error::new(Code::InvalidArgument, format!("there is no rule {name:?}"))),
        };
        let optimizer = Optimizer::new(parameters, rule, 0.0, dense).map_err(coded)?;
        let bytes = optimizer.byte_length();
        Ok(NativeOptimizer { optimizer: Held::new(env, "optimizer", Arc::new(Mutex::new(optimizer)), bytes)? })
    }

    #[napi(catch_unwind)]
    pub fn step(&self, learning_rate: f64) -> Result<()> {
        step(&*self.optimizer.get()?, learning_rate)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn step_async(&self, learning_rate: f64) -> Result<AsyncTask<Work<Later<()>>>> {
        let optimizer = self.optimizer.get()?;
        Ok(later(move || step(&optimizer, learning_rate)))
    }

    #[napi(catch_unwind)]
    pub fn clip_grad_norm(&self, max_norm: f64) -> Result<f64> {
        locked(&*self.optimizer.get()?).clip_grad_norm(max_norm).map_err(coded)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn clip_grad_norm_async(&self, max_norm: f64) -> Result<AsyncTask<Work<Later<f64>>>> {
        let optimizer = self.optimizer.get()?;
        Ok(later(move || locked(&optimizer).clip_grad_norm(max_norm).map_err(coded)))
    }

    #[napi(catch_unwind)]
    pub fn zero_grad(&self) -> Result<()> {
        locked(&*self.optimizer.get()?).zero_grad();
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn state(&self, env: Env) -> Result<Vec<NativeSlotState>> {
        let state = locked(&*self.optimizer.get()?).state().map_err(coded)?;
        let shown = |SlotState { steps, moments }| {
            let moments = moments.into_iter().map(|moment| to_array(env, &moment)).collect::<Result<_>>()?;
            Ok(NativeSlotState { steps: number(steps as usize), moments })
        };
        state.into_iter().map(shown).collect()
    }

    #[napi(catch_unwind)]
    pub fn load(&self, state: Vec<NativeSlotState>) -> Result<()> {
        let read = |NativeSlotState { steps, moments }| {
            let moments = moments.iter().map(|values| copied(values)).collect::<Result<_>>()?;
            Ok(SlotState { steps: size("steps", steps)? as u64, moments })
        };
        let state = state.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        locked(&*self.optimizer.get()?).load(&state).map_err(coded)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn save(&self, path: String, learning_rate: f64) -> Result<AsyncTask<Work<Later<()>>>> {
        let optimizer = self.optimizer.get()?;
        Ok(later(move || {
            let mut optimizer = locked(&optimizer);
            optimizer.set_learning_rate(learning_rate).map_err(coded)?;
            optimizer.save(&PathBuf::from(path)).map_err(coded)
        }))
    }

    /// Goes on from a file; gives the learning rate.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn load_file(&self, path: String, max_bytes: i64) -> Result<AsyncTask<Work<Later<f64>>>> {
        let optimizer = self.optimizer.get()?;
        Ok(later(move || {
            let mut optimizer = locked(&optimizer);
            optimizer.load_file(&PathBuf::from(path), size("maxBytes", max_bytes)?).map_err(coded)?;
            Ok(optimizer.learning_rate())
        }))
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self, env: Env) -> Result<()> {
        self.optimizer.release(env)
    }
}

fn step(optimizer: &Mutex<Optimizer>, learning_rate: f64) -> Result<()> {
    let mut optimizer = locked(optimizer);
    optimizer.set_learning_rate(learning_rate).map_err(coded)?;
    optimizer.step().map_err(coded)
}

/// The facade makes one call at a time: none waits.
fn locked(optimizer: &Mutex<Optimizer>) -> MutexGuard<'_, Optimizer> {
    optimizer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ObjectFinalize for NativeOptimizer {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.optimizer.finalize(env)
    }
}

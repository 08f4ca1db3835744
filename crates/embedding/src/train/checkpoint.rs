//! A trainer in a file, from which training goes on as if it had never stopped.
//!
//! The file is one of [`InputEmbedding::save`] with more tensors in it: what was learned beside the embedding, and the moments of the optimiser.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::sampler::Sampler;
use super::{BIAS_TABLE, MIXING_TABLE, Trainer, TrainerConfig};
use crate::optimizer_file::{moment_tensors, read_states};
use crate::weights::{FileFault, Weights, WeightsFile, at, write_tensors};
use crate::{Device, Error, InputEmbedding, InputEmbeddingConfig, Parameter, Result, TOKEN_TABLE, TableOptions};

/// The metadata entry of a [`Training`].
const TRAINING: &str = "tokenmill.training";
const VERSION: u32 = 1;

/// What the tensors do not say of a training, as JSON in the metadata.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Training {
    version: u32,
    objective: String,
    neighbours: usize,
    draws: Option<usize>,
    rule: String,
    /// Those of the rule.
    numbers: Vec<f64>,
    /// Of how frequent ids are.
    frequencies: u64,
    seed: u64,
    steps: u64,
    /// Of each parameter.
    optimizer_steps: Vec<u64>,
    /// The caller's.
    progress: String,
}

impl Trainer {
    /// Writes all that the next step depends on, and `progress`, into a safetensors file, which replaces an older one in one step.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::OutOfMemory`].
    pub fn save(&self, path: &Path, progress: &str) -> Result<()> {
        let mut tensors: Vec<(String, Parameter)> =
            self.parameters().map(|parameter| (parameter.name().to_owned(), parameter.clone())).collect();
        let states = self.optimizer().state()?;
        let steps = states.iter().map(|state| state.steps).collect();
        tensors.extend(moment_tensors(self.optimizer(), states)?);
        let json = serde_json::to_string(&self.training(steps, progress));
        let json = json.map_err(FileFault::Header).map_err(at(path))?;
        let description = self.embedding().description(self.embedding().passes()).map_err(at(path))?;
        let mut metadata = self.embedding().metadata(&description);
        metadata.push((TRAINING, &json));
        let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (&**name, tensor.clone())).collect();
        write_tensors(path, &metadata, &tensors)
    }

    /// The trainer of a file that [`Trainer::save`] wrote, and what was `progress` then. The next step is the one that would have come
    /// after.
    ///
    /// # Errors
    /// Those of [`InputEmbedding::load`] and [`Trainer::new`]; [`Error::File`] when the file is of another embedding than `inputs`, or of a
    /// training with another `config` or other `counts`.
    pub fn load(
        path: &Path,
        inputs: &InputEmbeddingConfig,
        config: TrainerConfig,
        counts: &[u64],
        max_bytes: usize,
    ) -> Result<(Self, String)> {
        let mut weights = Weights::open(path, max_bytes)?;
        let embedding = InputEmbedding::read(&mut weights, inputs.dtype, &Device::Cpu, max_bytes)?;
        let file = weights.file(TOKEN_TABLE)?;
        let other = |file: &WeightsFile, what: String| file.error(FileFault::Metadata(what));
        let Some(json) = file.metadata(TRAINING) else {
            return Err(other(file, "it is no checkpoint of a training".to_owned()));
        };
        let training: Training = match serde_json::from_str(json) {
            Ok(training) => training,
            Err(error) => return Err(other(file, error.to_string())),
        };
        if embedding.config() != inputs {
            let what = format!("it is of another embedding: {:?}, expected {inputs:?}", embedding.config());
            return Err(other(file, what));
        }
        let mut table = |name, size| file.sized_table(name, size, TableOptions::default(), &Device::Cpu);
        let mixing = table(MIXING_TABLE, [config.offsets().len(), inputs.dimensions])?;
        let bias = table(BIAS_TABLE, [inputs.vocab_size, 1])?;
        if counts.len() != inputs.vocab_size {
            return Err(Error::LengthMismatch { expected: inputs.vocab_size, actual: counts.len() });
        }
        let mut trainer = Self::of_tables(embedding, config, Sampler::new(counts)?, mixing, bias)?;
        let expected = Training {
            steps: training.steps,
            ..trainer.training(training.optimizer_steps.clone(), &training.progress)
        };
        let parameters: Vec<_> = trainer.parameters().cloned().collect();
        if training != expected || parameters.len() != training.optimizer_steps.len() {
            return Err(other(file, format!("it is of another training: {training:?}, expected {expected:?}")));
        }
        let states = read_states(file, config.rule, &parameters, &training.optimizer_steps)?;
        trainer.go_on(training.steps, &states)?;
        Ok((trainer, training.progress))
    }

    fn training(&self, optimizer_steps: Vec<u64>, progress: &str) -> Training {
        let config = self.config();
        Training {
            version: VERSION,
            objective: config.objective.name().to_owned(),
            neighbours: config.neighbours,
            draws: config.draws,
            rule: config.rule.name().to_owned(),
            numbers: config.rule.numbers(),
            frequencies: self.sampler().fingerprint(),
            seed: config.seed,
            steps: self.steps(),
            optimizer_steps,
            progress: progress.to_owned(),
        }
    }
}

//! A model of two layers, the first of which is the embedding.

use std::ops::Range;
use std::sync::Arc;

use super::mixing::{Mixing, Objective};
use super::sampler::Sampler;
use super::softmax::{Answer, Question};
use crate::gradient::Grads;
use crate::optimizer::SlotState;
use crate::threads::in_pool;
use crate::{
    DType, Device, Dropout, Embedding, Error, Input, InputEmbedding, Optimizer, Output, Parameter, Result, Rule,
    TableOptions, memory,
};

/// The name of the weights of the neighbours in files.
pub const MIXING_TABLE: &str = "mixing.weight";
/// The name of the biases of the ids in files.
pub const BIAS_TABLE: &str = "bias.weight";

/// How a [`Trainer`] learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainerConfig {
    /// What is guessed, and from which side.
    pub objective: Objective,
    /// Neighbours that are looked at, on each side from which there are any; at least 1.
    pub neighbours: usize,
    /// Draws of ids that a target is told from; `None` to tell it from all.
    pub draws: Option<usize>,
    /// The rule of a step, which is row-sparse.
    pub rule: Rule,
    /// Decides the draws and the dropout, together with the number of the step.
    pub seed: u64,
}

impl TrainerConfig {
    fn check(&self) -> Result<()> {
        if self.neighbours == 0 {
            return Err(Error::Zero { what: "the number of neighbours" });
        }
        if self.draws == Some(0) { Err(Error::Zero { what: "the number of draws" }) } else { Ok(()) }
    }

    /// Where neighbours are, from the place that is asked about.
    pub(super) fn offsets(&self) -> Range<isize> {
        self.objective.offsets(self.neighbours)
    }
}

/// How surprised the model was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// The sum over all targets, in nats.
    pub sum: f64,
    /// How many there were.
    pub targets: usize,
}

/// A model that guesses tokens from their neighbours:
///
/// ```text
/// hidden = sum over k of mixing[k] * embedding[place + k]        the score of id v = hidden . token[v] + bias[v]
/// ```
///
/// Its first layer is an [`InputEmbedding`], whose token table is also the last ("tied"). All it learns beside it are a row of weights for
/// each neighbour and a bias for each id, which starts as the logarithm of its frequency: without any context it guesses as well as
/// frequencies do.
#[derive(Debug)]
pub struct Trainer {
    config: TrainerConfig,
    embedding: InputEmbedding,
    /// The first of the embedding's parameters.
    token: Parameter,
    mixing: Parameter,
    bias: Parameter,
    optimizer: Optimizer,
    sampler: Sampler,
    steps: u64,
}

/// The places of a batch about which something is asked.
struct Targets {
    places: Vec<u32>,
    ids: Vec<u32>,
}

impl Trainer {
    /// A trainer of `embedding`, which has learned nothing; `counts` has how often each id is a target, or an estimate of it.
    ///
    /// # Errors
    /// [`Error::Zero`] without neighbours or draws, [`Error::LengthMismatch`] when there is not one count for each id,
    /// [`Error::Number`] for numbers of the rule that make no sense, [`Error::OutOfMemory`].
    pub fn new(embedding: InputEmbedding, config: TrainerConfig, counts: &[u64]) -> Result<Self> {
        let (vocabulary, dimensions) = (embedding.config().vocab_size, embedding.config().dimensions);
        config.check()?;
        if counts.len() != vocabulary {
            return Err(Error::LengthMismatch { expected: vocabulary, actual: counts.len() });
        }
        let sampler = Sampler::new(counts)?;
        let offsets = config.offsets();
        let mut weights = memory::reserved(memory::checked_len(offsets.len(), dimensions)?)?;
        for offset in offsets.clone() {
            // What is near says more.
            let weight = 1.0 / (1.0 + offset.unsigned_abs() as f32);
            weights.extend(std::iter::repeat_n(weight, dimensions));
        }
        let mut bias = memory::reserved::<f32>(vocabulary)?;
        bias.extend(sampler.probabilities().iter().map(|&probability| libm::log(probability) as f32));
        let table = |values, rows, dimensions| {
            Embedding::from_values::<f32>(values, rows, dimensions, TableOptions::default(), &Device::Cpu)
        };
        let (mixing, bias) = (table(weights, offsets.len(), dimensions)?, table(bias, vocabulary, 1)?);
        Self::of_tables(embedding, config, sampler, mixing, bias)
    }

    /// A trainer that has learned what the tables say, or nothing yet.
    pub(super) fn of_tables(
        embedding: InputEmbedding,
        config: TrainerConfig,
        sampler: Sampler,
        mixing: Embedding,
        bias: Embedding,
    ) -> Result<Self> {
        let parameter = |name, table: Embedding| {
            let layer = table.into_layer();
            layer.parameter(name, &layer.token)
        };
        let (mixing, bias) = (parameter(MIXING_TABLE, mixing), parameter(BIAS_TABLE, bias));
        let parameters = embedding.parameters().into_iter().chain([mixing.clone(), bias.clone()]).collect();
        let optimizer = Optimizer::new(parameters, config.rule, 0.0, false)?;
        let token = embedding.parameters().swap_remove(0);
        Ok(Self { config, embedding, token, mixing, bias, optimizer, sampler, steps: 0 })
    }

    /// One step of learning, as far as `learning_rate` says. Ids of `targets` that are negative are left out; a batch without any other
    /// changes nothing.
    ///
    /// # Errors
    /// Those of [`InputEmbedding::forward`]; [`Error::IdOutOfRange`] for a target that is no row; [`Error::Number`] for a learning rate that
    /// makes no sense, and when the loss is no finite number: nothing is changed then.
    pub fn step(&mut self, ids: &[u32], targets: &[i32], shape: &[usize], learning_rate: f64) -> Result<Loss> {
        check_targets(ids, targets)?;
        self.optimizer.set_learning_rate(learning_rate)?;
        let targets = self.targets(targets)?;
        let step = self.steps;
        let key = Dropout::key_of(self.config.seed, step);
        let output = self.embedding.forward(&Input { training: Some(key), ..Input::new(ids, shape) })?;
        let loss = if targets.ids.is_empty() { Loss::default() } else { self.learn(&output, &targets, shape)? };
        self.steps = step + 1;
        Ok(loss)
    }

    /// How surprised the model is, told from all ids; nothing is changed.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn loss(&self, ids: &[u32], targets: &[i32], shape: &[usize]) -> Result<Loss> {
        check_targets(ids, targets)?;
        let targets = self.targets(targets)?;
        let output = self.embedding.forward(&Input::new(ids, shape))?;
        if targets.ids.is_empty() {
            return Ok(Loss::default());
        }
        let mixing = self.mixing(&targets, shape);
        let (embeddings, weights, bias) = (output.values()?, self.mixing.values()?, self.bias.values()?);
        let mut hidden = memory::zeros(memory::checked_len(targets.ids.len(), mixing.dimensions)?)?;
        let sum = self.with_table(|table| {
            in_pool(|| {
                mixing.forward(&embeddings, &weights, &mut hidden);
                Question { hidden: &hidden, targets: &targets.ids, table, bias: &bias }.loss()
            })?
        })?;
        Ok(Loss { sum, targets: targets.ids.len() })
    }

    /// The same with a note for the embedding.
    #[must_use]
    pub fn noted(self, note: Option<Arc<str>>) -> Self {
        Self { embedding: self.embedding.noted(note), ..self }
    }

    /// What is trained.
    pub fn embedding(&self) -> &InputEmbedding {
        &self.embedding
    }

    /// How it learns.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// Steps that were made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// All that is learned: the parameters of the embedding, then the weights of the neighbours and the biases.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.optimizer.parameters()
    }

    fn learn(&mut self, output: &Output, targets: &Targets, shape: &[usize]) -> Result<Loss> {
        let (embeddings, weights, bias) = (output.values()?, self.mixing.values()?, self.bias.values()?);
        let mixing = self.mixing(targets, shape);
        let mut slots = memory::filled(output.len() / mixing.dimensions, u32::MAX)?;
        for (slot, &place) in targets.places.iter().enumerate() {
            slots[place as usize] = slot as u32;
        }
        let mut hidden = memory::zeros(memory::checked_len(targets.ids.len(), mixing.dimensions)?)?;
        let (mut of_embeddings, mut of_weights) = (memory::zeros(embeddings.len())?, memory::zeros(weights.len())?);
        let answer = self.with_table(|table| {
            in_pool(|| {
                mixing.forward(&embeddings, &weights, &mut hidden);
                let question = Question { hidden: &hidden, targets: &targets.ids, table, bias: &bias };
                let answer = self.answer(&question)?;
                mixing.backward(&answer.hidden, &slots, &weights, &mut of_embeddings);
                mixing.weights_backward(&answer.hidden, &embeddings, &mut of_weights);
                Ok(answer)
            })?
        })?;
        if !answer.loss.is_finite() {
            let expected = "a finite number, which a smaller learning rate may keep it";
            return Err(Error::Number { what: "the loss", value: answer.loss, expected });
        }
        let changed = self.change(output, &answer, &of_embeddings, &of_weights);
        self.optimizer.zero_grad();
        changed.map(|()| Loss { sum: answer.loss, targets: targets.ids.len() })
    }

    pub(super) fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    pub(super) fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// After so many steps, with what the optimiser has kept of them.
    pub(super) fn go_on(&mut self, steps: u64, states: &[SlotState]) -> Result<()> {
        self.steps = steps;
        self.optimizer.load(states)
    }

    fn answer(&self, question: &Question<'_>) -> Result<Answer> {
        match self.config.draws {
            Some(draws) => question.sampled(&self.sampler, draws, self.config.seed, self.steps),
            None => question.answer(),
        }
    }

    fn change(&mut self, output: &Output, answer: &Answer, of_embeddings: &[f32], of_weights: &[f32]) -> Result<()> {
        self.embedding.backward(output, of_embeddings)?;
        let token = self.token.table();
        if token.trainable() {
            token.gradient().add(&answer.ids, Grads::Host(&answer.rows), 1.0, token.padding())?;
        }
        self.bias.table().gradient().add(&answer.ids, Grads::Host(&answer.bias), 1.0, None)?;
        let rows: Vec<u32> = (0..self.mixing.table().rows() as u32).collect();
        self.mixing.table().gradient().add(&rows, Grads::Host(of_weights), 1.0, None)?;
        self.optimizer.step()
    }

    fn mixing<'a>(&self, targets: &'a Targets, shape: &[usize]) -> Mixing<'a> {
        Mixing {
            context: shape.last().copied().unwrap_or(1),
            dimensions: self.embedding.config().dimensions,
            offsets: self.config.offsets(),
            places: &targets.places,
        }
    }

    /// Shows the token table to `read`: in place, when it is of `f32`. Its lock is taken on this thread, see [`in_pool`].
    fn with_table<R>(&self, read: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
        match self.token.dtype() {
            DType::F32 => self.token.read::<f32, _>(read)?,
            _ => read(&self.token.values()?),
        }
    }

    /// The targets that count.
    fn targets(&self, targets: &[i32]) -> Result<Targets> {
        let rows = self.embedding.config().vocab_size;
        let mut found = Targets { places: memory::reserved(targets.len())?, ids: memory::reserved(targets.len())? };
        for (index, &target) in targets.iter().enumerate() {
            let Ok(id) = u32::try_from(target) else { continue };
            if id as usize >= rows {
                return Err(Error::IdOutOfRange { id, index, rows });
            }
            found.places.push(index as u32);
            found.ids.push(id);
        }
        Ok(found)
    }
}

/// [`Error::LengthMismatch`] unless there is a target for each id.
fn check_targets(ids: &[u32], targets: &[i32]) -> Result<()> {
    let (expected, actual) = (ids.len(), targets.len());
    if expected == actual { Ok(()) } else { Err(Error::LengthMismatch { expected, actual }) }
}

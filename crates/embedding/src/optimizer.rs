//! What changes parameters by their gradients.

use std::sync::Arc;

use candle_core::Tensor;

use crate::cpu::{self, Gradients, Update, update_rows};
use crate::cuda::OnDevice;
use crate::element::with_element;
use crate::gradient::Rows;
use crate::table::{Place, Table, elsewhere, in_place, read_values};
use crate::turns::Turns;
use crate::{Error, Parameter, Result, cuda, memory};

/// The rule of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019).
    AdamW {
        /// Decay rates (β1, β2) of the moment estimates, each at least 0 and less than 1.
        betas: [f64; 2],
        /// Added to the denominator for numerical stability.
        epsilon: f64,
        /// Decoupled weight decay coefficient.
        weight_decay: f64,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Momentum factor; at least 0.
        momentum: f64,
        /// Weight decay coefficient (L2 penalty): weights times this are added to their gradient.
        weight_decay: f64,
        /// Whether a step looks ahead along the momentum.
        nesterov: bool,
    },
}

impl Rule {
    /// torch's default values for `AdamW`.
    pub const ADAM_W: Self = Self::AdamW { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.01 };
    /// Without momentum and weight decay.
    pub const SGD: Self = Self::Sgd { momentum: 0.0, weight_decay: 0.0, nesterov: false };

    /// The name in states.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdamW { .. } => "adamW",
            Self::Sgd { .. } => "sgd",
        }
    }

    /// All that its name does not say.
    pub(crate) fn numbers(self) -> Vec<f64> {
        match self {
            Self::AdamW { betas: [first, second], epsilon, weight_decay } => vec![first, second, epsilon, weight_decay],
            Self::Sgd { momentum, weight_decay, nesterov } => vec![momentum, weight_decay, f64::from(nesterov)],
        }
    }

    /// What is kept for each value of a parameter.
    pub fn moments(self) -> &'static [&'static str] {
        match self {
            Self::AdamW { .. } => &["first", "second"],
            Self::Sgd { momentum, .. } if momentum > 0.0 => &["momentum"],
            Self::Sgd { .. } => &[],
        }
    }

    fn check(self) -> Result<()> {
        const AT_LEAST_0: &str = "finite and at least 0";
        let number =
            |what, value, expected, holds| if holds { Ok(()) } else { Err(Error::Number { what, value, expected }) };
        let at_least_0 = |what, value: f64| number(what, value, AT_LEAST_0, value.is_finite() && value >= 0.0);
        match self {
            Self::AdamW { betas, epsilon, weight_decay } => {
                for (what, beta) in ["the first beta", "the second beta"].into_iter().zip(betas) {
                    number(what, beta, "at least 0 and less than 1", (0.0..1.0).contains(&beta))?;
                }
                at_least_0("epsilon", epsilon)?;
                at_least_0("the weight decay", weight_decay)
            }
            Self::Sgd { momentum, weight_decay, nesterov } => {
                at_least_0("momentum", momentum)?;
                at_least_0("the weight decay", weight_decay)?;
                number("momentum", momentum, "more than 0 with nesterov", !nesterov || momentum > 0.0)
            }
        }
    }
}

/// Changes parameters by their gradients.
///
/// **Row-sparse** steps change those rows alone that have a gradient, and their moments: the rule of torch's `SparseAdam`, where the number
/// of steps that corrects the moments is that of the parameter, and weights of these rows decay. **Dense** steps change every row, as
/// torch's `AdamW` and `SGD`: also where no gradient came, moments fade, weights decay, and rows move on along their moments.
///
/// A parameter without a gradient, and one that is frozen, is left out of a step.
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    learning_rate: f64,
    is_dense: bool,
    slots: Vec<Slot>,
}

/// A parameter and what is kept for it.
#[derive(Debug)]
struct Slot {
    parameter: Parameter,
    steps: u64,
    /// `[rows, moments, dimensions]`: all of a row is in one place. `None` before the first step, and where nothing is kept.
    moments: Option<Tensor>,
}

/// What an optimiser keeps for one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotState {
    /// Steps that changed it.
    pub steps: u64,
    /// For each of [`Rule::moments`] as many values as the parameter has; none before the first step.
    pub moments: Vec<Vec<f32>>,
}

impl Optimizer {
    /// # Errors
    /// [`Error::Number`] for a learning rate or a number of the rule that makes no sense, [`Error::SameParameter`], [`Error::Retired`].
    pub fn new(parameters: Vec<Parameter>, rule: Rule, learning_rate: f64, is_dense: bool) -> Result<Self> {
        rule.check()?;
        for (index, parameter) in parameters.iter().enumerate() {
            parameter.tensor()?;
            if parameters[..index].iter().any(|other| Arc::ptr_eq(other.table(), parameter.table())) {
                return Err(Error::SameParameter { name: parameter.name(), index });
            }
        }
        let slots = parameters.into_iter().map(|parameter| Slot { parameter, steps: 0, moments: None }).collect();
        let mut optimizer = Self { rule, learning_rate: 0.0, is_dense, slots };
        optimizer.set_learning_rate(learning_rate)?;
        Ok(optimizer)
    }

    /// The rule of a step.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Whether a step changes rows without a gradient.
    pub fn is_dense(&self) -> bool {
        self.is_dense
    }

    /// How far a step goes.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// For the steps to come.
    ///
    /// # Errors
    /// [`Error::Number`] unless it is finite and at least 0; it is then unchanged.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        if !learning_rate.is_finite() || learning_rate < 0.0 {
            let expected = "finite and at least 0";
            return Err(Error::Number { what: "the learning rate", value: learning_rate, expected });
        }
        self.learning_rate = learning_rate;
        Ok(())
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.slots.iter().map(|slot| &slot.parameter)
    }

    /// The memory of the moments, once all parameters have had a gradient.
    pub fn byte_length(&self) -> usize {
        let values = self.parameters().map(|parameter| parameter.shape().iter().product::<usize>());
        values.sum::<usize>() * self.rule.moments().len() * size_of::<f32>()
    }

    /// Changes the parameters by their gradients, which stay. It waits for passes that read them, and passes that begin meanwhile wait for it.
    ///
    /// # Errors
    /// [`Error::Retired`] when a parameter was disposed, and [`Error::OutOfMemory`] when there is none for the moments; nothing is changed
    /// then.
    pub fn step(&mut self) -> Result<()> {
        let turns = Turns::in_order(self.parameters().map(Parameter::turns));
        let _turn = Turns::step_of(&turns);
        for slot in &self.slots {
            slot.parameter.tensor()?;
        }
        let kept = self.rule.moments().len();
        for slot in self.slots.iter_mut().filter(|slot| slot.takes_part()) {
            if slot.moments.is_none() && kept > 0 {
                slot.moments = Some(slot.parameter.table().moments(kept)?);
            }
        }
        for slot in self.slots.iter_mut().filter(|slot| slot.takes_part()) {
            slot.steps += 1;
            match self.rule {
                Rule::AdamW { betas, epsilon, weight_decay } => {
                    let corrections = betas.map(|beta| 1.0 - libm::pow(beta, slot.steps as f64));
                    // The rules of AdamW and of SparseAdam differ in what epsilon is added to.
                    let root = libm::sqrt(corrections[1]);
                    let (enlarged, divided) = if self.is_dense { (1.0, root) } else { (root, 1.0) };
                    slot.update(
                        self.is_dense,
                        &cpu::AdamW {
                            decay: (1.0 - self.learning_rate * weight_decay) as f32,
                            rates: betas.map(cpu::Rate::of_beta),
                            // Smaller than the last bit of any other divisor: of a value that never had a gradient, 0 / 0 is 0.
                            epsilon: (epsilon as f32).max(f32::MIN_POSITIVE),
                            step_size: (self.learning_rate * enlarged / corrections[0]) as f32,
                            second_correction: divided as f32,
                        },
                    )?;
                }
                Rule::Sgd { momentum, weight_decay, nesterov } => slot.update(
                    self.is_dense,
                    &cpu::Sgd {
                        learning_rate: self.learning_rate as f32,
                        weight_decay: weight_decay as f32,
                        momentum: (momentum > 0.0).then_some(momentum as f32),
                        nesterov,
                    },
                )?,
            }
        }
        Ok(())
    }

    /// Multiplies the gradients of all parameters that take part in a step by one number, where that is needed to make their norm at most
    /// `max_norm`; gives the norm that they had together: the square root of the sum of all squares, of rows that were looked up several times of
    /// their sums. The rule of torch's `clip_grad_norm_`, to the millionth that it adds to the norm; where the norm is no finite number, the gradients
    /// become what that makes of them: look at what is returned. A `max_norm` of infinity changes nothing. It waits for passes, and passes that begin meanwhile wait for it, as for a step.
    ///
    /// # Errors
    /// [`Error::Number`] unless `max_norm` is at least 0, and [`Error::Retired`]; nothing is changed then. Those of the device and of the threads.
    pub fn clip_grad_norm(&self, max_norm: f64) -> Result<f64> {
        if max_norm.is_nan() || max_norm < 0.0 {
            return Err(Error::Number { what: "the largest norm", value: max_norm, expected: "at least 0" });
        }
        let turns = Turns::in_order(self.parameters().map(Parameter::turns));
        let _turn = Turns::step_of(&turns);
        let mut squares = 0.0;
        for slot in &self.slots {
            slot.parameter.tensor()?;
        }
        for slot in self.slots.iter().filter(|slot| slot.takes_part()) {
            squares += slot.parameter.table().gradient().sum_of_squares()?;
        }
        let norm = libm::sqrt(squares);
        let factor = max_norm / (norm + 1e-6);
        // A bound of infinity is none, also for a norm that is infinite.
        if max_norm.is_finite() && (factor < 1.0 || factor.is_nan()) {
            for slot in self.slots.iter().filter(|slot| slot.takes_part()) {
                slot.parameter.table().gradient().scale(factor as f32)?;
            }
        }
        Ok(norm)
    }

    /// Lets the gradients of all parameters go.
    pub fn zero_grad(&self) {
        self.parameters().for_each(Parameter::zero_grad);
    }

    /// What is kept for each parameter, in order.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn state(&self) -> Result<Vec<SlotState>> {
        self.slots.iter().map(|slot| slot.state(self.rule.moments().len())).collect()
    }

    /// Goes on from what [`Optimizer::state`] of an optimiser of the same rule and of parameters of the same sizes gave. Moments of a padding
    /// row become zero.
    ///
    /// # Errors
    /// [`Error::State`] says what does not fit, [`Error::OutOfMemory`]; nothing is changed then.
    pub fn load(&mut self, state: &[SlotState]) -> Result<()> {
        if state.len() != self.slots.len() {
            let what = format!("it is of {} parameters, and there are {}", state.len(), self.slots.len());
            return Err(Error::State { what });
        }
        let kept = self.rule.moments().len();
        let moments =
            self.slots.iter().zip(state).map(|(slot, state)| slot.loaded(state, kept)).collect::<Result<Vec<_>>>()?;
        for ((slot, state), moments) in self.slots.iter_mut().zip(state).zip(moments) {
            slot.steps = state.steps;
            slot.moments = moments;
        }
        Ok(())
    }
}

impl Slot {
    fn takes_part(&self) -> bool {
        self.parameter.trainable() && self.parameter.table().gradient().exists()
    }

    fn update<U: Update + OnDevice>(&self, is_dense: bool, update: &U) -> Result<()> {
        let table = self.parameter.table();
        let gradient = table.gradient();
        let which = if is_dense { Gradients::All(gradient.slots()) } else { Gradients::Rows(gradient.ids()) };
        let dimensions = table.dimensions();
        let apply = |moments: Option<Place<'_>>| {
            table.change(|values| {
                with_element!(table.dtype(), T => match (gradient.values(), values, moments) {
                    (Rows::Host(grads), values @ Place::Host(_), moments) => {
                        let moments = moments.map_or(Ok(Default::default()), |moments| moments.host().map(Vec::as_mut_slice))?;
                        update_rows(update, dimensions, which, grads, values.host::<T>()?, moments)
                    }
                    (Rows::Cuda(grads), Place::Cuda(values), moments) => {
                        let moments = match moments {
                            None => None,
                            Some(Place::Cuda(moments)) => Some(moments),
                            Some(Place::Host(_)) => return Err(elsewhere()),
                        };
                        let what = cuda::Step { rule: update.rule(), dimensions, which, grads };
                        cuda::step::<T>(&what, values, moments)
                    }
                    _ => Err(elsewhere()),
                })
            })
        };
        match &self.moments {
            Some(moments) => in_place(moments, |moments| apply(Some(moments))),
            None => apply(None),
        }
    }

    fn state(&self, kept: usize) -> Result<SlotState> {
        let dimensions = self.parameter.table().dimensions();
        let mut moments = Vec::new();
        if let Some(tensor) = &self.moments {
            for index in 0..kept {
                let mut values = memory::reserved(tensor.elem_count() / kept)?;
                read_values::<f32, _>(tensor, |all| {
                    all.chunks_exact(dimensions)
                        .skip(index)
                        .step_by(kept)
                        .for_each(|row| values.extend_from_slice(row));
                })?;
                moments.push(values);
            }
        }
        Ok(SlotState { steps: self.steps, moments })
    }

    fn loaded(&self, state: &SlotState, kept: usize) -> Result<Option<Tensor>> {
        /// Beyond this, numbers of JavaScript have gaps.
        const MOST_STEPS: u64 = 1 << 53;
        let (table, name) = (self.parameter.table(), self.parameter.name());
        if state.steps > MOST_STEPS {
            return Err(Error::State { what: format!("{name} has {} steps, more than {MOST_STEPS}", state.steps) });
        }
        if state.moments.is_empty() && (state.steps == 0 || kept == 0) {
            return Ok(None);
        }
        if state.moments.len() != kept {
            let what = format!("{name} has {} moments, and there are {kept}", state.moments.len());
            return Err(Error::State { what });
        }
        let (dimensions, expected) = (table.dimensions(), table.rows() * table.dimensions());
        if let Some(values) = state.moments.iter().find(|values| values.len() != expected) {
            let what = format!("{name} has {expected} values, and a moment of it {}", values.len());
            return Err(Error::State { what });
        }
        let mut all = memory::reserved(memory::checked_len(expected, kept)?)?;
        for row in 0..table.rows() {
            for values in &state.moments {
                all.extend_from_slice(&values[row * dimensions..][..dimensions]);
            }
        }
        // Moments of a table without padding would move the row in a dense step.
        if let Some(row) = table.padding() {
            all[row as usize * kept * dimensions..][..kept * dimensions].fill(0.0);
        }
        Ok(Some(Tensor::from_vec(all, (table.rows(), kept, dimensions), table.tensor()?.device())?))
    }
}

impl Table {
    /// Zeros, `kept` for each value.
    fn moments(&self, kept: usize) -> Result<Tensor> {
        let (len, shape) =
            (memory::checked_len(self.rows() * self.dimensions(), kept)?, (self.rows(), kept, self.dimensions()));
        let tensor = self.tensor()?;
        if tensor.device().is_cpu() {
            Ok(Tensor::from_vec(memory::untouched_zeros(len)?, shape, tensor.device())?)
        } else {
            Ok(Tensor::zeros(shape, candle_core::DType::F32, tensor.device())?)
        }
    }
}

//! Rules of optimisers, as the kernels take them (`kernels/step.cu`).

use crate::cpu::{AdamW, Sgd};

/// The kernel of a rule, and its last arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) kernel: &'static str,
    pub(crate) numbers: Vec<f32>,
    /// The argument after the numbers.
    pub(crate) flag: Option<u32>,
}

/// What a kernel knows too.
pub(crate) trait OnDevice {
    fn rule(&self) -> Rule;
}

impl OnDevice for AdamW {
    fn rule(&self) -> Rule {
        let Self { decay, rates: [first, second], epsilon, step_size, second_correction } = *self;
        let [first, second] = [first.signed(), second.signed()];
        let numbers = vec![decay, first, second, epsilon, step_size, second_correction];
        Rule { kernel: "adam_w", numbers, flag: None }
    }
}

impl OnDevice for Sgd {
    fn rule(&self) -> Rule {
        let Self { learning_rate, weight_decay, momentum, nesterov } = *self;
        let numbers = vec![learning_rate, weight_decay];
        match momentum {
            None => Rule { kernel: "sgd", numbers, flag: None },
            Some(momentum) => Rule {
                kernel: "momentum",
                numbers: [numbers, vec![momentum]].concat(),
                flag: Some(u32::from(nesterov)),
            },
        }
    }
}

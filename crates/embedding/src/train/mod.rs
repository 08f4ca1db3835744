//! Training of an [`InputEmbedding`](crate::InputEmbedding) by a small model that guesses tokens from their neighbours.

mod checkpoint;
mod exp;
mod matrix;
mod mixing;
mod sampler;
mod softmax;
mod trainer;

pub use mixing::Objective;
pub use trainer::{BIAS_TABLE, Loss, MIXING_TABLE, Trainer, TrainerConfig};

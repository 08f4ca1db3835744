//! Token and position tables on candle: what turns token ids into the vectors that a language model reads.
//!
//! ```text
//! out[b, t, :] = scale * token[ids[b, t], :] + position[offset + t, :]
//! ```
//!
//! [`Embedding`] is one table; [`InputEmbedding`] is a token table with learned, sinusoidal or no positions. A forward pass
//! is one fused operation over the output. Initial values are the same on every machine, build and number of threads
//! ([`initial_values`]). Weights are safetensors files.
//!
//! ```
//! use tokenmill_embedding::{Device, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Rule};
//!
//! let embedding = InputEmbedding::new(InputEmbeddingConfig::new(100, 4, 8), 1, &Device::Cpu)?;
//! let mut optimizer = Optimizer::new(embedding.parameters(), Rule::ADAM_W, 1e-3, false)?;
//! let output = embedding.forward(&Input::new(&[5, 6, 5, 7], &[1, 4]))?;
//! assert_eq!(output.shape(), [1, 4, 8]);
//! // The gradient of the mean of all values.
//! embedding.backward(&output, &[1.0 / 32.0; 32])?;
//! optimizer.step()?;
//! optimizer.zero_grad();
//! # Ok::<(), tokenmill_embedding::Error>(())
//! ```
//!
//! An id that is not in the table is an error, found before anything is read:
//!
//! ```
//! # use tokenmill_embedding::{Device, Embedding, Init, Source, TableOptions};
//! let embedding = Embedding::new(3, 2, Init::Zeros, Source { seed: 0, stream: 0 }, TableOptions::default(), &Device::Cpu)?;
//! let error = embedding.forward(&[0, 3], &[2]).unwrap_err();
//! assert_eq!(error.to_string(), "id 3 at index 1 does not exist: the table has 3 rows");
//! # Ok::<(), tokenmill_embedding::Error>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod alibi;
mod cpu;
#[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "kernels alone read what they are given"))]
mod cuda;
mod devices;
mod dropout;
mod dtype;
mod element;
mod embedding;
mod error;
mod gradient;
mod ids;
mod init;
mod input_embedding;
mod layer;
mod lookup;
mod memory;
mod optimizer;
mod optimizer_file;
mod output;
mod parameter;
mod position;
mod rope;
mod spare;
mod table;
mod threads;
mod train;
mod turns;
mod waves;
mod weights;

pub use candle_core::{Device, Tensor};

pub use alibi::alibi_slopes;
#[cfg(feature = "cuda")]
pub use cuda::time_kernels;
pub use cuda::{Gpu, cuda_device, gpus};
pub use devices::{Cpu, cpu};
pub use dropout::{Dropout, Passes};
pub use dtype::DType;
pub use element::{Element, ValuesMut};
pub use embedding::{Embedding, TABLE};
pub use error::{Error, Result};
pub use gradient::RowGradient;
pub use ids::Positions;
pub use init::{DOMAIN, Init, Source, initial_values};
pub use input_embedding::{
    Input, InputEmbedding, InputEmbeddingConfig, InputTables, NORM, POSITION_TABLE, TOKEN_TABLE, TYPE_TABLE,
};
pub use lookup::lookup;
pub use optimizer::{Optimizer, Rule, SlotState};
pub use output::Output;
pub use parameter::Parameter;
pub use position::{Position, sinusoidal};
pub use rope::{RopeConfig, RopeScaling, RopeTable, fill_rope_table, rope_table};
pub use table::TableOptions;
pub use threads::{PoolOf, use_pool};
pub use train::{BIAS_TABLE, Loss, MIXING_TABLE, Objective, Trainer, TrainerConfig};
pub use weights::{FileFault, Names, TensorFacts, WeightsFacts, weights_facts};

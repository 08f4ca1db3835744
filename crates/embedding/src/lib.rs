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
//! use tokenmill_embedding::{Device, InputEmbedding, InputEmbeddingConfig, Position};
//!
//! let config = InputEmbeddingConfig {
//!     vocab_size: 100,
//!     context_length: 4,
//!     dimensions: 8,
//!     position: Position::Learned,
//!     scale: 1.0,
//! };
//! let embedding = InputEmbedding::new(config, 1, &Device::Cpu)?;
//! let output = embedding.forward(&[5, 6, 5, 7], &[1, 4], 0)?;
//! assert_eq!(output.dims(), [1, 4, 8]);
//! # Ok::<(), tokenmill_embedding::Error>(())
//! ```
//!
//! An id that is not in the table is an error, found before anything is read:
//!
//! ```
//! # use tokenmill_embedding::{Device, Embedding, Init, Source};
//! let embedding = Embedding::new(3, 2, Init::Zeros, Source { seed: 0, stream: 0 }, None, &Device::Cpu)?;
//! let error = embedding.forward(&[0, 3], &[2]).unwrap_err();
//! assert_eq!(error.to_string(), "id 3 at index 1 does not exist: the table has 3 rows");
//! # Ok::<(), tokenmill_embedding::Error>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod alibi;
mod devices;
mod embedding;
mod error;
mod ids;
mod init;
mod input_embedding;
mod lookup;
mod memory;
mod position;
mod rope;
mod tensor;
mod weights;

pub use candle_core::{Device, Tensor};

pub use alibi::alibi_slopes;
pub use devices::{Cpu, cpu};
pub use embedding::Embedding;
pub use error::{Error, Result};
pub use init::{DOMAIN, Init, Source, initial_values};
pub use input_embedding::{InputEmbedding, InputEmbeddingConfig, POSITION_TABLE, Parameter, TOKEN_TABLE};
pub use position::{Position, sinusoidal};
pub use rope::{RopeConfig, RopeScaling, RopeTable, rope_table};
pub use tensor::{copy_values, values};
pub use weights::FileFault;

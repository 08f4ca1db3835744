//! Word vectors: files, nearest words and analogies, training by skip-gram and CBOW.
//!
//! ```
//! use tokenmill_word_vectors::WordVectors;
//!
//! let words = ["king", "queen", "bread"].map(String::from).to_vec();
//! let vectors = WordVectors::new(words, vec![1.0, 0.2, 0.9, 0.3, -0.2, 1.0], 2)?;
//! let nearest = vectors.nearest_to("king", 1)?;
//! assert_eq!(vectors.word(nearest[0].index), "queen");
//! # Ok::<(), tokenmill_word_vectors::Error>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod error;
mod files;
mod lanes;
mod lines;
mod threads;
pub mod train;
mod vectors;

pub use error::{Error, Result};
pub use files::Format;
pub use vectors::{Near, Rows, WordVectors};

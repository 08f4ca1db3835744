//! Reads documents, writes and maps token shards. Knows no tokenizer: it takes a function.
//!
//! [`resolve`] says which files are read; [`read`] and [`map_batches`] read them, on several threads, in bounded memory, and give the documents in
//! their order.

mod blocks;
mod bytes;
mod documents;
mod error;
mod inputs;
#[doc(hidden)]
pub mod json;
mod options;
mod parquet;
mod pipeline;
mod positioned;

pub use documents::Documents;
pub use error::{Error, Fault};
pub use inputs::{Input, resolve};
pub use options::{Format, OnFault, OnInvalidUtf8, ReadOptions};
pub use pipeline::{Batch, Position, Progress, map_batches, read};

//! Reads documents, writes and maps token shards. Knows no tokenizer: it takes a function.
//!
//! [`resolve`] says which files are read; [`read`] and [`map_batches`] read them, on several threads, in bounded memory, and give the documents in
//! their order.
//! [`prepare`] writes a dataset with them; [`Manifest`] says what is in one, [`survey`] and [`verify`] whether it still is,
//! and a [`Store`] reads its ids.

mod ahead;
mod blocks;
mod bytes;
mod cancel;
mod documents;
mod dtype;
mod error;
mod globs;
mod inputs;
#[doc(hidden)]
pub mod json;
pub mod manifest;
mod options;
mod parquet;
mod parts;
mod permutation;
mod pipeline;
mod positioned;
mod source;
mod store;
mod windows;
mod write;

pub use documents::Documents;
pub use dtype::DType;
pub use error::{Error, Fault, Unit};
pub use inputs::{Input, resolve};
pub use manifest::Manifest;
pub use options::{Format, OnFault, OnInvalidUtf8, ReadOptions};
pub use parts::read_parts;
pub use permutation::Permutation;
pub use pipeline::{Batch, Position, Progress, map_batches, read};
pub use store::{Mode, Store};
pub use windows::Windows;
pub use write::layout::Output;
pub use write::{Encoded, Glance, PrepareOptions, Prepared, Status, prepare, survey, verify};

fn options_error<T>(message: String) -> Result<T, Error> {
    Err(Error::InvalidOption(message))
}

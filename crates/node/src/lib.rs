//! The only crate that knows Node-API: one file per exported noun, options in, typed arrays out, errors to codes.
//!
//! Rules that hold for every export:
//! - it is `#[napi(catch_unwind)]`, and work off the main thread goes through [`task::Work`], which catches too, so that a
//!   panic becomes a JavaScript error and never the end of the process;
//! - what can fail returns [`error::Error`], whose code the facade hands on;
//! - it holds no algorithm.
#![allow(clippy::needless_pass_by_value, reason = "Node-API hands over owned values")]

mod cancel;
mod chat;
mod corpus_convert;
mod decode;
mod devices;
mod embedding;
mod embedding_convert;
mod encode_task;
mod encoder;
mod encodings;
mod error;
mod held;
mod input_embedding;
mod json;
mod later;
mod limits;
mod offsets;
mod pattern;
mod pool;
mod positions;
mod prepare;
mod save;
mod stream;
mod task;
mod tensor;
#[cfg(feature = "test-hooks")]
mod test_hooks;
mod text;
mod tiktoken_file;
mod token_rows;
mod token_store;
mod tokenizer;
mod train;
mod train_inputs;
mod utf16;
mod version;
mod windows;

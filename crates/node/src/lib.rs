//! The only crate that knows Node-API: one file per exported noun, options in, typed arrays out, errors to codes.
//!
//! Rules that hold for every export:
//! - it is `#[napi(catch_unwind)]`, but for [`calls`], and work off the main thread goes through [`task::Work`], or [`own_thread`] when it is long;
//!   all catch too, so that a panic becomes a JavaScript error and never the end of the process;
//! - what can fail returns [`error::Error`], whose code the facade hands on;
//! - it holds no algorithm but the order in which texts cross and are read: what turns one thing into another is in a core crate, where tests, sanitizers and fuzz targets reach it.
//!
//! The feature `text` is all that knows text: without it this is embeddings alone, which is what the addon for CUDA devices is made of.
#![allow(clippy::needless_pass_by_value, reason = "Node-API hands over owned values")]

mod apart;
mod arrays;
#[cfg(feature = "text")]
mod cache_bytes;
#[cfg(feature = "text")]
mod calls;
mod cancel;
#[cfg(feature = "text")]
mod chat;
#[cfg(feature = "text")]
mod corpus_convert;
#[cfg(feature = "text")]
mod crossing;
#[cfg(feature = "text")]
mod decode;
mod devices;
mod embedding;
mod embedding_convert;
mod embedding_trainer;
#[cfg(feature = "text")]
mod encoder;
#[cfg(feature = "text")]
mod encodings;
mod error;
mod forgotten;
#[cfg(feature = "text")]
mod gathered;
mod held;
mod input_embedding;
#[cfg(feature = "text")]
mod json;
#[cfg(feature = "text")]
mod json_encoder;
#[cfg(feature = "text")]
mod json_offsets;
#[cfg(feature = "text")]
mod json_stream;
#[cfg(feature = "text")]
mod kept_utf16;
mod later;
#[cfg(feature = "text")]
mod limits;
mod live;
mod memory;
#[cfg(feature = "text")]
mod offsets;
#[cfg(feature = "text")]
mod one_text;
mod optimizer;
#[cfg(feature = "text")]
mod own_thread;
mod parameter;
#[cfg(feature = "text")]
mod pattern;
#[cfg(feature = "text")]
mod permutation;
mod pool;
mod positions;
#[cfg(feature = "text")]
mod prepare;
#[cfg(feature = "text")]
mod prepare_session;
#[cfg(feature = "text")]
mod save;
#[cfg(feature = "text")]
mod slots;
#[cfg(feature = "text")]
mod stream;
mod task;
mod tensor;
#[cfg(feature = "test-hooks")]
mod test_hooks;
#[cfg(feature = "text")]
mod text;
#[cfg(feature = "text")]
mod tiktoken_file;
#[cfg(feature = "text")]
mod token_rows;
#[cfg(feature = "text")]
mod token_store;
#[cfg(feature = "text")]
mod tokenizer;
#[cfg(feature = "text")]
mod train;
#[cfg(feature = "text")]
mod train_inputs;
mod version;
#[cfg(feature = "text")]
mod waiting;
#[cfg(feature = "text")]
mod weights;
#[cfg(feature = "text")]
mod windows;
#[cfg(feature = "text")]
mod word_inputs;
#[cfg(feature = "text")]
mod word_trainer;
#[cfg(feature = "text")]
mod word_vectors;

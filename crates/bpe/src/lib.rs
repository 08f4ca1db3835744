//! Byte-level BPE: encodings, pre-tokenizers, merge engine, decoding, special tokens. Knows nothing of Node and opens no files.
//!
//! ```text
//! text ─ Pattern ─▶ pieces ─ Words: the piece is a token ──────▶ ids
//!                          └ Merger: its bytes are merged ─────▶ ids
//! ```

mod batch;
mod cache;
mod decode;
mod encoding;
mod error;
mod level;
mod merge;
mod packed;
mod pages;
mod pieces;
mod pretokenize;
mod search;
mod sink;
mod special;
mod stream;
mod tokenizer;
pub mod train;
mod utf8;
mod vocabulary;
mod words;
mod worker;
mod workers;

pub use batch::{RowError, Rows};
pub use encoding::Encoding;
pub use error::Error;
pub use level::Level;
pub use pretokenize::Pattern;
pub use sink::{Counter, LimitedCounter, Sink};
pub use special::SpecialPolicy;
pub use stream::{DecodeStream, EncodeStream};
pub use tokenizer::Tokenizer;
pub use vocabulary::Vocabulary;
pub use worker::Worker;
pub use workers::IdleWorker;

//! Any tokenizer.json, through the `tokenizers` crate; chat templates. Hands byte-level BPE models to `crates/bpe`.
//!
//! A file is trusted as little as any other input: [`load()`] checks all that the `tokenizers` crate takes for granted before it is run.
//! Added tokens are our own, so that a call decides which special ones its text may hold; the crate normalizes, splits and merges what is
//! between them, but for the ids that `by_words` finds: those of models like BERT's, T5's, Llama 2's or Gemma's.

mod added;
mod aligned;
mod batch;
mod bounded;
mod by_words;
mod byte_level;
mod charsmap;
pub mod chat;
mod crate_model;
mod decode;
mod end_of_word;
mod error;
mod file;
mod learned;
mod limits;
mod load;
mod memory;
mod model;
mod nfc;
mod nowhere;
mod numbered;
mod offsets;
mod oniguruma;
mod pairs;
mod placed;
mod ranked;
mod score;
mod segments;
mod sentence_piece;
mod steps;
mod stream;
mod template;
mod texts;
mod tokenizer;
mod tokens;
mod trie;
mod word_piece;
mod words;

pub use added::Policy;
pub use aligned::encode_normalized_with_offsets;
pub use batch::RowError;
pub use byte_level::Engine;
pub use error::{EncodeError, Error};
pub use limits::{LARGEST_FILE, LARGEST_TEXT};
pub use load::{Cut, Fill, Loaded, Runs, load, load_with_crate};
pub use nfc::{NFC, is_normal};
pub use offsets::Offsets;
pub use segments::{Segment, SegmentIds};
pub use stream::{DecodeStream, WordsEngine};
pub use template::{Part, Templates, What};
pub use tokenizer::{Encoded, Tokenizer};

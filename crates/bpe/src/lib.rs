//! Byte-level BPE: encodings, pre-tokenizers, merge engine, decoding, special tokens. Knows nothing of Node and opens no files.
//!
//! ```text
//! text ─ Pattern ─▶ pieces ─ Words: the piece is a token ──────▶ ids
//!                          └ Merger: its bytes are merged ─────▶ ids
//! ```

mod batch;
mod bits;
mod boundaries;
mod buffer;
mod cache;
mod chunk;
mod compact;
mod copies;
mod count_bytes;
mod crossings;
mod cuts;
mod decode;
mod encoding;
mod error;
mod few;
mod first_failed;
mod first_look;
mod ids;
mod index;
mod joined;
mod level;
mod longest_match;
mod marks;
mod merge;
mod offsets;
mod origin;
mod packed;
mod pages;
mod pieces;
mod places;
mod prefix_counts;
mod pretokenize;
mod save;
mod search;
mod sink;
mod special;
mod spread;
mod stream;
mod tables;
mod texts;
mod tiktoken_file;
mod to_utf8;
mod tokenizer;
pub mod train;
mod transcode;
pub mod translate;
mod units;
mod utf16;
mod utf8;
mod vocabulary;
mod words;
mod worker;
mod workers;

pub use batch::{LONG_TEXT, RowError, Rows};
pub use boundaries::{Boundaries, Boundary, SectionLevel};
pub use cache::set_cache_bytes;
pub use chunk::{Chunk, ChunkOptions};
pub use cuts::Cut;
pub use encoding::Encoding;
pub use error::Error;
pub use first_failed::FirstFailed;
pub use ids::Ids;
pub use level::Level;
pub use longest_match::longest_match;
pub use offsets::{Offsets, Unit};
pub use origin::{Origin, read_utf8};
pub use pages::touch;
pub use places::{Places, UnitIndex, utf16_length};
pub use prefix_counts::{Counts, PrefixCounts};
pub use pretokenize::{Pattern, Rules, Splits};
pub use search::check_lengths;
pub use sink::{Counter, LimitedCounter, Sink};
pub use special::SpecialPolicy;
pub use stream::{DecodeStream, EncodeStream};
pub use texts::{RawTexts, ReadTexts, stretches};
pub use to_utf8::push_utf16;
pub use tokenizer::Tokenizer;
pub use units::Utf16;
pub use vocabulary::Vocabulary;
pub use worker::Worker;
pub use workers::IdleWorker;

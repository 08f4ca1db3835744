//! Tokenizers as files of other libraries.

mod characters;
mod folds;
mod oniguruma;
mod tokenizer_json;

pub use tokenizer_json::check_tokenizer_json;

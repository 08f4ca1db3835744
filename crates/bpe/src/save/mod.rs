//! Tokenizers as files of other libraries.

mod characters;
mod oniguruma;
mod tokenizer_json;

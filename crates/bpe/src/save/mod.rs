//! Tokenizers as files of other libraries.

mod characters;
mod tokenizer_json;

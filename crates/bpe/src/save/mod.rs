//! Tokenizers as files of other libraries.

mod characters;
mod tiktoken;
mod tokenizer_json;

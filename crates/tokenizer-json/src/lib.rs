//! Any tokenizer.json, through the tokenizers crate; chat templates. Hands byte-level BPE models to crates/bpe

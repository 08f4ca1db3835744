//! Reads documents, writes and maps token shards. Knows no tokenizer: it takes a function

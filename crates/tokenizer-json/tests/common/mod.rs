//! The fixtures of `testdata/tokenizer-json/`; its README says what the files hold.
#![allow(dead_code, reason = "each test uses some of it")]

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

pub const FIXTURES: [&str; 16] = [
    "added",
    "bert",
    "clip",
    "deepseek",
    "gpt2",
    "llama2",
    "llama3",
    "neox",
    "nougat",
    "o200k",
    "qwen2",
    "roberta",
    "starcoder",
    "t5",
    "words",
    "xlmr",
];

/// A text and what Python's tokenizers gives for it.
#[derive(Deserialize)]
pub struct Row {
    pub text: String,
    pub ids: Vec<u32>,
    pub spans: Vec<(usize, usize)>,
    pub words: Vec<u32>,
    pub whole: Vec<u32>,
    pub types: Vec<u32>,
    pub ordinary: Option<Vec<u32>>,
    pub decoded: String,
    pub skipped: String,
}

fn read(name: &str) -> Vec<u8> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/tokenizer-json"));
    std::fs::read(root.join(name)).unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
}

pub fn file(name: &str) -> Vec<u8> {
    read(&format!("{name}.json"))
}

/// The file as JSON, to be changed.
pub fn json(name: &str) -> Value {
    serde_json::from_slice(&file(name)).expect("fixtures are JSON")
}

pub fn rows(name: &str) -> Vec<Row> {
    let cases = String::from_utf8(read(&format!("{name}.cases.jsonl"))).expect("cases are UTF-8");
    let lines = cases.lines().filter(|line| line.starts_with("{\"text\""));
    lines.map(|line| serde_json::from_str(line).expect("a row")).collect()
}

/// The names of the special tokens.
pub fn special(tokenizer: &tokenmill_tokenizer_json::Tokenizer) -> Vec<&str> {
    tokenizer.special_tokens().into_iter().map(|(token, _)| token).collect()
}

/// What the `tokenizers` crate runs.
pub fn crate_of(loaded: &tokenmill_tokenizer_json::Loaded) -> &tokenmill_tokenizer_json::Tokenizer {
    loaded.tokenizer().expect("the crate runs it")
}

//! Readers of the case files in `testdata/tokenizer/`; its README says what the files hold.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The repository's root.
pub fn root() -> PathBuf {
    // `TOKENMILL_ROOT` serves copies of the crates elsewhere (scripts/mutants.mjs).
    match std::env::var_os("TOKENMILL_ROOT") {
        Some(root) => root.into(),
        None => concat!(env!("CARGO_MANIFEST_DIR"), "/../..").into(),
    }
}

/// The bytes of a file of the repository.
pub fn read(path: &str) -> Vec<u8> {
    let path = root().join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

fn case_file(name: &str) -> String {
    String::from_utf8(read(&format!("testdata/tokenizer/{name}"))).expect("case files are ASCII")
}

fn parse<T: DeserializeOwned>(name: &str, line: usize, json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{name}:{line}: {error}"))
}

fn rows<T: DeserializeOwned>(name: &str) -> Vec<T> {
    case_file(name).lines().zip(1..).map(|(json, line)| parse(name, line, json)).collect()
}

/// `golden.jsonl`.
#[derive(Debug)]
pub struct Golden {
    /// The names of the encodings of each group.
    pub groups: BTreeMap<char, Vec<String>>,
    /// tiktoken's own pattern of each group.
    pub patterns: BTreeMap<char, String>,
    /// The texts and their ids.
    pub rows: Vec<GoldenRow>,
}

/// A text and its ids in every encoding.
#[derive(Debug)]
pub struct GoldenRow {
    /// The line in the file, from 1.
    pub line: usize,
    /// The title of the rows that it is one of.
    pub title: String,
    /// The text.
    pub text: String,
    ids: HashMap<char, Vec<u32>>,
}

impl GoldenRow {
    /// The ids in the encodings of `group`.
    pub fn ids(&self, group: char) -> &[u32] {
        self.ids.get(&group).unwrap_or_else(|| &self.ids[&'r'])
    }
}

#[derive(Deserialize)]
struct GoldenHeader {
    groups: BTreeMap<char, Vec<String>>,
    patterns: BTreeMap<char, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum GoldenLine {
    Title {
        title: String,
    },
    Row {
        text: String,
        #[serde(flatten)]
        ids: HashMap<char, Vec<u32>>,
    },
}

/// Reads `golden.jsonl`.
pub fn golden() -> Golden {
    let name = "golden.jsonl";
    let file = case_file(name);
    let mut lines = file.lines().zip(1..);
    let (json, line) = lines.next().expect("the file has a header");
    let GoldenHeader { groups, patterns } = parse(name, line, json);
    let mut current = String::new();
    let mut rows = Vec::new();
    for (json, line) in lines {
        match parse(name, line, json) {
            GoldenLine::Title { title } => current = title,
            GoldenLine::Row { text, ids } => rows.push(GoldenRow { line, title: current.clone(), text, ids }),
        }
    }
    Golden { groups, patterns, rows }
}

/// Which special tokens: all, or those named.
#[derive(Debug, Deserialize)]
#[serde(from = "NamesJson")]
pub enum Names {
    /// `"all"`
    All,
    /// A list of names.
    These(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NamesJson {
    Word(String),
    List(Vec<String>),
}

impl From<NamesJson> for Names {
    fn from(json: NamesJson) -> Self {
        match json {
            NamesJson::Word(word) => {
                assert_eq!(word, "all", "a word that is not a list of names");
                Self::All
            }
            NamesJson::List(names) => Self::These(names),
        }
    }
}

/// A line of `special.jsonl`.
#[derive(Debug, Deserialize)]
pub struct SpecialRow {
    /// The encoding's name.
    pub encoding: String,
    /// The text.
    pub text: String,
    /// `allowed_special`.
    pub allowed: Names,
    /// `disallowed_special`.
    pub disallowed: Names,
    /// The ids; `None` when a token was refused.
    pub ids: Option<Vec<u32>>,
    /// The disallowed token that was found.
    pub refused: Option<String>,
}

/// Reads `special.jsonl`.
pub fn special() -> Vec<SpecialRow> {
    rows("special.jsonl")
}

/// A line of `tokens.jsonl`: an id and its bytes, one of them `None` when the other is not that of a token.
#[derive(Debug, Deserialize)]
pub struct TokenRow {
    /// The encoding's name.
    pub encoding: String,
    /// The id.
    pub id: Option<u32>,
    /// The token's bytes, in hex.
    bytes: Option<String>,
}

impl TokenRow {
    /// The token's bytes.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        self.bytes.as_deref().map(from_hex)
    }
}

/// Reads `tokens.jsonl`.
pub fn tokens() -> Vec<TokenRow> {
    rows("tokens.jsonl")
}

/// A line of `decode.jsonl`.
#[derive(Debug, Deserialize)]
pub struct DecodeRow {
    /// The encoding's name.
    pub encoding: String,
    /// The ids.
    pub ids: Vec<u32>,
    /// The bytes, in hex; `None` when an id does not exist.
    bytes: Option<String>,
    /// The text, invalid bytes replaced; `None` when an id does not exist.
    pub text: Option<String>,
}

impl DecodeRow {
    /// The bytes; `None` when an id does not exist.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        self.bytes.as_deref().map(from_hex)
    }
}

/// Reads `decode.jsonl`.
pub fn decode() -> Vec<DecodeRow> {
    rows("decode.jsonl")
}

/// `unicode.json`: properties of characters as tiktoken's regex engine sees them.
#[derive(Debug, Deserialize)]
pub struct Unicode {
    /// The code points of each general category, and of each class that a pattern names.
    pub classes: BTreeMap<String, Vec<CodePoints>>,
    /// The code points of each script.
    pub scripts: BTreeMap<String, Vec<CodePoints>>,
}

/// A range of code points.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "[u32; 2]")]
pub struct CodePoints(pub RangeInclusive<u32>);

impl From<[u32; 2]> for CodePoints {
    fn from([first, last]: [u32; 2]) -> Self {
        Self(first..=last)
    }
}

/// Whether `character` is in one of `ranges`, which are in order.
pub fn has(ranges: &[CodePoints], character: char) -> bool {
    let code = u32::from(character);
    let next = ranges.partition_point(|range| *range.0.end() < code);
    ranges.get(next).is_some_and(|range| range.0.contains(&code))
}

/// Reads `unicode.json`.
pub fn unicode() -> Unicode {
    parse("unicode.json", 1, &case_file("unicode.json"))
}

/// `sweep.json`: digests of the ids of every code point.
#[derive(Debug, Deserialize)]
pub struct Sweep {
    /// Code points in one text.
    pub block: u32,
    /// What stands around each code point; `{}` or `{0}` is the code point.
    pub contexts: Vec<String>,
    /// CRC-32 in hex by group, context and block.
    pub digests: BTreeMap<char, Vec<Vec<String>>>,
}

impl Sweep {
    /// The text of the block that starts at code point `start`, in one of the contexts.
    pub fn text(&self, context: &str, start: u32) -> String {
        let around: Vec<&str> = context.split("{}").flat_map(|part| part.split("{0}")).collect();
        let characters = (start..start + self.block).filter_map(char::from_u32);
        characters.map(|character| around.join(character.encode_utf8(&mut [0; 4]))).collect()
    }
}

/// Reads `sweep.json`.
pub fn sweep() -> Sweep {
    parse("sweep.json", 1, &case_file("sweep.json"))
}

fn from_hex(hex: &str) -> Vec<u8> {
    assert_eq!(hex.len() % 2, 0, "hex has two digits per byte");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits")).collect()
}

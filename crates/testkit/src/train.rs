//! Training of a byte-level BPE, as its definition says it, and the reader of `train.jsonl`.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cases::read;

/// What to make.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Settings {
    /// The special tokens, the 256 bytes, and the merges.
    pub vocab_size: u32,
    /// Rarer pairs are not merged.
    pub min_frequency: u64,
    /// Tokens of more than two bytes are shorter.
    pub max_token_length: Option<u32>,
    /// They have the first ids.
    pub special_tokens: Vec<String>,
}

/// The ids of the two parts of each merge. `alphabet` has the bytes in the order of their ids. Counts all pairs before each merge.
pub fn train<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    alphabet: &[u8; 256],
    settings: &Settings,
) -> Vec<[u32; 2]> {
    let mut counted: HashMap<&[u8], u64> = HashMap::new();
    pieces.into_iter().for_each(|piece| *counted.entry(piece).or_default() += 1);
    let first = settings.special_tokens.len() as u32;
    let id_of =
        |byte: &u8| first + alphabet.iter().position(|other| other == byte).expect("all bytes are there") as u32;
    let mut words: Vec<(Vec<u32>, u64)> =
        counted.into_iter().map(|(piece, count)| (piece.iter().map(id_of).collect(), count)).collect();
    let mut lengths = vec![1; first as usize + alphabet.len()];
    let mut merges = Vec::new();
    while lengths.len() < settings.vocab_size as usize {
        let length_of = |pair: &[u32; 2]| lengths[pair[0] as usize] + lengths[pair[1] as usize];
        let is_allowed = |pair: &[u32; 2]| {
            length_of(pair) == 2 || settings.max_token_length.is_none_or(|longest| length_of(pair) < longest)
        };
        let mut pairs: BTreeMap<[u32; 2], u64> = BTreeMap::new();
        for (word, count) in &words {
            for &pair in word.array_windows() {
                *pairs.entry(pair).or_default() += count;
            }
        }
        pairs.retain(|pair, &mut count| is_allowed(pair) && count >= settings.min_frequency);
        let Some(highest) = pairs.values().max() else { break };
        // The first one by ids.
        let pair = *pairs.iter().find(|&(_, count)| count == highest).expect("it is the count of one").0;
        let joined = lengths.len() as u32;
        for (word, _) in &mut words {
            let mut at = 0;
            while at + 1 < word.len() {
                if word[at..at + 2] == pair {
                    word[at] = joined;
                    word.remove(at + 1);
                }
                at += 1;
            }
        }
        lengths.push(length_of(&pair));
        merges.push(pair);
    }
    merges
}

/// `train.jsonl`.
#[derive(Debug)]
pub struct Trainings {
    /// The bytes in the order of their ids.
    pub alphabet: [u8; 256],
    /// The texts that are encoded with each trained tokenizer.
    pub samples: Vec<String>,
    /// The trainings.
    pub rows: Vec<TrainRow>,
    corpora: HashMap<String, Vec<String>>,
}

impl Trainings {
    /// The texts that `row` is trained on.
    pub fn texts(&self, row: &TrainRow) -> &[String] {
        &self.corpora[&row.corpus]
    }
}

/// One training.
#[derive(Debug, Deserialize)]
pub struct TrainRow {
    /// The name of its texts.
    pub corpus: String,
    /// The name of its pattern.
    pub pattern: String,
    /// What to make.
    #[serde(flatten)]
    pub settings: Settings,
    /// The ids of the two parts of each merge, one after the other.
    pub merges: Vec<u32>,
    /// The ids of each sample.
    pub encoded: Vec<Vec<u32>>,
}

#[derive(Deserialize)]
struct Header {
    alphabet: Vec<u8>,
    samples: Vec<String>,
}

#[derive(Deserialize)]
struct Corpus {
    corpus: String,
    texts: Vec<String>,
}

fn parse<T: DeserializeOwned>(json: &str, line: usize) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("train.jsonl:{line}: {error}"))
}

/// Reads `train.jsonl`.
pub fn trainings() -> Trainings {
    let file = String::from_utf8(read("testdata/tokenizer/train.jsonl")).expect("case files are ASCII");
    let mut lines = file.lines().zip(1..);
    let (header, line) = lines.next().expect("there is a first line");
    let Header { alphabet, samples } = parse(header, line);
    let alphabet = alphabet.try_into().expect("256 bytes");
    let mut trainings = Trainings { alphabet, samples, rows: Vec::new(), corpora: HashMap::new() };
    for (json, line) in lines {
        if json.contains("\"texts\":") {
            let Corpus { corpus, texts } = parse(json, line);
            trainings.corpora.insert(corpus, texts);
        } else {
            trainings.rows.push(parse(json, line));
        }
    }
    trainings
}

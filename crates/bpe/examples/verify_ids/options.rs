//! The command line.

use std::path::PathBuf;

use tokenmill_bpe::Encoding;

/// One encoding of each set of ranks: together they have every pattern and every token.
const ENCODINGS: [Encoding; 4] = [Encoding::R50kBase, Encoding::P50kBase, Encoding::Cl100kBase, Encoding::O200kBase];

/// What is asked for.
pub struct Options {
    /// Which strings.
    pub seed: u64,
    /// The number of the first one.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// In which encodings.
    pub encodings: Vec<Encoding>,
    /// Files that are encoded as well, each whole.
    pub texts: Vec<PathBuf>,
    /// Programs that encode, each with its arguments; the encoding's name is the last one. The first is the reference.
    pub peers: Vec<Vec<String>>,
    /// Encodings at a time.
    pub jobs: usize,
}

impl Options {
    /// The options of a command line.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options =
            Self { seed: 0, first: 0, count: 0, encodings: vec![], texts: vec![], peers: vec![], jobs: 1 };
        let mut arguments = arguments;
        while let Some(option) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("expected a value after {option}"))?;
            let number =
                || value.parse::<u64>().map_err(|_| format!("expected a number after {option}, found {value}"));
            match option.as_str() {
                "--seed" => options.seed = number()?,
                "--first" => options.first = number()?,
                "--count" => options.count = number()?,
                "--jobs" => options.jobs = number()?.max(1) as usize,
                "--text" => options.texts.push(value.into()),
                "--peer" => options.peers.push(value.split('\n').map(str::to_owned).collect()),
                "--encoding" => {
                    options
                        .encodings
                        .push(Encoding::from_name(&value).ok_or(format!("no encoding is called {value}"))?);
                }
                _ => return Err(format!("there is no option {option}")),
            }
        }
        if options.encodings.is_empty() {
            options.encodings = ENCODINGS.into();
        }
        Ok(options)
    }
}

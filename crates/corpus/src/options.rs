//! How inputs are read.

use serde::{Deserialize, Serialize};

use crate::{Error, Input};

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// By its name: `.jsonl`, `.ndjson` and `.json` are [`Format::Jsonl`], `.parquet` is [`Format::Parquet`], `.txt` is [`Format::Text`], each also
    /// with `.gz`, `.zst` after it.
    Detect,
    /// One document.
    Text,
    /// A document per line, without its line end (`\n` or `\r\n`).
    Lines,
    /// Documents with this between them.
    #[serde(rename = "separator")]
    Separated(String),
    /// A JSON object per line, of which one field is the document.
    Jsonl,
    /// A row per document, of which one column is the text.
    Parquet,
}

/// What becomes of documents that are not as they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFault {
    /// They are left out, counted and reported.
    Skip,
    /// They are an error.
    #[serde(rename = "error")]
    Fail,
}

/// What becomes of bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnInvalidUtf8 {
    /// Each maximal invalid part is U+FFFD.
    Replace,
    /// As [`OnFault::Skip`].
    Skip,
    /// As [`OnFault::Fail`].
    #[serde(rename = "error")]
    Fail,
}

/// How inputs are read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// What the files hold.
    pub format: Format,
    /// The field or column that is the text.
    pub field: String,
    /// The most bytes that a document, or the line that holds it, may have.
    pub max_document_bytes: usize,
    /// For lines and values that hold no document, and files that are cut off or damaged.
    pub malformed: OnFault,
    /// For bytes that are not UTF-8.
    pub invalid_utf8: OnInvalidUtf8,
    /// For documents that are larger than `max_document_bytes`.
    pub too_large: OnFault,
    /// How many threads read and work.
    pub threads: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: Format::Detect,
            field: "text".to_owned(),
            max_document_bytes: 256 << 20,
            malformed: OnFault::Fail,
            invalid_utf8: OnInvalidUtf8::Fail,
            too_large: OnFault::Fail,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

impl ReadOptions {
    /// The format of `input`.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`] when its name does not tell.
    pub fn format_of(&self, input: &Input) -> Result<Format, Error> {
        if self.format == Format::Separated(String::new()) {
            return Err(Error::InvalidOption("expected a separator of at least one byte".to_owned()));
        }
        if self.format != Format::Detect {
            return Ok(self.format.clone());
        }
        let name = input.name.to_ascii_lowercase();
        let name = [".gz", ".zst", ".zstd"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if ends(&[".jsonl", ".ndjson", ".json"]) {
            Ok(Format::Jsonl)
        } else if ends(&[".parquet", ".pq"]) {
            Ok(Format::Parquet)
        } else if ends(&[".txt", ".text"]) {
            Ok(Format::Text)
        } else {
            let what = if input.is_stdin() { "standard input" } else { &input.name };
            Err(Error::UnknownFormat(what.to_owned()))
        }
    }
}

//! What can go wrong.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::Path;

/// Errors of this crate. `path` is the input or file as it was named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option or an input that cannot be what it is.
    #[error("{0}")]
    InvalidOption(String),
    /// The system does not read or write a file.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was done, as in `read`.
        action: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The name of an input that no file has.
    #[error("no file is called {}", Named(.0))]
    NoSuchFile(String),
    /// A glob that no file matches.
    #[error("no file matches {}", Named(.0))]
    NoMatch(String),
    /// An input that no option says the format of, and its name does not either.
    #[error("the name of {0} does not tell its format: say which it has")]
    UnknownFormat(String),
    /// An input that is not what it should be as a whole.
    #[error("{path} is not a valid input: {reason}")]
    InvalidInput {
        /// The input.
        path: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// A document that is not as it should be, where that is not to be skipped.
    #[error("{path}, {unit} {number}: {fault}")]
    Document {
        /// The input.
        path: String,
        /// What its documents are found by.
        unit: Unit,
        /// The line or row, from 1.
        number: u64,
        /// What is wrong.
        fault: Fault,
    },
    /// What the caller's function says of documents.
    #[error("{0}")]
    Encode(String),
    /// An id that the caller's function gave, and that the vocabulary does not have.
    #[error("expected ids below the vocabulary size {vocab_size}, received {id}")]
    IdOutOfRange {
        /// The id.
        id: u32,
        /// What all ids are below.
        vocab_size: u32,
    },
    /// What the caller's function says of one of the texts that it got.
    #[error("text {text}: {reason}")]
    Refused {
        /// Its place among the texts.
        text: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A dataset that is not what it should be.
    #[error("{path}: {reason}")]
    CorruptDataset {
        /// The file.
        path: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// An index that does not exist.
    #[error("{0}")]
    OutOfRange(String),
    /// A stated limit, or memory.
    #[error("{0}")]
    Limit(String),
    /// The caller asked to stop.
    #[error("the work was cancelled")]
    Cancelled,
}

impl Error {
    /// An error of the system, or the one of ours that has come through it.
    pub(crate) fn io(action: &'static str, path: impl Display, source: io::Error) -> Self {
        source.downcast().unwrap_or_else(|source| Self::Io { action, path: path.to_string(), source })
    }

    /// An error of the system about a file of a dataset.
    pub(crate) fn of_dataset(path: &Path, source: io::Error) -> Self {
        if source.kind() != io::ErrorKind::NotFound {
            return Self::io("read", path.display(), source);
        }
        let reason = "the manifest names this file, which is not there".to_owned();
        Self::CorruptDataset { path: path.display().to_string(), reason }
    }
}

/// Whether reading failed for another reason than the data. Decoders have no number of an error of the system.
pub(crate) fn is_no_damage(error: &io::Error) -> bool {
    error.raw_os_error().is_some() || error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).is_some()
}

/// The most characters of a name that an error shows: one that no file has may be a whole text.
const SHOWN: usize = 200;

/// A name in quotes, cut when it is long.
struct Named<'a>(&'a str);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}

/// What tells where a document of an input is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// The line that it starts in.
    #[default]
    Line,
    /// Its row in a Parquet file.
    Row,
}

impl Display for Unit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "line",
            Self::Row => "row",
        })
    }
}

/// What is wrong with one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line or value that does not hold a document.
    Malformed(String),
    /// Bytes that are not UTF-8, from this byte of the line or document on.
    InvalidUtf8(usize),
    /// More bytes than a document may have, which is this many.
    TooLarge(usize),
    /// What the caller's function refuses, and why. It is never skipped.
    Refused(String),
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason) | Self::Refused(reason) => f.write_str(reason),
            Self::InvalidUtf8(at) => write!(f, "expected UTF-8, received bytes that are not, the first at byte {at}"),
            Self::TooLarge(most) => write!(f, "expected at most {most} bytes in a document, received more"),
        }
    }
}

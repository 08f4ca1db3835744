//! What can go wrong.

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that is no tokenizer.json, or one that contradicts itself.
    #[error("{reason}")]
    InvalidFile {
        /// What was expected, where, and what was found.
        reason: String,
    },
    /// Something is larger than a stated limit.
    #[error("{reason}")]
    Limit {
        /// What was expected and what was found.
        reason: String,
    },
    /// The text holds a special token that the caller refuses.
    #[error("the text holds the special token {token:?} at byte {at}")]
    DisallowedSpecialToken {
        /// The token.
        token: String,
        /// Where it starts in the text, in bytes.
        at: usize,
    },
    /// A word that the model does not know, and for which it has no unknown token.
    #[error("{reason}")]
    UnknownWord {
        /// What the model says.
        reason: String,
    },
    /// An id that no token has.
    #[error(
        "expected ids of tokens, received {id} at index {index}{}; the largest id is {largest}",
        if id <= largest { ", which no token has" } else { "" }
    )]
    UnknownId {
        /// The id.
        id: u32,
        /// Where it stands among the ids.
        index: usize,
        /// The largest id of the tokenizer.
        largest: u32,
    },
    /// The ids come to bytes that are not UTF-8.
    #[error("expected ids whose bytes are UTF-8, received others")]
    InvalidUtf8,
    /// A part of the `tokenizers` crate failed on a text.
    #[error("{reason}")]
    Failed {
        /// What it says.
        reason: String,
    },
    /// The caller asked to stop.
    #[error("the work was cancelled")]
    Cancelled,
}

/// What can go wrong with a text.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It was not read, or is refused.
    #[error(transparent)]
    Text(#[from] tokenmill_bpe::Error),
    /// It has no ids.
    #[error(transparent)]
    Ids(#[from] Error),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// The error about a file that says `reason`.
pub(crate) fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidFile { reason: reason.into() }
}

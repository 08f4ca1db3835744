//! What can go wrong.

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A vocabulary that is not one.
    #[error("invalid vocabulary: {reason}")]
    InvalidVocabulary {
        /// What was expected and what was found.
        reason: String,
    },
    /// A special token that cannot be one.
    #[error("invalid special token {}: {reason}", shown(token))]
    InvalidSpecialToken {
        /// The token.
        token: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Special tokens that would take too long to be looked for.
    #[error("expected special tokens of at most {most} {unit}, received {bytes}")]
    SpecialTokensTooLong {
        /// How many bytes one has, or all have together.
        bytes: usize,
        /// How many there may be.
        most: usize,
        /// Of what.
        unit: &'static str,
    },
    /// The text holds a special token that the caller refuses.
    #[error("the text holds the special token {} at byte {at}", shown(token))]
    DisallowedSpecialToken {
        /// The token.
        token: String,
        /// Where it starts in the text, in bytes.
        at: usize,
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
        /// The largest id of the vocabulary.
        largest: u32,
    },
    /// Bytes that must be UTF-8 and are not.
    #[error("expected UTF-8, received bytes that are not, the first at byte {at}")]
    InvalidUtf8 {
        /// Where, from the start of all text.
        at: usize,
    },
    /// A stretch of a streamed text that cannot be cut, and is longer than the caller wants to keep.
    #[error("expected pieces of text of at most {limit} bytes, received a longer one")]
    PieceTooLong {
        /// How many bytes.
        limit: usize,
    },
    /// A training that cannot be done.
    #[error("invalid training: {reason}")]
    InvalidTraining {
        /// What was expected and what was found.
        reason: String,
    },
    /// What a training keeps outside the memory cannot be written or read again.
    #[error("counts cannot be kept in a temporary file: {0}")]
    Scratch(#[source] std::io::Error),
    /// A character of a text that is cut into chunks has more tokens than a chunk may have.
    #[error("expected at most {most} tokens for each character, received {tokens} for the one at byte {at}")]
    CharacterTooLarge {
        /// Where it starts in the text, in bytes.
        at: usize,
        /// How many tokens it has.
        tokens: usize,
        /// How many a chunk may have.
        most: usize,
    },
    /// What was asked for does not fit the memory.
    #[error("there is not enough memory for {bytes} bytes")]
    OutOfMemory {
        /// How many bytes.
        bytes: usize,
    },
    /// A pattern that is none.
    #[error("invalid pattern: {reason}")]
    InvalidPattern {
        /// What was expected and what was found.
        reason: String,
    },
    /// A text on which a pattern of regular expressions reached one of its limits.
    #[error("the pattern reached its limit at byte {at} of the text: {reason}")]
    PatternLimit {
        /// The end of the last piece that was found, in bytes of the text.
        at: usize,
        /// Which limit.
        reason: String,
    },
    /// A text of which the normalizer would have to keep too much at once.
    #[error(
        "expected at most {most} bytes of marks and the like side by side, received {bytes} from byte {at} of the text on"
    )]
    NormalizerLimit {
        /// Where they start, in bytes of the text.
        at: usize,
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        most: usize,
    },
    /// The caller asked to stop.
    #[error("the work was cancelled")]
    Cancelled,
}

/// A token as messages have it: in quotes, and of a long one its start.
fn shown(token: &str) -> String {
    match token.char_indices().nth(100) {
        Some((at, _)) => format!("{:?}…", &token[..at]),
        None => format!("{token:?}"),
    }
}

impl Error {
    /// The error in a text that has so many `bytes` before the part it was met in.
    pub(crate) fn after(self, bytes: usize) -> Self {
        match self {
            Self::PatternLimit { at, reason } => Self::PatternLimit { at: bytes + at, reason },
            Self::NormalizerLimit { at, bytes: length, most } => {
                Self::NormalizerLimit { at: bytes + at, bytes: length, most }
            }
            other => other,
        }
    }
}

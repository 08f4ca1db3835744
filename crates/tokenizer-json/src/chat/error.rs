//! What can go wrong with a chat template.

use minijinja::ErrorKind;

/// Why a chat could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The template cannot be read, or does what it cannot.
    #[error("{message}")]
    Template {
        /// What is wrong, and in which line.
        message: String,
    },
    /// The template refused the messages, by `raise_exception`.
    #[error("the template refused the messages: {message}")]
    Refused {
        /// What the template says.
        message: String,
    },
    /// The template works too long, writes too much, or nests too deep.
    #[error("{message}")]
    Limit {
        /// Which limit.
        message: String,
    },
    /// The values are not what a template can be given.
    #[error("{message}")]
    Values {
        /// What is wrong with them.
        message: String,
    },
}

/// How the message of an error begins that `raise_exception` made: no other error has this character.
pub(super) const RAISED: char = '\u{10FFFE}';

/// The fuel that a template had spent when it refused its messages: the source of that error.
#[derive(Debug, thiserror::Error)]
#[error("after {0} of its fuel")]
pub(super) struct Spent(pub u64);

/// The fuel that a rendering with `fuel` spent before `error`: all of it, where nobody knows.
pub(super) fn spent(error: &minijinja::Error, fuel: u64) -> u64 {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(Spent(spent)) = inner.downcast_ref() {
            return *spent;
        }
        cause = inner.source();
    }
    fuel
}

impl Error {
    /// The error for one of the engine.
    pub(super) fn from_engine(error: &minijinja::Error) -> Self {
        let mut cause = error;
        // What went wrong in a macro or a block is the cause of the outer errors.
        while let Some(inner) =
            std::error::Error::source(cause).and_then(|source| source.downcast_ref::<minijinja::Error>())
        {
            cause = inner;
        }
        let detail = cause.detail().unwrap_or_default();
        if let Some(message) = detail.strip_prefix(RAISED) {
            return Self::Refused { message: message.to_owned() };
        }
        let line = cause.line().or_else(|| error.line()).map(|line| format!(", line {line}")).unwrap_or_default();
        if cause.kind() == ErrorKind::OutOfFuel {
            let message = format!("the chat template works too long or writes too much{line}");
            return Self::Limit { message };
        }
        if detail.contains("recursion limit") {
            return Self::Limit { message: format!("the chat template nests too deep{line}") };
        }
        let what = if detail.is_empty() { cause.kind().to_string() } else { format!("{}: {detail}", cause.kind()) };
        Self::Template { message: format!("chat template{line}: {what}") }
    }
}

//! Errors of the core crates as JavaScript errors with a stable `code`.

/// A code of `TokenmillError` in `src/errors.ts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    InvalidArgument,
    SpecialToken,
    UnknownToken,
    OutOfRange,
    InvalidUtf8,
    InvalidFile,
    Limit,
    CorruptDataset,
    Device,
    Disposed,
    Internal,
}

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        match self {
            Self::InvalidArgument => "ERR_INVALID_ARGUMENT",
            Self::SpecialToken => "ERR_SPECIAL_TOKEN",
            Self::UnknownToken => "ERR_UNKNOWN_TOKEN",
            Self::OutOfRange => "ERR_OUT_OF_RANGE",
            Self::InvalidUtf8 => "ERR_INVALID_UTF8",
            Self::InvalidFile => "ERR_INVALID_FILE",
            Self::Limit => "ERR_LIMIT",
            Self::CorruptDataset => "ERR_CORRUPT_DATASET",
            Self::Device => "ERR_DEVICE",
            Self::Disposed => "ERR_DISPOSED",
            Self::Internal => "ERR_INTERNAL",
        }
    }
}

impl From<napi::Status> for Code {
    /// Node-API itself refused: an argument that the facade should have checked, or a defect.
    fn from(_: napi::Status) -> Self {
        Self::Internal
    }
}

/// An error that JavaScript sees with `code` and `message`.
pub type Error = napi::Error<Code>;
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a Node-API call on the way to JavaScript.
pub fn from_napi(error: &napi::Error) -> Error {
    Error::new(Code::Internal, error.reason.clone())
}

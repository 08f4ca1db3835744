//! Errors of the embedding crate as coded errors.

use tokenmill_embedding::Error as Core;

use crate::error::{Code, Error, Result};

/// The error that JavaScript sees.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub fn coded(error: Core) -> Error {
    let code = match error {
        Core::IdOutOfRange { .. } | Core::ContextTooLong { .. } => Code::OutOfRange,
        Core::ShapeMismatch { .. } | Core::LengthMismatch { .. } | Core::Zero { .. } | Core::Scale { .. } => {
            Code::InvalidArgument
        }
        Core::TooManyRows { .. } | Core::TooLarge { .. } | Core::OutOfMemory { .. } => Code::Limit,
        Core::File { .. } => Code::InvalidFile,
        _ => Code::Internal,
    };
    Error::new(code, error.to_string())
}

/// The error for a use of something that was disposed.
pub fn disposed(what: &str) -> Error {
    Error::new(Code::Disposed, format!("the {what} was disposed"))
}

/// A size that the facade has checked to be a whole number of at least 0.
pub fn size(name: &str, value: i64) -> Result<usize> {
    usize::try_from(value)
        .map_err(|_| Error::new(Code::InvalidArgument, format!("expected a size for {name}, received {value}")))
}

/// [`size`] of each.
pub fn sizes(name: &str, values: &[i64]) -> Result<Vec<usize>> {
    values.iter().map(|&value| size(name, value)).collect()
}

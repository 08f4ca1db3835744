//! Values of datasets for JavaScript.

use tokenmill_corpus::{Error as Core, Fault};

use crate::error::{Code, Error, Result};

pub fn coded(error: Core) -> Error {
    if let Core::IdOutOfRange { id, vocab_size } = error {
        // Ours have none: it is a tokenizer of the caller.
        let message = format!(
            "expected ids below its vocabSize, {vocab_size}, for ids of encodeBatch of options.tokenizer, received {id}"
        );
        return Error::new(Code::InvalidArgument, message);
    }
    let code = match &error {
        Core::InvalidOption(_) | Core::NoMatch(_) | Core::UnknownFormat(_) => Code::InvalidArgument,
        Core::Io { .. } | Core::NoSuchFile(_) | Core::InvalidInput { .. } => Code::InvalidFile,
        Core::Document { fault, .. } => match fault {
            Fault::InvalidUtf8(_) => Code::InvalidUtf8,
            Fault::TooLarge(_) => Code::Limit,
            Fault::Malformed(_) => Code::InvalidFile,
            Fault::Refused(_) => Code::SpecialToken,
        },
        Core::CorruptDataset { .. } => Code::CorruptDataset,
        Core::OutOfRange(_) => Code::OutOfRange,
        Core::Limit(_) => Code::Limit,
        _ => Code::Internal,
    };
    Error::new(code, error.to_string())
}

/// [`coded`], where `option` is what says the format of an input.
pub fn coded_with(option: &str, error: Core) -> Error {
    let is_unknown = matches!(error, Core::UnknownFormat(_));
    let mut error = coded(error);
    if is_unknown {
        error.reason.push_str(" with ");
        error.reason.push_str(option);
    }
    error
}

/// A place or number of ids, which the facade has checked to be a whole number of at least 0. A number of JavaScript holds all up to 2^53, which
/// is some thousand times what a disk does.
pub fn place(name: &str, value: f64) -> Result<u64> {
    if value >= 0.0 && value <= (1_u64 << 53) as f64 && value.fract() == 0.0 {
        return Ok(value as u64);
    }
    Err(Error::new(Code::OutOfRange, format!("expected a whole number for {name}, received {value}")))
}

/// A number of ids or bytes for JavaScript.
pub fn number(value: u64) -> f64 {
    value as f64
}

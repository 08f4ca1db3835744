//! Errors and sizes of the embedding crate, to and from JavaScript.

use tokenmill_embedding::{DType, Device, Error as Core, cuda_device};

use crate::error::{Code, Error, Result};

/// The error that JavaScript sees.
pub fn coded(error: Core) -> Error {
    let code = match error {
        Core::IdOutOfRange { .. }
        | Core::PositionOutOfRange { .. }
        | Core::TypeOutOfRange { .. }
        | Core::ContextTooLong { .. } => Code::OutOfRange,
        Core::ShapeMismatch { .. }
        | Core::LengthMismatch { .. }
        | Core::WrongType { .. }
        | Core::Zero { .. }
        | Core::Number { .. }
        | Core::Scale { .. }
        | Core::NotRecorded
        | Core::OtherEmbedding
        | Core::TablesChanged
        | Core::SameParameter { .. }
        | Core::State { .. } => Code::InvalidArgument,
        Core::TooManyRows { .. } | Core::TooManyIds { .. } | Core::TooLarge { .. } | Core::OutOfMemory { .. } => {
            Code::Limit
        }
        Core::Retired => Code::Disposed,
        Core::Device { .. } => Code::Device,
        Core::File { .. } => Code::InvalidFile,
        _ => Code::Internal,
    };
    Error::new(code, error.to_string())
}

/// A size that the facade has checked to be a whole number of at least 0.
pub fn size(name: &str, value: i64) -> Result<usize> {
    usize::try_from(value)
        .map_err(|_| Error::new(Code::InvalidArgument, format!("expected a size for {name}, received {value}")))
}

/// [`size`] of each.
pub fn sizes(name: &str, values: Vec<i64>) -> Result<Vec<usize>> {
    values.into_iter().map(|value| size(name, value)).collect()
}

/// A type that the facade has checked to exist.
pub fn dtype(name: &str) -> Result<DType> {
    DType::from_name(name).ok_or_else(|| Error::new(Code::InvalidArgument, format!("there is no type {name:?}")))
}

/// The CPU, or a CUDA device.
pub fn device(cuda: Option<u32>) -> Result<Device> {
    cuda.map_or(Ok(Device::Cpu), |ordinal| cuda_device(ordinal as usize)).map_err(coded)
}

/// A size for JavaScript. What is in memory is smaller than 2^53, so that a number holds it exactly.
pub fn number(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

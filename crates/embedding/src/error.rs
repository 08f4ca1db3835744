//! What can go wrong, one variant per fault.

use std::path::PathBuf;

use crate::weights::FileFault;
use crate::{DType, Position};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An id is not a row of the table.
    #[error("id {id} at index {index} does not exist: the table has {rows} rows")]
    IdOutOfRange {
        /// The first such id.
        id: u32,
        /// Where it is in the ids.
        index: usize,
        /// Rows of the table.
        rows: usize,
    },
    /// Ids reach past the last position.
    #[error("a row of {tokens} ids at position {offset} does not fit into the context length {context_length}")]
    ContextTooLong {
        /// Ids in one row of the input.
        tokens: usize,
        /// The position of the first of them.
        offset: usize,
        /// Positions that exist.
        context_length: usize,
    },
    /// A position is not a row of the position table.
    #[error("position {position} at index {index} does not exist: the context length is {context_length}")]
    PositionOutOfRange {
        /// The first such position.
        position: u32,
        /// Where it is in the positions.
        index: usize,
        /// Positions that exist.
        context_length: usize,
    },
    /// A token type is not a row of the type table.
    #[error("token type {id} at index {index} does not exist: there are {types}")]
    TypeOutOfRange {
        /// The first such type.
        id: u32,
        /// Where it is in the types.
        index: usize,
        /// Types that exist; 0 without a type table.
        types: usize,
    },
    /// More ids at once than 32 bits can count.
    #[error("{ids} ids are more than one pass can take")]
    TooManyIds {
        /// How many.
        ids: usize,
    },
    /// The shape and the ids do not agree.
    #[error("the shape {shape:?} does not hold {ids} ids")]
    ShapeMismatch {
        /// The shape of the ids.
        shape: Vec<usize>,
        /// How many ids there are.
        ids: usize,
    },
    /// Values or an output array have the wrong length.
    #[error("expected {expected} values, received {actual}")]
    LengthMismatch {
        /// How many it should be.
        expected: usize,
        /// How many it is.
        actual: usize,
    },
    /// An array of another type than the values.
    #[error("expected an array for {} values, received one for {}", expected.name(), actual.name())]
    WrongType {
        /// What the values are.
        expected: DType,
        /// What the array holds.
        actual: DType,
    },
    /// A size that must be at least one is zero.
    #[error("{what} must be at least 1")]
    Zero {
        /// Which size.
        what: &'static str,
    },
    /// A factor that would make every embedding zero, infinite or not a number.
    #[error("the scale {scale} must be finite and not 0")]
    Scale {
        /// The factor.
        scale: f32,
    },
    /// A number that makes no sense.
    #[error("{what} must be {expected}, received {value}")]
    Number {
        /// Which.
        what: &'static str,
        /// What it is.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// A table that the model has not, or none where it has one.
    #[error("the {what} of a model must be there exactly when its configuration says so")]
    Tables {
        /// Which table.
        what: &'static str,
    },
    /// A position table for positions that have none, or none for those that have.
    #[error("a position table belongs to learned positions and to no others, but they are {}", position.name())]
    PositionTable {
        /// How positions enter.
        position: Position,
    },
    /// A table has not the size that the model says.
    #[error("expected a table of shape {expected:?}, received one of {actual:?}")]
    TableSize {
        /// Rows and dimensions as they should be.
        expected: [usize; 2],
        /// As they are.
        actual: [usize; 2],
    },
    /// More rows than ids can name.
    #[error("a table of {rows} rows has more of them than 32-bit ids can name")]
    TooManyRows {
        /// Rows asked for.
        rows: usize,
    },
    /// A count of values or bytes is more than an address can reach.
    #[error("{rows} rows of {dimensions} dimensions are more than can be addressed")]
    TooLarge {
        /// Rows asked for.
        rows: usize,
        /// Values per row.
        dimensions: usize,
    },
    /// The memory is not there.
    #[error("{bytes} bytes could not be allocated")]
    OutOfMemory {
        /// How many were asked for.
        bytes: usize,
    },
    /// A parameter whose embedding was disposed or has got other tables.
    #[error("the parameter was disposed: its embedding was, or has got other tables")]
    Retired,
    /// An output that no backward pass can start from.
    #[error("nothing is recorded for this output: backward can be called once for each output of forward")]
    NotRecorded,
    /// An output of another embedding.
    #[error("the output is not one of this embedding")]
    OtherEmbedding,
    /// A backward pass that needs the values from which the output was made.
    #[error(
        "the tables have changed since this output was made: with layer normalisation, backward comes before the step"
    )]
    TablesChanged,
    /// The same parameter twice in one optimiser.
    #[error("the parameter {name} at index {index} is there twice")]
    SameParameter {
        /// Its name.
        name: &'static str,
        /// Where it is the second time.
        index: usize,
    },
    /// A state of an optimiser that has other parameters or another rule.
    #[error("the state does not fit this optimiser: {what}")]
    State {
        /// What does not.
        what: String,
    },
    /// A device that cannot be used, or that failed.
    #[error("{reason}")]
    Device {
        /// What its driver says.
        reason: String,
    },
    /// The threads to work on could not be had.
    #[error("{reason}")]
    Threads {
        /// Why not.
        reason: String,
    },
    /// A weights file could not be read or written, or is not what it should be.
    #[error("{}: {fault}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: FileFault,
    },
    /// candle refused.
    #[error(transparent)]
    Candle(candle_core::Error),
}

impl Error {
    /// This error on its way through candle, out of a custom operation; [`From`] takes it out again.
    pub(crate) fn through_candle(self) -> candle_core::Error {
        candle_core::Error::Io(std::io::Error::other(self))
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        match error {
            candle_core::Error::Io(error) => {
                error.downcast().unwrap_or_else(|other| Self::Candle(candle_core::Error::Io(other)))
            }
            candle_core::Error::Cuda(error) => Self::Device { reason: error.to_string() },
            // With RUST_BACKTRACE, candle hides its errors in others.
            candle_core::Error::WithBacktrace { inner, .. } => Self::from(*inner),
            other => Self::Candle(other),
        }
    }
}

/// The result of a call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

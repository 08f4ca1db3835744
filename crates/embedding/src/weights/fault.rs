//! What can be wrong with a weights file, one variant per fault.

use std::io;

/// What is wrong with a weights file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// The system refused.
    #[error("could not {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A folder, a device, a pipe.
    #[error("not a regular file")]
    NotAFile,
    /// Not even a header length.
    #[error("{bytes} bytes are too few for a safetensors file")]
    TooShort {
        /// The size of the file.
        bytes: u64,
    },
    /// The header length is more than the format allows.
    #[error("a header of {length} bytes is longer than the {limit} that the format allows: is it a safetensors file?")]
    HeaderTooLong {
        /// The length that the file says.
        length: u64,
        /// The limit of the format.
        limit: u64,
    },
    /// The header is longer than the file.
    #[error("a header of {length} bytes does not fit into the file of {bytes} bytes: is it a whole safetensors file?")]
    HeaderCut {
        /// The length that the file says.
        length: u64,
        /// The size of the file.
        bytes: u64,
    },
    /// The header is not the JSON that it should be.
    #[error("the header is not one of a safetensors file: {0}")]
    Header(#[source] serde_json::Error),
    /// The places of the tensors overlap or leave holes.
    #[error("tensor {name:?} is not where the tensor before it ends")]
    Place {
        /// Which tensor.
        name: String,
    },
    /// The file is cut, or something follows the values.
    #[error("the header describes {expected} bytes of values, but the file holds {actual}")]
    DataLength {
        /// As the header says.
        expected: u64,
        /// As they are.
        actual: u64,
    },
    /// The tensor is not there.
    #[error("there is no tensor {name:?}, only {}", listed(names))]
    Missing {
        /// Which tensor.
        name: String,
        /// The names that are there, the first few of them.
        names: Vec<String>,
    },
    /// A tensor name that the format keeps for itself.
    #[error("{name:?} cannot be the name of a tensor")]
    ReservedName {
        /// The name.
        name: String,
    },
    /// The values are of a type that cannot be read as `f32` without loss.
    #[error("tensor {name:?} holds {dtype} values, expected F32, F16 or BF16")]
    DType {
        /// Which tensor.
        name: String,
        /// Its type.
        dtype: String,
    },
    /// The shape is not the one expected.
    #[error("tensor {name:?} has the shape {shape:?}, expected {expected}")]
    Shape {
        /// Which tensor.
        name: String,
        /// Its shape.
        shape: Vec<u64>,
        /// What it should be.
        expected: String,
    },
    /// The shape and the place of a tensor do not agree.
    #[error("tensor {name:?} of shape {shape:?} does not take {bytes} bytes")]
    Size {
        /// Which tensor.
        name: String,
        /// Its shape.
        shape: Vec<u64>,
        /// The bytes that it has.
        bytes: u64,
    },
    /// A folder without a model.
    #[error("the folder has neither {} nor {}", names[0], names[1])]
    NoModel {
        /// What was looked for.
        names: [&'static str; 2],
    },
    /// The index of a model in several files is not what it should be.
    #[error("the index is not valid: {0}")]
    Index(String),
    /// The file is no `.npy` file, or not one of a matrix of numbers.
    #[error("{0}")]
    Npy(String),
    /// What Tokenmill wrote about the model cannot be understood.
    #[error("the metadata of the model is not valid: {0}")]
    Metadata(String),
}

impl FileFault {
    /// There is no tensor `name`, only those of `all`.
    pub(crate) fn missing<'a>(name: &str, all: impl ExactSizeIterator<Item = &'a String>) -> Self {
        const SHOWN: usize = 10;
        let count = all.len();
        let mut names: Vec<_> = all.take(SHOWN).cloned().collect();
        if count > SHOWN {
            names.push(format!("… ({count} in all)"));
        }
        Self::Missing { name: name.to_owned(), names }
    }

    /// For `map_err`: the system refused `action`.
    pub(crate) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "an empty list".to_owned() } else { names.join(", ") }
}

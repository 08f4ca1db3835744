//! What a safetensors file says of itself.

use std::collections::BTreeMap;
use std::path::Path;

use super::WeightsFile;
use crate::Result;

/// The header of a safetensors file, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightsFacts {
    /// Entries of text.
    pub metadata: BTreeMap<String, String>,
    /// The tensors in the order of their names.
    pub tensors: Vec<TensorFacts>,
}

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorFacts {
    /// Its name.
    pub name: String,
    /// The type of a value, as in `F32`.
    pub dtype: String,
    /// Its sizes.
    pub shape: Vec<u64>,
    /// The bytes of its values.
    pub bytes: u64,
}

/// What is in the safetensors file `path`; no values are read.
///
/// # Errors
/// [`Error::File`](crate::Error::File) when it cannot be read or its header is not valid.
pub fn weights_facts(path: &Path) -> Result<WeightsFacts> {
    let header = WeightsFile::open(path, 0)?.into_header();
    let tensors = header.tensors.into_iter().map(|(name, info)| TensorFacts {
        name,
        bytes: info.bytes(),
        dtype: info.dtype,
        shape: info.shape,
    });
    Ok(WeightsFacts { metadata: header.metadata, tensors: tensors.collect() })
}

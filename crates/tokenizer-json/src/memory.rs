//! Memory for as much as a text asks for: where there is none it is an error, as a failed allocation would end the process.

use crate::error::{Error, Result};

/// All `values`.
///
/// # Errors
/// [`Error::Limit`] when there is not enough memory.
pub(crate) fn collected<T>(values: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    let bytes = values.len().saturating_mul(size_of::<T>());
    all.try_reserve_exact(values.len()).map_err(|_| not_enough(bytes))?;
    all.extend(values);
    Ok(all)
}

/// An empty text with room for so many `bytes`.
///
/// # Errors
/// [`Error::Limit`] when there is not enough memory.
pub(crate) fn with_room(bytes: usize) -> Result<String> {
    let mut text = String::new();
    text.try_reserve_exact(bytes).map_err(|_| not_enough(bytes))?;
    Ok(text)
}

/// The error where there is no memory for so many `bytes`.
pub(crate) fn not_enough(bytes: usize) -> Error {
    Error::Limit { reason: format!("there is not enough memory for {bytes} bytes") }
}

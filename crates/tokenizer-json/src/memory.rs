//! Memory for as much as a text asks for: where there is none it is an error, as a failed allocation would end the process.

use crate::error::{Error, Result};

/// All `values`.
///
/// # Errors
/// [`Error::Limit`] when there is not enough memory.
pub(crate) fn collected<T>(values: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    all.try_reserve_exact(values.len()).map_err(|_| {
        let bytes = values.len().saturating_mul(size_of::<T>());
        Error::Limit { reason: format!("there is not enough memory for {bytes} bytes") }
    })?;
    all.extend(values);
    Ok(all)
}

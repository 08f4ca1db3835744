//! Memory for as much as input asks for: where there is none it is `ERR_LIMIT`, as a failed allocation would end the process.

use crate::error::{Code, Error, Result};

/// The error that there is no memory for so many `bytes`.
pub fn no_memory(bytes: usize) -> Error {
    Error::new(Code::Limit, format!("there is not enough memory for {bytes} bytes"))
}

/// An empty vector with room for `count` values.
pub fn room<T>(count: usize) -> Result<Vec<T>> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| no_memory(count.saturating_mul(size_of::<T>())))?;
    Ok(values)
}

/// A copy of `values`, which JavaScript may change.
pub fn copied<T: Copy>(values: &[T]) -> Result<Vec<T>> {
    let mut copy = room(values.len())?;
    copy.extend_from_slice(values);
    Ok(copy)
}

/// All `values`.
pub fn collected<T>(values: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>> {
    let mut all = room(values.len())?;
    all.extend(values);
    Ok(all)
}

/// All `values`, or the first error.
#[cfg(feature = "text")]
pub fn try_collected<T>(values: impl ExactSizeIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut all = room(values.len())?;
    for value in values {
        all.push(value?);
    }
    Ok(all)
}

/// Adds `value` to `values`.
#[cfg(feature = "text")]
pub fn push<T>(values: &mut Vec<T>, value: T) -> Result<()> {
    values.try_reserve(1).map_err(|_| no_memory(2 * size_of_val(&values[..])))?;
    values.push(value);
    Ok(())
}

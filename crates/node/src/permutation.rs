//! The order of shuffled samples.

use napi::bindgen_prelude::{Float64ArraySlice, Uint32ArraySlice};
use napi_derive::napi;
use tokenmill_corpus::Permutation;

use crate::corpus_convert::place;
use crate::error::{Code, Error, Result};

/// Writes where the places `first`, `first + step`, … of the permutation of `length` and `keys` go, as many as `out` has.
#[napi(catch_unwind)]
pub fn permute(
    length: f64,
    keys: Uint32ArraySlice<'_>,
    first: f64,
    step: f64,
    mut out: Float64ArraySlice<'_>,
) -> Result<()> {
    let (length, first, step) = (place("length", length)?, place("first", first)?, place("step", step)?);
    let keys = <[u32; 8]>::try_from(&*keys).map_err(|_| Error::new(Code::Internal, "a permutation has eight keys"))?;
    // SAFETY: nobody else looks at the array while this call runs.
    let out = unsafe { out.as_mut() };
    let last = (out.len() as u64).saturating_sub(1).checked_mul(step).and_then(|steps| steps.checked_add(first));
    if last.is_none_or(|last| last >= length) {
        return Err(Error::new(Code::Internal, format!("there are only {length} places")));
    }
    Permutation::new(length, keys).fill(first, step, out);
    Ok(())
}

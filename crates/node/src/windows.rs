//! Windows of a typed array, copied into the arrays of a batch.

use napi::bindgen_prelude::{Float64ArraySlice, Int32ArraySlice, Uint32ArraySlice};
use napi_derive::napi;
use tokenmill_corpus::Windows;

use crate::apart::check_apart;
use crate::error::{Code, Error, Result};

/// Row `r` of `inputs` becomes the `columns` ids of `tokens` from `starts[r]` on, of `targets` those from one id later, for the first `rows` of `starts`; the
/// others will be asked for soon. The facade has checked that they are there; both arrays have `rows * columns` places. No two of the arrays lie over one
/// another.
#[napi(catch_unwind)]
pub fn copy_windows(
    tokens: Uint32ArraySlice<'_>,
    starts: Float64ArraySlice<'_>,
    rows: u32,
    columns: u32,
    mut inputs: Uint32ArraySlice<'_>,
    mut targets: Int32ArraySlice<'_>,
) -> Result<()> {
    let windows = Windows::new(&tokens, &starts, rows as usize, columns as usize)
        .ok_or_else(|| Error::new(Code::Internal, "a window reaches past the last token"))?;
    if inputs.len() != windows.places() || targets.len() != windows.places() {
        return Err(Error::new(Code::Internal, "the arrays of a batch have another size than its rows"));
    }
    check_apart("tokens and an array for inputs", &tokens, &inputs)?;
    check_apart("tokens and an array for targets", &tokens, &targets)?;
    check_apart("arrays for inputs and targets", &inputs, &targets)?;
    // SAFETY: nobody else looks at the arrays while this call runs, and they are apart.
    let (inputs, targets) = unsafe { (inputs.as_mut(), targets.as_mut()) };
    windows.copy_to(inputs, targets);
    Ok(())
}

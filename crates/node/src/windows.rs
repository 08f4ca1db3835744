//! Windows of a typed array, copied into the arrays of a batch.

use std::ptr;

use napi::bindgen_prelude::{Float64ArraySlice, Int32ArraySlice, Uint32ArraySlice};
use napi_derive::napi;
use tokenmill_corpus::ahead;

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
    let rows = Rows::new(&tokens, &starts, rows as usize, columns as usize)?;
    if inputs.len() != rows.places() || targets.len() != rows.places() {
        return Err(Error::new(Code::Internal, "the arrays of a batch have another size than its rows"));
    }
    check_apart("tokens and an array for inputs", &tokens, &inputs)?;
    check_apart("tokens and an array for targets", &tokens, &targets)?;
    check_apart("arrays for inputs and targets", &inputs, &targets)?;
    // SAFETY: nobody else looks at the arrays while this call runs, and they are apart. Both have the size of the rows; i32 and u32 have the same size and
    // alignment, and any bits are either.
    unsafe { rows.copy_to(inputs.as_mut().as_mut_ptr(), targets.as_mut().as_mut_ptr().cast()) };
    Ok(())
}

/// Rows that are inside the tokens.
struct Rows<'a> {
    tokens: *const u32,
    starts: &'a [f64],
    /// Those that will be asked for soon.
    next: &'a [f64],
    columns: usize,
}

impl<'a> Rows<'a> {
    fn new(tokens: &[u32], starts: &'a [f64], rows: usize, columns: usize) -> Result<Self> {
        // A cast makes 0 of NaN and of what is negative.
        let is_inside = |&start: &f64| (start as usize).saturating_add(columns) < tokens.len();
        if !starts.iter().all(is_inside) || starts.len().checked_mul(columns).is_none() || rows > starts.len() {
            return Err(Error::new(Code::Internal, "a window reaches past the last token"));
        }
        let (starts, next) = starts.split_at(rows);
        Ok(Self { tokens: tokens.as_ptr(), starts, next, columns })
    }

    fn places(&self) -> usize {
        self.starts.len() * self.columns
    }

    /// # Safety
    /// `inputs` and `targets` have room for all places, apart from one another and from the tokens.
    unsafe fn copy_to(&self, inputs: *mut u32, targets: *mut u32) {
        let bytes = (self.columns + 1) * size_of::<u32>();
        let ahead = ahead::rows(bytes, self.starts.len());
        for (row, &start) in self.starts.iter().enumerate() {
            // SAFETY: `new` has seen that `columns + 1` ids are there from each start on.
            unsafe {
                if let Some(&later) = ahead::row(self.starts, self.next, row + ahead) {
                    ahead::ask_for(self.tokens.add(later as usize).cast(), bytes);
                }
                let from = self.tokens.add(start as usize);
                ptr::copy_nonoverlapping(from, inputs.add(row * self.columns), self.columns);
                ptr::copy_nonoverlapping(from.add(1), targets.add(row * self.columns), self.columns);
            }
        }
    }
}

//! Windows of a typed array, copied into the arrays of a batch.

use std::ptr;

use napi::bindgen_prelude::{Float64ArraySlice, Int32ArraySlice, Uint32ArraySlice};
use napi_derive::napi;

use crate::error::{Code, Error, Result};

/// Row `r` of `inputs` becomes the `columns` ids of `tokens` from `starts[r]` on, of `targets` those from one id later. The facade has
/// checked that they are there; both arrays have `starts.length * columns` places.
#[napi(catch_unwind)]
pub fn copy_windows(
    tokens: Uint32ArraySlice<'_>,
    starts: Float64ArraySlice<'_>,
    columns: u32,
    mut inputs: Uint32ArraySlice<'_>,
    mut targets: Int32ArraySlice<'_>,
) -> Result<()> {
    let rows = Rows::new(&tokens, &starts, columns as usize)?;
    if inputs.len() != rows.places() || targets.len() != rows.places() {
        return Err(Error::new(Code::Internal, "the arrays of a batch have another size than its rows"));
    }
    // SAFETY: both arrays have the size of the rows. They may be views of the tokens: `copy_to` makes no reference to either.
    unsafe { rows.copy_to(inputs.as_mut().as_mut_ptr(), targets.as_mut().as_mut_ptr().cast()) };
    Ok(())
}

/// Rows that are inside the tokens.
struct Rows<'a> {
    tokens: *const u32,
    starts: &'a [f64],
    columns: usize,
}

impl<'a> Rows<'a> {
    fn new(tokens: &[u32], starts: &'a [f64], columns: usize) -> Result<Self> {
        // A cast makes 0 of NaN and of what is negative.
        let is_inside = |&start: &f64| (start as usize).saturating_add(columns) < tokens.len();
        if !starts.iter().all(is_inside) || starts.len().checked_mul(columns).is_none() {
            return Err(Error::new(Code::Internal, "a window reaches past the last token"));
        }
        Ok(Self { tokens: tokens.as_ptr(), starts, columns })
    }

    fn places(&self) -> usize {
        self.starts.len() * self.columns
    }

    /// # Safety
    /// `inputs` and `targets` have room for all places.
    unsafe fn copy_to(&self, inputs: *mut u32, targets: *mut u32) {
        for (row, &start) in self.starts.iter().enumerate() {
            // SAFETY: `new` has seen that `columns + 1` ids are there from each start on.
            unsafe {
                if let Some(&later) = self.starts.get(row + AHEAD) {
                    ask_for(self.tokens.add(later as usize), self.columns);
                }
                let from = self.tokens.add(start as usize);
                ptr::copy(from, inputs.add(row * self.columns), self.columns);
                ptr::copy(from.add(1), targets.add(row * self.columns), self.columns);
            }
        }
    }
}

/// Shuffled windows lie anywhere: the first lines of a row are asked for this many rows before it is copied.
const AHEAD: usize = 3;

/// Asks for the first KiB of a row; the processor sees by then that it is read in order.
#[inline(always)]
fn ask_for(row: *const u32, columns: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..(columns / 16).min(16) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every processor has the instruction, which reads nothing that the program would see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(row.wrapping_add(line * 16).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (row, columns);
}

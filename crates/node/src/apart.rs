//! Arrays of JavaScript that lie over one another.

use crate::error::{Code, Error, Result};

/// `ERR_INVALID_ARGUMENT` when two arrays, which messages call `what`, have memory in common: of one that is written there must be no other reference.
pub fn check_apart<A, B>(what: &str, first: &[A], second: &[B]) -> Result<()> {
    let (first, second) = (first.as_ptr_range(), second.as_ptr_range());
    let start = first.start.addr().max(second.start.addr());
    let end = first.end.addr().min(second.end.addr());
    if start < end {
        return Err(Error::new(Code::InvalidArgument, format!("expected {what} that have no memory in common")));
    }
    Ok(())
}

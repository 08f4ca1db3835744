//! Arrays of JavaScript that lie over one another.

use std::borrow::Cow;

use crate::error::Result;
#[cfg(feature = "text")]
use crate::error::{Code, Error};
use crate::memory::copied;

/// `ERR_INVALID_ARGUMENT` when two arrays, which messages call `what`, have memory in common: of one that is written there must be no other reference.
#[cfg(feature = "text")]
pub fn check_apart<A, B>(what: &str, first: &[A], second: &[B]) -> Result<()> {
    if have_memory_in_common(first, second) {
        return Err(Error::new(Code::InvalidArgument, format!("expected {what} that have no memory in common")));
    }
    Ok(())
}

/// `values` outside the memory of `out`, which will be written: a copy where they lie over one another. What JavaScript says of its arrays is not asked:
/// anybody can give one another `buffer`.
pub fn outside<'a, T: Copy, O>(out: &[O], values: &'a [T]) -> Result<Cow<'a, [T]>> {
    if have_memory_in_common(out, values) { copied(values).map(Cow::Owned) } else { Ok(Cow::Borrowed(values)) }
}

fn have_memory_in_common<A, B>(first: &[A], second: &[B]) -> bool {
    let (first, second) = (first.as_ptr_range(), second.as_ptr_range());
    first.start.addr().max(second.start.addr()) < first.end.addr().min(second.end.addr())
}

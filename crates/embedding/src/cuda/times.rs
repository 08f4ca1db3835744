//! How long kernels run, by events of the device.

use std::cell::RefCell;

use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::CudaEvent;

use crate::Result;

thread_local! {
    /// Of the kernels that this thread has launched, when somebody wants to know.
    static KEPT: RefCell<Option<Vec<(String, CudaEvent, CudaEvent)>>> = const { RefCell::new(None) };
}

/// What `work` gives, and the kernels that it launched on this thread, each with the milliseconds that it ran.
///
/// # Errors
/// [`crate::Error::Device`], and those of `work`.
pub fn time_kernels<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Vec<(String, f32)>)> {
    KEPT.set(Some(Vec::new()));
    let result = work();
    let kept = KEPT.take().unwrap_or_default();
    let result = result?;
    let times = kept.into_iter().map(|(name, start, end)| Ok((name, start.elapsed_ms(&end).w()?)));
    Ok((result, times.collect::<Result<_>>()?))
}

pub(super) fn are_kept() -> bool {
    KEPT.with_borrow(Option::is_some)
}

pub(super) fn keep(name: &str, events: Option<(CudaEvent, CudaEvent)>) {
    if let Some((start, end)) = events {
        KEPT.with_borrow_mut(|kept| kept.get_or_insert_default().push((name.to_owned(), start, end)));
    }
}

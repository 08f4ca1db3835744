//! The bound of what threads remember of texts.

use napi_derive::napi;

/// Sets the most bytes that a thread takes to remember words, from now on. The facade has checked it.
#[napi(catch_unwind)]
pub fn set_cache_bytes(bytes: f64) {
    tokenmill_bpe::set_cache_bytes(bytes as usize);
}

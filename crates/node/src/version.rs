//! The version that the facade compares with its own, so that an addon of another release is refused.

use napi_derive::napi;

/// The version of the workspace that this addon was built from.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

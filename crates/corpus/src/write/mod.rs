//! Writing datasets.

mod appender;
mod facts;
pub mod layout;
mod prepare;
mod ready;
mod seen;
mod sharded;
mod split;
mod state;
mod verify;
mod work;

pub use prepare::{Glance, PrepareOptions, Prepared, Status, prepare};
pub use ready::Encoded;
pub use verify::{survey, verify};

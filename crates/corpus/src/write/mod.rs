//! Writing datasets.

mod appender;
mod facts;
pub mod layout;
mod prepare;
mod seen;
mod sharded;
mod split;
mod state;
mod verify;

pub use prepare::{Encoded, Glance, PrepareOptions, Prepared, Status, prepare};
pub use verify::verify;

//! Models in files. Nothing is ever executed, unlike in a pickle, and nothing larger than the file is allocated before its values are there.
//!
//! safetensors files: an 8-byte little-endian header length, a JSON header that names each tensor with its type, shape and
//! place, and the values.
//!
//! Reading and writing are our own, because a table is read in pieces straight into its memory, and because a file is
//! replaced in one step with the permissions that a new file has; the tests compare both with the `safetensors` crate.

mod facts;
mod fault;
mod header;
mod model;
mod names;
mod npy;
mod read;
mod shards;
mod write;

pub use facts::{TensorFacts, WeightsFacts, weights_facts};
pub use fault::FileFault;
pub(crate) use model::FORMAT;
pub use names::Names;
pub(crate) use read::{WeightsFile, at};
pub(crate) use shards::Weights;
pub(crate) use write::write_tensors;

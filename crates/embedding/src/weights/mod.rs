//! safetensors files: an 8-byte little-endian header length, a JSON header that names each tensor with its type, shape and
//! place, and the values. Nothing in such a file is ever executed, unlike in a pickle.
//!
//! Reading and writing are our own, because a table is read in pieces straight into its memory, and because a file is
//! replaced in one step with the permissions that a new file has; the tests compare both with the `safetensors` crate.

mod facts;
mod fault;
mod header;
mod model;
mod read;
mod write;

pub use facts::{TensorFacts, WeightsFacts, weights_facts};
pub use fault::FileFault;
pub(crate) use read::WeightsFile;
pub(crate) use write::write_tensors;

//! What a weights file holds.

use std::path::PathBuf;

use napi::Env;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use tokenmill_embedding::{WeightsFacts, weights_facts};

use crate::corpus_convert::number;
use crate::embedding_convert::coded;
use crate::error::Result;
use crate::later::{Deliver, Later, later};
use crate::task::Work;

/// One tensor of a file.
#[napi(object)]
pub struct WeightsTensor {
    pub name: String,
    /// As the file says it, as in `F32`.
    pub dtype: String,
    pub shape: Vec<f64>,
    /// The bytes of its values.
    pub bytes: f64,
}

/// A weights file's own words.
#[napi(object)]
pub struct WeightsHeader {
    /// Keys and values in turn.
    pub metadata: Vec<String>,
    pub tensors: Vec<WeightsTensor>,
}

impl Deliver for WeightsFacts {
    type JsValue = WeightsHeader;

    fn deliver(self, _env: Env) -> Result<WeightsHeader> {
        let tensors = self.tensors.into_iter().map(|tensor| WeightsTensor {
            name: tensor.name,
            dtype: tensor.dtype,
            shape: tensor.shape.into_iter().map(number).collect(),
            bytes: number(tensor.bytes),
        });
        let metadata = self.metadata.into_iter().flat_map(|(key, value)| [key, value]).collect();
        Ok(WeightsHeader { metadata, tensors: tensors.collect() })
    }
}

/// What the safetensors file `path` holds; no values are read.
#[napi(catch_unwind, ts_return_type = "Promise<WeightsHeader>")]
pub fn read_weights_header(path: String) -> AsyncTask<Work<Later<WeightsFacts>>> {
    later(move || weights_facts(&PathBuf::from(path)).map_err(coded))
}

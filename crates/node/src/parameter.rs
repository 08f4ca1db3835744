//! Parameters: what training changes.

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Float32Array, Float32ArraySlice, Uint16ArraySlice, Uint32Array};
use napi_derive::napi;
use tokenmill_embedding::{Parameter, RowGradient, ValuesMut};

use crate::arrays::to_array;
use crate::embedding_convert::{coded, number};
use crate::error::Result;
use crate::later::{Later, later};
use crate::task::Work;
use crate::tensor::Bits;

#[napi]
pub struct NativeParameter {
    parameter: Parameter,
}

/// Row `ids[i]` of the table has gradient row `i` of `values`; no other row has any.
#[napi(object)]
pub struct NativeGradient {
    pub ids: Uint32Array,
    pub values: Float32Array,
}

impl NativeParameter {
    pub fn new(parameter: Parameter) -> Self {
        Self { parameter }
    }

    pub fn core(&self) -> &Parameter {
        &self.parameter
    }
}

#[napi]
impl NativeParameter {
    #[napi(getter, catch_unwind)]
    pub fn name(&self) -> String {
        self.parameter.name().to_owned()
    }

    #[napi(getter, catch_unwind)]
    pub fn shape(&self) -> Vec<i64> {
        self.parameter.shape().into_iter().map(number).collect()
    }

    #[napi(getter, catch_unwind)]
    pub fn trainable(&self) -> bool {
        self.parameter.trainable()
    }

    #[napi(setter, catch_unwind)]
    pub fn set_trainable(&self, trainable: bool) {
        self.parameter.set_trainable(trainable);
    }

    /// Copies the values as `f32` into `out`, which is as long as there are values.
    #[napi(catch_unwind)]
    pub fn copy_to(&self, mut out: Float32ArraySlice) -> Result<()> {
        // SAFETY: JavaScript waits, and the facade gives arrays that no other thread sees.
        let out = unsafe { out.as_mut() };
        self.parameter.widen_to(out).map_err(coded)
    }

    /// Copies the bits of the values, which are halves, into `out`, which is as long as there are values.
    #[napi(catch_unwind)]
    pub fn copy_bits_to(&self, mut out: Uint16ArraySlice) -> Result<()> {
        // SAFETY: JavaScript waits, and the facade gives arrays that no other thread sees.
        let out = unsafe { out.as_mut() };
        self.parameter.copy_to(ValuesMut::Bits(out)).map_err(coded)
    }

    /// A copy of the values as `f32`, made on a worker thread.
    #[napi(catch_unwind, ts_return_type = "Promise<Float32Array>")]
    pub fn values(&self) -> AsyncTask<Work<Later<Vec<f32>>>> {
        let parameter = self.parameter.clone();
        later(move || parameter.values().map_err(coded))
    }

    /// A copy of the bits of the values, which are halves, made on a worker thread.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint16Array>")]
    pub fn bits(&self) -> AsyncTask<Work<Later<Bits>>> {
        let parameter = self.parameter.clone();
        later(move || parameter.bits().map(Bits).map_err(coded))
    }

    /// Gives it these values, row after row.
    #[napi(catch_unwind)]
    pub fn set_values(&self, values: &[f32]) -> Result<()> {
        self.parameter.set_values(values).map_err(coded)
    }

    #[napi(catch_unwind)]
    pub fn grad(&self, env: Env) -> Result<Option<NativeGradient>> {
        let gradient = self.parameter.grad().map_err(coded)?;
        let arrays = |gradient: RowGradient| {
            Ok(NativeGradient { ids: to_array(env, &gradient.ids)?, values: to_array(env, &gradient.values)? })
        };
        gradient.map(arrays).transpose()
    }
}

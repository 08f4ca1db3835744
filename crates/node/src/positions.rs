//! Tables of positions for attention.

use napi::Env;
use napi::bindgen_prelude::{Float32Array, Float32ArraySlice};
use napi_derive::napi;
use tokenmill_embedding::{RopeConfig, RopeScaling, alibi_slopes as slopes, fill_rope_table};

use crate::arrays::to_array;
use crate::embedding_convert::{coded, size};
use crate::error::{Code, Error, Result};

#[napi(object)]
pub struct NativeRopeConfig {
    pub context_length: i64,
    pub head_dimensions: i64,
    pub base: f64,
    pub position_offset: i64,
    pub scaling: Option<NativeRopeScaling>,
}

#[napi(object)]
pub struct NativeRopeScaling {
    #[napi(js_name = "type", ts_type = "'linear' | 'llama3' | 'yarn'")]
    pub kind: String,
    pub factor: f64,
    /// llama3's frequencies; yarn's betas.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub original_context_length: Option<i64>,
    /// yarn's.
    pub truncate: Option<bool>,
    pub attention_factor: Option<f64>,
}

/// The table written into `cos` and `sin`, two arrays that nobody else knows of.
#[napi(catch_unwind)]
pub fn rope_table(
    config: NativeRopeConfig,
    mut cos: Float32ArraySlice<'_>,
    mut sin: Float32ArraySlice<'_>,
) -> Result<()> {
    let config = RopeConfig {
        context_length: size("contextLength", config.context_length)?,
        head_dimensions: size("headDimensions", config.head_dimensions)?,
        base: config.base,
        position_offset: size("positionOffset", config.position_offset)?,
        scaling: config.scaling.map_or(Ok(RopeScaling::None), scaling)?,
    };
    // SAFETY: JavaScript waits, and the facade has made the arrays for this call, each with memory of its own.
    let (cos, sin) = unsafe { (cos.as_mut(), sin.as_mut()) };
    fill_rope_table(&config, cos, sin).map_err(coded)
}

#[napi(catch_unwind)]
pub fn alibi_slopes(env: Env, heads: i64) -> Result<Float32Array> {
    to_array(env, &slopes(size("heads", heads)?).map_err(coded)?)
}

fn scaling(scaling: NativeRopeScaling) -> Result<RopeScaling> {
    let NativeRopeScaling { kind, factor, low, high, original_context_length, truncate, attention_factor } = scaling;
    let original = || size("originalContextLength", original_context_length.unwrap_or_default());
    // What is missing is not a number, which the core refuses by its name.
    let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
    Ok(match &*kind {
        "linear" => RopeScaling::Linear { factor },
        "llama3" => RopeScaling::Llama3 {
            factor,
            low_frequency: number(low),
            high_frequency: number(high),
            original_context_length: original()?,
        },
        "yarn" => RopeScaling::Yarn {
            factor,
            beta_slow: number(low),
            beta_fast: number(high),
            original_context_length: original()?,
            truncate: truncate.unwrap_or(true),
            attention_factor,
        },
        _ => return Err(Error::new(Code::InvalidArgument, format!("there is no scaling {kind:?}"))),
    })
}

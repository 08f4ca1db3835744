//! Native memory that belongs to a JavaScript object.

use napi::Env;

use crate::error::{Result, from_napi};

/// Bytes that the garbage collector knows of: without it, objects of many megabytes look as small as their handles, and
/// pile up until the next collection.
#[derive(Default)]
pub struct ExternalMemory {
    bytes: i64,
}

impl ExternalMemory {
    pub fn new(env: Env, bytes: usize) -> Result<Self> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        env.adjust_external_memory(bytes).map_err(|error| from_napi(&error))?;
        Ok(Self { bytes })
    }

    /// The memory is free; the second call does nothing.
    pub fn release(&mut self, env: Env) -> Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes != 0 {
            env.adjust_external_memory(-bytes).map_err(|error| from_napi(&error))?;
        }
        Ok(())
    }
}

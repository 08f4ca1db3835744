//! Patterns as the facade gives them.

use tokenmill_bpe::Pattern;

use crate::encoder::from_bpe;
use crate::error::Result;

/// The pattern called `pattern`, or that of the regular expression `pattern`. The facade has told names that do not exist from expressions.
pub fn pattern_of(pattern: &str) -> Result<Pattern> {
    Pattern::from_name(pattern).map_or_else(|| Pattern::from_regex(pattern).map_err(from_bpe), Ok)
}

/// All names of patterns.
#[napi_derive::napi(catch_unwind)]
pub fn pattern_names() -> Vec<&'static str> {
    Pattern::names().collect()
}

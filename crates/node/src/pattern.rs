//! Patterns as the facade gives them.

use tokenmill_bpe::{Pattern, check_tokenizer_json};

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

/// Throws when a tokenizer with this pattern and these special tokens cannot become a tokenizer.json, whatever its other tokens are.
#[napi_derive::napi(catch_unwind)]
pub fn check_saves_as_json(pattern: String, special_tokens: Vec<String>) -> Result<()> {
    check_tokenizer_json(&pattern_of(&pattern)?, &special_tokens).map_err(from_bpe)
}

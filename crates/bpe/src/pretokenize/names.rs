//! What patterns are called.

use super::Pattern;

/// Each pattern with its names, its own first.
const NAMES: [(Pattern, &[&str]); 11] = [
    (Pattern::R50k, &["r50k", "gpt2", "p50k", "gpt-neox"]),
    (Pattern::Cl100k, &["cl100k"]),
    (Pattern::O200k, &["o200k", "gpt-oss", "llama4"]),
    (Pattern::Llama3, &["llama3", "olmo2", "dolma2", "glm4"]),
    (Pattern::Qwen2, &["qwen2", "qwen2.5", "qwen3"]),
    (Pattern::Qwen35, &["qwen3.5"]),
    (Pattern::Nanochat, &["nanochat"]),
    (Pattern::Tekken, &["tekken"]),
    (Pattern::KimiK2, &["kimi-k2"]),
    (Pattern::Starcoder, &["starcoder", "smollm"]),
    (Pattern::DeepseekV3, &["deepseek-v3", "deepseek-r1"]),
];

impl Pattern {
    /// The pattern called `name`.
    ///
    /// ```
    /// use tokenmill_bpe::Pattern;
    ///
    /// assert_eq!(Pattern::from_name("gpt2"), Some(Pattern::R50k));
    /// assert_eq!(Pattern::from_name("r50k_base"), None, "that is an encoding");
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let (pattern, _) = NAMES.iter().find(|(_, names)| names.contains(&name))?;
        Some(pattern.clone())
    }

    /// All that have a name, in the order of [`Pattern::names`].
    pub fn named() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(pattern, _)| pattern.clone())
    }

    /// All names that [`Pattern::from_name`] knows; those of one pattern stand together, its own first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().flat_map(|(_, names)| names.iter().copied())
    }

    /// Its own name, if it has one.
    pub(super) fn own_name(&self) -> Option<&'static str> {
        NAMES.iter().find(|(pattern, _)| pattern == self).map(|(_, names)| names[0])
    }
}

//! Bounds on what is read and encoded: a file is trusted as little as any other input.

/// The largest file, in bytes. The largest published ones have about 35 MB.
pub const LARGEST_FILE: usize = 64 << 20;
/// The largest text, in bytes, that the `tokenizers` crate is asked for: it keeps some hundred bytes for each. Also the largest word of other texts.
pub const LARGEST_TEXT: usize = 8 << 20;
/// Normalizers may not make a text longer than this, in bytes, in all its stretches between added tokens together.
pub(crate) const LARGEST_NORMALIZED: usize = 4 * LARGEST_TEXT;
/// Ids are at most this many times the number of tokens, and `EXTRA_IDS` more: what is sized by the largest id stays in
/// proportion to the file.
pub(crate) const IDS_PER_TOKEN: u64 = 4;
/// See [`IDS_PER_TOKEN`].
pub(crate) const EXTRA_IDS: u64 = 65_536;
/// The longest token of a Unigram model, in bytes: the crate walks and drops its tree of tokens by recursion.
pub(crate) const LONGEST_UNIGRAM: usize = 256;
/// The longest word that a `WordPiece` model may look into, in characters: its time grows with the cube.
pub(crate) const LONGEST_WORD: u64 = 256;
/// Normalizers, pre-tokenizers and decoders of one file, each kind.
pub(crate) const MOST_STEPS: usize = 64;
/// Ids that a post-processor may add.
pub(crate) const MOST_ADDED: usize = 1024;
/// The longest text that a normalizer may put before every stretch, in bytes.
pub(crate) const LONGEST_PREFIX: usize = 256;
/// The longest text that a `Precompiled` normalizer may put for a character, in bytes.
pub(crate) const LONGEST_MAPPED: usize = 256;
/// The longest regular expression, in bytes.
pub(crate) const LONGEST_REGEX: usize = 1 << 14;

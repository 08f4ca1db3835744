//! A text that comes in parts: the ids must be those of the whole.

use tokenmill_bpe::Error;
use tokenmill_testkit::crc32;
use tokenmill_testkit::rng::Rng;

/// Which streams of a text are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// One, of parts that the text itself decides.
    One,
    /// That one, character by character, and in two parts, cut at each place. For texts of at most [`SHORT`] bytes; else as [`Which::One`].
    All,
}

/// Longer texts are not tried in all ways.
pub const SHORT: usize = 400;

/// Asks `encode` for the ids of each part (which takes as many bytes as it likes of a part that is not the last), and compares them.
///
/// # Errors
/// How the stream was cut that has other ids than `expected`.
pub fn check(
    text: &str,
    expected: &[u32],
    which: Which,
    mut encode: impl FnMut(&str, bool, &mut Vec<u32>) -> Result<usize, Error>,
) -> Result<(), String> {
    let mut try_one = |cuts: &[usize]| {
        let mut ids = Vec::with_capacity(expected.len());
        let mut start = 0;
        for (index, end) in cuts.iter().copied().chain([text.len()]).enumerate() {
            start += encode(&text[start..end], index == cuts.len(), &mut ids).map_err(|error| error.to_string())?;
        }
        if ids == expected { Ok(()) } else { Err(format!("as a stream cut at {cuts:?} it has other ids")) }
    };
    try_one(&random_cuts(text))?;
    if which == Which::One || text.len() > SHORT {
        return Ok(());
    }
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).skip(1).collect();
    try_one(&places)?;
    places.iter().try_for_each(|&at| try_one(&[at]))
}

/// One to four places, or one for some 10 KB. From the text alone, so that a text that fails does so again.
fn random_cuts(text: &str) -> Vec<usize> {
    let mut rng = Rng::new(u64::from(crc32(text.as_bytes())));
    let count = rng.up_to(4.max(text.len() / 10_000));
    let mut cuts: Vec<usize> = (0..count).map(|_| text.floor_char_boundary(rng.below(text.len() + 1))).collect();
    cuts.sort_unstable();
    cuts
}

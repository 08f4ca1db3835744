//! Whether two tokens stay as they are side by side.

use super::pairs::NONE;

/// Whether merging the bytes of `left` and then those of `right` ends in these two. Both are tokens that merging makes, and every token of the
/// vocabulary has parts with smaller ids.
///
/// The merges that made the two are taken back, the latest first, so that it is known at each step which two tokens stood at the border, and
/// until when: they merge, and the two do not come to be, if their result is made before the next merge at either side. Of merges with
/// the same result the one further left is made first: that of the left side before theirs, and theirs before that of the right side.
///
/// `parts` are those of a token, `merged` is what two tokens merge into, or [`NONE`].
pub(crate) fn holds(
    mut left: u32,
    mut right: u32,
    parts: impl Fn(u32) -> Option<(u32, u32)>,
    merged: impl Fn(u32, u32) -> u32,
) -> bool {
    // Two at the border that merge into less than this do so in time.
    let mut until = NONE;
    loop {
        if merged(left, right) < until {
            return false;
        }
        match (parts(left), parts(right)) {
            (Some((_, inner)), other) if left > right || other.is_none() => {
                until = left;
                left = inner;
            }
            (_, Some((inner, _))) => {
                until = right + 1;
                right = inner;
            }
            _ => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;

    use crate::merge::{Merger, Scratch};
    use crate::{Level, Vocabulary};

    /// The bytes, and strings of a few letters, longer ones later.
    fn vocabulary(rng: &mut Rng) -> Vocabulary {
        let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        for length in 2..7 {
            for _ in 0..rng.below(30) {
                let token: Vec<u8> = (0..length).map(|_| *rng.choose(b"aabc")).collect();
                if !tokens.contains(&token) {
                    tokens.push(token);
                }
            }
        }
        Vocabulary::from_tokens(tokens.iter().map(Vec::as_slice).zip(0..)).expect("they are all different")
    }

    #[test]
    fn a_border_holds_where_merging_both_gives_both() {
        let mut rng = Rng::new(1);
        let (mut held, mut all) = (0, 0);
        for _ in 0..300 {
            let vocabulary = vocabulary(&mut rng);
            let (merger, mut scratch) = (Merger::new(&vocabulary), Scratch::new(Level::Portable));
            let mut merge = |bytes: &[u8]| {
                let mut ids = Vec::new();
                merger.merge(bytes, &vocabulary, &mut scratch, None, |id| ids.push(id));
                ids
            };
            let made: Vec<(u32, &[u8])> = (vocabulary.tokens())
                .filter(|&(id, token)| token.is_ascii() && b"abc".contains(&token[0]) && merge(token) == [id])
                .collect();
            for &(left, before) in &made {
                for &(right, after) in &made {
                    let expected = merge(&[before, after].concat()) == [left, right];
                    let holds = merger.holds(left, right, &vocabulary);
                    assert_eq!(holds, expected, "{before:?} {after:?}");
                    held += usize::from(expected);
                    all += 1;
                }
            }
        }
        assert!(held > 10_000 && all - held > 10_000, "{held} of {all}");
    }
}

//! Whether the tokens of a vocabulary are spread over the tables that find them. Their hashes have no secret, since a search is to cost next to
//! nothing; so a file can be made whose tokens all meet in one place, and to fill a table with them would take time by the square of their number.

use crate::Error;
use crate::index::Index;
use crate::merge::Pairs;
use crate::vocabulary::Vocabulary;
use crate::words::Words;

/// Places that are looked at in vain while a table is filled: so many, and as many for each token. A table that is half full takes one or two.
const MOST: usize = 1 << 12;
const MOST_EACH: usize = 16;

/// # Errors
/// [`Error::InvalidVocabulary`] when a table would take long to fill, which does not happen by chance.
pub(crate) fn check(vocabulary: &Vocabulary) -> Result<(), Error> {
    let (short, medium) = Words::homes(vocabulary);
    if [short, medium, Pairs::homes(vocabulary)]
        .into_iter()
        .chain(Index::homes(vocabulary))
        .all(|homes| are_spread(&homes))
    {
        return Ok(());
    }
    Err(Error::InvalidVocabulary { reason: "its tokens are made so that they take long to be found".to_owned() })
}

/// The slots where the search for each piece of a table starts, and how many slots there are, as a power of 2.
pub(crate) struct Homes {
    pub bits: u32,
    pub homes: Vec<usize>,
}

/// Whether open addressing finds a slot for each soon enough.
fn are_spread(Homes { bits, homes }: &Homes) -> bool {
    let mut taken = vec![false; 1 << bits];
    let mut left = MOST + MOST_EACH * homes.len();
    homes.iter().all(|&home| {
        let mut at = home;
        while std::mem::replace(&mut taken[at], true) {
            if left == 0 {
                return false;
            }
            left -= 1;
            at = (at + 1) & (taken.len() - 1);
        }
        true
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenmill_testkit::cases;
    use tokenmill_testkit::rng::Rng;
    use tokenmill_testkit::time;

    use super::*;
    use crate::words::Short;

    /// The 256 bytes, and tokens of `halves` of words, four bytes each: such a half, or four random bytes.
    fn vocabulary(halves: &[Option<u32>]) -> Result<Vocabulary, Error> {
        let mut rng = Rng::new(1);
        let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        tokens.extend((0..50_000).map(|_| {
            let half = |half: &Option<u32>| half.unwrap_or_else(|| rng.bits() as u32).to_le_bytes();
            halves.iter().flat_map(half).collect()
        }));
        let tokens = tokens.iter().map(Vec::as_slice).zip(0..);
        let (made, took) = time::took(|| Vocabulary::from_tokens(tokens));
        assert!(took < Duration::from_secs(1), "{took:?}");
        made
    }

    #[test]
    fn tokens_that_meet_in_one_place_are_refused_at_once() {
        // One of two halves that are multiplied is 0 then, whatever the other is.
        let [zero, one, two] = [1, 3, 5].map(|half| Some(0_u32.wrapping_sub(Short::SALTS[half])));
        let same = Some(7);
        for halves in [&[None, zero, same][..], &[None, zero, None, one, None, two, same]] {
            let refused = vocabulary(halves).expect_err("they meet");
            assert!(refused.to_string().contains("take long to be found"), "{refused}");
        }
        for halves in
            [&[None; 3][..], &[None; 5], &[None; 7], &[None, zero, None], &[None, zero, None, one, None, two, None]]
        {
            vocabulary(halves).expect("they are spread");
        }
    }

    #[test]
    fn tokens_of_published_encodings_are_spread() {
        for name in ["r50k_base", "p50k_base", "cl100k_base", "o200k_base"] {
            let file = cases::read(&format!("encodings/{name}.bpe"));
            check(&Vocabulary::from_compact(file).expect("well-formed")).expect(name);
        }
    }

    #[test]
    fn what_a_half_full_table_takes_by_chance_is_little() {
        let slots = |homes: &[usize]| Homes { bits: 18, homes: homes.to_vec() };
        assert!(are_spread(&slots(&(0..1 << 17).map(|home| home * 2).collect::<Vec<_>>())));
        assert!(are_spread(&slots(&[5; 64])));
        assert!(!are_spread(&slots(&[5; 200])));
        assert!(!are_spread(&slots(&(0..1 << 17).map(|home| home % 1000).collect::<Vec<_>>())));
    }
}

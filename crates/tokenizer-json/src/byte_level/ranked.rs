//! The vocabulary of a file for the engine of `crates/bpe`, which merges by ids, and whether the two make the same merges.
//!
//! The engine merges the two neighbours whose joined bytes are the token with the smallest id. The `tokenizers` crate merges the two that
//! come first in a list of merges. When are these the same?
//!
//! Take the engine's way for all tokens of the file. Of every token that it can make at all, exactly one pair of parts can ever stand side by
//! side: the two in which merging the token's own bytes ends when the token is left out (see [`Vocabulary`]). So if the list has that pair
//! for each such token, and these pairs are in it in the order of the ids of their tokens, then the crate sees the same neighbours that can
//! merge as the engine does, and takes the same ones first: by induction it makes the same merges. Other merges of the list are of pairs that
//! never stand side by side, and do nothing; files that were made from ranks list all ways to make a token, of which one is taken.
//!
//! A piece that is a token is that token to the engine. To the crate too with `ignore_merges`; without, when merging makes it, which is checked.

use tokenmill_bpe::Vocabulary;

use super::bytes_of;
use crate::model::{Kind, Visible};

/// By id of `vocabulary` where the merge of the parts of a token is in a list of `merges`: its place in the list, the two ids, and that of what they make.
pub(super) fn ranks(
    vocabulary: &Vocabulary,
    merges: impl Iterator<Item = (usize, [Option<u32>; 3])>,
) -> Vec<Option<usize>> {
    let mut ranks = vec![None; vocabulary.len()];
    for (rank, ids) in merges {
        // Of a pair that is there twice the crate takes the last.
        if let [Some(left), Some(right), Some(made)] = ids
            && vocabulary.parts(made) == Some((left, right))
        {
            ranks[made as usize] = Some(rank);
        }
    }
    ranks
}

/// Whether merges by the ids of `vocabulary` are those of the list where `ranks` are from.
pub(super) fn are_the_same(vocabulary: &Vocabulary, ranks: &[Option<usize>], ignore_merges: bool) -> bool {
    let mut last = None;
    vocabulary.tokens().filter(|(_, token)| token.len() > 1).all(|(id, _)| {
        if vocabulary.parts(id).is_none() {
            return ignore_merges;
        }
        std::mem::replace(&mut last, ranks[id as usize]) < last
    })
}

/// Whether merges by ids may be those of a list, told without the parts of tokens, which take most of the time to load a file: where one merge alone makes
/// a token it is that of its parts, so these are in the order of the ids. Not for files that ignore merges, where a token may have no parts. `tokens` are by
/// ascending id, `merges` have their place in the list, and both the places of tokens, of which there are `count`.
pub(super) fn may_be_the_same(
    count: usize,
    tokens: impl Iterator<Item = u32>,
    merges: impl Iterator<Item = (usize, u32)>,
) -> bool {
    #[derive(Clone, Copy)]
    enum Made {
        Never,
        At(usize),
        InMoreWays,
    }
    let mut made = vec![Made::Never; count];
    for (rank, place) in merges {
        let made = &mut made[place as usize];
        *made = if matches!(made, Made::Never) { Made::At(rank) } else { Made::InMoreWays };
    }
    let ranks = tokens.filter_map(|place| if let Made::At(rank) = made[place as usize] { Some(rank) } else { None });
    ranks.is_sorted()
}

/// The tokens of a file in the order of its merges, whatever their ids are.
pub(super) struct Ranked {
    pub vocabulary: Vocabulary,
    /// By place in the vocabulary the id in the file.
    pub ids: Box<[u32]>,
}

impl Ranked {
    /// `None` where merges by such an order are not those of the list, or none can tell.
    pub fn new(model: Visible) -> Option<Self> {
        /// The parts of tokens, by which the order is, are known when there is one: the first is a guess. Those of a token depend on shorter ones alone, so each
        /// try is right for longer ones than that before; it is for all of published files at once.
        const TRIES: usize = 4;
        /// Where more than one in so many is guessed wrong, the next tries are, too.
        const MUCH: usize = 8;
        let Kind::Bpe { continuing_subword_prefix: None, end_of_word_suffix: None, ignore_merges, .. } =
            model.model.kind
        else {
            return None;
        };
        let all = &model.model.tokens;
        // What has other characters is in no text that the model gets.
        let named = (0..).zip(all.iter()).filter(|&(place, _)| model.has(place));
        let tokens: Vec<(u32, Vec<u8>)> = named
            .filter_map(|(place, (token, _))| Some((place, bytes_of(token).filter(|bytes| !bytes.is_empty())?)))
            .collect();
        let mut merged_at = vec![None; all.len()];
        for (rank, merge) in model.merges() {
            merged_at[merge.made as usize].get_or_insert(rank);
        }
        for _ in 0..TRIES {
            // Bytes, what they are merged to, and what is found as a whole alone.
            let class = |(place, bytes): &&(u32, Vec<u8>)| match (bytes.len(), merged_at[*place as usize]) {
                (1, _) => (0, 0),
                (_, Some(rank)) => (1, rank),
                (_, None) => (2, 0),
            };
            let mut order: Vec<_> = tokens.iter().filter(|token| class(token).0 < 2 || ignore_merges).collect();
            order.sort_by_key(class);
            let vocabulary = Vocabulary::from_tokens(order.iter().map(|(_, bytes)| &**bytes).zip(0..)).ok()?;
            let mut ids = vec![None; all.len()];
            for (id, (place, _)) in (0..).zip(&order) {
                ids[*place as usize] = Some(id);
            }
            let merges = model
                .merges()
                .map(|(rank, merge)| (rank, [merge.left, merge.right, merge.made].map(|place| ids[place as usize])));
            let ranks = ranks(&vocabulary, merges);
            if are_the_same(&vocabulary, &ranks, ignore_merges) {
                let ids = order.iter().map(|(place, _)| all.id(*place)).collect();
                return Some(Self { vocabulary, ids });
            }
            let guessed = order.iter().zip(ranks).map(|((place, bytes), rank)| (*place as usize, bytes.len(), rank));
            let wrong: Vec<_> =
                guessed.filter(|&(place, length, rank)| length > 1 && merged_at[place] != rank).collect();
            if MUCH * wrong.len() > order.len() {
                return None;
            }
            let shortest = wrong.iter().map(|&(_, length, _)| length).min()?;
            for &(place, _, rank) in wrong.iter().filter(|&&(_, length, _)| length == shortest) {
                // What the list does not come to is never made.
                merged_at[place] = rank;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_are_made_in_one_way_tell_of_another_order() {
        let may_be = |merges: &[u32]| may_be_the_same(4, [1, 0, 3].into_iter(), merges.iter().copied().enumerate());
        for merges in [&[][..], &[1, 0, 3], &[1, 3], &[3, 1, 3, 0], &[0, 1, 0], &[2, 1, 2, 3], &[1, 2, 3]] {
            assert!(may_be(merges), "{merges:?}");
        }
        for merges in [&[0, 1][..], &[1, 3, 0], &[3, 1], &[3, 0, 0, 1]] {
            assert!(!may_be(merges), "{merges:?}");
        }
    }
}

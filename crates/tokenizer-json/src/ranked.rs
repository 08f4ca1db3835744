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
//! Merges start from bytes; those of a model that start from characters do so behind what is merged first: the bytes of each character that is a token,
//! and of no others. No other merge has a part of a character, so all that follow are the same as if these had been there from the start.
//!
//! A piece that is a token is that token to the engine. To the crate too with `ignore_merges`; without, when merging makes it, which is checked.

use std::collections::HashMap;

use ahash::RandomState;
use tokenmill_bpe::Vocabulary;

use crate::model::{Kind, Visible};

/// By id of `vocabulary` where the merge of the parts of a token is in a list of `merges`: its place in the list, the two ids, and that of what they make.
pub(crate) fn ranks(
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

/// Whether merges by the ids of `vocabulary` are those of the list where `ranks` are from; those of which the list has none, as merges start from what they
/// make, have none.
pub(crate) fn are_the_same(
    vocabulary: &Vocabulary,
    ranks: &[Option<usize>],
    ignore_merges: bool,
    is_first: impl Fn(&[u8]) -> bool,
) -> bool {
    let mut last = None;
    vocabulary.tokens().filter(|(_, token)| !is_first(token)).all(|(id, _)| {
        if vocabulary.parts(id).is_none() {
            return ignore_merges;
        }
        std::mem::replace(&mut last, ranks[id as usize]) < last
    })
}

/// Whether merges by ids may be those of a list, told without the parts of tokens, which take most of the time to load a file: where one merge alone makes
/// a token it is that of its parts, so these are in the order of the ids. Not for files that ignore merges, where a token may have no parts. `tokens` are by
/// ascending id, `merges` have their place in the list, and both the places of tokens, of which there are `count`.
pub(crate) fn may_be_the_same(
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
pub(crate) struct Ranked {
    pub vocabulary: Vocabulary,
    /// By place in the vocabulary the place in the model; `None` for what is not in that.
    pub places: Vec<Option<u32>>,
}

/// What a model's tokens are to the engine.
pub(crate) struct Forms<'a> {
    /// The bytes of a token; `None` when it is in no text that the model gets.
    pub bytes_of: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// Whether merges start from tokens with these bytes: from shorter ones first.
    pub is_first: fn(&[u8]) -> bool,
    /// Others that they start from.
    pub more: Vec<Vec<u8>>,
}

/// The same without tokens that are never made, where these are all that is wrong.
fn without_never_made(
    vocabulary: &Vocabulary,
    ranks: &[Option<usize>],
    places: &[Option<u32>],
    is_first: fn(&[u8]) -> bool,
) -> Option<Ranked> {
    let is_never_made = |&(id, token): &(u32, &[u8])| !is_first(token) && vocabulary.parts(id).is_none();
    let ids: Vec<u32> = vocabulary.tokens().filter(is_never_made).map(|(id, _)| id).collect();
    let mut is_left_out = vec![false; places.len()];
    for &id in &ids {
        is_left_out[id as usize] = true;
    }
    let vocabulary = vocabulary.without(&ids).ok()?;
    let is_right = are_the_same(&vocabulary, &kept(ranks, &is_left_out), false, is_first);
    is_right.then(|| Ranked { vocabulary, places: kept(places, &is_left_out) })
}

/// Those of `all` that are not left out.
fn kept<T: Copy>(all: &[T], is_left_out: &[bool]) -> Vec<T> {
    all.iter().zip(is_left_out).filter(|(_, is_left_out)| !**is_left_out).map(|(one, _)| *one).collect()
}

/// The merges of what merges start from, by ascending length: the last byte to what is before it.
fn merges_of_first<'a>(first: &'a [&[u8]]) -> impl Iterator<Item = [u32; 3]> + 'a {
    let ids: HashMap<&[u8], u32, RandomState> = first.iter().copied().zip(0..).collect();
    (0..).zip(first).filter_map(move |(id, token)| {
        let (last, before) = token.split_last()?;
        Some([*ids.get(before)?, *ids.get(std::slice::from_ref(last))?, id])
    })
}

impl Ranked {
    /// `None` where merges by such an order are not those of the list, or none can tell.
    pub fn new(model: Visible, forms: Forms) -> Option<Self> {
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
        let Forms { bytes_of, is_first, more } = forms;
        let all = &model.model.tokens;
        let named = (0..).zip(all.iter()).filter(|&(place, _)| model.has(place));
        let named = named.filter_map(|(place, (token, _))| Some((Some(place), bytes_of(token)?)));
        let tokens: Vec<(Option<u32>, Vec<u8>)> =
            named.chain(more.into_iter().map(|bytes| (None, bytes))).filter(|(_, bytes)| !bytes.is_empty()).collect();
        let mut merged_at = vec![None; all.len()];
        for (rank, merge) in model.merges() {
            merged_at[merge.made as usize].get_or_insert(rank);
        }
        for _ in 0..TRIES {
            let merged_at_of = |place: Option<u32>| merged_at[place? as usize];
            // What merges start from, what is merged to, and what is found as a whole alone.
            let class = |(place, bytes): &&(Option<u32>, Vec<u8>)| match merged_at_of(*place) {
                _ if is_first(bytes) => (0, bytes.len()),
                Some(rank) => (1, rank),
                None => (2, 0),
            };
            let mut order: Vec<_> = tokens.iter().filter(|token| class(token).0 < 2 || ignore_merges).collect();
            order.sort_by_key(class);
            let mut ids = vec![None; all.len()];
            for (id, (place, _)) in (0..).zip(&order) {
                if let Some(place) = place {
                    ids[*place as usize] = Some(id);
                }
            }
            let merges = model
                .merges()
                .map(|(rank, merge)| (rank, [merge.left, merge.right, merge.made].map(|place| ids[place as usize])));
            let known = merges.clone().filter_map(|(_, merge)| match merge {
                [Some(left), Some(right), Some(made)] => Some([left, right, made]),
                _ => None,
            });
            let first: Vec<&[u8]> =
                order.iter().map(|(_, bytes)| &**bytes).take_while(|bytes| is_first(bytes)).collect();
            let tokens = order.iter().map(|(_, bytes)| &**bytes).zip(0..);
            let vocabulary = Vocabulary::from_tokens_and_merges(tokens, known.chain(merges_of_first(&first))).ok()?;
            let ranks = ranks(&vocabulary, merges);
            let places: Vec<Option<u32>> = order.iter().map(|(place, _)| *place).collect();
            if are_the_same(&vocabulary, &ranks, ignore_merges, is_first) {
                return Some(Self { vocabulary, places });
            }
            if !ignore_merges && let Some(ranked) = without_never_made(&vocabulary, &ranks, &places, is_first) {
                return Some(ranked);
            }
            let found = order.iter().zip(ranks).filter(|((_, bytes), _)| !is_first(bytes));
            let found = found.filter_map(|((place, bytes), rank)| Some((place.as_ref()?, bytes.len(), rank)));
            let found: Vec<_> = found.map(|(&place, length, rank)| (place as usize, length, rank)).collect();
            // Those that the list does not come to, and neighbours that are in another order there.
            let in_order = |at: usize| found.get(at).zip(found.get(at + 1)).is_none_or(|(one, next)| one.2 < next.2);
            let is_wrong = |at: usize| found[at].2.is_none() || !in_order(at) || at > 0 && !in_order(at - 1);
            let wrong: Vec<_> = (0..found.len()).filter(|&at| is_wrong(at)).collect();
            if MUCH * wrong.len() > order.len() {
                return None;
            }
            let shortest = wrong.iter().map(|&at| found[at].1).min()?;
            for &(place, length, rank) in &found {
                // What the list does not come to is never made.
                if rank.is_some() || length <= shortest {
                    merged_at[place] = rank;
                }
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

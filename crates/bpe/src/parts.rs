//! The two tokens whose merge makes each token of a vocabulary.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use ahash::RandomState;
use aho_corasick::AhoCorasick;

use crate::compact::NO_PARTS;
use crate::merge::{NONE, holds};

/// The parts of each of `tokens`, by id: the two in which merging its bytes ends when it is left out itself, [`NO_PARTS`] where that ends in another
/// number of tokens.
///
/// They are found by ascending length. All tokens that can be merged inside of one are shorter, so that their parts are known, and by
/// [`Vocabulary`](crate::Vocabulary) no others than these ever stand side by side where they are merged: it is enough to look for pairs of ids.
pub(crate) fn parts(tokens: &[&[u8]]) -> Vec<[u32; 2]> {
    let mut merges = Merges::new(tokens);
    let mut parts = vec![[NO_PARTS; 2]; tokens.len()];
    let mut several: Vec<u32> = (0..tokens.len() as u32).filter(|&id| tokens[id as usize].len() > 1).collect();
    merges.add_parts(&mut several, tokens, &mut parts);
    parts
}

/// [`parts`], found among `merges`, each the ids of two tokens and of what they make: that is faster where these are most of those that there are.
pub(crate) fn parts_among(tokens: &[&[u8]], merges: impl IntoIterator<Item = [u32; 3]>) -> Vec<[u32; 2]> {
    chosen(tokens, merges).unwrap_or_else(|| parts(tokens))
}

/// `None` when many tokens have parts that are not among `merges`, or larger ids than they have.
///
/// A token whose parts have smaller ids is made of what merges with smaller ids than its own leave of its bytes. So by ascending ids those of its
/// `merges` are looked at whose two tokens are made already: it is the one where these stay as they are side by side. Where there is none, parts are
/// found as [`parts`] does it, of the token and of all in whose bytes it is.
fn chosen(tokens: &[&[u8]], merges: impl IntoIterator<Item = [u32; 3]>) -> Option<Vec<[u32; 2]>> {
    /// The most tokens of which there is none.
    const MOST: usize = 1000;
    let makes = |ids: [u32; 3]| {
        let [left, right, made] = ids.map(|id| tokens[id as usize]);
        made.strip_prefix(left) == Some(right)
    };
    let are_before = |[left, right, made]: &[u32; 3]| left.max(right) < made;
    let mut ways: Vec<[u32; 3]> = merges.into_iter().filter(are_before).collect();
    ways.sort_by_key(|&[_, _, made]| made);
    let mut known = Merges::new(tokens);
    let (mut parts, mut left) = (vec![[NO_PARTS; 2]; tokens.len()], Vec::new());
    let mut ways = &ways[..];
    for (id, token) in (0..).zip(tokens).filter(|(_, token)| token.len() > 1) {
        ways = &ways[ways.iter().take_while(|&&[_, _, made]| made < id).count()..];
        let count = ways.iter().take_while(|&&[_, _, made]| made == id).count();
        let of =
            |id: u32| Some(parts[id as usize]).filter(|&[left, _]| left != NO_PARTS).map(|[left, right]| (left, right));
        let is_made = |id: u32| tokens[id as usize].len() == 1 || of(id).is_some();
        let found = ways[..count].iter().find(|&&[left, right, _]| {
            is_made(left)
                && is_made(right)
                && makes([left, right, id])
                && holds(left, right, of, |left, right| known.merged(tokens, left, right))
        });
        if let Some(&[left, right, _]) = found {
            parts[id as usize] = [left, right];
            known.add(token, [left, right], id);
        } else if left.len() < MOST {
            left.push(*token);
        } else {
            return None;
        }
    }
    if left.is_empty() {
        return Some(parts);
    }
    let left = AhoCorasick::new(left).ok()?;
    let mut more: Vec<u32> = (0..tokens.len() as u32).filter(|&id| left.is_match(tokens[id as usize])).collect();
    for &id in &more {
        known.remove(tokens[id as usize], std::mem::replace(&mut parts[id as usize], [NO_PARTS; 2]));
    }
    known.add_parts(&mut more, tokens, &mut parts);
    Some(parts)
}

/// Merges that are known so far, and room to work in.
struct Merges {
    bytes: [u32; 256],
    /// By two bytes what they make.
    of_bytes: Vec<u32>,
    /// By the ids of two tokens what they make. Its hashes have a secret, as a file may be made so that its pairs meet in one.
    of_pairs: HashMap<u64, u32, RandomState>,
    /// By byte of the token that is looked at.
    places: Vec<Place>,
    heap: BinaryHeap<Candidate>,
}

/// What starts at a byte of a token.
struct Place {
    /// [`NONE`] where the byte is no token, or was merged into what is before it.
    id: u32,
    /// Where what is before it starts.
    previous: u32,
    end: u32,
}

/// Two neighbours as they were when they were found: what they make, where they start and where they end.
type Candidate = Reverse<(u32, u32, u32)>;

/// Two ids in one number.
fn pair([left, right]: [u32; 2]) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

impl Merges {
    fn new(tokens: &[&[u8]]) -> Self {
        let mut bytes = [NONE; 256];
        for (id, token) in (0..).zip(tokens) {
            if let &&[byte] = token {
                bytes[usize::from(byte)] = id;
            }
        }
        Self {
            bytes,
            of_bytes: vec![NONE; 1 << 16],
            of_pairs: HashMap::with_capacity_and_hasher(tokens.len(), RandomState::new()),
            places: Vec::new(),
            heap: BinaryHeap::new(),
        }
    }

    fn add(&mut self, token: &[u8], parts: [u32; 2], id: u32) {
        if let &[left, right] = token {
            self.of_bytes[usize::from(left) << 8 | usize::from(right)] = id;
        } else {
            self.of_pairs.insert(pair(parts), id);
        }
    }

    fn remove(&mut self, token: &[u8], parts: [u32; 2]) {
        if let &[left, right] = token {
            self.of_bytes[usize::from(left) << 8 | usize::from(right)] = NONE;
        } else {
            self.of_pairs.remove(&pair(parts));
        }
    }

    /// Finds the parts of the tokens of `ids`, whose merges are not known, while those of all others are that are inside of them.
    fn add_parts(&mut self, ids: &mut [u32], tokens: &[&[u8]], parts: &mut [[u32; 2]]) {
        ids.sort_by_key(|&id| tokens[id as usize].len());
        for &id in &*ids {
            let token = tokens[id as usize];
            if let Some(found) = self.parts_of(token) {
                parts[id as usize] = found;
                self.add(token, found, id);
            }
        }
    }

    /// What two tokens merge into, or [`NONE`].
    fn merged(&self, tokens: &[&[u8]], left: u32, right: u32) -> u32 {
        match (tokens[left as usize], tokens[right as usize]) {
            (&[left], &[right]) => self.of_bytes[usize::from(left) << 8 | usize::from(right)],
            _ => self.of_pairs.get(&pair([left, right])).copied().unwrap_or(NONE),
        }
    }

    /// The parts of `token`, which has two bytes or more.
    fn parts_of(&mut self, token: &[u8]) -> Option<[u32; 2]> {
        self.places.clear();
        self.places.extend((0_u32..).zip(token).map(|(at, &byte)| Place {
            id: self.bytes[usize::from(byte)],
            previous: at.wrapping_sub(1),
            end: at + 1,
        }));
        self.heap.clear();
        self.heap.extend((0..).zip(token.windows(2)).filter_map(|(at, pair)| {
            let made = self.of_bytes[usize::from(pair[0]) << 8 | usize::from(pair[1])];
            (made != NONE).then_some(Reverse((made, at, at + 2)))
        }));
        let mut count = token.len();
        while let Some(Reverse((made, start, end))) = self.heap.pop() {
            let Place { id, previous, end: middle } = self.places[start as usize];
            // One of the two may have been merged since.
            if id == NONE || self.places.get(middle as usize).is_none_or(|right| right.end != end) {
                continue;
            }
            self.places[middle as usize].id = NONE;
            self.places[start as usize] = Place { id: made, previous, end };
            count -= 1;
            if let Some(after) = self.places.get_mut(end as usize) {
                after.previous = start;
                self.find(start);
            }
            if previous != NONE {
                self.find(previous);
            }
        }
        let left = &self.places[0];
        let ids = [left.id, self.places.get(left.end as usize)?.id];
        (count == 2 && !ids.contains(&NONE)).then_some(ids)
    }

    /// Puts what starts at `start` and the next into the heap, if they can be merged.
    fn find(&mut self, start: u32) {
        let left = &self.places[start as usize];
        let right = &self.places[left.end as usize];
        if let Some(&made) = self.of_pairs.get(&pair([left.id, right.id])) {
            self.heap.push(Reverse((made, start, right.end)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenmill_testkit::rng::Rng;
    use tokenmill_testkit::time;

    use super::*;

    /// The same by the bytes of all neighbours, looked up again after each merge.
    fn by_bytes(tokens: &[&[u8]], id: u32) -> Option<[u32; 2]> {
        let token = tokens[id as usize];
        let find = |bytes: &[u8]| tokens.iter().position(|token| *token == bytes).map(|id| id as u32);
        let mut starts: Vec<usize> = (0..=token.len()).collect();
        while starts.len() > 3 {
            let ranks = starts.windows(3).map(|at| find(&token[at[0]..at[2]]));
            let best = ranks.enumerate().filter_map(|(at, rank)| Some((rank?, at))).min()?;
            starts.remove(best.1 + 1);
        }
        let [start, middle, end] = starts[..] else { return None };
        Some([find(&token[start..middle])?, find(&token[middle..end])?])
    }

    #[test]
    fn parts_are_where_merging_by_bytes_ends() {
        let mut rng = Rng::new(7);
        let (mut with, mut without) = (0, 0);
        for round in 0..600 {
            let alphabet: &[u8] = if round % 3 == 0 { b"abcdefgh" } else { b"ab" };
            let mut tokens: Vec<Vec<u8>> = alphabet.iter().map(|&byte| vec![byte]).collect();
            for _ in 0..rng.below(60) {
                // Some are made of others, as those of a trained vocabulary are.
                let token = if rng.below(3) == 0 {
                    (0..2 + rng.below(9)).map(|_| *rng.choose(alphabet)).collect()
                } else {
                    [rng.choose(&tokens[..]).clone(), rng.choose(&tokens[..]).clone()].concat()
                };
                if token.len() < 40 && !tokens.contains(&token) {
                    tokens.push(token);
                }
            }
            if round % 2 == 0 {
                (1..tokens.len()).for_each(|at| tokens.swap(at, rng.up_to(at)));
            }
            let tokens: Vec<&[u8]> = tokens.iter().map(Vec::as_slice).collect();
            for (id, found) in (0..).zip(parts(&tokens)) {
                let expected = by_bytes(&tokens, id).filter(|_| tokens[id as usize].len() > 1);
                assert_eq!(found, expected.unwrap_or([NO_PARTS; 2]), "{id} of {tokens:?}");
                *if expected.is_some() { &mut with } else { &mut without } += 1;
            }
        }
        assert!(with > 5000 && without > 2000, "{with} {without}");
    }

    #[test]
    fn parts_among_merges_are_the_same_whatever_the_merges_are() {
        let mut rng = Rng::new(9);
        let (mut chosen_at_once, mut left) = (0, 0);
        for round in 0..600 {
            let letters: &[u8] = if round % 3 == 0 { b"abcdefgh" } else { b"ab" };
            let mut tokens: Vec<Vec<u8>> = letters.iter().map(|&letter| vec![letter]).collect();
            for _ in 0..rng.below(60) {
                let token = [rng.choose(&tokens[..]).clone(), rng.choose(&tokens[..]).clone()].concat();
                if token.len() < 40 && !tokens.contains(&token) {
                    tokens.push(token);
                }
            }
            // Some have parts with larger ids, or none.
            for _ in 0..rng.below(4) {
                let (one, other) = (rng.below(tokens.len()), rng.below(tokens.len()));
                tokens.swap(one, other);
            }
            let tokens: Vec<&[u8]> = tokens.iter().map(Vec::as_slice).collect();
            let id = |bytes: &[u8]| tokens.iter().position(|token| *token == bytes).map(|id| id as u32);
            let mut merges: Vec<[u32; 3]> = Vec::new();
            for (made, token) in (0..).zip(&tokens) {
                let ways = (1..token.len()).filter_map(|at| Some([id(&token[..at])?, id(&token[at..])?, made]));
                merges.extend(ways);
            }
            match round % 4 {
                0 => merges.retain(|_| rng.below(20) > 0),
                1 => merges.extend((0..20).map(|_| [0; 3].map(|_: u32| rng.below(tokens.len()) as u32))),
                _ => {}
            }
            assert_eq!(parts_among(&tokens, merges.clone()), parts(&tokens), "{tokens:?}");
            let all = chosen(&tokens, merges).expect("they are few");
            chosen_at_once +=
                usize::from(all.iter().zip(&tokens).all(|(parts, token)| (token.len() > 1) == (parts[0] != NO_PARTS)));
            left += all.iter().zip(&tokens).filter(|(parts, token)| token.len() > 1 && parts[0] == NO_PARTS).count();
        }
        assert!(chosen_at_once > 100 && left > 500, "{chosen_at_once} {left}");
    }

    #[test]
    fn long_tokens_take_no_time_by_the_square_of_their_length() {
        let mut rng = Rng::new(8);
        let letters = b'a'..=b'z';
        let mut tokens: Vec<Vec<u8>> = letters.clone().map(|letter| vec![letter]).collect();
        tokens.extend(letters.clone().flat_map(|one| letters.clone().map(move |other| vec![one, other])));
        tokens.extend((0..200).map(|_| (0..4096).map(|_| b'a' + rng.below(26) as u8).collect()));
        let tokens: Vec<&[u8]> = tokens.iter().map(Vec::as_slice).collect();
        let (found, took) = time::took(|| parts(&tokens));
        assert_eq!(found.iter().filter(|&&parts| parts != [NO_PARTS; 2]).count(), 26 * 26);
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

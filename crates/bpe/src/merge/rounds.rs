//! Merging everywhere at once what merges next: for symbols that repeat, of which each round leaves about half.

use std::sync::atomic::AtomicBool;

use super::pairs::{NONE, Pairs};
use super::{Merger, Placed, is_set};

/// Merges `tokens`: always those pairs with the smallest result, from the left. Where the parts of every token have smaller ids, what a round makes has no
/// part in that round, so these are the merges of one pair at a time, in their order; where not, that is looked at. Gives up soon after `cancel` is set.
///
/// `false`: it is not so, or all rounds together would look at more than `work` times as many tokens as there are at first, and any tokens are left.
/// `results` is a place for what neighbours merge into.
pub(super) fn merge(
    tokens: &mut Vec<Placed>,
    results: &mut Vec<u32>,
    merger: &Merger,
    work: usize,
    cancel: Option<&AtomicBool>,
) -> bool {
    let mut left = work.saturating_mul(tokens.len());
    let mut known = Known { pair: (NONE, NONE), result: NONE };
    let mut get = |left, right| known.get(left, right, &merger.pairs);
    results.clear();
    results.extend(tokens.array_windows().map(|[one, next]| get(one.id, next.id)));
    let mut next = results.iter().copied().min().unwrap_or(NONE);
    while next != NONE && !is_set(cancel) {
        left = match left.checked_sub(tokens.len()) {
            Some(left) => left,
            None => return false,
        };
        let after = if merger.ascends {
            round::<false>(tokens, results, next, &mut get)
        } else {
            round::<true>(tokens, results, next, &mut get)
        };
        next = match after {
            Some(after) => after,
            None => return false,
        };
    }
    true
}

/// Merges the pairs that merge into `result`, and returns what is the smallest result then. `None` where it is `CAREFUL` and what it makes would merge
/// before all of them have.
#[inline(always)]
fn round<const CAREFUL: bool>(
    tokens: &mut Vec<Placed>,
    results: &mut Vec<u32>,
    result: u32,
    mut get: impl FnMut(u32, u32) -> u32,
) -> Option<u32> {
    let (mut from, mut to, mut smallest, mut is_new) = (0, 0, NONE, false);
    while from < tokens.len() {
        let was_new = is_new;
        is_new = results.get(from) == Some(&result);
        let token = if is_new { Placed { id: result, ..tokens[from] } } else { tokens[from] };
        // For a while the one that merges next is beside it.
        if CAREFUL && is_new && results.get(from + 2) == Some(&result) && get(result, tokens[from + 2].id) <= result {
            return None;
        }
        if to > 0 {
            let is_known = !is_new && !was_new;
            let with_next = if is_known { results[from - 1] } else { get(tokens[to - 1].id, token.id) };
            if CAREFUL && !is_known && with_next <= result {
                return None;
            }
            results[to - 1] = with_next;
            smallest = smallest.min(with_next);
        }
        tokens[to] = token;
        from += 1 + usize::from(is_new);
        to += 1;
    }
    tokens.truncate(to);
    results.truncate(to - 1);
    Some(smallest)
}

/// What two tokens merge into: mostly they are those that were asked for before.
struct Known {
    pair: (u32, u32),
    result: u32,
}

impl Known {
    #[inline(always)]
    fn get(&mut self, left: u32, right: u32, pairs: &Pairs) -> u32 {
        if self.pair != (left, right) {
            *self = Self { pair: (left, right), result: pairs.get(left, right) };
        }
        self.result
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::{Rng, share};

    use super::*;
    use crate::Vocabulary;
    use crate::merge::heap;

    #[test]
    fn they_are_the_merges_of_one_pair_at_a_time() {
        let mut rng = Rng::new(1);
        let (mut done, mut given_up) = ([0; 2], [0; 2]);
        for _ in 0..share(300) {
            let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
            // Long tokens that repeat, or many short ones.
            let (letters, longest, count) = *rng.choose(&[(&b"aaaaab"[..], 12, 8), (b"abcdefgh", 4, 40)]);
            for length in 2..longest {
                for _ in 0..rng.below(count) {
                    let token: Vec<u8> = (0..length).map(|_| *rng.choose(letters)).collect();
                    if !tokens.contains(&token) {
                        tokens.push(token);
                    }
                }
            }
            // Ids that descend at times: parts may have larger ones than the whole.
            let descends = rng.below(2) == 0;
            let id = |index: usize| if descends { index as u32 ^ 7 } else { index as u32 };
            let numbered = tokens.iter().enumerate().map(|(index, token)| (token.as_slice(), id(index)));
            let vocabulary = Vocabulary::from_tokens(numbered).expect("they differ");
            let merger = Merger::new(&vocabulary);
            let kind = usize::from(merger.ascends);
            for _ in 0..20 {
                let longest = *rng.choose(&[3, 300]);
                let period: Vec<u8> = (0..=rng.below(longest)).map(|_| *rng.choose(letters)).collect();
                let mut bytes: Vec<u8> = period.iter().copied().cycle().take(1 + rng.below(300)).collect();
                for _ in 0..rng.below(4) {
                    let at = rng.below(bytes.len());
                    bytes[at] = *rng.choose(b"abc");
                }
                let symbols: Vec<u32> = bytes.iter().map(|&byte| merger.bytes[usize::from(byte)]).collect();
                let (mut found, mut results) = (Vec::new(), vec![7; 3]);
                found.extend((0..).zip(&symbols).map(|(start, &id)| Placed { start, id }));
                let work = 1 + rng.below(20);
                if merge(&mut found, &mut results, &merger, work, None) {
                    let mut expected = Vec::new();
                    heap::merge(&symbols, &merger.pairs, None, &mut expected).expect("there is memory");
                    assert!(found == expected, "{bytes:?}");
                    done[kind] += 1;
                } else {
                    given_up[kind] += 1;
                }
            }
        }
        assert!(done.iter().chain(&given_up).all(|&count| count > 0), "{done:?}, {given_up:?}");
    }
}

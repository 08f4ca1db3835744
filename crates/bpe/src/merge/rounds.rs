//! Merging everywhere at once what merges next: for symbols that repeat, of which each round leaves about half.

use std::sync::atomic::AtomicBool;

use super::pairs::{NONE, Pairs};
use super::{Placed, is_set};

/// Merges `tokens`, of a vocabulary where the parts of every token have smaller ids: always those pairs with the smallest result, from the left. So
/// what a round makes has no part in that round, and these are the merges of one pair at a time, in their order. Gives up soon after `cancel` is set.
///
/// `false`: all rounds together would look at more than `work` times as many tokens as there are at first, and any tokens are left. `results` is a place for
/// what neighbours merge into.
pub(super) fn merge(
    tokens: &mut Vec<Placed>,
    results: &mut Vec<u32>,
    pairs: &Pairs,
    work: usize,
    cancel: Option<&AtomicBool>,
) -> bool {
    let mut left = work.saturating_mul(tokens.len());
    let mut known = Known { pair: (NONE, NONE), result: NONE };
    results.clear();
    results.extend(tokens.array_windows().map(|[one, next]| known.get(one.id, next.id, pairs)));
    let mut next = results.iter().copied().min().unwrap_or(NONE);
    while next != NONE && !is_set(cancel) {
        left = match left.checked_sub(tokens.len()) {
            Some(left) => left,
            None => return false,
        };
        next = round(tokens, results, next, |one, next| known.get(one, next, pairs));
    }
    true
}

/// Merges the pairs that merge into `result`, and returns what is the smallest result then.
#[inline(always)]
fn round(tokens: &mut Vec<Placed>, results: &mut Vec<u32>, result: u32, mut get: impl FnMut(u32, u32) -> u32) -> u32 {
    let (mut from, mut to, mut smallest, mut is_new) = (0, 0, NONE, false);
    while from < tokens.len() {
        let was_new = is_new;
        is_new = results.get(from) == Some(&result);
        let token = if is_new { Placed { id: result, ..tokens[from] } } else { tokens[from] };
        if to > 0 {
            let with_next = if is_new || was_new { get(tokens[to - 1].id, token.id) } else { results[from - 1] };
            results[to - 1] = with_next;
            smallest = smallest.min(with_next);
        }
        tokens[to] = token;
        from += 1 + usize::from(is_new);
        to += 1;
    }
    tokens.truncate(to);
    results.truncate(to - 1);
    smallest
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
    use crate::merge::{Merger, heap};

    #[test]
    fn they_are_the_merges_of_one_pair_at_a_time() {
        let mut rng = Rng::new(1);
        let (mut done, mut given_up) = (0, 0);
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
            let vocabulary = Vocabulary::from_tokens(tokens.iter().map(Vec::as_slice).zip(0..)).expect("they differ");
            let merger = Merger::new(&vocabulary);
            assert!(merger.ascends);
            for _ in 0..20 {
                let longest = *rng.choose(&[3, 300]);
                let period: Vec<u8> = (0..=rng.below(longest)).map(|_| *rng.choose(letters)).collect();
                let mut bytes: Vec<u8> = period.iter().copied().cycle().take(1 + rng.below(300)).collect();
                for _ in 0..rng.below(4) {
                    let at = rng.below(bytes.len());
                    bytes[at] = *rng.choose(b"abc");
                }
                let symbols: Vec<u32> = bytes.iter().map(|&byte| u32::from(byte)).collect();
                let (mut found, mut results) = (Vec::new(), vec![7; 3]);
                found.extend((0..).zip(&symbols).map(|(start, &id)| Placed { start, id }));
                let work = 1 + rng.below(20);
                if merge(&mut found, &mut results, &merger.pairs, work, None) {
                    assert!(found == heap::merge(&symbols, &merger.pairs, None), "{bytes:?}");
                    done += 1;
                } else {
                    given_up += 1;
                }
            }
        }
        assert!(done > 0 && given_up > 0, "{done}, {given_up}");
    }
}

//! Byte-pair merging, as its definition says it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// The ranks of a byte-level BPE model: the id of each token by its bytes.
pub type Ranks = HashMap<Vec<u8>, u32>;

/// The ids of one piece, by tiktoken's rule. A piece that is a token is that token, even one that no merge reaches. Else,
/// while two adjacent parts make a token, the two whose token has the lowest rank become one part; of several places, the
/// leftmost. Quadratic.
pub fn encode_piece(ranks: &Ranks, piece: &[u8]) -> Vec<u32> {
    if let Some(&id) = ranks.get(piece) {
        return vec![id];
    }
    // Part i is piece[starts[i]..starts[i + 1]].
    let mut starts: Vec<usize> = (0..=piece.len()).collect();
    let rank = |starts: &[usize], part: usize| ranks.get(&piece[starts[part]..starts[part + 2]]).copied();
    // The rank of parts i and i + 1 together.
    let mut joined: Vec<Option<u32>> = (0..piece.len().saturating_sub(1)).map(|part| rank(&starts, part)).collect();
    while let Some((_, part)) = joined.iter().enumerate().filter_map(|(part, rank)| rank.map(|rank| (rank, part))).min()
    {
        starts.remove(part + 1);
        joined.remove(part);
        if part < joined.len() {
            joined[part] = rank(&starts, part);
        }
        if part > 0 {
            joined[part - 1] = rank(&starts, part - 1);
        }
    }
    starts.windows(2).map(|part| ranks[&piece[part[0]..part[1]]]).collect()
}

/// As [`encode_piece`], for long pieces: the places where parts can merge wait in a heap, and parts know their neighbours.
pub fn encode_long_piece(ranks: &Ranks, piece: &[u8]) -> Vec<u32> {
    if let Some(&id) = ranks.get(piece) {
        return vec![id];
    }
    // Of the part that starts at i: where it ends (0: there is none), and where the one before it starts.
    let mut ends: Vec<usize> = (1..=piece.len()).collect();
    let mut before: Vec<usize> = (0..piece.len()).map(|start| start.wrapping_sub(1)).collect();
    // Rank, start and end of two parts that make a token; by then they may be others, or there no more.
    let mut waiting = BinaryHeap::new();
    let push = |ends: &[usize], waiting: &mut BinaryHeap<_>, start: usize| {
        let middle = ends[start];
        if middle < piece.len()
            && let Some(&rank) = ranks.get(&piece[start..ends[middle]])
        {
            waiting.push(Reverse((rank, start, middle, ends[middle])));
        }
    };
    (0..piece.len()).for_each(|start| push(&ends, &mut waiting, start));
    while let Some(Reverse((_, start, middle, end))) = waiting.pop() {
        if ends[start] != middle || ends[middle] != end {
            continue;
        }
        (ends[start], ends[middle]) = (end, 0);
        if end < piece.len() {
            before[end] = start;
        }
        push(&ends, &mut waiting, start);
        if start > 0 {
            push(&ends, &mut waiting, before[start]);
        }
    }
    let mut ids = Vec::new();
    let mut start = 0;
    while start < piece.len() {
        ids.push(ranks[&piece[start..ends[start]]]);
        start = ends[start];
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::text;

    #[test]
    fn long_pieces_merge_as_short_ones() {
        // Tokens made at random: many are reached by no merge, and ranks do not follow length.
        for seed in 0..300 {
            let mut rng = Rng::new(seed);
            let mut tokens: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
            for _ in 0..rng.up_to(30) {
                let joined = format!("{}{}", rng.choose(&tokens), rng.choose(&tokens));
                if !tokens.contains(&joined) {
                    tokens.push(joined);
                }
            }
            let ranks = ranks(&tokens.iter().map(String::as_str).collect::<Vec<_>>());
            for _ in 0..20 {
                let piece: String =
                    text::letters(&mut rng, 60).bytes().map(|byte| char::from(b'a' + byte % 3)).collect();
                assert_eq!(
                    encode_long_piece(&ranks, piece.as_bytes()),
                    encode_piece(&ranks, piece.as_bytes()),
                    "{piece} of {tokens:?}"
                );
            }
        }
    }

    fn ranks(tokens: &[&str]) -> Ranks {
        tokens.iter().zip(0..).map(|(token, rank)| (token.as_bytes().to_vec(), rank)).collect()
    }

    #[test]
    fn the_lowest_rank_merges_first_and_of_equal_ones_the_leftmost() {
        let ranks = ranks(&["a", "b", "c", "bc", "ab", "aa", "aaa"]);
        assert_eq!(encode_piece(&ranks, b"abc"), [0, 3]);
        assert_eq!(encode_piece(&ranks, b"aaaaa"), [5, 6]);
        assert_eq!(encode_piece(&ranks, b"a"), [0]);
        assert!(encode_piece(&ranks, b"").is_empty());
    }

    #[test]
    fn a_token_that_no_merge_reaches_is_used_only_as_a_whole_piece() {
        let ranks = ranks(&["a", "b", "c", "d", "abcd"]);
        assert_eq!(encode_piece(&ranks, b"abcd"), [4]);
        assert_eq!(encode_piece(&ranks, b"abcda"), [0, 1, 2, 3, 0]);
    }
}

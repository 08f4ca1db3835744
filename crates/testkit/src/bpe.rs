//! Byte-pair merging, as its definition says it.

use std::collections::HashMap;

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

#[cfg(test)]
mod tests {
    use super::*;

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

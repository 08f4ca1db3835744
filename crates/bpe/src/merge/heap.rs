//! Merging any number of symbols in O(n log n): a linked list of symbols and a heap of merges.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::AtomicBool;

use super::pairs::{NONE, Pairs};
use super::{Placed, is_set};

#[derive(Clone, Copy)]
struct Node {
    id: u32,
    previous: u32,
    next: u32,
}

const END: u32 = u32::MAX;

/// Merges `symbols`, at most 2^32 - 1 of them: always the pair with the smallest result, the leftmost of several. Gives up soon after
/// `cancel` is set.
pub(crate) fn merge(symbols: &[u32], pairs: &Pairs, cancel: Option<&AtomicBool>) -> Vec<Placed> {
    let count = symbols.len() as u32;
    let mut nodes: Vec<Node> = (symbols.iter().zip(0..count))
        .map(|(&id, place)| Node {
            id,
            previous: place.checked_sub(1).unwrap_or(END),
            next: if place + 1 == count { END } else { place + 1 },
        })
        .collect();
    // (result, place of the left symbol, right symbol): the smallest comes first. An entry is stale when a symbol has changed
    // since: a merge gives a new id, and a symbol that is gone has no next one.
    let mut heap: BinaryHeap<_> = (symbols.windows(2).zip(0..count))
        .filter_map(|(pair, place)| {
            let result = pairs.get(pair[0], pair[1]);
            (result != NONE).then_some(Reverse((result, place, pair[0], pair[1])))
        })
        .collect();

    while let Some(Reverse((result, place, left, right))) = heap.pop() {
        // A place is any number, so this asks now and then.
        if place % 1024 == 0 && is_set(cancel) {
            break;
        }
        let node = nodes[place as usize];
        if node.id != left || node.next == END || nodes[node.next as usize].id != right {
            continue;
        }
        let after = nodes[node.next as usize].next;
        nodes[node.next as usize] = Node { id: NONE, previous: END, next: END };
        nodes[place as usize] = Node { id: result, next: after, ..node };
        if after != END {
            nodes[after as usize].previous = place;
            push(&mut heap, pairs, place, result, nodes[after as usize].id);
        }
        if node.previous != END {
            push(&mut heap, pairs, node.previous, nodes[node.previous as usize].id, result);
        }
    }
    (nodes.iter().enumerate())
        .filter(|(_, node)| node.id != NONE)
        .map(|(start, node)| Placed { start, id: node.id })
        .collect()
}

fn push(heap: &mut BinaryHeap<Reverse<(u32, u32, u32, u32)>>, pairs: &Pairs, place: u32, left: u32, right: u32) {
    let result = pairs.get(left, right);
    if result != NONE {
        heap.push(Reverse((result, place, left, right)));
    }
}

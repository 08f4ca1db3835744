//! Merging any number of symbols in O(n log n): a linked list of symbols and a heap of merges.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::AtomicBool;

use super::pairs::{NONE, Pairs};
use super::{Placed, is_set};
use crate::Error;
use crate::sink::reserve;

#[derive(Clone, Copy)]
struct Node {
    id: u32,
    previous: u32,
    next: u32,
}

const END: u32 = u32::MAX;

/// What two neighbours would merge into, the place of the left one, and both: the smallest comes first. It is stale when one of them has changed since: a merge
/// gives a new id, and a symbol that is gone has no next one.
type Merge = Reverse<(u32, u32, u32, u32)>;

/// Merges `symbols`: always the pair with the smallest result, the leftmost of several. Leaves the tokens in `tokens`. Gives up soon after `cancel` is set,
/// with any.
///
/// # Errors
/// [`Error::OutOfMemory`], also where they are more than 2^32 - 1.
pub(crate) fn merge(
    symbols: &[u32],
    pairs: &Pairs,
    cancel: Option<&AtomicBool>,
    tokens: &mut Vec<Placed>,
) -> Result<(), Error> {
    tokens.clear();
    let mut nodes = Vec::new();
    reserve(&mut nodes, symbols.len())?;
    let no_room = |bytes: usize| Error::OutOfMemory { bytes };
    let count = u32::try_from(symbols.len()).map_err(|_| no_room(symbols.len().saturating_mul(size_of::<Node>())))?;
    nodes.extend((symbols.iter().zip(0..count)).map(|(&id, place)| Node {
        id,
        previous: place.checked_sub(1).unwrap_or(END),
        next: if place + 1 == count { END } else { place + 1 },
    }));
    let mut possible = Vec::new();
    reserve(&mut possible, symbols.len())?;
    possible.extend((symbols.windows(2).zip(0..count)).filter_map(|(pair, place)| {
        let result = pairs.get(pair[0], pair[1]);
        (result != NONE).then_some(Reverse((result, place, pair[0], pair[1])))
    }));
    let mut heap = BinaryHeap::from(possible);

    while let Some(Reverse((result, place, left, right))) = heap.pop() {
        // A place is any number, so this asks now and then.
        if place % 1024 == 0 && is_set(cancel) {
            break;
        }
        let node = nodes[place as usize];
        heap.try_reserve(2).map_err(|_| no_room(2 * heap.len() * size_of::<Merge>()))?;
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
    reserve(tokens, nodes.iter().filter(|node| node.id != NONE).count())?;
    let left = nodes.iter().enumerate().filter(|(_, node)| node.id != NONE);
    tokens.extend(left.map(|(start, node)| Placed { start, id: node.id }));
    Ok(())
}

fn push(heap: &mut BinaryHeap<Merge>, pairs: &Pairs, place: u32, left: u32, right: u32) {
    let result = pairs.get(left, right);
    if result != NONE {
        heap.push(Reverse((result, place, left, right)));
    }
}

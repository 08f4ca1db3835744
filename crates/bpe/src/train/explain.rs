//! How a piece becomes its tokens, step by step, for people who learn.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::{Error, Tokenizer};

/// One merge in a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeStep {
    /// The id of the left part.
    pub left: u32,
    /// The id of the right part.
    pub right: u32,
    /// The id of the token that they become.
    pub result: u32,
    /// Where the token starts in the piece, in bytes.
    pub start: usize,
}

impl Tokenizer {
    /// [`Tokenizer::explain`] of each piece of `text`, with starts that are those in the text. A piece that is a token which no merge reaches
    /// has no merges.
    ///
    /// # Errors
    /// [`Error::PatternLimit`].
    pub fn explain_text(&self, text: &str) -> Result<Vec<MergeStep>, Error> {
        let (mut steps, mut start) = (Vec::new(), 0);
        for piece in self.pattern().try_pieces(text) {
            let piece = piece?;
            let before = steps.len();
            steps.extend(
                self.explain(piece.as_bytes()).into_iter().map(|step| MergeStep { start: step.start + start, ..step }),
            );
            if let Some(token) = self.few().id(piece.as_bytes())
                && steps[before..].last().is_none_or(|step| step.result != token)
            {
                steps.truncate(before);
            }
            start += piece.len();
        }
        Ok(steps)
    }

    /// The merges that make the tokens of `piece`, in their order: always the one with the smallest id, and of several places the leftmost.
    /// The piece is not split before, and no special token is looked for. A piece that is itself a token which no merge reaches ends
    /// here in other tokens than those that encoding gives.
    pub fn explain(&self, piece: &[u8]) -> Vec<MergeStep> {
        let few = self.few();
        let id_of = |start: usize, end: usize| few.id(&piece[start..end]);
        // Of the part that starts there: its id, where it ends, and where the one before it starts; no id: no part starts there any more.
        let mut parts: Vec<(Option<u32>, usize, usize)> =
            (0..piece.len()).map(|start| (id_of(start, start + 1), start + 1, start.wrapping_sub(1))).collect();
        // The result, start, middle and end of two parts that may be merged; by then they may be others.
        let mut waiting = BinaryHeap::new();
        let push = |parts: &[(Option<u32>, usize, usize)], waiting: &mut BinaryHeap<_>, start: usize| {
            let middle = parts[start].1;
            if let Some(&(_, end, _)) = parts.get(middle)
                && let Some(result) = id_of(start, end)
            {
                waiting.push(Reverse((result, start, middle, end)));
            }
        };
        (0..piece.len()).for_each(|start| push(&parts, &mut waiting, start));
        let mut steps = Vec::new();
        while let Some(Reverse((result, start, middle, end))) = waiting.pop() {
            let (Some(left), Some(right)) = (parts[start].0, parts[middle].0) else { continue };
            if parts[start].1 != middle || parts[middle].1 != end {
                continue;
            }
            parts[start] = (Some(result), end, parts[start].2);
            parts[middle].0 = None;
            if let Some(after) = parts.get_mut(end) {
                after.2 = start;
            }
            steps.push(MergeStep { left, right, result, start });
            push(&parts, &mut waiting, start);
            if start > 0 {
                push(&parts, &mut waiting, parts[start].2);
            }
        }
        steps
    }
}

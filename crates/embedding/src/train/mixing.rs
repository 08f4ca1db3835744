//! What is known of a token from its neighbours: a sum of their embeddings, each weighted value by value.
//!
//! ```text
//! hidden[i] = sum over k of weight[k] * embedding[place[i] + offset[k]]
//! ```
//!
//! `weight[k]` is one row of weights for each neighbour, `*` is value by value, and a neighbour outside of the row of input counts nothing: the
//! log-bilinear model of Mnih and Hinton (2007) with diagonal matrices, as Mnih and Kavukcuoglu (2013) have it. It is linear in the embeddings, so that what
//! is learned is learned by them.

use std::ops::Range;

use rayon::prelude::*;

/// Which neighbours a token is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The next token, from the `n` last ones.
    NextToken,
    /// A hidden token, from `n` on either side and what stands in its place.
    Masked,
}

impl Objective {
    /// The name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::NextToken => "nextToken",
            Self::Masked => "masked",
        }
    }

    /// The objective of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::NextToken, Self::Masked].into_iter().find(|objective| objective.name() == name)
    }

    /// How far away the neighbours are, when there are `neighbours` to each side.
    pub(crate) fn offsets(self, neighbours: usize) -> Range<isize> {
        let neighbours = neighbours.cast_signed();
        match self {
            Self::NextToken => 1 - neighbours..1,
            Self::Masked => -neighbours..neighbours + 1,
        }
    }
}

/// Rows of input, and the places in them about which something is asked.
#[derive(Clone, Debug)]
pub(crate) struct Mixing<'a> {
    /// Ids in one row of input.
    pub(crate) context: usize,
    pub(crate) dimensions: usize,
    pub(crate) offsets: Range<isize>,
    /// Ascending: which of all ids of the batch.
    pub(crate) places: &'a [u32],
}

impl Mixing<'_> {
    /// `hidden`, one row for each place.
    pub(crate) fn forward(&self, embeddings: &[f32], weights: &[f32], hidden: &mut [f32]) {
        hidden.par_chunks_exact_mut(self.dimensions).zip(self.places).for_each(|(hidden, &place)| {
            hidden.fill(0.0);
            for (neighbour, weight) in self.neighbours(place as usize, weights) {
                add_product(hidden, weight, nth(embeddings, neighbour, self.dimensions));
            }
        });
    }

    /// The gradients of the embeddings, from those of `hidden`. `slots` has, for each id of the batch, which place it is, or `u32::MAX`.
    pub(crate) fn backward(&self, grads: &[f32], slots: &[u32], weights: &[f32], embeddings: &mut [f32]) {
        embeddings.par_chunks_exact_mut(self.dimensions).enumerate().for_each(|(at, out)| {
            out.fill(0.0);
            let row = self.row_of(at);
            for (offset, weight) in self.offsets.clone().zip(weights.chunks_exact(self.dimensions)) {
                let place = at.checked_add_signed(-offset).filter(|place| row.contains(place));
                if let Some(&slot) = place.and_then(|place| slots.get(place)).filter(|&&slot| slot != u32::MAX) {
                    add_product(out, weight, nth(grads, slot as usize, self.dimensions));
                }
            }
        });
    }

    /// The gradients of the weights, from those of `hidden`.
    pub(crate) fn weights_backward(&self, grads: &[f32], embeddings: &[f32], weights: &mut [f32]) {
        let of_offset = |(weight, offset): (&mut [f32], isize)| {
            weight.fill(0.0);
            for (&place, grad) in self.places.iter().zip(grads.chunks_exact(self.dimensions)) {
                if let Some(neighbour) = self.neighbour(place as usize, offset) {
                    add_product(weight, grad, nth(embeddings, neighbour, self.dimensions));
                }
            }
        };
        let offsets: Vec<isize> = self.offsets.clone().collect();
        weights.par_chunks_exact_mut(self.dimensions).zip(offsets).for_each(of_offset);
    }

    fn neighbours<'w>(&self, place: usize, weights: &'w [f32]) -> impl Iterator<Item = (usize, &'w [f32])> {
        let (offsets, weights) = (self.offsets.clone(), weights.chunks_exact(self.dimensions));
        offsets.zip(weights).filter_map(move |(offset, weight)| Some((self.neighbour(place, offset)?, weight)))
    }

    fn neighbour(&self, place: usize, offset: isize) -> Option<usize> {
        let row = self.row_of(place);
        place.checked_add_signed(offset).filter(|neighbour| row.contains(neighbour))
    }

    /// The ids of the batch that are in the same row of input.
    fn row_of(&self, place: usize) -> Range<usize> {
        let start = place / self.context * self.context;
        start..start + self.context
    }
}

fn nth(rows: &[f32], index: usize, dimensions: usize) -> &[f32] {
    &rows[index * dimensions..][..dimensions]
}

fn add_product(sum: &mut [f32], a: &[f32], b: &[f32]) {
    for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
        *sum += a * b;
    }
}

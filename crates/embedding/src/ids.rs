//! Ids and their shape, checked on the host before any table is read.
//!
//! candle reads a zero row for the id `u32::MAX`, and on CUDA ends with an assertion for any other wrong id.

use crate::{Error, Result, memory};

/// Which rows of the position table ids have.
#[derive(Clone, Copy, Debug)]
pub enum Positions<'a> {
    /// Along each row of input they count from here: what was read before it, when a text is read in pieces.
    From(usize),
    /// That of each id: where a row holds several texts, each counts from 0.
    Each(&'a [u32]),
}

/// [`Positions`] that exist, and one for each id.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CheckedPositions<'a> {
    /// `offset + i % context` for id number `i`.
    From {
        offset: usize,
        context: usize,
    },
    Each(&'a [u32]),
}

impl<'a> CheckedPositions<'a> {
    /// # Errors
    /// [`Error::ContextTooLong`], and [`Error::PositionOutOfRange`] for the first that is not below `context_length`.
    pub(crate) fn new(positions: Positions<'a>, ids: CheckedIds<'_>, context_length: usize) -> Result<Self> {
        match positions {
            Positions::From(offset) => {
                let tokens = ids.context();
                if offset.checked_add(tokens).is_none_or(|end| end > context_length) {
                    return Err(Error::ContextTooLong { tokens, offset, context_length });
                }
                Ok(Self::From { offset, context: tokens })
            }
            Positions::Each(each) => {
                one_per_id(each, ids)?;
                match each.iter().position(|&position| position as usize >= context_length) {
                    Some(index) => Err(Error::PositionOutOfRange { position: each[index], index, context_length }),
                    None => Ok(Self::Each(each)),
                }
            }
        }
    }

    /// That of id number `index`.
    #[inline(always)]
    pub(crate) fn of(self, index: usize) -> u32 {
        match self {
            Self::From { offset, context } => (offset + index % context) as u32,
            Self::Each(each) => each[index],
        }
    }

    /// One more than the largest of the first `len` ids.
    pub(crate) fn end(self, len: usize) -> usize {
        match self {
            Self::From { offset, context } if len > 0 => offset + context,
            Self::From { .. } => 0,
            Self::Each(each) => each.iter().max().map_or(0, |&position| position as usize + 1),
        }
    }

    /// The same, with memory of their own.
    pub(crate) fn kept(self) -> Result<KeptPositions> {
        Ok(match self {
            Self::From { offset, context } => KeptPositions::From { offset, context },
            Self::Each(each) => KeptPositions::Each(memory::copied(each)?),
        })
    }

    /// Those of the first `len` ids.
    pub(crate) fn to_vec(self, len: usize) -> Result<Vec<u32>> {
        let mut all = memory::reserved(len)?;
        all.extend((0..len).map(|index| self.of(index)));
        Ok(all)
    }
}

/// [`CheckedPositions`] for later.
#[derive(Clone, Debug)]
pub(crate) enum KeptPositions {
    From { offset: usize, context: usize },
    Each(Vec<u32>),
}

impl KeptPositions {
    /// Where nothing is read by them.
    pub(crate) const NONE: Self = Self::From { offset: 0, context: 1 };

    pub(crate) fn checked(&self) -> CheckedPositions<'_> {
        match self {
            &Self::From { offset, context } => CheckedPositions::From { offset, context },
            Self::Each(each) => CheckedPositions::Each(each),
        }
    }
}

/// [`Error::LengthMismatch`] unless `values` has one for each id.
pub(crate) fn one_per_id(values: &[u32], ids: CheckedIds<'_>) -> Result<()> {
    let (expected, actual) = (ids.ids().len(), values.len());
    if expected == actual { Ok(()) } else { Err(Error::LengthMismatch { expected, actual }) }
}

/// Ids that are known to be rows of a table, in a shape that is known to hold them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckedIds<'a> {
    ids: &'a [u32],
    shape: &'a [usize],
}

impl<'a> CheckedIds<'a> {
    /// # Errors
    /// [`Error::ShapeMismatch`], [`Error::TooManyIds`], and [`Error::IdOutOfRange`] for the first id that is not below `rows`.
    pub(crate) fn new(ids: &'a [u32], shape: &'a [usize], rows: usize) -> Result<Self> {
        let holds = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        if shape.is_empty() || holds != Some(ids.len()) {
            return Err(Error::ShapeMismatch { shape: shape.to_vec(), ids: ids.len() });
        }
        if u32::try_from(ids.len()).is_err() {
            return Err(Error::TooManyIds { ids: ids.len() });
        }
        // The maximum is found many ids at a time; only a wrong one is then looked for.
        let wrong = |id: u32| id as usize >= rows;
        if ids.iter().copied().max().is_some_and(wrong) {
            let index = ids.iter().position(|&id| wrong(id)).unwrap_or_default();
            return Err(Error::IdOutOfRange { id: ids[index], index, rows });
        }
        Ok(Self { ids, shape })
    }

    /// Ids that were checked for the same table, as one row.
    pub(crate) fn checked_before(ids: &'a [u32]) -> Self {
        Self { ids, shape: &[] }
    }

    pub(crate) fn ids(&self) -> &'a [u32] {
        self.ids
    }

    pub(crate) fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// Ids in one row: the last size of the shape.
    pub(crate) fn context(&self) -> usize {
        self.shape.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wrong_id_is_named() {
        for bad in [3, 4, u32::MAX] {
            let error = CheckedIds::new(&[0, 2, bad, 9], &[2, 2], 3).unwrap_err();
            assert!(matches!(error, Error::IdOutOfRange { id, index: 2, rows: 3 } if id == bad));
        }
        assert!(CheckedIds::new(&[0, 1, 2], &[3], 3).is_ok());
        assert!(CheckedIds::new(&[u32::MAX], &[1], u32::MAX as usize + 1).is_ok());
    }

    #[test]
    fn the_shape_holds_all_ids() {
        for shape in [&[][..], &[3], &[2, 2], &[usize::MAX, 2], &[0]] {
            assert!(matches!(CheckedIds::new(&[0, 0], shape, 1), Err(Error::ShapeMismatch { .. })), "{shape:?}");
        }
        assert!(CheckedIds::new(&[], &[4, 0], 1).is_ok());
    }
}

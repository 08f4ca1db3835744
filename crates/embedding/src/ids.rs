//! Ids and their shape, checked on the host before any table is read.
//!
//! candle reads a zero row for the id `u32::MAX`, and on CUDA ends with an assertion for any other wrong id.

use crate::{Error, Result};

/// Ids that are known to be rows of a table, in a shape that is known to hold them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckedIds<'a> {
    ids: &'a [u32],
    shape: &'a [usize],
}

impl<'a> CheckedIds<'a> {
    /// # Errors
    /// [`Error::ShapeMismatch`], and [`Error::IdOutOfRange`] for the first id that is not below `rows`.
    pub(crate) fn new(ids: &'a [u32], shape: &'a [usize], rows: usize) -> Result<Self> {
        let holds = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        if shape.is_empty() || holds != Some(ids.len()) {
            return Err(Error::ShapeMismatch { shape: shape.to_vec(), ids: ids.len() });
        }
        // The maximum is found many ids at a time; only a wrong one is then looked for.
        let wrong = |id: u32| id as usize >= rows;
        if ids.iter().copied().max().is_some_and(wrong) {
            let index = ids.iter().position(|&id| wrong(id)).unwrap_or_default();
            return Err(Error::IdOutOfRange { id: ids[index], index, rows });
        }
        Ok(Self { ids, shape })
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

//! Products of matrices.

use gemm::{Parallelism, gemm};

/// A matrix in a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    is_transposed: bool,
}

impl<'a> Matrix<'a> {
    /// The matrix of rows of `columns` values each, one after the other.
    pub(crate) fn new(values: &'a [f32], columns: usize) -> Self {
        assert!(columns > 0 && values.len().is_multiple_of(columns), "rows of {columns} values");
        Self { values, rows: values.len() / columns, columns, is_transposed: false }
    }

    pub(crate) fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, is_transposed: !self.is_transposed, ..self }
    }

    /// Writes the product into `out`, row after row, or adds it to what is there. By the threads of the current `rayon` pool.
    pub(crate) fn times(self, other: Matrix<'_>, out: &mut [f32], is_sum: bool) {
        assert_eq!(self.columns, other.rows, "a row of the one for each column of the other");
        assert_eq!(out.len(), self.rows * other.columns, "a value for each row and column");
        let (rows, columns, between) = (self.rows, other.columns, self.columns);
        let [(left_column, left_row), (right_column, right_row)] = [self.strides(), other.strides()];
        let alpha = if is_sum { 1.0 } else { 0.0 };
        // SAFETY: a matrix has `rows * columns` values at these strides, and `out` has its length; all three were checked.
        unsafe {
            gemm(
                rows,
                columns,
                between,
                out.as_mut_ptr(),
                1,
                columns.cast_signed(),
                is_sum,
                self.values.as_ptr(),
                left_column,
                left_row,
                other.values.as_ptr(),
                right_column,
                right_row,
                alpha,
                1.0,
                false,
                false,
                false,
                Parallelism::Rayon(rayon::current_num_threads()),
            );
        }
    }

    /// How far apart columns and rows are.
    fn strides(self) -> (isize, isize) {
        if self.is_transposed { (self.rows.cast_signed(), 1) } else { (1, self.columns.cast_signed()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_sums_of_products() {
        let value = |index: usize| (index * 7 % 13) as f32 - 6.0;
        for (rows, between, columns) in [(1, 1, 1), (3, 2, 5), (17, 33, 9), (0, 4, 2), (64, 70, 131)] {
            let left: Vec<f32> = (0..rows * between).map(value).collect();
            let right: Vec<f32> = (0..between * columns).map(|index| value(index + 3)).collect();
            let twice = |row: usize, column: usize| -> f32 {
                2.0 * (0..between).map(|k| left[row * between + k] * right[k * columns + column]).sum::<f32>()
            };
            let expected: Vec<f32> = (0..rows * columns).map(|at| twice(at / columns, at % columns)).collect();
            let turned = |values: &[f32], columns: usize| -> Vec<f32> {
                (0..columns).flat_map(|column| values.iter().copied().skip(column).step_by(columns)).collect()
            };
            let (turned_left, turned_right) = (turned(&left, between), turned(&right, columns));
            let plain = (Matrix::new(&left, between), Matrix::new(&right, columns));
            let by_columns =
                (Matrix::new(&turned_left, rows.max(1)).transposed(), Matrix::new(&turned_right, between).transposed());
            for (a, b) in [plain, by_columns].into_iter().take(if rows > 0 { 2 } else { 1 }) {
                let mut out = vec![f32::NAN; rows * columns];
                a.times(b, &mut out, false);
                a.times(b, &mut out, true);
                assert_eq!(out, expected);
            }
        }
    }
}

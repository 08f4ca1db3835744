//! Windows of ids that are in memory, copied into the arrays of a batch.

use crate::ahead;

/// Rows of ids from given places on, each with one id more for the targets.
#[derive(Debug)]
pub struct Windows<'a> {
    tokens: &'a [u32],
    starts: &'a [f64],
    /// Those that will be asked for soon.
    next: &'a [f64],
    columns: usize,
}

impl<'a> Windows<'a> {
    /// The windows of `columns` ids of `tokens` at the first `rows` of `starts`, which are whole numbers; those at the others will be asked for soon. `None`
    /// when a window and one id more are not all there.
    pub fn new(tokens: &'a [u32], starts: &'a [f64], rows: usize, columns: usize) -> Option<Self> {
        // A cast makes 0 of NaN and of what is negative.
        let is_inside = |&start: &f64| (start as usize).saturating_add(columns) < tokens.len();
        if !starts.iter().all(is_inside) || starts.len().checked_mul(columns).is_none() {
            return None;
        }
        let (starts, next) = starts.split_at_checked(rows)?;
        Some(Self { tokens, starts, next, columns })
    }

    /// How many ids all windows have together.
    pub fn places(&self) -> usize {
        self.starts.len() * self.columns
    }

    /// Writes the windows to `inputs`, row after row, and to `targets` those from one id later.
    ///
    /// # Panics
    /// When either has not [as many places](Windows::places).
    pub fn copy_to(&self, inputs: &mut [u32], targets: &mut [i32]) {
        assert!(inputs.len() == self.places() && targets.len() == self.places(), "they are as long as all windows");
        // SAFETY: both have one size and alignment, and any bits are either.
        let targets = unsafe { std::slice::from_raw_parts_mut(targets.as_mut_ptr().cast::<u32>(), targets.len()) };
        if self.columns == 0 {
            return;
        }
        let bytes = (self.columns + 1) * size_of::<u32>();
        let ahead = ahead::rows(bytes, self.starts.len());
        let places = inputs.chunks_exact_mut(self.columns).zip(targets.chunks_exact_mut(self.columns));
        for (row, (&start, (inputs, targets))) in self.starts.iter().zip(places).enumerate() {
            if let Some(&later) = ahead::row(self.starts, self.next, row + ahead) {
                ahead::ask_for(self.tokens.as_ptr().wrapping_add(later as usize).cast(), bytes);
            }
            let from = &self.tokens[start as usize..][..=self.columns];
            inputs.copy_from_slice(&from[..self.columns]);
            targets.copy_from_slice(&from[1..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_ids_from_their_starts_on() {
        let tokens: Vec<u32> = (0..1_000).map(|number| u32::MAX - number).collect();
        for (rows, columns) in [(0, 5), (1, 1), (3, 0), (7, 64), (40, 3), (2, 999)] {
            let starts: Vec<f64> = (0..rows + 5).map(|row| f64::from(row * 37 % (1_000 - columns))).collect();
            let windows = Windows::new(&tokens, &starts, rows as usize, columns as usize).expect("they are there");
            assert_eq!(windows.places(), (rows * columns) as usize);
            let (mut inputs, mut targets) = (vec![0; windows.places()], vec![0; windows.places()]);
            windows.copy_to(&mut inputs, &mut targets);
            for (row, &start) in starts.iter().take(rows as usize).enumerate() {
                for column in 0..columns as usize {
                    let (at, place) = (row * columns as usize + column, start as usize + column);
                    assert_eq!((inputs[at], targets[at]), (tokens[place], tokens[place + 1].cast_signed()));
                }
            }
        }
    }

    #[test]
    fn windows_that_are_not_there_are_none() {
        let tokens = [1, 2, 3, 4];
        assert!(Windows::new(&tokens, &[0.0, 1.0], 2, 2).is_some());
        for (starts, rows, columns) in [
            (&[2.0][..], 1, 2),
            (&[0.0, 2.0], 1, 2),
            (&[f64::INFINITY], 1, 1),
            (&[0.0], 2, 1),
            (&[0.0], 1, 4),
            (&[1.0], 1, usize::MAX),
        ] {
            assert!(Windows::new(&tokens, starts, rows, columns).is_none(), "{starts:?} {rows} {columns}");
        }
        assert!(Windows::new(&[], &[], 0, 3).is_some_and(|windows| windows.places() == 0));
    }
}

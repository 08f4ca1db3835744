//! Steps of the optimisers, row by row.
//!
//! Computed in `f32` in the order of torch's single-tensor implementations, so that results differ from torch's by no more than what it
//! contracts into fused operations.

use rayon::prelude::*;

use super::stream::prefetch_bytes;
use super::wide::wide;
use super::{Halves, MutRows, PARALLEL_FROM, rows_per_task};
use crate::Result;
use crate::element::Element;
use crate::threads::in_pool;

/// Values of a row that change at a time.
const LINE: usize = 16;

/// How a row changes by its gradient. `moments` has [`Update::moments`] rows, one after the other.
pub(crate) trait Update: Copy + Sync {
    /// Rows of memory for each row of the table.
    fn moments(&self) -> usize;

    /// Whether a dense step changes rows that had no gradient.
    fn changes_all(&self) -> bool;

    /// Changes `row` and `moments`. `grad` is `None` for a row that had no gradient, in a dense step. `next` is what changes after it.
    fn apply<T: Element>(
        &self,
        halves: impl Halves,
        row: &mut [T],
        moments: &mut [f32],
        grad: Option<&[f32]>,
        next: Option<Next<T>>,
    );
}

/// Where a row and its moments start that change next. They are asked for line by line while the row before them changes: by itself the processor
/// asks for what follows, which are other lines, and no farther than to the end of a page.
#[derive(Clone, Copy)]
pub(crate) struct Next<T> {
    row: *const T,
    moments: *const f32,
}

impl<T> Next<T> {
    /// Asks for a line of the row and of each of `count` moments, each `width` values long.
    #[inline(always)]
    fn ask_for(&self, start: usize, width: usize, count: usize) {
        prefetch_bytes(self.row.wrapping_add(start).cast(), LINE * size_of::<T>());
        for index in 0..count {
            prefetch_bytes(self.moments.wrapping_add(index * width + start).cast(), LINE * size_of::<f32>());
        }
    }
}

/// What becomes of a line of a row and of its `N` moments by its gradient.
trait Change<const N: usize>: Copy {
    fn change(&self, values: &mut [f32; LINE], moments: &mut [[f32; LINE]; N], grad: &[f32; LINE]);
}

/// Changes a row and its moments, line by line.
#[inline(always)]
fn change_row<T: Element, const N: usize>(
    rule: &impl Change<N>,
    halves: impl Halves,
    row: &mut [T],
    mut moments: [&mut [f32]; N],
    grad: Option<&[f32]>,
    next: Option<Next<T>>,
) {
    let width = row.len();
    let whole = width / LINE * LINE;
    for start in (0..width).step_by(LINE) {
        if let Some(next) = &next {
            next.ask_for(start, width, N);
        }
        if start == whole {
            break;
        }
        let mut lines = [[0.0; LINE]; N];
        for index in 0..N {
            lines[index] = *line_at(moments[index], start);
        }
        let line = line_at_mut(row, start);
        let mut values = T::widen_all(line, halves);
        rule.change(&mut values, &mut lines, grad.map_or(&[0.0; LINE], |grad| line_at(grad, start)));
        *line = T::narrow_all(&values, halves);
        for index in 0..N {
            *line_at_mut(moments[index], start) = lines[index];
        }
    }
    // What is left is a part of a line.
    let rest = width - whole;
    if rest > 0 {
        let (mut line, mut lines, mut grads) = ([T::narrow(0.0); LINE], [[0.0; LINE]; N], [0.0; LINE]);
        line[..rest].copy_from_slice(&row[whole..]);
        for (line, moments) in lines.iter_mut().zip(&moments) {
            line[..rest].copy_from_slice(&moments[whole..]);
        }
        if let Some(grad) = grad {
            grads[..rest].copy_from_slice(&grad[whole..]);
        }
        let mut values = T::widen_all(&line, halves);
        rule.change(&mut values, &mut lines, &grads);
        row[whole..].copy_from_slice(&T::narrow_all(&values, halves)[..rest]);
        for (line, moments) in lines.iter().zip(&mut moments) {
            moments[whole..].copy_from_slice(&line[..rest]);
        }
    }
}

#[inline(always)]
fn line_at<T>(values: &[T], start: usize) -> &[T; LINE] {
    &values[start..].as_chunks().0[0]
}

#[inline(always)]
fn line_at_mut<T>(values: &mut [T], start: usize) -> &mut [T; LINE] {
    &mut values[start..].as_chunks_mut().0[0]
}

/// How far a moment goes from where it is to what is new, a share of 1 - beta of the way. Counted from the end that is nearer: from the
/// far one, little would be the difference of two large numbers, and lose all of its digits. torch's `lerp` does the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    /// From the moment, by this share.
    FromOld(f32),
    /// From what is new, back by this share.
    FromNew(f32),
}

impl Rate {
    pub(crate) fn of_beta(beta: f64) -> Self {
        if beta > 0.5 { Self::FromOld((1.0 - beta) as f32) } else { Self::FromNew(beta as f32) }
    }

    #[inline(always)]
    fn apply(self, old: f32, new: f32) -> f32 {
        match self {
            Self::FromOld(share) => old + share * (new - old),
            Self::FromNew(share) => new - share * (new - old),
        }
    }

    /// One number for both: that from what is new is negative, if only -0.
    pub(crate) fn signed(self) -> f32 {
        match self {
            Self::FromOld(share) => share,
            Self::FromNew(share) => -share,
        }
    }
}

/// Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019).
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamW {
    /// What a row is multiplied by first.
    pub(crate) decay: f32,
    /// How the first and the second moment change.
    pub(crate) rates: [Rate; 2],
    pub(crate) epsilon: f32,
    pub(crate) step_size: f32,
    /// What the square root of the second moment is divided by.
    pub(crate) second_correction: f32,
}

impl Update for AdamW {
    fn moments(&self) -> usize {
        2
    }

    fn changes_all(&self) -> bool {
        true
    }

    #[inline(always)]
    fn apply<T: Element>(
        &self,
        halves: impl Halves,
        row: &mut [T],
        moments: &mut [f32],
        grad: Option<&[f32]>,
        next: Option<Next<T>>,
    ) {
        let (first, second) = moments.split_at_mut(row.len());
        let moments = [first, second];
        match self.rates {
            // Of nearly every training. To ask in each value takes a fifth more time.
            [Rate::FromOld(first), Rate::FromOld(second)] => {
                change_row(&Usual { adam: *self, rates: [first, second] }, halves, row, moments, grad, next);
            }
            _ => change_row(self, halves, row, moments, grad, next),
        }
    }
}

impl AdamW {
    #[inline(always)]
    fn moved(&self, value: f32, first: f32, second: f32) -> f32 {
        let divisor = second.sqrt() / self.second_correction + self.epsilon;
        value * self.decay - self.step_size * (first / divisor)
    }
}

impl Change<2> for AdamW {
    #[inline(always)]
    fn change(&self, values: &mut [f32; LINE], [first, second]: &mut [[f32; LINE]; 2], grad: &[f32; LINE]) {
        for at in 0..LINE {
            first[at] = self.rates[0].apply(first[at], grad[at]);
            second[at] = self.rates[1].apply(second[at], grad[at] * grad[at]);
            values[at] = self.moved(values[at], first[at], second[at]);
        }
    }
}

/// With moments that both go less than half of the way.
#[derive(Clone, Copy)]
struct Usual {
    adam: AdamW,
    rates: [f32; 2],
}

impl Change<2> for Usual {
    #[inline(always)]
    fn change(&self, values: &mut [f32; LINE], [first, second]: &mut [[f32; LINE]; 2], grad: &[f32; LINE]) {
        for at in 0..LINE {
            first[at] += self.rates[0] * (grad[at] - first[at]);
            second[at] += self.rates[1] * (grad[at] * grad[at] - second[at]);
            values[at] = self.adam.moved(values[at], first[at], second[at]);
        }
    }
}

/// Stochastic gradient descent with momentum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sgd {
    pub(crate) learning_rate: f32,
    pub(crate) weight_decay: f32,
    /// `None` keeps no moments.
    pub(crate) momentum: Option<f32>,
    pub(crate) nesterov: bool,
}

impl Update for Sgd {
    fn moments(&self) -> usize {
        usize::from(self.momentum.is_some())
    }

    fn changes_all(&self) -> bool {
        self.momentum.is_some() || self.weight_decay != 0.0
    }

    #[inline(always)]
    fn apply<T: Element>(
        &self,
        halves: impl Halves,
        row: &mut [T],
        moments: &mut [f32],
        grad: Option<&[f32]>,
        next: Option<Next<T>>,
    ) {
        match self.momentum {
            None => change_row(self, halves, row, [], grad, next),
            Some(momentum) => change_row(&Along { sgd: *self, momentum }, halves, row, [moments], grad, next),
        }
    }
}

impl Change<0> for Sgd {
    #[inline(always)]
    fn change(&self, values: &mut [f32; LINE], _: &mut [[f32; LINE]; 0], grad: &[f32; LINE]) {
        for at in 0..LINE {
            values[at] -= self.learning_rate * (grad[at] + self.weight_decay * values[at]);
        }
    }
}

/// With momentum.
#[derive(Clone, Copy)]
struct Along {
    sgd: Sgd,
    momentum: f32,
}

impl Change<1> for Along {
    #[inline(always)]
    fn change(&self, values: &mut [f32; LINE], [moment]: &mut [[f32; LINE]; 1], grad: &[f32; LINE]) {
        let Self { sgd, momentum } = *self;
        for at in 0..LINE {
            let grad = grad[at] + sgd.weight_decay * values[at];
            moment[at] = momentum * moment[at] + grad;
            let along = if sgd.nesterov { grad + momentum * moment[at] } else { moment[at] };
            values[at] -= sgd.learning_rate * along;
        }
    }
}

/// The gradient of a table, and which of its rows a step changes.
#[derive(Clone, Copy)]
pub(crate) enum Gradients<'a> {
    /// Row `ids[i]`, none of which is there twice, has gradient `i`; no other row changes.
    Rows(&'a [u32]),
    /// Row `i` has gradient `slots[i]`, or 0 where that is `u32::MAX`; all rows change that the rule changes by none.
    All(&'a [u32]),
}

/// Changes a table of rows of `dimensions` values by `grads`, rows of the same size.
pub(crate) fn update_rows<T: Element, U: Update>(
    update: &U,
    dimensions: usize,
    which: Gradients<'_>,
    grads: &[f32],
    table: &mut [T],
    moments: &mut [f32],
) -> Result<()> {
    let work = MutRows::new(table, dimensions);
    let moments = MutRows::new(moments, update.moments() * dimensions);
    let grad = |index: u32| &grads[index as usize * dimensions..][..dimensions];
    let (Gradients::Rows(list) | Gradients::All(list)) = which;
    let task = |(chunk, list): (usize, &[u32])| {
        let first = chunk * rows_per_task(dimensions);
        for (index, &entry) in list.iter().enumerate() {
            let row_of = |index: usize, entry: u32| match which {
                Gradients::Rows(_) => entry as usize,
                Gradients::All(_) => first + index,
            };
            let grad = match which {
                Gradients::Rows(_) => Some(grad((first + index) as u32)),
                Gradients::All(_) if entry == u32::MAX && !update.changes_all() => continue,
                Gradients::All(_) => (entry != u32::MAX).then(|| grad(entry)),
            };
            let changes = |&&next: &&u32| next != u32::MAX || update.changes_all();
            let next = list.get(index + 1).filter(changes).map(|&next| {
                let row = row_of(index + 1, next);
                Next { row: work.start_of(row), moments: moments.start_of(row) }
            });
            let row = row_of(index, entry);
            // SAFETY: no id is there twice, and each row number is there once.
            let (row, moments) = unsafe { (work.row(row), moments.row(row)) };
            update_row(update, row, moments, grad, next);
        }
    };
    let rows = rows_per_task(dimensions);
    if list.len().saturating_mul(dimensions) < PARALLEL_FROM {
        list.chunks(rows).enumerate().for_each(task);
        return Ok(());
    }
    in_pool(|| list.par_chunks(rows).enumerate().for_each(task))
}

wide! {
    fn update_row<T: Element, U: Update>[halves: H](
        update: &U,
        row: &mut [T],
        moments: &mut [f32],
        grad: Option<&[f32]>,
        next: Option<Next<T>>,
    ) {
        update.apply(halves, row, moments, grad, next);
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    const ADAM_W: AdamW = AdamW {
        decay: 0.99,
        rates: [Rate::FromOld(0.1), Rate::FromOld(0.001)],
        epsilon: 1e-8,
        step_size: 0.01,
        second_correction: 0.9,
    };
    const SGD: Sgd = Sgd { learning_rate: 0.1, weight_decay: 0.01, momentum: None, nesterov: false };

    fn numbers(len: usize, seed: u32) -> Vec<f32> {
        let number = |i: u32| ((i * 31 + seed).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0;
        (0..len as u32).map(number).collect()
    }

    /// One value after the other.
    fn check<T: Element, U: Update>(update: &U, one: impl Fn(f32, &mut [f32], f32) -> f32) {
        for dimensions in [1, LINE - 1, LINE, LINE + 1, 3 * LINE + 5] {
            let rows = 5;
            let mut table: Vec<T> = numbers(rows * dimensions, 1).into_iter().map(T::narrow).collect();
            // Second moments are no less than 0.
            let mut moments = numbers(rows * update.moments() * dimensions, 2);
            for moment in &mut moments {
                *moment = moment.abs();
            }
            let grads = numbers(2 * dimensions, 3);
            for which in [Gradients::All(&[u32::MAX, 1, u32::MAX, 0, u32::MAX]), Gradients::Rows(&[4, 2])] {
                let (mut naive, mut kept) = (table.clone(), moments.clone());
                for row in 0..rows {
                    let grad = match which {
                        Gradients::All(slots) => Some(slots[row]),
                        Gradients::Rows(ids) => ids.iter().position(|&id| id as usize == row).map(|slot| slot as u32),
                    };
                    let Some(slot) = grad else { continue };
                    for column in 0..dimensions {
                        let grad = if slot == u32::MAX { 0.0 } else { grads[slot as usize * dimensions + column] };
                        let place = |index| (row * update.moments() + index) * dimensions + column;
                        let mut of_value: Vec<f32> = (0..update.moments()).map(|index| kept[place(index)]).collect();
                        let value = &mut naive[row * dimensions + column];
                        *value = T::narrow(one(value.widen(), &mut of_value, grad));
                        of_value.iter().enumerate().for_each(|(index, &moment)| kept[place(index)] = moment);
                    }
                }
                update_rows(update, dimensions, which, &grads, &mut table, &mut moments).unwrap();
                assert!(table.iter().zip(&naive).all(|(a, b)| a.widen().to_bits() == b.widen().to_bits()));
                assert!(moments.iter().zip(&kept).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
        }
    }

    fn check_all<T: Element>() {
        check::<T, _>(&ADAM_W, |value, moments, grad| {
            moments[0] += 0.1 * (grad - moments[0]);
            moments[1] += 0.001 * (grad * grad - moments[1]);
            let divisor = moments[1].sqrt() / ADAM_W.second_correction + ADAM_W.epsilon;
            value * ADAM_W.decay - ADAM_W.step_size * (moments[0] / divisor)
        });
        let rates = [Rate::FromNew(0.25), Rate::FromNew(0.0)];
        check::<T, _>(&AdamW { rates, ..ADAM_W }, |value, moments, grad| {
            moments[0] = grad - 0.25 * (grad - moments[0]);
            moments[1] = grad * grad;
            let divisor = moments[1].sqrt() / ADAM_W.second_correction + ADAM_W.epsilon;
            value * ADAM_W.decay - ADAM_W.step_size * (moments[0] / divisor)
        });
        for weight_decay in [0.0, 0.01] {
            let sgd = Sgd { weight_decay, ..SGD };
            check::<T, _>(&sgd, |value, _, grad| value - sgd.learning_rate * (grad + weight_decay * value));
            for nesterov in [false, true] {
                check::<T, _>(&Sgd { momentum: Some(0.9), nesterov, ..sgd }, |value, moments, grad| {
                    let grad = grad + weight_decay * value;
                    moments[0] = 0.9 * moments[0] + grad;
                    value - sgd.learning_rate * if nesterov { grad + 0.9 * moments[0] } else { moments[0] }
                });
            }
        }
    }

    #[test]
    fn a_moment_is_right_to_the_last_digits_for_every_beta() {
        for beta in [0.0, 1e-9, 0.1, 0.4, 0.5, 0.6, 0.9, 0.999] {
            let rate = Rate::of_beta(beta);
            for (old, new) in [(1.0, 1e-10), (1.0, 1e-20), (1e-10, 1.0), (0.3, 0.4), (0.0, 3.0), (2.0, 0.0)] {
                let expected = beta * f64::from(old) + (1.0 - beta) * f64::from(new);
                let found = f64::from(rate.apply(old, new));
                assert!(
                    (found - expected).abs() <= 3e-7 * expected,
                    "{beta}: {old} to {new} is {expected}, not {found}"
                );
            }
            assert_eq!(rate.signed().is_sign_negative(), beta <= 0.5);
        }
    }

    #[test]
    fn rows_change_value_by_value() {
        check_all::<f32>();
        check_all::<bf16>();
        check_all::<f16>();
    }

    #[test]
    fn a_step_without_moments_and_decay_leaves_rows_without_gradient() {
        let mut table = [f32::INFINITY, 1.0];
        update_rows(&Sgd { weight_decay: 0.0, ..SGD }, 1, Gradients::All(&[u32::MAX, 0]), &[2.0], &mut table, &mut [])
            .unwrap();
        assert_eq!(table.map(f32::to_bits), [f32::INFINITY, 1.0 - 0.1 * 2.0].map(f32::to_bits));
    }
}

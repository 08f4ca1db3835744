//! Tokens one after the other, each copied as 16 bytes, whatever its length: the rest is written over by the next one.

use std::collections::TryReserveError;

/// Tokens that memory is asked for at a time.
const CHUNK: usize = 128;
/// What is copied at once, in bytes.
const WIDTH: usize = 16;

/// What tokens are copied as.
///
/// # Safety
/// Any bits are a value, of a size that [`WIDTH`] is a multiple of.
pub(crate) unsafe trait Item: Copy {}

// SAFETY: any bits are a number.
unsafe impl Item for u8 {}
// SAFETY: as above.
unsafe impl Item for u16 {}

/// What items are appended to.
///
/// # Safety
/// Where [`Appended::place`] points, so many items may be written, until anything else is done with it.
pub(crate) unsafe trait Appended<T> {
    /// Why there is no memory.
    type Error;

    /// Makes room for so many more, and gives the place of the first of them.
    fn place(&mut self, more: usize) -> Result<*mut T, Self::Error>;

    /// So many more are part of it now.
    ///
    /// # Safety
    /// They were written, and room was made for them.
    unsafe fn grow(&mut self, more: usize);
}

// SAFETY: its spare capacity is at least what was reserved.
unsafe impl<T> Appended<T> for Vec<T> {
    type Error = TryReserveError;

    #[inline(always)]
    fn place(&mut self, more: usize) -> Result<*mut T, TryReserveError> {
        self.try_reserve(more)?;
        Ok(self.spare_capacity_mut().as_mut_ptr().cast())
    }

    #[inline(always)]
    unsafe fn grow(&mut self, more: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.set_len(self.len() + more) };
    }
}

/// The items of tokens, to be copied by id.
#[derive(Clone, Copy)]
pub(crate) struct Copies<'a, T> {
    items: &'a [T],
    /// Token `id` is `items[starts[id]..starts[id + 1]]`.
    starts: &'a [u32],
}

impl<'a, T: Item> Copies<'a, T> {
    /// A token of more items is none of few.
    pub const FEW: usize = WIDTH / size_of::<T>();

    /// Those of the tokens that lie in `items` as `starts` says.
    pub fn new(items: &'a [T], starts: &'a [u32]) -> Self {
        Self { items, starts }
    }

    /// The room that [`Copies::push_few`] asks for at a time, for so many ids.
    pub fn room(ids: usize) -> usize {
        (ids.min(CHUNK) + 1) * Self::FEW
    }

    /// Appends the tokens of `ids` to `out`, up to the first one of which `stops` is true, that has no items or more than [`Copies::FEW`], or that is one
    /// of the last; or up to some number. Returns how many.
    ///
    /// # Errors
    /// There is not enough memory.
    #[inline(always)]
    pub fn push_few<A: Appended<T>>(
        &self,
        ids: &[u32],
        out: &mut A,
        stops: impl Fn(u32) -> bool,
    ) -> Result<usize, A::Error> {
        let ids = &ids[..ids.len().min(CHUNK)];
        let place = out.place(Self::room(ids.len()))?;
        let Some(last) = self.items.len().checked_sub(Self::FEW) else { return Ok(0) };
        let (mut length, mut count) = (0, 0);
        let ids_end = self.starts.len().saturating_sub(1);
        for &id in ids {
            if id as usize >= ids_end {
                break;
            }
            // SAFETY: there is one more start after it.
            let [start, end] =
                unsafe { [*self.starts.get_unchecked(id as usize), *self.starts.get_unchecked(id as usize + 1)] };
            // One branch for both.
            let is_last = start as usize > last;
            if is_last | (end.wrapping_sub(start).wrapping_sub(1) >= Self::FEW as u32) || stops(id) {
                break;
            }
            // SAFETY: so many items are there from a start up to the last one on, and there is room for as many after the tokens before this
            // one, each of which has at most so many.
            unsafe {
                let few = self.items.as_ptr().add(start as usize).cast::<u128>().read_unaligned();
                place.add(length).cast::<u128>().write_unaligned(few);
            }
            length += (end - start) as usize;
            count += 1;
        }
        // SAFETY: so much has been written.
        unsafe { out.grow(length) };
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens of `ids` by copies of 16 bytes, stopped by the id 7.
    fn copied<T: Item>(copies: Copies<T>, ids: &[u32]) -> (Vec<T>, usize) {
        let mut out = Vec::new();
        let count = copies.push_few(ids, &mut out, |id| id == 7).expect("there is memory");
        (out, count)
    }

    #[test]
    fn tokens_are_copied_up_to_the_first_that_is_none_of_few() {
        // Tokens of 1, 16, 17, 0, 2 and 20 bytes, then some whose 16 bytes end behind all.
        let starts = [0, 1, 17, 34, 34, 36, 56, 57, 58, 59];
        let items: Vec<u8> = (0..59).collect();
        let copies = Copies::new(&items, &starts);
        assert_eq!(
            copied(copies, &[4, 1, 0, 1]),
            ([&items[34..36], &items[1..17], &items[..1], &items[1..17]].concat(), 4)
        );
        for none in [2, 3, 5, 6, 7, 8, 9, 10, u32::MAX] {
            assert_eq!(copied(copies, &[4, none, 0]), (items[34..36].to_vec(), 1), "{none}");
        }
        assert_eq!(copied(copies, &[1; 1_000]).1, CHUNK);
        assert_eq!(copied(copies, &[]), (vec![], 0));
    }

    #[test]
    fn eight_units_are_few() {
        let (items, starts): (Vec<u16>, _) = ((0..40).collect(), [0, 8, 17, 18, 40]);
        let copies = Copies::new(&items, &starts);
        assert_eq!(copied(copies, &[0, 2, 1]), ([&items[..8], &items[17..18]].concat(), 2));
    }

    #[test]
    fn fewer_items_than_are_copied_at_once_are_left_to_others() {
        assert_eq!(copied(Copies::new(b"abc", &[0, 1, 2, 3]), &[0]), (vec![], 0));
    }
}

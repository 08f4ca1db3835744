//! The ids of tasks one after the other, whichever is done first.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::batch::LONG_TEXT;
use crate::pages::touch;
use crate::sink::reserve;
use crate::{Error, Ids};

/// What becomes of the ids of tasks. Where there is room for all of them, those of a task go to their place as soon as all tasks before it are done, and
/// the memory that they were in to another task, while the processor's caches have it. Where there is none they are put together in the end.
pub(crate) struct Joined<'a>(Mutex<State<'a>>);

/// Memory that a rare task made larger, in ids, is not used again.
const MOST: usize = LONG_TEXT;

struct State<'a> {
    /// Room from the end of what has come on.
    room: &'a mut [u32],
    /// How many of `room`, from its start on, have memory already.
    touched: usize,
    /// How many ids have a place.
    length: usize,
    /// The next task whose ids get a place.
    next: usize,
    /// The ids of tasks that have none yet.
    early: BTreeMap<usize, Vec<u32>>,
    /// Memory for the ids of tasks to come.
    free: Vec<Vec<u32>>,
}

/// Ids and the place that they go to.
struct Move<'a> {
    ids: Vec<u32>,
    place: &'a mut [u32],
    is_touched: bool,
}

impl<'a> Joined<'a> {
    /// None yet. `ids` has room for all of all tasks, or for none.
    pub fn new(ids: &'a mut Ids) -> Self {
        let (room, touched) = ids.room();
        Self(Mutex::new(State { room, touched, length: 0, next: 0, early: BTreeMap::new(), free: Vec::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory for the ids of a task of so many `bytes`, with room for as many as most texts have.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn memory(&self, bytes: usize) -> Result<Vec<u32>, Error> {
        let mut ids = self.state().free.pop().unwrap_or_default();
        reserve(&mut ids, bytes / 4)?;
        Ok(ids)
    }

    /// Takes the `ids` of task number `task`.
    pub fn take(&self, task: usize, ids: Vec<u32>) {
        let moves = self.state().take(task, ids);
        // Other threads do not wait for new memory, and for what is copied.
        let mut free = None;
        for Move { mut ids, place, is_touched } in moves {
            if !is_touched {
                touch(place);
            }
            place.copy_from_slice(&ids);
            ids.clear();
            free.get_or_insert(ids);
        }
        // One for the next task of this thread. If others had to wait for their place, theirs are as many too many.
        self.state().free.extend(free.filter(|ids| ids.capacity() <= MOST));
    }

    /// How many ids are in the room that there was; else those of each task.
    pub fn into_parts(self) -> (usize, Vec<Vec<u32>>) {
        let State { length, early, .. } = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        (length, early.into_values().collect())
    }
}

impl<'a> State<'a> {
    /// Those that get a place now that the `ids` of `task` are there.
    fn take(&mut self, task: usize, ids: Vec<u32>) -> Vec<Move<'a>> {
        self.early.insert(task, ids);
        let mut moves = Vec::new();
        while let Some(count) = self.early.get(&self.next).map(Vec::len).filter(|&count| count <= self.room.len()) {
            let (place, room) = mem::take(&mut self.room).split_at_mut(count);
            let ids = self.early.remove(&self.next).expect("it was found");
            moves.push(Move { ids, place, is_touched: count <= self.touched });
            self.room = room;
            self.touched = self.touched.saturating_sub(count);
            self.length += count;
            self.next += 1;
        }
        moves
    }
}

/// `all` one after the other, copied by all threads; a single one is not copied.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(crate) fn concatenated(mut all: Vec<Vec<u32>>) -> Result<Vec<u32>, Error> {
    if all.len() <= 1 {
        return Ok(all.pop().unwrap_or_default());
    }
    let total = all.iter().map(Vec::len).sum();
    let mut ids: Vec<u32> = Vec::new();
    ids.try_reserve_exact(total).map_err(|_| Error::OutOfMemory { bytes: total.saturating_mul(4) })?;
    let mut rest = &mut ids.spare_capacity_mut()[..total];
    let mut places = Vec::with_capacity(all.len());
    for one in &all {
        let (place, after) = rest.split_at_mut(one.len());
        places.push(place);
        rest = after;
    }
    // Each is freed as soon as it is copied.
    all.into_par_iter().zip(places).for_each(|(one, place)| {
        place.write_copy_of_slice(&one);
    });
    // SAFETY: the places are the first `total`, and all have been written.
    unsafe { ids.set_len(total) };
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;

    use super::*;

    #[test]
    fn ids_are_in_the_order_of_the_tasks() {
        let mut rng = Rng::new(1);
        for bytes in [0, 10, Ids::LONG] {
            for round in 0..30 {
                let tasks: Vec<Vec<u32>> = (0..50).map(|_| (0..rng.below(3_000) as u32).collect()).collect();
                let mut order: Vec<usize> = (0..tasks.len()).collect();
                for last in (1..order.len()).rev() {
                    order.swap(last, rng.below(last + 1));
                }
                let mut ids = Ids::of_text(bytes);
                let joined = Joined::new(&mut ids);
                let done = |&task: &usize| {
                    let mut memory = joined.memory(100).expect("there is some");
                    assert!(memory.is_empty() && memory.capacity() >= 25);
                    memory.extend(&tasks[task]);
                    joined.take(task, memory);
                };
                if round % 2 == 0 {
                    order.iter().for_each(done);
                } else {
                    order.par_iter().for_each(done);
                }
                let (length, rest) = joined.into_parts();
                ids.add(length);
                let found = if rest.is_empty() { ids } else { concatenated(rest).expect("there is memory").into() };
                assert!(found[..] == tasks.concat(), "{bytes} bytes, round {round}");
            }
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_used_again_as_soon_as_its_ids_have_a_place() {
        let mut ids = Ids::of_text(Ids::LONG);
        let joined = Joined::new(&mut ids);
        let new = || joined.memory(4_000).expect("there is some");
        let with = |mut memory: Vec<u32>, id| {
            memory.push(id);
            memory
        };
        let (zero, one, two) = (with(new(), 0), with(new(), 1), with(new(), 2));
        joined.take(2, two);
        joined.take(1, one);
        assert!(joined.state().free.is_empty());
        let first = zero.as_ptr();
        joined.take(0, zero);
        // That of one task: this thread has no use for three.
        assert_eq!(joined.state().free.len(), 1);
        assert!(joined.state().early.is_empty());
        let again = new();
        assert_eq!(again.as_ptr(), first);
        joined.take(3, vec![3; MOST + 1]);
        assert!(joined.state().free.is_empty());
        let (length, rest) = joined.into_parts();
        ids.add(length);
        assert!(rest.is_empty() && ids[..4] == [0, 1, 2, 3] && ids.len() == MOST + 4);
    }
}

//! The engine of `crates/bpe` for files whose ids are not its own.

use std::ops::Range;

use tokenmill_bpe::{Error as TextError, Sink, SpecialPolicy, Tokenizer};

use crate::aligned::{self, Aligned};
use crate::error::EncodeError;
use crate::placed::Placed;
use crate::words::{Ended, Until};

/// An engine, and the ids for its numbers of tokens.
pub(crate) struct Numbered {
    pub tokenizer: Tokenizer,
    ids: Box<[u32]>,
    /// What numbers stand for that have no id but several.
    several: Vec<Vec<u32>>,
    nothing: SpecialPolicy,
}

/// What a number comes to.
pub(crate) enum Ids {
    One(u32),
    Several(Vec<u32>),
}

/// In place of an id: so much and the place in `several`.
const SEVERAL: u32 = 1 << 31;

impl Numbered {
    /// With what each number of a token comes to. `None` when an id is too large.
    pub fn new(tokenizer: Tokenizer, all: impl Iterator<Item = Ids>) -> Option<Self> {
        let mut several = Vec::new();
        let ids = all.map(|ids| match ids {
            Ids::One(id) => Some(id).filter(|&id| id < SEVERAL),
            Ids::Several(ids) => {
                several.push(ids);
                Some(SEVERAL + several.len() as u32 - 1)
            }
        });
        let ids = ids.collect::<Option<_>>()?;
        Some(Self { tokenizer, ids, several, nothing: SpecialPolicy::of_nothing() })
    }

    /// See [`crate::aligned::place`]; each number has one id.
    ///
    /// # Errors
    /// Those of that.
    pub fn place(&self, (aligned, base): (&Aligned, usize), placed: &mut Placed) -> Result<(), EncodeError> {
        aligned::place((&self.tokenizer, &self.nothing), (aligned, base), |number| self.ids[number as usize], placed)
    }

    /// Adds the ids of `text` to `ids`; of those that were added none counts when it ends in another way.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>, until: Until) -> Ended {
        let before = ids.len();
        let mut sink = UpTo { numbers: before, largest: 0, engine: self, ids, most: until.most };
        let mut worker = self.tokenizer.idle_worker();
        let done = self.tokenizer.encode_to(text, &self.nothing, &mut worker, &mut sink, until.cancel);
        sink.translate();
        if sink.largest >= SEVERAL
            && let Err(bytes) = self.put_several(ids, before)
        {
            return Ended::TooLarge(bytes);
        }
        match done {
            Ok(()) if ids.len() > until.most => Ended::WithMore,
            Ok(()) => Ended::WithIds,
            Err(TextError::Cancelled) => Ended::Cancelled,
            Err(TextError::OutOfMemory { bytes }) => Ended::TooLarge(bytes),
            Err(_) => Ended::Untold,
        }
    }

    /// Puts several ids where one stands for them, from `start` on.
    ///
    /// # Errors
    /// There is not enough memory for so many bytes.
    fn put_several(&self, ids: &mut Vec<u32>, start: usize) -> Result<(), usize> {
        let several = |id: u32| &self.several[(id - SEVERAL) as usize];
        let more: usize = ids[start..].iter().filter(|&&id| id >= SEVERAL).map(|&id| several(id).len() - 1).sum();
        let (old, new) = (ids.len(), ids.len() + more);
        ids.try_reserve(more).map_err(|_| size_of::<u32>() * new)?;
        ids.resize(new, 0);
        // From the last one on, so that none is written over before it is read.
        let mut end = new;
        for at in (start..old).rev() {
            match ids[at] {
                id @ ..SEVERAL => {
                    end -= 1;
                    ids[end] = id;
                }
                id => {
                    let several = several(id);
                    end -= several.len();
                    ids[end..end + several.len()].copy_from_slice(several);
                }
            }
        }
        Ok(())
    }
}

/// Takes ids up to some more than `most`.
struct UpTo<'a> {
    engine: &'a Numbered,
    ids: &'a mut Vec<u32>,
    /// Where the numbers start that are still to be ids.
    numbers: usize,
    /// The largest id.
    largest: u32,
    most: usize,
}

impl UpTo<'_> {
    fn translate(&mut self) {
        for id in &mut self.ids[self.numbers..] {
            *id = self.engine.ids[*id as usize];
            self.largest = self.largest.max(*id);
        }
        self.numbers = self.ids.len();
    }
}

impl Sink for UpTo<'_> {
    #[inline(always)]
    fn is_full(&self) -> bool {
        self.ids.len() > self.most
    }

    fn reserve(&mut self, ids: usize) -> Result<(), TextError> {
        // Some at a time, while they are near.
        self.translate();
        Sink::reserve(self.ids, ids)
    }

    #[inline(always)]
    fn push(&mut self, id: u32) {
        Sink::push(self.ids, id);
    }

    #[inline(always)]
    fn extend(&mut self, ids: &[u32]) {
        Sink::extend(self.ids, ids);
    }

    #[inline(always)]
    fn extend_run(&mut self, ids: &[u32], run: Range<usize>) {
        self.ids.extend_run(ids, run);
    }

    #[inline(always)]
    fn extend_some(&mut self, ids: &[u32; 8], count: usize) {
        self.ids.extend_some(ids, count);
    }
}

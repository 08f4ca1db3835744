//! Batches whose texts cross from JavaScript while others of them are encoded, or counted, already.

use std::iter;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use tokenmill_bpe::{Counter, Ids, LONG_TEXT, Sink, SpecialPolicy, Tokenizer, Worker, stretches};

use crate::encoder::as_u32;
use crate::error::{Code, Error, Result};
use crate::memory::{push, room};
use crate::pool::{pool, threads};
use crate::text::JsTextOrBytes;
use crate::token_rows::{Rows, Texts, count_rows, encode_rows, from_bpe_in_row, lengths_of};

/// Code units and bytes that cross together.
const BLOCK: usize = 1 << 16;
/// Blocks for each thread that have crossed, or are encoded, at a time.
const AHEAD: usize = 3;
/// The same of texts of which some are long. All threads wait while they cross, which is short beside what they then do.
const STRETCH: usize = 1 << 22;

/// What the texts of a block come to, in memory that is used for one block after the other.
pub trait Part: Sink + Default + Send {
    /// How many ids there were.
    fn count(&self) -> usize;
    fn clear(&mut self);
}

/// What texts come to.
pub trait Whole: Sized {
    type Part: Part;

    /// That of no texts, with room for that of so many `texts`, which have about so many `bytes`.
    fn of(texts: usize, bytes: usize) -> Result<Self>;
    /// Adds that of the texts of a block. `ends`: how many ids there were behind each of them.
    fn add(&mut self, part: &Self::Part, ends: &[usize]) -> Result<()>;
    /// Adds that of other texts.
    fn append(&mut self, other: Self) -> Result<()>;
    /// That of `texts`, made on all threads.
    fn together(tokenizer: &Tokenizer, texts: &Texts, policy: &SpecialPolicy) -> Result<Self>;
}

/// The ids of all `texts`, or how many each of them has. Strings can only be read on this thread, which would be a tenth of the time of two others that wait
/// for it. Where there are no others they cross part by part too, so that no memory is as large as all of them.
pub fn crossing<W: Whole>(
    tokenizer: &Tokenizer,
    texts: &[JsTextOrBytes<'_>],
    strict: bool,
    policy: &SpecialPolicy,
) -> Result<W> {
    let lengths = lengths_of(texts)?;
    let threads = threads()? as usize;
    let blocks = stretches(lengths.iter().copied(), BLOCK);
    let all = || W::of(texts.len(), lengths.iter().sum());
    if threads == 1 {
        let mut all = Joined::new(all()?);
        let (mut block, mut worker) = (Block::new(strict), tokenizer.idle_worker());
        for (number, range) in blocks.into_iter().enumerate() {
            block.fill(number, texts, &lengths, range)?;
            block.error = block.encode(tokenizer, policy, &mut worker).err();
            all.take(&mut block)?;
        }
        return Ok(all.whole);
    }
    // One that is divided among the threads would wait for them while they wait for texts.
    let are_short = lengths.iter().all(|&length| length <= LONG_TEXT);
    if !are_short || blocks.len() < AHEAD * threads {
        let (mut some, rows) = (Texts::new(strict), stretches(lengths.iter().copied(), STRETCH));
        let mut next = |range: Range<usize>| {
            some.fill(&texts[range.clone()], &lengths[range.clone()], range.start)?;
            W::together(tokenizer, &some, policy)
        };
        if let [one] = &rows[..] {
            return next(one.clone());
        }
        let mut all = all()?;
        rows.into_iter().try_for_each(|range| all.append(next(range)?))?;
        return Ok(all);
    }
    let (orders, work) = channel();
    let (done, results) = channel();
    let work = Mutex::new(work);
    pool()?.in_place_scope(|scope| {
        for _ in 0..threads {
            let (done, work) = (done.clone(), &work);
            scope.spawn(move |_| encode_blocks(tokenizer, policy, work, &done));
        }
        drop(done);
        let mut free: Vec<Block<W::Part>> = iter::repeat_with(|| Block::new(strict)).take(AHEAD * threads).collect();
        let mut all = Joined::new(all()?);
        for (number, range) in blocks.into_iter().enumerate() {
            let mut block = match free.pop() {
                Some(block) => block,
                None => all.next(&results)?.ok_or_else(|| Error::new(Code::Internal, "a thread has ended"))?,
            };
            if let Err(error) = block.fill(number, texts, &lengths, range) {
                // One of a text before them goes first.
                drop(orders);
                while all.next(&results)?.is_some() {}
                return Err(error);
            }
            // Where nobody takes it all of them have panicked, which the end of the scope tells.
            _ = orders.send(block);
        }
        drop(orders);
        while all.next(&results)?.is_some() {}
        Ok(all.whole)
    })
}

/// Texts, and then what they come to, in memory that is used for one block after the other.
struct Block<P> {
    number: usize,
    texts: Texts,
    strings: String,
    part: P,
    /// How many ids there were behind each text.
    ends: Vec<usize>,
    error: Option<Error>,
}

impl<P: Part> Block<P> {
    fn new(strict: bool) -> Self {
        let (strings, part, ends) = (String::new(), P::default(), Vec::new());
        Self { number: 0, texts: Texts::new(strict), strings, part, ends, error: None }
    }

    /// Copies the texts of `range` in the place of others.
    fn fill(
        &mut self,
        number: usize,
        texts: &[JsTextOrBytes<'_>],
        lengths: &[usize],
        range: Range<usize>,
    ) -> Result<()> {
        self.number = number;
        self.texts.fill(&texts[range.clone()], &lengths[range.clone()], range.start)
    }

    /// Up to the first text that has an error.
    fn encode(&mut self, tokenizer: &Tokenizer, policy: &SpecialPolicy, worker: &mut Worker) -> Result<()> {
        #[cfg(feature = "test-hooks")]
        crate::test_hooks::panic_when_asked();
        let Self { texts, strings, part, ends, .. } = self;
        part.clear();
        ends.clear();
        texts.each(strings, |row, text, origin| {
            tokenizer
                .encode_to(text, policy, worker, part, None)
                .map_err(|error| from_bpe_in_row(row, origin, error))?;
            push(ends, part.count())
        })
    }
}

/// Encodes blocks as long as there are some.
fn encode_blocks<P: Part>(
    tokenizer: &Tokenizer,
    policy: &SpecialPolicy,
    work: &Mutex<Receiver<Block<P>>>,
    done: &Sender<Block<P>>,
) {
    let mut worker = tokenizer.idle_worker();
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut block) = next else { return };
        let encoded = catch_unwind(AssertUnwindSafe(|| block.encode(tokenizer, policy, &mut worker)));
        let (error, panic) = match encoded {
            Ok(encoded) => (encoded.err(), None),
            Err(panic) => (Some(Error::new(Code::Internal, "a thread has panicked")), Some(panic)),
        };
        block.error = error;
        // Also one that was not encoded: its turn would be waited for without end.
        let is_over = done.send(block).is_err();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
        if is_over {
            return;
        }
    }
}

/// What blocks come to one after the other, as they come.
struct Joined<W: Whole> {
    whole: W,
    /// Those that came before their turn.
    early: Vec<Block<W::Part>>,
    /// The number of the next block.
    next: usize,
}

impl<W: Whole> Joined<W> {
    fn new(whole: W) -> Self {
        Self { whole, early: Vec::new(), next: 0 }
    }

    /// A block of which all was taken; `None` when no more come. The error is that of the first text that has one.
    fn next(&mut self, results: &Receiver<Block<W::Part>>) -> Result<Option<Block<W::Part>>> {
        loop {
            if let Some(place) = self.early.iter().position(|block| block.number == self.next) {
                let mut block = self.early.swap_remove(place);
                self.take(&mut block)?;
                return Ok(Some(block));
            }
            match results.recv() {
                Ok(block) => self.early.push(block),
                Err(_) => return Ok(None),
            }
        }
    }

    fn take(&mut self, block: &mut Block<W::Part>) -> Result<()> {
        if let Some(error) = block.error.take() {
            return Err(error);
        }
        self.next += 1;
        self.whole.add(&block.part, &block.ends)
    }
}

impl Part for Vec<u32> {
    fn count(&self) -> usize {
        self.len()
    }

    fn clear(&mut self) {
        self.clear();
    }
}

impl Whole for Rows {
    type Part = Vec<u32>;

    fn of(texts: usize, bytes: usize) -> Result<Self> {
        let mut row_starts = room(texts + 1)?;
        row_starts.push(0);
        Ok(Self { ids: Ids::of_text(bytes), row_starts })
    }

    fn add(&mut self, ids: &Vec<u32>, ends: &[usize]) -> Result<()> {
        self.extend(ids, ends.iter().copied())
    }

    fn append(&mut self, other: Self) -> Result<()> {
        self.extend(&other.ids, other.row_starts[1..].iter().map(|&end| end as usize))
    }

    fn together(tokenizer: &Tokenizer, texts: &Texts, policy: &SpecialPolicy) -> Result<Self> {
        encode_rows(tokenizer, texts, policy, None)
    }
}

impl Part for Counter {
    fn count(&self) -> usize {
        self.0
    }

    fn clear(&mut self) {
        self.0 = 0;
    }
}

/// How many ids each text has.
impl Whole for Vec<u32> {
    type Part = Counter;

    fn of(texts: usize, _bytes: usize) -> Result<Self> {
        room(texts)
    }

    fn add(&mut self, _: &Counter, ends: &[usize]) -> Result<()> {
        let mut before = 0;
        for &end in ends {
            self.push(as_u32(end - before)?);
            before = end;
        }
        Ok(())
    }

    fn append(&mut self, other: Self) -> Result<()> {
        self.extend_from_slice(&other);
        Ok(())
    }

    fn together(tokenizer: &Tokenizer, texts: &Texts, policy: &SpecialPolicy) -> Result<Self> {
        count_rows(tokenizer, texts, policy, None)
    }
}

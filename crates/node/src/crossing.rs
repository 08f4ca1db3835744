//! Batches whose texts cross from JavaScript while others of them are encoded already.

use std::iter;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use tokenmill_bpe::{Ids, LONG_TEXT, Sink, SpecialPolicy, Tokenizer, Worker, stretches};

use crate::encoder::{as_u32, from_bpe};
use crate::error::{Code, Error, Result};
use crate::memory::{push, room};
use crate::pool::{pool, threads};
use crate::text::JsTextOrBytes;
use crate::token_rows::{Rows, Texts, encode_rows, from_bpe_in_row, lengths_of};

/// Code units and bytes that cross together.
const BLOCK: usize = 1 << 16;
/// Blocks for each thread that have crossed, or are encoded, at a time.
const AHEAD: usize = 3;

/// The ids of all `texts`. Strings can only be read on this thread, which would be a tenth of the time of two others that wait for it. Where there are no
/// others they cross part by part too, so that no memory is as large as all of them.
pub fn encode_crossing(
    tokenizer: &Tokenizer,
    texts: &[JsTextOrBytes<'_>],
    strict: bool,
    policy: &SpecialPolicy,
) -> Result<Rows> {
    let lengths = lengths_of(texts)?;
    let (threads, blocks) = (threads()? as usize, stretches(lengths.iter().copied(), BLOCK));
    let bytes = lengths.iter().sum();
    if threads == 1 {
        let mut rows = Joined::of(texts.len(), bytes)?;
        let (mut block, mut worker) = (Block::new(strict), tokenizer.idle_worker());
        for (number, range) in blocks.into_iter().enumerate() {
            block.fill(number, texts, &lengths, range)?;
            block.error = block.encode(tokenizer, policy, &mut worker).err();
            rows.take(&mut block)?;
        }
        return Ok(rows.into_rows());
    }
    // One that is divided among the threads would wait for them while they wait for texts.
    let are_short = lengths.iter().all(|&length| length <= LONG_TEXT);
    if !are_short || blocks.len() < AHEAD * threads {
        let mut all = Texts::new(strict);
        all.fill(texts, &lengths, 0)?;
        return encode_rows(tokenizer, &all, policy, None);
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
        let mut free: Vec<Block> = iter::repeat_with(|| Block::new(strict)).take(AHEAD * threads).collect();
        let mut rows = Joined::of(texts.len(), bytes)?;
        for (number, range) in blocks.into_iter().enumerate() {
            let mut block = match free.pop() {
                Some(block) => block,
                None => rows.next(&results)?.ok_or_else(|| Error::new(Code::Internal, "a thread has ended"))?,
            };
            if let Err(error) = block.fill(number, texts, &lengths, range) {
                // One of a text before them goes first.
                drop(orders);
                while rows.next(&results)?.is_some() {}
                return Err(error);
            }
            // Where nobody takes it all of them have panicked, which the end of the scope tells.
            _ = orders.send(block);
        }
        drop(orders);
        while rows.next(&results)?.is_some() {}
        Ok(rows.into_rows())
    })
}

/// Texts, and then their ids, in memory that is used for one block after the other.
struct Block {
    number: usize,
    texts: Texts,
    strings: String,
    ids: Vec<u32>,
    /// Where those of each text end.
    ends: Vec<usize>,
    error: Option<Error>,
}

impl Block {
    fn new(strict: bool) -> Self {
        let (strings, ids, ends) = (String::new(), Vec::new(), Vec::new());
        Self { number: 0, texts: Texts::new(strict), strings, ids, ends, error: None }
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
        let Self { texts, strings, ids, ends, .. } = self;
        ids.clear();
        ends.clear();
        texts.each(strings, |row, text, origin| {
            tokenizer
                .encode_to(text, policy, worker, ids, None)
                .map_err(|error| from_bpe_in_row(row, origin, error))?;
            push(ends, ids.len())
        })
    }
}

/// Encodes blocks as long as there are some.
fn encode_blocks(tokenizer: &Tokenizer, policy: &SpecialPolicy, work: &Mutex<Receiver<Block>>, done: &Sender<Block>) {
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

/// The ids of blocks one after the other, as they come.
struct Joined {
    ids: Ids,
    row_starts: Vec<u32>,
    /// Those that came before their turn.
    early: Vec<Block>,
    /// The number of the next block.
    next: usize,
}

impl Joined {
    /// None yet of so many `rows`, which have about so many bytes.
    fn of(rows: usize, bytes: usize) -> Result<Self> {
        let mut row_starts = room(rows + 1)?;
        row_starts.push(0);
        Ok(Self { ids: Ids::of_text(bytes), row_starts, early: Vec::new(), next: 0 })
    }

    fn into_rows(self) -> Rows {
        Rows { ids: self.ids, row_starts: self.row_starts }
    }

    /// A block whose ids were taken; `None` when no more come. The error is that of the first text that has one.
    fn next(&mut self, results: &Receiver<Block>) -> Result<Option<Block>> {
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

    fn take(&mut self, block: &mut Block) -> Result<()> {
        if let Some(error) = block.error.take() {
            return Err(error);
        }
        let before = self.ids.len();
        self.ids.reserve(block.ids.len()).map_err(from_bpe)?;
        self.ids.extend(&block.ids);
        for end in &block.ends {
            self.row_starts.push(as_u32(before + end)?);
        }
        self.next += 1;
        Ok(())
    }
}

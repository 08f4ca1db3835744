//! Reads inputs on several threads, and hands on what was made of them in their order.
//!
//! An input has parts: one, or a Parquet file's row groups. A part is read block by block, by whichever thread is free, one at a time; the thread
//! that has read a block then works on it, while another reads on. So one compressed file keeps all threads busy, as far as decompressing is
//! faster than the work, and several files are decompressed at the same time. How far reading may be ahead of the consumer is bounded in bytes.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::blocks::{BLOCK, Block, Blocks};
use crate::cancel::{self, LOOK, Stop};
use crate::documents::{self, Documents};
use crate::options::{Format, ReadOptions};
use crate::parquet::{ParquetFile, RowGroup, Values};
use crate::{Error, Input, bytes};

/// A place between two batches, from which reading can go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// The index of the input.
    pub input: usize,
    /// The row group of a Parquet file, else 0.
    pub part: usize,
    /// Bytes of the decompressed input, or rows of the row group, before it.
    pub offset: u64,
    /// The line there, from 1; 0 is the same as 1.
    pub line: u64,
    /// The BLAKE3 of those bytes when they are of standard input or a pipe, which nothing else tells from another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<[u8; 32]>,
}

/// What was made of one block of documents.
#[derive(Debug)]
pub struct Batch<T> {
    /// Where the block starts.
    pub position: Position,
    /// Where what comes after it starts.
    pub end: Position,
    /// What the caller's function made of it.
    pub value: T,
}

/// How far reading is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub(crate) read: Arc<AtomicU64>,
}

impl Progress {
    /// Bytes that were read from the inputs, as they are on disk; of Parquet files those of rows that were read, with all columns.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// Reads `inputs` from `start` on. Every thread makes itself a function with `worker`, which makes something of each block of documents;
/// `consume` gets that on the calling thread, in the order of the documents, whatever the number of threads, and may stop.
///
/// # Errors
/// The first in the order of the documents; that of `consume`; [`Error::Cancelled`] soon after `cancel` is set.
pub fn map_batches<T: Send, F: FnMut(Documents) -> Result<T, Error>>(
    inputs: &[Input],
    options: &ReadOptions,
    start: Position,
    cancel: Option<&AtomicBool>,
    progress: &Progress,
    worker: impl Fn() -> F + Sync,
    mut consume: impl FnMut(Batch<T>) -> Result<ControlFlow<()>, Error>,
) -> Result<(), Error> {
    for input in inputs {
        options.format_of(input)?;
    }
    for before in &inputs[..start.input.min(inputs.len())] {
        progress.read.fetch_add(before.bytes, Ordering::Relaxed);
    }
    let threads = options.threads.max(1);
    let pipeline = Pipeline {
        inputs,
        options,
        start,
        ahead: BLOCK * (2 * threads + 2).max(8),
        progress,
        cancel,
        state: Mutex::new(State::new(start)),
        changed: Condvar::new(),
        stop: Stop::default(),
    };
    std::thread::scope(|scope| {
        for index in 0..threads {
            let (pipeline, worker) = (&pipeline, &worker);
            let work = move || pipeline.work(worker);
            let thread = std::thread::Builder::new().name(format!("tokenmill reader {index}"));
            if let Err(error) = thread.spawn_scoped(scope, work) {
                pipeline.stop();
                return Err(Error::Limit(format!("the system does not give {threads} threads: {error}")));
            }
        }
        let stopping = Stopping(&pipeline);
        let result = loop {
            match stopping.0.next() {
                Ok(Some(batch)) => match consume(batch) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => break Ok(()),
                    Err(error) => break Err(error),
                },
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(stopping);
        result
    })
}

/// Calls `visit` with the documents of `inputs`, some at a time, in their order, until it breaks or they end.
///
/// # Errors
/// As [`map_batches`].
pub fn read(
    inputs: &[Input],
    options: &ReadOptions,
    cancel: Option<&AtomicBool>,
    progress: &Progress,
    mut visit: impl FnMut(&[&str]) -> ControlFlow<()>,
) -> Result<(), Error> {
    map_batches(inputs, options, Position::default(), cancel, progress, || Ok, |batch| Ok(visit(&batch.value.texts())))
}

/// Lets the threads end, also when the consumer panics.
struct Stopping<'p, 'a, T>(&'p Pipeline<'a, T>);

impl<T> Drop for Stopping<'_, '_, T> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

type Part = (usize, usize);

struct Pipeline<'a, T> {
    inputs: &'a [Input],
    options: &'a ReadOptions,
    start: Position,
    /// How many bytes may be read ahead of the consumer; as many again for the part that it is at.
    ahead: usize,
    progress: &'a Progress,
    cancel: Option<&'a AtomicBool>,
    state: Mutex<State<T>>,
    changed: Condvar,
    /// Set with the state locked.
    stop: Stop,
}

struct State<T> {
    /// Parts that are not read to their end, in order.
    open: BTreeMap<Part, Open>,
    /// The next input to open.
    next_input: usize,
    /// How many parts the inputs have that were opened.
    parts: HashMap<usize, usize>,
    /// How many blocks the parts had that were read to their end.
    ended: HashMap<Part, u64>,
    /// What the consumer has not had yet, by part and block.
    made: BTreeMap<(Part, u64), Made<T>>,
    /// The block that the consumer waits for.
    head: (Part, u64),
    /// Bytes of blocks that were read and not consumed; those of the consumer's part are apart.
    waiting: HashMap<Part, usize>,
    panic: Option<Box<dyn Any + Send>>,
}

struct Open {
    /// None while a thread reads.
    source: Option<Source>,
    /// The number of the next block.
    block: u64,
}

struct Made<T> {
    bytes: usize,
    result: Result<Batch<T>, Error>,
}

enum Source {
    Bytes {
        blocks: Box<Blocks>,
        format: Format,
    },
    Rows(Box<RowGroup>),
    /// Not opened yet.
    Unopened(Position),
}

enum Raw {
    Block(Block, Format),
    Values(Values),
}

/// What a thread is to do.
enum Task {
    Open(usize),
    Read(Part, u64, Source),
}

impl<T> State<T> {
    fn new(start: Position) -> Self {
        Self {
            open: BTreeMap::new(),
            next_input: start.input,
            parts: HashMap::new(),
            ended: HashMap::new(),
            made: BTreeMap::new(),
            head: ((start.input, start.part), 0),
            waiting: HashMap::new(),
            panic: None,
        }
    }

    fn waiting_of(&self, part: Part) -> usize {
        self.waiting.get(&part).copied().unwrap_or(0)
    }
}

impl<T: Send> Pipeline<'_, T> {
    fn work<F: FnMut(Documents) -> Result<T, Error>>(&self, worker: &impl Fn() -> F) {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut make = worker();
            while let Some(task) = self.task() {
                match task {
                    Task::Open(input) => self.open(input),
                    Task::Read(part, block, source) => self.read(part, block, source, &mut make),
                }
            }
        }));
        if let Err(panic) = result {
            self.lock().panic.get_or_insert(panic);
            self.stop();
        }
    }

    /// The next thing to do; none at the end. The earliest part that nobody reads comes first.
    fn task(&self) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if self.stop.is_set() || (state.open.is_empty() && state.next_input >= self.inputs.len()) {
                return None;
            }
            let head = state.head.0;
            let behind: usize = state.waiting.values().sum::<usize>() - state.waiting_of(head);
            let has_room = |part: Part, state: &State<T>| {
                if part == head { state.waiting_of(head) < self.ahead } else { behind < self.ahead }
            };
            let free = state.open.iter().find(|(_, open)| open.source.is_some()).map(|(&part, _)| part);
            if let Some(part) = free.filter(|&part| has_room(part, &state))
                && let Some(open) = state.open.get_mut(&part)
                && let Some(source) = open.source.take()
            {
                return Some(Task::Read(part, open.block, source));
            }
            let next = state.next_input;
            let few = state.open.len() <= 2 * self.options.threads + 2;
            if free.is_none() && next < self.inputs.len() && few && (next <= head.0 || behind < self.ahead) {
                state.next_input += 1;
                // A part that is being opened: nobody reads it yet.
                state.open.insert((next, 0), Open { source: None, block: 0 });
                return Some(Task::Open(next));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Finds the parts of an input.
    fn open(&self, input: usize) {
        let opened = self.sources(input);
        let mut state = self.lock();
        state.open.remove(&(input, 0));
        match opened {
            Ok(sources) => {
                state.parts.insert(input, sources.len());
                let first = if input == self.start.input { self.start.part } else { 0 };
                for (part, source) in sources.into_iter().enumerate().skip(first) {
                    state.open.insert((input, part), Open { source: Some(source), block: 0 });
                }
            }
            Err(error) => {
                // The consumer comes by here, whichever part it starts with.
                let first = if input == self.start.input { self.start.part } else { 0 };
                state.parts.insert(input, first + 1);
                state.made.insert(((input, first), 0), Made { bytes: 0, result: Err(error) });
                state.ended.insert((input, first), 1);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    fn sources(&self, index: usize) -> Result<Vec<Source>, Error> {
        let input = &self.inputs[index];
        let at_start = self.start.input == index;
        let format = self.options.format_of(input)?;
        if format != Format::Parquet {
            let position = if at_start { self.start } else { Position { input: index, ..Position::default() } };
            return Ok(vec![Source::Unopened(position)]);
        }
        let file = Arc::new(ParquetFile::open(input, &self.options.field, &self.progress.read, &self.stop)?);
        let groups = file.row_groups();
        if at_start {
            file.pass_by(self.start.part);
        }
        let row = |part| if at_start && part == self.start.part { self.start.offset } else { 0 };
        let most = self.options.max_document_bytes;
        let rows = |part| Source::Rows(Box::new(RowGroup::new(Arc::clone(&file), part, row(part), most)));
        Ok((0..groups).map(rows).collect())
    }

    /// Reads a block, lets the part go and works on the block.
    fn read<F: FnMut(Documents) -> Result<T, Error>>(&self, part: Part, block: u64, source: Source, make: &mut F) {
        let key = (part, block);
        let (source, raw) = match self.next_block(part, source) {
            Ok(next) => next,
            Err(error) => {
                let mut state = self.lock();
                state.open.remove(&part);
                state.ended.insert(part, block + 1);
                state.made.insert(key, Made { bytes: 0, result: Err(error) });
                drop(state);
                return self.changed.notify_all();
            }
        };
        let Some((raw, position, end, bytes)) = raw else {
            let mut state = self.lock();
            state.open.remove(&part);
            state.ended.insert(part, block);
            drop(state);
            return self.changed.notify_all();
        };
        {
            let mut state = self.lock();
            *state.waiting.entry(part).or_default() += bytes;
            if let Some(open) = state.open.get_mut(&part) {
                open.source = Some(source);
                open.block += 1;
            }
            drop(state);
            self.changed.notify_all();
        }
        let name = &self.inputs[part.0].name;
        let documents = match raw {
            Raw::Block(block, format) => documents::of_block(block, &format, self.options, name),
            Raw::Values(values) => documents::of_values(values, self.options, name),
        };
        let result = documents.and_then(&mut *make).map(|value| Batch { position, end, value });
        let mut state = self.lock();
        state.made.insert(key, Made { bytes, result });
        drop(state);
        self.changed.notify_all();
    }

    #[expect(clippy::type_complexity, reason = "it is taken apart at once")]
    fn next_block(
        &self,
        part: Part,
        source: Source,
    ) -> Result<(Source, Option<(Raw, Position, Position, usize)>), Error> {
        let at = |offset, line, digest| Position { input: part.0, part: part.1, offset, line, digest };
        let mut source = source;
        if let Source::Unopened(position) = source {
            let input = &self.inputs[part.0];
            let format = self.options.format_of(input)?;
            let stream = bytes::open(input, &position, &self.progress.read, &self.stop)?;
            let blocks = Blocks::new(&input.name, stream, &format, self.options, &position);
            source = Source::Bytes { blocks: Box::new(blocks), format };
        }
        let raw = match &mut source {
            Source::Bytes { blocks, format } => blocks.next()?.map(|block| {
                let (position, length) = (at(block.offset, block.line, block.digest), block.bytes.len());
                // The end of an input is the start of the next: an empty one has a document, too, and damage is reported once.
                let next_input = Position { input: part.0 + 1, ..Position::default() };
                let end = blocks.place().map_or(next_input, |(offset, line)| at(offset, line, blocks.digest()));
                (Raw::Block(block, format.clone()), position, end, length.max(4096))
            }),
            Source::Rows(rows) => rows.next()?.map(|values| {
                let length = values.bytes.len();
                let (position, end) = (at(values.first_row, 0, None), at(rows.row(), 0, None));
                (Raw::Values(values), position, end, length.max(4096))
            }),
            Source::Unopened(_) => None,
        };
        Ok((source, raw))
    }

    /// The next batch for the consumer; none at the end.
    fn next(&self) -> Result<Option<Batch<T>>, Error> {
        let mut state = self.lock();
        loop {
            if let Some(panic) = state.panic.take() {
                drop(state);
                resume_unwind(panic);
            }
            cancel::check(self.cancel)?;
            let (part, block) = state.head;
            if part.0 >= self.inputs.len() {
                return Ok(None);
            }
            if let Some(made) = state.made.remove(&(part, block)) {
                state.head.1 += 1;
                if let Some(waiting) = state.waiting.get_mut(&part) {
                    *waiting -= made.bytes.min(*waiting);
                }
                drop(state);
                self.changed.notify_all();
                return made.result.map(Some);
            }
            let is_over = state.ended.get(&part) == Some(&block);
            let parts = state.parts.get(&part.0).copied();
            if is_over || parts.is_some_and(|parts| part.1 >= parts) {
                state.ended.remove(&part);
                state.waiting.remove(&part);
                let next = (part.0, part.1 + 1);
                state.head = if parts.is_some_and(|parts| next.1 < parts) {
                    (next, 0)
                } else {
                    state.parts.remove(&part.0);
                    ((part.0 + 1, 0), 0)
                };
                self.changed.notify_all();
                continue;
            }
            // A signal to stop is nobody's event here.
            let patience = if self.cancel.is_some() { LOOK } else { Duration::from_mins(1) };
            state = self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<T> Pipeline<'_, T> {
    /// Lets the threads end.
    fn stop(&self) {
        let state = self.lock();
        self.stop.set();
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

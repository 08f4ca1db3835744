//! Documents to datasets.

use std::fs;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::appender::{exists, remove, replace};
use super::facts::{check_same, check_unchanged, facts, key, stamps};
use super::layout::Output;
use super::ready::{Encoded, Ready, encoded};
use super::seen::Seen;
use super::split::{SplitWriter, starts_file};
use super::state::{self, State};
use super::verify::check_lengths;
use super::work::Work;
use crate::documents::Documents;
use crate::manifest::{self, Counts, Manifest, Separator, TokenizerFacts, Validation};
use crate::options::ReadOptions;
use crate::pipeline::{Batch, Position, Progress, map_batches};
use crate::{Error, Fault, Input, options_error};

/// What is prepared, and how. All but [`ReadOptions::threads`], `memory_limit` and `checkpoint_every` decides the result.
#[derive(Clone, Debug)]
pub struct PrepareOptions {
    /// The folder of the dataset; it is made.
    pub out_dir: PathBuf,
    /// How inputs are read.
    pub read: ReadOptions,
    /// Whose ids they are.
    pub tokenizer: TokenizerFacts,
    /// The special tokens that a text may hold as such, sorted; all others are plain text.
    pub allowed_special: Vec<String>,
    /// What stands between documents.
    pub separator: Option<Separator>,
    /// Ids in a shard.
    pub shard_tokens: u64,
    /// Which documents are for validation.
    pub validation: Option<Validation>,
    /// Whether documents that came before are left out.
    pub deduplicate: bool,
    /// The most bytes for the digests of documents, of which there are 16 bytes for each; above it they are in a file.
    pub memory_limit: usize,
    /// The forms of the result.
    pub outputs: Vec<Output>,
    /// Whether an unfinished preparation goes on; else it begins again.
    pub resume: bool,
    /// How often what was done is put on record.
    pub checkpoint_every: Duration,
}

/// How far a preparation is, for who watches it.
#[derive(Debug, Default)]
pub struct Status {
    progress: Progress,
    total: AtomicU64,
    documents: AtomicU64,
    tokens: AtomicU64,
    text: AtomicU64,
}

/// A look at a [`Status`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Glance {
    /// Bytes that were read from the inputs, and those of all.
    pub bytes_read: u64,
    /// The bytes of all inputs on disk.
    pub bytes_total: u64,
    /// Documents that were written.
    pub documents: u64,
    /// Ids that were written.
    pub tokens: u64,
    /// The bytes of their text.
    pub text_bytes: u64,
}

impl Status {
    /// The numbers now.
    pub fn glance(&self) -> Glance {
        Glance {
            bytes_read: self.progress.bytes_read(),
            bytes_total: self.total.load(Ordering::Relaxed),
            documents: self.documents.load(Ordering::Relaxed),
            tokens: self.tokens.load(Ordering::Relaxed),
            text_bytes: self.text.load(Ordering::Relaxed),
        }
    }

    fn set(&self, counts: &Counts) {
        self.documents.store(counts.documents, Ordering::Relaxed);
        self.tokens.store(counts.tokens, Ordering::Relaxed);
        self.text.store(counts.bytes, Ordering::Relaxed);
    }
}

/// What a preparation has made.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What the dataset holds.
    pub manifest: Manifest,
    /// The first faults of documents that were skipped, in words; the manifest counts all.
    pub faults: Vec<String>,
    /// Whether it was there already.
    pub was_complete: bool,
}

/// Faults that are kept in words.
const FAULTS: usize = 100;
const SPLITS: [&str; 2] = ["train", "val"];

/// Encodes the documents of `inputs` and writes them to a folder, which is complete when it has a manifest. `encoder` makes each thread a function
/// that gives the ids of some texts. After any interruption the same call goes on, and the files are those of an undisturbed one.
///
/// # Errors
/// Those of reading, of `encoder` and of the system. What was done is kept; a call that has written no document leaves nothing.
pub fn prepare<F: FnMut(&[&str]) -> Result<Encoded, Error>>(
    inputs: &[Input],
    options: &PrepareOptions,
    status: &Status,
    cancel: Option<&AtomicBool>,
    encoder: impl Fn() -> F + Sync,
) -> Result<Prepared, Error> {
    check(options)?;
    status.total.store(inputs.iter().map(|input| input.bytes).sum(), Ordering::Relaxed);
    let is_new = !options.out_dir.exists();
    let work = Work::open(&options.out_dir)?;
    let prepared = prepare_in(work.path(), inputs, options, status, cancel, encoder);
    // It stays as long as there is something to go on from.
    if prepared.is_ok() || is_nothing(work.path(), &options.out_dir) {
        let cleared = if prepared.is_ok() { Ok(()) } else { clear_unwritten(work.path(), options) };
        let removed = cleared.and_then(|()| work.remove());
        if prepared.is_err() && is_new {
            // Fails where somebody has put something into it.
            let _ = fs::remove_dir(&options.out_dir);
        }
        return prepared.and_then(|prepared| removed.map(|()| prepared));
    }
    prepared
}

/// Whether a call that failed has written no document.
fn is_nothing(work: &Path, out_dir: &Path) -> bool {
    match State::read(work) {
        Ok(None) => true,
        // A dataset that is there is not the state's.
        Ok(Some(state)) => state.counts.documents == 0 && !out_dir.join(manifest::FILE).exists(),
        Err(_) => false,
    }
}

/// Removes the files that are made before the first document; the error of the call is what matters then.
fn clear_unwritten(work: &Path, options: &PrepareOptions) -> Result<(), Error> {
    if !work.join(state::FILE).exists() {
        return Ok(());
    }
    clear(&options.out_dir, true)?;
    for folder in options.outputs.iter().filter_map(|output| output.folder()) {
        let _ = fs::remove_dir(options.out_dir.join(folder));
    }
    Ok(())
}

/// [`prepare`] with the folder `work`, which is this call's.
fn prepare_in<F: FnMut(&[&str]) -> Result<Encoded, Error>>(
    work: &Path,
    inputs: &[Input],
    options: &PrepareOptions,
    status: &Status,
    cancel: Option<&AtomicBool>,
    encoder: impl Fn() -> F + Sync,
) -> Result<Prepared, Error> {
    let facts = facts(inputs, options)?;
    let stamps = stamps(inputs)?;
    let key = key(&facts, inputs, &stamps)?;
    let mut found = if options.resume { State::read(work)? } else { None };
    if found.as_ref().is_some_and(|state| state.key != key) {
        // A call that failed before it wrote anything is in the way of none that is put right.
        found = found.filter(|state| state.counts.documents > 0);
        if found.is_some() {
            return options_error(format!(
                "{} holds an unfinished preparation of other inputs or options: finish that, or begin again with resume: false",
                options.out_dir.display()
            ));
        }
    }
    let manifest_file = options.out_dir.join(manifest::FILE);
    let mut is_ours = work.join(state::FILE).exists();
    if manifest_file.exists() {
        let there = Manifest::read(&options.out_dir)?;
        match &found {
            _ if !options.resume => {
                return options_error(format!(
                    "{} already holds a dataset: choose another folder, or remove it",
                    options.out_dir.display()
                ));
            }
            // It is of the same key, which says more: the last call ended after the manifest was written.
            Some(_) => {}
            None => check_same(&there, &facts, inputs, &options.out_dir)?,
        }
        match check_lengths(&options.out_dir, &there) {
            Ok(()) => {
                let faults = found.map(|state| state.faults).unwrap_or_default();
                return Ok(Prepared { manifest: there, faults, was_complete: true });
            }
            // It is made again.
            Err(Error::CorruptDataset { .. }) => (found, is_ours) = (None, true),
            Err(error) => return Err(error),
        }
        remove(&manifest_file)?;
    }
    let is_new = found.is_none();
    if is_new {
        clear(&options.out_dir, is_ours)?;
    }
    let mut state = found.unwrap_or_default();
    state.key = key;
    let mut preparation = Preparation::open(inputs, options, state, work, cancel)?;
    status.set(&preparation.state.counts);
    if is_new {
        preparation.checkpoint(Position::default())?;
    }
    let start = preparation.state.position;
    let worker = || {
        let mut encode = encoder();
        move |documents: Documents| encoded(documents, &mut encode, options)
    };
    let (mut done, mut is_whole) = (start, true);
    let result = map_batches(inputs, &options.read, start, cancel, &status.progress, worker, |batch| {
        is_whole = false;
        let end = batch.end;
        preparation.add(batch)?;
        status.set(&preparation.state.counts);
        if preparation.last_checkpoint.elapsed() >= options.checkpoint_every {
            preparation.checkpoint(end)?;
        }
        (done, is_whole) = (end, true);
        Ok(ControlFlow::Continue(()))
    });
    if let Err(error) = result {
        // Not when a batch or a record of it was left in the middle: the disk may be full. The record of before is still good.
        if is_whole {
            let _ = preparation.checkpoint(done);
        }
        return Err(error);
    }
    check_unchanged(inputs, &stamps)?;
    preparation.finish(facts)
}

fn check(options: &PrepareOptions) -> Result<(), Error> {
    if options.shard_tokens == 0 {
        return options_error("expected at least 1 for shardTokens, received 0".to_owned());
    }
    if options.outputs.is_empty() {
        return options_error("expected at least one format, received none".to_owned());
    }
    for output in &options.outputs {
        output.check(options.tokenizer.vocab_size, options.shard_tokens)?;
    }
    if let Some(validation) = &options.validation
        && !(validation.share > 0.0 && validation.share < 1.0)
    {
        return options_error(format!(
            "expected a number between 0 and 1 for split.validation, received {}",
            validation.share
        ));
    }
    let vocab_size = options.tokenizer.vocab_size;
    if let Some(separator) = &options.separator
        && separator.id >= vocab_size
    {
        let id = separator.id;
        return options_error(format!("expected a separator below the vocabulary size {vocab_size}, received {id}"));
    }
    Ok(())
}

/// Removes what an earlier preparation has left. Whole files that are of none are not ours to remove.
fn clear(out_dir: &Path, is_ours: bool) -> Result<(), Error> {
    for split in SPLITS {
        let mut files = vec![starts_file(split), format!("megatron/{split}.idx")];
        for output in Output::ALL {
            let shards = if output.shard_tokens(1) == 1 { usize::MAX } else { 1 };
            let file = |shard| output.file(split, shard);
            files.extend((0..shards).map(file).take_while(|file| exists(&out_dir.join(file))));
        }
        for path in files.into_iter().map(|file| out_dir.join(file)) {
            if !is_ours && path.exists() {
                return options_error(format!(
                    "{} is there already: choose another folder, or remove it",
                    path.display()
                ));
            }
            remove(&path)?;
        }
    }
    Ok(())
}

struct Preparation<'a> {
    inputs: &'a [Input],
    work: PathBuf,
    state: State,
    splits: Vec<SplitWriter>,
    seen: Option<Seen>,
    out_dir: &'a Path,
    last_checkpoint: Instant,
    cancel: Option<&'a AtomicBool>,
}

impl<'a> Preparation<'a> {
    fn open(
        inputs: &'a [Input],
        options: &'a PrepareOptions,
        mut state: State,
        work: &Path,
        cancel: Option<&'a AtomicBool>,
    ) -> Result<Self, Error> {
        let count = if options.validation.is_some() { 2 } else { 1 };
        let mut states = std::mem::take(&mut state.splits).into_iter();
        let open = |&name: &&'static str| {
            let (size, tokens) = (options.tokenizer.vocab_size, options.shard_tokens);
            let state = states.next().unwrap_or_default();
            SplitWriter::open(&options.out_dir, name, &options.outputs, size, tokens, state, cancel)
        };
        let splits = SPLITS[..count].iter().map(open).collect::<Result<_, _>>()?;
        let seen =
            options.deduplicate.then(|| Seen::open(work, state.seen, options.memory_limit, cancel)).transpose()?;
        let (work, last_checkpoint) = (work.to_owned(), Instant::now());
        Ok(Self { inputs, work, state, splits, seen, out_dir: &options.out_dir, last_checkpoint, cancel })
    }

    /// Writes what is to be written of a block.
    fn add(&mut self, Batch { position, value, .. }: Batch<Ready>) -> Result<(), Error> {
        let unit = value.unit;
        let counts = &mut self.state.counts;
        for (number, fault) in value.faults {
            *match fault {
                Fault::Malformed(_) => &mut counts.malformed,
                Fault::InvalidUtf8(_) => &mut counts.invalid_utf8,
                Fault::TooLarge(_) => &mut counts.too_large,
                // It is fatal.
                Fault::Refused(_) => continue,
            } += 1;
            if self.state.faults.len() < FAULTS {
                let path = self.inputs[position.input].name.clone();
                self.state.faults.push(Error::Document { path, unit, number, fault }.to_string());
            }
        }
        counts.empty += value.empty;
        // Neighbours that go the same way are written together.
        let mut run = Run { split: 0, bytes: 0..0, lengths: Vec::new() };
        let width = self.splits.first().map_or(4, SplitWriter::width);
        let mut start = 0;
        for document in &value.documents {
            let bytes = start..document.end;
            start = document.end;
            if let Some(seen) = &mut self.seen
                && !seen.insert(document.digest, self.cancel)?
            {
                self.state.counts.duplicates += 1;
                continue;
            }
            if run.split != document.split || run.bytes.end != bytes.start {
                run.write(&mut self.splits, &value.tokens)?;
                run = Run { split: document.split, bytes: bytes.start..bytes.start, lengths: run.lengths };
                run.lengths.clear();
            }
            let length = (bytes.len() / width) as u64;
            run.bytes.end = bytes.end;
            run.lengths.push(length);
            let counts = &mut self.state.counts;
            counts.documents += 1;
            counts.tokens += length;
            counts.bytes += document.text_bytes as u64;
        }
        run.write(&mut self.splits, &value.tokens)
    }

    /// Puts on record that all before `position` is done.
    fn checkpoint(&mut self, position: Position) -> Result<(), Error> {
        self.state.splits = self.splits.iter_mut().map(SplitWriter::sync).collect::<Result<_, _>>()?;
        if let Some(seen) = &mut self.seen {
            seen.sync()?;
            self.state.seen = seen.len();
        }
        self.state.position = position;
        self.state.write(&self.work)?;
        self.last_checkpoint = Instant::now();
        Ok(())
    }

    fn finish(self, mut manifest: Manifest) -> Result<Prepared, Error> {
        if self.state.counts.documents == 0 {
            return Err(no_documents(self.inputs, &self.state.counts));
        }
        manifest.counts = self.state.counts;
        for (name, split) in SPLITS.into_iter().zip(self.splits) {
            manifest.splits.insert(name.to_owned(), split.finish(self.cancel)?);
        }
        replace(&self.out_dir.join(manifest::FILE), manifest.to_json()?.as_bytes())?;
        Ok(Prepared { manifest, faults: self.state.faults, was_complete: false })
    }
}

/// The error of inputs of which every document was left out: how many, and why.
fn no_documents(inputs: &[Input], counts: &Counts) -> Error {
    let kinds = [
        (counts.empty, "without text"),
        (counts.malformed, "malformed"),
        (counts.invalid_utf8, "not UTF-8"),
        (counts.too_large, "too large"),
    ];
    let received: Vec<_> =
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}")).collect();
    let received = if received.is_empty() { "none".to_owned() } else { received.join(", ") };
    let name = &inputs[0].name;
    Error::InvalidInput {
        path: if inputs.len() == 1 { name.clone() } else { format!("{name} with {} more", inputs.len() - 1) },
        reason: format!("expected at least one document, received {received}"),
    }
}

/// Documents that follow one another in a block and go to the same split.
struct Run {
    split: usize,
    bytes: Range<usize>,
    lengths: Vec<u64>,
}

impl Run {
    fn write(&self, splits: &mut [SplitWriter], tokens: &[u8]) -> Result<(), Error> {
        splits[self.split].append(&tokens[self.bytes.clone()], self.lengths.iter().copied())
    }
}

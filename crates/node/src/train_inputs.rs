//! Files as texts of a training.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokenmill_bpe::train::Trainer;
use tokenmill_corpus::{
    Documents, Error as CorpusError, Format, Input, OnInvalidUtf8, Position, Progress, ReadOptions, map_batches,
    read_parts, resolve,
};

use crate::corpus_convert::{coded, coded_with};
use crate::encoder::from_bpe;
use crate::error::{Code, Error, Result};
use crate::pool::on_all_threads;

/// How much was read.
#[derive(Default)]
pub struct Reading {
    pub files: Progress,
    pub bytes_to_read: AtomicU64,
    texts: AtomicU64,
    bytes: AtomicU64,
}

impl Reading {
    /// Counts texts that were taken.
    pub fn add(&self, texts: &[&str]) {
        self.texts.fetch_add(texts.len() as u64, Ordering::Relaxed);
        self.bytes.fetch_add(texts.iter().map(|text| text.len() as u64).sum(), Ordering::Relaxed);
    }

    /// Texts, their bytes, bytes read from files, bytes of all files.
    pub fn numbers(&self) -> [u64; 4] {
        let loaded = |number: &AtomicU64| number.load(Ordering::Relaxed);
        [loaded(&self.texts), loaded(&self.bytes), self.files.bytes_read(), loaded(&self.bytes_to_read)]
    }
}

/// The files that `names` stand for, whose bytes are there to read.
pub fn inputs_of(names: &[String], reading: &Reading, cancel: Option<&AtomicBool>) -> Result<Vec<Input>> {
    let inputs = resolve(names, cancel).map_err(|error| {
        let is_absent = matches!(error, CorpusError::NoSuchFile(_) | CorpusError::NoMatch(_));
        let mut error = coded(error);
        if is_absent {
            error.reason.push_str("; strings of the source are paths and globs, texts go in { texts }");
        }
        error
    })?;
    reading.bytes_to_read.fetch_add(inputs.iter().map(|input| input.bytes).sum(), Ordering::Relaxed);
    Ok(inputs)
}

/// A file that is one text and has more bytes is read in parts, which all threads count together.
const LARGE: u64 = 4 << 20;
/// The same for a compressed one.
const LARGE_COMPRESSED: u64 = 512 << 10;
/// The most bytes of a text that is kept because no place is known where it can be cut.
const MOST: usize = 256 << 20;
/// Documents of more bytes together are counted by all threads together.
const SHARED: usize = 2 << 20;

/// Reads the files that `names` stand for, and counts their texts. The order of texts decides nothing.
pub fn add_inputs(
    trainer: &Trainer,
    names: &[String],
    format: &str,
    field: String,
    strict: bool,
    reading: &Reading,
    cancel: Option<&AtomicBool>,
) -> Result<()> {
    let options = read_options(format, field, strict)?;
    let threads = options.threads;
    let inputs = inputs_of(names, reading, cancel)?;
    let (mut large, mut others) = (Vec::new(), Vec::new());
    for input in inputs {
        let is_one_text = format_of_input(&options, &input)? == Format::Text;
        if is_one_text && is_large(&input) { large.push(input) } else { others.push(input) }
    }
    for input in &large {
        add_large(trainer, input, strict, reading, cancel)?;
    }
    let failed = Mutex::new(None);
    let add = |documents: Documents| {
        let texts = documents.texts();
        let length: usize = texts.iter().map(|text| text.len()).sum();
        let counted = if length > SHARED && texts.len() == 1 {
            on_all_threads(|| trainer.add_texts(&texts, cancel))
        } else {
            Ok(trainer.add_texts_here(&texts, threads, cancel))
        };
        let counted = counted.and_then(|counted| counted.map_err(from_bpe));
        reading.add(&texts);
        counted.map_err(|error| {
            // Its code is not lost on the way.
            failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            CorpusError::Cancelled
        })
    };
    let consume = |_| Ok(std::ops::ControlFlow::Continue(()));
    let result = map_batches(&others, &options, Position::default(), cancel, &reading.files, || &add, consume);
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => result.map_err(coded),
    }
}

fn is_large(input: &Input) -> bool {
    let name = input.name.to_ascii_lowercase();
    let is_compressed = [".gz", ".zst", ".zstd"].iter().any(|end| name.ends_with(end));
    input.is_stdin() || input.bytes > if is_compressed { LARGE_COMPRESSED } else { LARGE }
}

fn add_large(
    trainer: &Trainer,
    input: &Input,
    strict: bool,
    reading: &Reading,
    cancel: Option<&AtomicBool>,
) -> Result<()> {
    let mut failed = None;
    // How much of what comes was searched for a place already.
    let mut searched = 0;
    let visit = |text: &str, is_end: bool| {
        let cut = if is_end {
            Some(text.len())
        } else {
            // The next character decides about a place as well.
            let last = text.floor_char_boundary(text.len().saturating_sub(1));
            if last > searched { trainer.pattern().split_before(text, searched, last) } else { None }
        };
        let Some(cut) = cut else {
            searched = text.floor_char_boundary(text.len().saturating_sub(8));
            return Ok(0);
        };
        searched = 0;
        let counted = on_all_threads(|| trainer.add_texts(&[&text[..cut]], cancel));
        reading.bytes.fetch_add(cut as u64, Ordering::Relaxed);
        reading.texts.fetch_add(u64::from(is_end), Ordering::Relaxed);
        match counted.and_then(|counted| counted.map_err(from_bpe)) {
            Ok(()) => Ok(cut),
            Err(error) => {
                failed = Some(error);
                Err(CorpusError::Cancelled)
            }
        }
    };
    let result = read_parts(input, !strict, MOST, cancel, &reading.files, visit);
    match failed {
        Some(error) => Err(error),
        None => result.map_err(coded),
    }
}

/// How files are read, by all threads.
pub fn read_options(format: &str, field: String, strict: bool) -> Result<ReadOptions> {
    let threads = on_all_threads(rayon::current_num_threads)?;
    let invalid_utf8 = if strict { OnInvalidUtf8::Fail } else { OnInvalidUtf8::Replace };
    Ok(ReadOptions { format: format_of(format)?, field, invalid_utf8, threads, ..ReadOptions::default() })
}

/// The format of `input`, which the option `format` of a training says where its name does not.
pub fn format_of_input(options: &ReadOptions, input: &Input) -> Result<Format> {
    options.format_of(input).map_err(|error| coded_with("options.format", error))
}

fn format_of(name: &str) -> Result<Format> {
    match name {
        "auto" => Ok(Format::Detect),
        "text" => Ok(Format::Text),
        "lines" => Ok(Format::Lines),
        "jsonl" => Ok(Format::Jsonl),
        "parquet" => Ok(Format::Parquet),
        _ => Err(Error::new(Code::InvalidArgument, format!("there is no format called {name}"))),
    }
}

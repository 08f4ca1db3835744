//! Files of word vectors. Nothing in them is trusted: what a header says is held against the length of the file before memory is asked for,
//! and lines and words have a longest length.

mod binary;
mod tensors;
mod text;

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tokenmill_files::Replacement;

use crate::vectors::{Rows, invalid};
use crate::{Error, Result, WordVectors};

/// The longest word, in bytes.
const MAX_WORD: usize = 1 << 16;
/// The most characters of a word or a field that a message shows.
const SHOWN: usize = 40;
/// The most dimensions.
const MAX_DIMENSIONS: usize = 1 << 16;
/// Words between two looks at whether to stop.
const BETWEEN_LOOKS: usize = 1024;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A word and its numbers on each line, between spaces. The first line of word2vec's text form says how many words and dimensions there
    /// are, and no word has a space; that of `GloVe` has no such line, and words that do. Both are read, the first is written.
    Text,
    /// word2vec's binary form: that first line, then words and little-endian `f32`.
    Binary,
    /// Safetensors: the tensor `vectors` (`[words, dimensions]`, F32) and the bytes `words` (UTF-8, a line break after each).
    Safetensors,
}

impl Format {
    /// By the ending of the name: `.txt` and `.vec`, `.bin`, `.safetensors`.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "txt" | "vec" => Some(Self::Text),
            "bin" => Some(Self::Binary),
            "safetensors" => Some(Self::Safetensors),
            _ => None,
        }
    }
}

impl Rows {
    /// [`WordVectors::load`] up to where threads help.
    ///
    /// # Errors
    /// Those of [`WordVectors::load`].
    pub fn load(path: &Path, format: Format, limit: Option<usize>, cancel: Option<&AtomicBool>) -> Result<Self> {
        // Before it is opened: opening a pipe would wait for somebody to write into it.
        if !fs::metadata(path)?.is_file() {
            return Err(invalid("expected a file".to_owned()));
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let reader = BufReader::with_capacity(1 << 20, file);
        let limit = limit.unwrap_or(usize::MAX);
        let rows = match format {
            Format::Text => text::read(reader, length, limit, cancel)?,
            Format::Binary => binary::read(reader, length, limit, cancel)?,
            Format::Safetensors => tensors::read(reader, length, limit, cancel)?,
        };
        if rows.words.is_empty() { Err(invalid("there is no word in it".to_owned())) } else { Ok(rows) }
    }

    /// Makes room for `words` more: not more than that, since files tell how many there are.
    fn reserve(&mut self, words: usize) -> Result<()> {
        let values = words.saturating_mul(self.dimensions);
        let bytes = values.saturating_mul(size_of::<f32>());
        self.table.try_reserve_exact(values).map_err(|_| Error::OutOfMemory { bytes })?;
        self.words.try_reserve_exact(words).map_err(|_| Error::OutOfMemory { bytes: words.saturating_mul(16) })
    }
}

fn look(cancel: Option<&AtomicBool>) -> Result<()> {
    if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) { Err(Error::Cancelled) } else { Ok(()) }
}

impl WordVectors {
    /// Reads the first `limit` words of a file. Of several equal words the first counts. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::InvalidFile`] (it says in which line or word), [`Error::OutOfMemory`], [`Error::Cancelled`].
    pub fn load(path: &Path, format: Format, limit: Option<usize>, cancel: Option<&AtomicBool>) -> Result<Self> {
        Rows::load(path, format, limit, cancel)?.into_vectors()
    }

    /// Writes a file, in place of an older one in one step. What is written can be read.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::InvalidFile`] when there is no word, there are too many dimensions for a file, a word has white space or a
    /// line break, which the form cannot hold, or is longer than those of files.
    pub fn save(&self, path: &Path, format: Format) -> Result<()> {
        if self.is_empty() {
            return Err(invalid("it cannot be written: there is no word".to_owned()));
        }
        check_dimensions(self.dimensions())?;
        let mut file = Replacement::of(path)?;
        let mut writer = BufWriter::with_capacity(1 << 20, file.file());
        self.write(&mut writer, format)?;
        writer.flush()?;
        drop(writer);
        Ok(file.finish()?)
    }

    fn write(&self, out: &mut impl Write, format: Format) -> Result<()> {
        match format {
            Format::Text => text::write(self, out),
            Format::Binary => binary::write(self, out),
            Format::Safetensors => tensors::write(self, out),
        }
    }
}

/// The numbers of the first line of word2vec's forms.
fn header(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (words, dimensions) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    fields.next().is_none().then_some((words, dimensions))
}

fn check_dimensions(dimensions: usize) -> Result<()> {
    if (1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Ok(());
    }
    Err(invalid(format!("expected 1 to {MAX_DIMENSIONS} dimensions, found {dimensions}")))
}

/// A word that word2vec's forms can hold: it ends at white space.
fn check_word(word: &str) -> Result<()> {
    let why = if word.is_empty() {
        "it is empty".to_owned()
    } else if word.contains([' ', '\n', '\r', '\t']) {
        "it has white space".to_owned()
    } else if word.len() > MAX_WORD {
        format!("it has more than {MAX_WORD} bytes")
    } else {
        return Ok(());
    };
    let shown = word.chars().take(SHOWN).collect::<String>();
    Err(invalid(format!("the word {shown:?} cannot be written in this form: {why}")))
}

//! Which files are read, in which order.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use crate::{Error, cancel, globs};

/// One file, or standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// As it was named; `-` is standard input.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes; 0 where it is not known.
    pub bytes: u64,
}

impl Input {
    /// Whether it is standard input.
    pub fn is_stdin(&self) -> bool {
        self.name == "-"
    }

    /// The same for every path that leads to the file.
    fn place(&self) -> PathBuf {
        let place = if self.is_stdin() { None } else { self.path.canonicalize().ok() };
        place.unwrap_or_else(|| self.path.clone())
    }
}

/// The files that `names` stand for: paths, globs (`*`, `?`, `[a-z]`, `**` for any depth, without links to folders) and `-`. In the order of `names`, the files of one
/// glob sorted by name byte by byte; a file that is named twice is read once, whichever path leads
/// to it. A path that exists is that file, whatever characters it has; a name that is not UTF-8 matches no glob.
///
/// # Errors
/// A path that is not there, a folder, a glob that matches no file: each is named. [`Error::Cancelled`] soon after `cancel` is set.
pub fn resolve(names: &[String], cancel: Option<&AtomicBool>) -> Result<Vec<Input>, Error> {
    let mut inputs = Vec::new();
    let mut known = HashSet::new();
    for name in names {
        for input in matching(name, cancel)? {
            cancel::check(cancel)?;
            if known.insert(input.place()) {
                inputs.push(input);
            }
        }
    }
    if inputs.is_empty() {
        return Err(Error::InvalidOption("expected at least one input, received none".to_owned()));
    }
    Ok(inputs)
}

fn matching(name: &str, cancel: Option<&AtomicBool>) -> Result<Vec<Input>, Error> {
    if name == "-" {
        return Ok(vec![Input { name: name.to_owned(), path: PathBuf::from(name), bytes: 0 }]);
    }
    match fs::metadata(name) {
        Ok(metadata) if metadata.is_dir() => {
            let advice = format!("name its files, as in {}/**/*.jsonl", name.trim_end_matches('/'));
            Err(Error::InvalidOption(format!("expected files, received the folder {name}: {advice}")))
        }
        Ok(metadata) => Ok(vec![Input { name: name.to_owned(), path: PathBuf::from(name), bytes: metadata.len() }]),
        Err(_) if name.contains(['*', '?', '[']) => glob(name, cancel),
        Err(error) => Err(match error.kind() {
            // The last is that of a name that is longer than names are.
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
                Error::NoSuchFile(name.to_owned())
            }
            _ => Error::io("read", name, error),
        }),
    }
}

fn glob(pattern: &str, cancel: Option<&AtomicBool>) -> Result<Vec<Input>, Error> {
    let mut inputs = Vec::new();
    for path in globs::paths(pattern, cancel)? {
        cancel::check(cancel)?;
        let name = path.to_str().map(str::to_owned);
        let name = name.ok_or_else(|| Error::InvalidOption(format!("the name of {} is not UTF-8", path.display())))?;
        let metadata = fs::metadata(&path).map_err(|error| Error::io("read", &name, error))?;
        if metadata.is_file() {
            inputs.push(Input { name, path, bytes: metadata.len() });
        }
    }
    if inputs.is_empty() {
        return Err(Error::NoMatch(pattern.to_owned()));
    }
    inputs.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    Ok(inputs)
}

//! The paths that a glob stands for.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf, is_separator};
use std::sync::atomic::AtomicBool;

use glob::{Pattern, PatternError};

use crate::Error;
use crate::cancel;

/// The paths that `pattern` matches and that may be those of files, in no order; a name that is not UTF-8 matches nothing.
///
/// As in a shell, and in Python's `glob`, names that begin with `.` are matched only by what begins with `.` too: what editors, systems and
/// notebooks leave beside a file is no text. `**` does not go into such folders; as the last step it stands for all files below.
///
/// `**` stands for folders, as in a shell, and not for links to folders: two that lead back up would come to 2^40 paths before the system
/// says that there are too many. A link that a pattern names, or matches with `*`, is followed.
pub fn paths(pattern: &str, cancel: Option<&AtomicBool>) -> Result<Vec<PathBuf>, Error> {
    let invalid = |error: PatternError| Error::InvalidOption(format!("expected a glob, received {pattern:?}: {error}"));
    // As a whole first, so that an error tells a place in it.
    Pattern::new(pattern).map_err(invalid)?;
    // Only a folder is called that.
    if pattern.ends_with(is_separator) {
        return Ok(Vec::new());
    }
    let (mut root, mut steps) = (PathBuf::new(), Vec::new());
    for component in Path::new(pattern).components() {
        match component {
            Component::Prefix(_) | Component::RootDir => root.push(component),
            Component::CurDir => {}
            _ => steps.push(Step::of(&component.as_os_str().to_string_lossy()).map_err(invalid)?),
        }
    }
    steps.dedup_by(|a, b| matches!((a, b), (Step::Below, Step::Below)));
    let mut found = vec![root];
    let mut steps = steps.into_iter().peekable();
    while let Some(step) = steps.next() {
        let is_last = steps.peek().is_none();
        let mut next = Vec::new();
        for folder in found {
            cancel::check(cancel)?;
            match &step {
                Step::Below => {
                    let (folders, others) = below(folder, cancel)?;
                    next.extend(if is_last { others } else { folders });
                }
                Step::Name(name) => {
                    let path = folder.join(name);
                    next.extend(fs::symlink_metadata(&path).is_ok().then_some(path));
                }
                Step::Names(pattern) => {
                    let with_hidden = is_hidden(pattern.as_str().as_ref());
                    for entry in entries(&folder)? {
                        let name = entry.file_name();
                        if (with_hidden || !is_hidden(&name)) && name.to_str().is_some_and(|name| pattern.matches(name))
                        {
                            next.push(folder.join(name));
                        }
                    }
                }
            }
        }
        if !is_last {
            next.retain(|path| place(path).is_dir());
        }
        found = next;
    }
    Ok(found)
}

/// What stands between two separators.
enum Step {
    /// `**`
    Below,
    Name(String),
    Names(Pattern),
}

impl Step {
    fn of(component: &str) -> Result<Self, PatternError> {
        Ok(match component {
            "**" => Self::Below,
            _ if component.contains(['*', '?', '[']) => Self::Names(Pattern::new(component)?),
            _ => Self::Name(component.to_owned()),
        })
    }
}

/// `top` and all folders in it, and what is in them that is no folder. Without what is hidden.
fn below(top: PathBuf, cancel: Option<&AtomicBool>) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    let (mut folders, mut others) = (vec![top], Vec::new());
    let mut read = 0;
    while read < folders.len() {
        cancel::check(cancel)?;
        let folder = folders[read].clone();
        for entry in entries(&folder)? {
            let (name, is_folder) = (entry.file_name(), entry.file_type().is_ok_and(|kind| kind.is_dir()));
            if is_hidden(&name) {
                continue;
            }
            if is_folder {
                folders.push(folder.join(name));
            } else if name.to_str().is_some() {
                let path = folder.join(name);
                // A link to a folder.
                if !path.is_dir() {
                    others.push(path);
                }
            }
        }
        read += 1;
    }
    Ok((folders, others))
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// The current folder has no name in the paths that are found.
fn place(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, Error> {
    let place = place(folder);
    let entries = fs::read_dir(place).and_then(Iterator::collect);
    entries.map_err(|error| Error::io("read", place.display(), error))
}

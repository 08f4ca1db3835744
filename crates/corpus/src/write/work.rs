//! The folder for what is needed until a dataset is whole, which one process at a time has.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::appender::make_folder;
use crate::{Error, options_error};

const FOLDER: &str = ".prepare";
const LOCK: &str = "lock";
/// How often another process may remove the folder while this one opens it.
const ATTEMPTS: usize = 100;

/// The folder, as long as it is this process's.
pub struct Work {
    path: PathBuf,
    /// Open, so locked.
    _lock: File,
}

impl Work {
    /// That of the dataset in `out_dir`; it is made.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] when another call or process has it.
    pub fn open(out_dir: &Path) -> Result<Self, Error> {
        let path = out_dir.join(FOLDER);
        let name = path.join(LOCK);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let opened = make_folder(&path)
                .and_then(|()| File::create(&name).map_err(|error| Error::io("create", name.display(), error)));
            let file = match opened {
                Ok(file) => file,
                Err(Error::Io { source, .. }) if is_of_a_removal(&source) && attempts < ATTEMPTS => continue,
                Err(error) => return Err(error),
            };
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    return options_error(format!("another call or process prepares {}", out_dir.display()));
                }
                // Some network file systems have no locks, which is an error of another kind.
                Ok(()) | Err(TryLockError::Error(_)) if is_at(&file, &name) || attempts >= ATTEMPTS => {
                    return Ok(Self { path, _lock: file });
                }
                // Of a file that its last owner has removed meanwhile: others would lock its successor.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it. The lock goes last, and who waits for it makes the folder anew.
    pub fn remove(self) -> Result<(), Error> {
        let removed = (|| {
            for entry in fs::read_dir(&self.path)? {
                let entry = entry?;
                if entry.file_name() != LOCK {
                    fs::remove_file(entry.path())?;
                }
            }
            fs::remove_file(self.path.join(LOCK))?;
            match fs::remove_dir(&self.path) {
                Err(error) if is_of_a_removal(&error) || error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
                removed => removed,
            }
        })();
        removed.map_err(|error| Error::io("remove", self.path.display(), error))
    }
}

/// Whether `error` may be one of a folder that another process removes or makes just now.
fn is_of_a_removal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists)
}

/// Whether `path` still leads to `file`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(file), Ok(found)) if of(&file) == of(&found))
}

/// A file that is open keeps its name here, also when it is to be removed.
#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

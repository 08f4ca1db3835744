//! Files that take the place of others as a whole: whoever looks sees the old one or the new one, also after a crash.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file beside another, whose place it takes with [`Replacement::finish`]. Dropped before that, it is removed.
#[derive(Debug)]
pub struct Replacement {
    path: PathBuf,
    temporary: PathBuf,
    file: File,
    finished: bool,
}

impl Replacement {
    /// An empty file in the folder of `path`: only there a rename is one step. Its mode is that of the file that is there, or of any new one.
    /// A link stays, and what it means is replaced.
    ///
    /// # Errors
    /// When `path` names no file, what is there is no regular file (a device, a pipe or a folder), or its folder takes no new one.
    pub fn of(path: &Path) -> io::Result<Self> {
        let old = if_there(fs::metadata(path))?;
        if old.as_ref().is_some_and(|old| !old.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        let path = without_links(path)?;
        let (temporary, file) = new_beside(&path)?;
        let new = Self { path, temporary, file, finished: false };
        old.map_or(Ok(()), |old| hand_on_mode(&old, &new.file))?;
        Ok(new)
    }

    /// What to write into.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts the file in its place; it and its name are on disk when this returns.
    ///
    /// # Errors
    /// When it cannot be synced or renamed: what was at the path is there as before.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.finished = true;
        sync_folder_of(&self.path)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed stays; the error that led here is the one to report.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Renames a file of one folder, which lasts through a loss of power when this returns.
///
/// # Errors
/// When it cannot be renamed, or the folder cannot be synced.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder_of(to)
}

/// A new file beside `path`, with its name.
fn new_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"))?;
    loop {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let temporary = path.with_file_name(hidden);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            // Of a process of the same number that was killed, or runs in another container.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (temporary, file)),
        }
    }
}

/// What a link means, also when that is not there yet.
fn without_links(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const MOST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        if !if_there(fs::symlink_metadata(&path))?.is_some_and(|found| found.is_symlink()) {
            return Ok(path);
        }
        let meant = fs::read_link(&path)?;
        path = path.parent().map_or(meant.clone(), |folder| folder.join(meant));
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link of too many links"))
}

fn if_there(found: io::Result<Metadata>) -> io::Result<Option<Metadata>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// Windows has no such modes.
#[cfg(not(unix))]
fn hand_on_mode(_: &Metadata, _: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn hand_on_mode(old: &Metadata, new: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    new.set_permissions(fs::Permissions::from_mode(old.permissions().mode() & 0o777))
}

/// Makes the name of the file `path` last through a loss of power. Windows has no such call, and needs none.
///
/// # Errors
/// When its folder cannot be opened or synced.
#[cfg(not(unix))]
pub fn sync_folder_of(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes the name of the file `path` last through a loss of power.
///
/// # Errors
/// When its folder cannot be opened or synced.
#[cfg(unix)]
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

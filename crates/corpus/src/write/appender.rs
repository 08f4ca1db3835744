//! A file that grows at its end, survives a crash, and gets its name when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tokenmill_files::sync_folder_of;

use crate::Error;
use crate::cancel;

/// What is written to the system at a time.
const BUFFER: usize = 1 << 20;

/// The file `path`, called `path.partial` until [`Appender::finish`].
pub struct Appender {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    length: u64,
    hasher: blake3::Hasher,
    /// Whether something failed: nobody knows then what is in the file, and nothing more is done with it.
    is_broken: bool,
}

/// A file that is whole.
pub struct Finished {
    pub bytes: u64,
    /// In hexadecimal.
    pub blake3: String,
}

impl Appender {
    pub fn create(path: PathBuf) -> Result<Self, Error> {
        let partial = partial(&path);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&partial);
        // A file that is on disk without its name is not there after a crash.
        let file = file.and_then(|file| sync_folder_of(&partial).map(|()| file));
        let file = file.map_err(|error| Error::io("create", partial.display(), error))?;
        Ok(Self::new(path, file, 0, blake3::Hasher::new()))
    }

    /// The file as it was when it had `length` bytes; it may have been finished since.
    pub fn resume(path: PathBuf, length: u64, cancel: Option<&AtomicBool>) -> Result<Self, Error> {
        let partial = partial(&path);
        let failed = |error| Error::io("resume", partial.display(), error);
        if !partial.exists() && path.exists() {
            fs::rename(&path, &partial).map_err(failed)?;
        }
        let mut file = OpenOptions::new().read(true).write(true).open(&partial).map_err(failed)?;
        let found = file.metadata().map_err(failed)?.len();
        if found < length {
            let reason = format!("expected at least {length} bytes, which were written before, received {found}");
            return Err(Error::CorruptDataset { path: partial.display().to_string(), reason });
        }
        file.set_len(length).map_err(failed)?;
        let hasher = hash(&mut file, cancel).map_err(failed)?;
        Ok(Self::new(path, file, length, hasher))
    }

    fn new(path: PathBuf, file: File, length: u64, hasher: blake3::Hasher) -> Self {
        Self { path, file, buffer: Vec::with_capacity(BUFFER), length, hasher, is_broken: false }
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.length
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.attempt(|it| {
            it.hasher.update(bytes);
            it.length += bytes.len() as u64;
            if it.buffer.len() + bytes.len() > BUFFER {
                it.flush()?;
                if bytes.len() >= BUFFER {
                    return it.file.write_all(bytes);
                }
            }
            it.buffer.extend_from_slice(bytes);
            Ok(())
        })
    }

    /// All bytes so far are on disk when this returns.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.attempt(|it| {
            it.flush()?;
            it.file.sync_data()
        })
    }

    /// Overwrites the start of the file.
    pub fn patch(&mut self, start: &[u8], cancel: Option<&AtomicBool>) -> Result<(), Error> {
        self.attempt(|it| {
            it.flush()?;
            it.file.seek(SeekFrom::Start(0))?;
            it.file.write_all(start)?;
            it.hasher = hash(&mut it.file, cancel)?;
            it.file.seek(SeekFrom::End(0)).map(drop)
        })
    }

    /// Gives the file its name; it and its name are on disk when this returns.
    pub fn finish(mut self) -> Result<Finished, Error> {
        self.attempt(|it| {
            it.flush()?;
            it.file.sync_all()
        })?;
        rename(&partial(&self.path), &self.path)?;
        Ok(Finished { bytes: self.length, blake3: self.hasher.finalize().to_hex().to_string() })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn attempt(&mut self, work: impl FnOnce(&mut Self) -> io::Result<()>) -> Result<(), Error> {
        let done = if self.is_broken { Err(io::Error::other("writing it failed before")) } else { work(self) };
        self.is_broken = done.is_err();
        done.map_err(|error| Error::io("write", self.path.display(), error))
    }
}

/// The hash of the whole of `file`, whose place is then its end.
fn hash(file: &mut File, cancel: Option<&AtomicBool>) -> io::Result<blake3::Hasher> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        cancel::check(cancel).map_err(io::Error::other)?;
        match file.read(&mut buffer)? {
            0 => return Ok(hasher),
            length => hasher.update(&buffer[..length]),
        };
    }
}

/// The BLAKE3 of the file `path` in hexadecimal.
pub fn hash_of(path: &Path, cancel: Option<&AtomicBool>) -> Result<String, Error> {
    let hash = File::open(path).and_then(|mut file| hash(&mut file, cancel));
    hash.map(|hash| hash.finalize().to_hex().to_string()).map_err(|error| Error::io("read", path.display(), error))
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// Removes `path`, whole or not, if it is there.
pub fn remove(path: &Path) -> Result<(), Error> {
    for path in [path.to_owned(), partial(path)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("remove", path.display(), error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether `path` is there, whole or not.
pub fn exists(path: &Path) -> bool {
    path.exists() || partial(path).exists()
}

/// Replaces `path` as a whole: after a crash it is the old or the new one.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let partial = partial(path);
    let written = File::create(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| Error::io("write", path.display(), error))?;
    rename(&partial, path)
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    tokenmill_files::rename(from, to).map_err(|error| Error::io("write", to.display(), error))
}

/// Makes the folder `path` with those that it is in; their names are on disk when this returns.
pub fn make_folder(path: &Path) -> Result<(), Error> {
    let missing: Vec<_> =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    let made = fs::create_dir_all(path).and_then(|()| missing.into_iter().try_for_each(sync_folder_of));
    made.map_err(|error| Error::io("create", path.display(), error))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]

    use super::*;

    #[test]
    fn the_hash_of_what_is_there_can_be_cancelled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let cancel = Some(&AtomicBool::new(true));
        let mut file = Appender::create(path.clone()).unwrap();
        file.write(b"header and ids").unwrap();
        assert!(matches!(file.patch(b"HEADER", cancel), Err(Error::Cancelled)));
        assert!(matches!(Appender::resume(path.clone(), 6, cancel), Err(Error::Cancelled)));
        // It is as if it had ended there.
        let resumed = Appender::resume(path.clone(), 6, None).unwrap().finish().unwrap();
        assert_eq!(resumed.blake3, hash_of(&path, None).unwrap());
        assert!(matches!(hash_of(&path, cancel), Err(Error::Cancelled)));
    }

    #[test]
    fn nothing_is_written_behind_a_gap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        // A device that takes no byte.
        std::os::unix::fs::symlink("/dev/full", partial(&path)).unwrap();
        let mut file = Appender::create(path).unwrap();
        file.write(b"lost").unwrap();
        let error = file.sync().unwrap_err();
        assert!(error.to_string().contains("No space left on device"), "{error}");
        for again in [file.write(b"more"), file.sync(), file.patch(b"x", None), file.finish().map(drop)] {
            let error = again.unwrap_err();
            assert!(error.to_string().ends_with("writing it failed before"), "{error}");
        }
    }
}

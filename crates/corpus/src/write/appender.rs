//! A file that grows at its end, survives a crash, and gets its name when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// What is written to the system at a time.
const BUFFER: usize = 1 << 20;

/// The file `path`, called `path.partial` until [`Appender::finish`].
pub struct Appender {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    length: u64,
    hasher: blake3::Hasher,
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
        let file = file.map_err(|error| Error::io("create", partial.display(), error))?;
        Ok(Self { path, file, buffer: Vec::with_capacity(BUFFER), length: 0, hasher: blake3::Hasher::new() })
    }

    /// The file as it was when it had `length` bytes; it may have been finished since.
    pub fn resume(path: PathBuf, length: u64) -> Result<Self, Error> {
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
        let hasher = hash(&mut file).map_err(failed)?;
        Ok(Self { path, file, buffer: Vec::with_capacity(BUFFER), length, hasher })
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.length
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
            if bytes.len() >= BUFFER {
                return self.file.write_all(bytes).map_err(|error| self.failed(error));
            }
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// All bytes so far are on disk when this returns.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.file.sync_data().map_err(|error| self.failed(error))
    }

    /// Overwrites the start of the file.
    pub fn patch(&mut self, start: &[u8]) -> Result<(), Error> {
        self.flush()?;
        let patched = (|| {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(start)?;
            let hasher = hash(&mut self.file)?;
            self.file.seek(SeekFrom::End(0)).map(|_| hasher)
        })();
        self.hasher = patched.map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Gives the file its name; it and its name are on disk when this returns.
    pub fn finish(mut self) -> Result<Finished, Error> {
        self.flush()?;
        self.file.sync_all().map_err(|error| self.failed(error))?;
        rename(&partial(&self.path), &self.path)?;
        Ok(Finished { bytes: self.length, blake3: self.hasher.finalize().to_hex().to_string() })
    }

    fn flush(&mut self) -> Result<(), Error> {
        let written = self.file.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io("write", self.path.display(), error)
    }
}

/// The hash of the whole of `file`, whose place is then its end.
fn hash(file: &mut File) -> io::Result<blake3::Hasher> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher),
            length => hasher.update(&buffer[..length]),
        };
    }
}

/// The BLAKE3 of the file `path` in hexadecimal.
pub fn hash_of(path: &Path) -> Result<String, Error> {
    let hash = File::open(path).and_then(|mut file| hash(&mut file));
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
    let renamed = fs::rename(from, to).and_then(|()| sync_folder_of(to));
    renamed.map_err(|error| Error::io("write", to.display(), error))
}

/// Windows has no such call, and needs none.
#[cfg(not(unix))]
fn sync_folder_of(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

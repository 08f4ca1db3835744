//! The bytes of an input as they are on disk or come, for as long as they are wanted: who writes into a pipe may write nothing for ever.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;

use crate::Input;
use crate::cancel::{LOOK, Stop};

/// Opens a file to read; a pipe before anybody writes into it, too.
pub fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() { File::open(path) } else { open_at_once(path) }
}

#[cfg(unix)]
fn open_at_once(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

/// Windows has no pipes among its files.
#[cfg(not(unix))]
fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// What is read of an input; counted, and an error when it is to stop.
pub struct Source {
    handle: Handle,
    /// Whether it may have nothing to read yet.
    waits: bool,
    /// Whether somebody is known to have opened the other side, where it has one.
    is_begun: bool,
    progress: Arc<AtomicU64>,
    stop: Stop,
}

impl Source {
    pub fn open(input: &Input, progress: &Arc<AtomicU64>, stop: &Stop) -> io::Result<Self> {
        let (handle, waits) = if input.is_stdin() {
            standard_input()?
        } else {
            let file = open(&input.path)?;
            let waits = !file.metadata()?.is_file();
            (Handle::File(file), waits)
        };
        let is_begun = input.is_stdin();
        Ok(Self { handle, waits, is_begun, progress: Arc::clone(progress), stop: stop.clone() })
    }

    /// The file, where it can be read from any place.
    pub fn seekable(&mut self) -> Option<&mut File> {
        match &mut self.handle {
            Handle::File(file) => (!self.waits).then_some(file),
            #[cfg(not(unix))]
            Handle::Standard(_) => None,
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stop.check()?;
            if self.waits && !self.handle.is_ready()? {
                continue;
            }
            match self.handle.read(buffer) {
                // Somebody else has read it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(LOOK),
                // Elsewhere than on Linux, a pipe that nobody has opened to write looks like one at its end.
                Ok(0) if cfg!(not(target_os = "linux")) && self.is_unopened_pipe() => sleep(LOOK),
                Ok(length) => {
                    self.is_begun = true;
                    self.progress.fetch_add(length as u64, Ordering::Relaxed);
                    return Ok(length);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Source {
    /// Whether it may be a pipe with a name that nobody has opened to write.
    #[cfg(unix)]
    fn is_unopened_pipe(&self) -> bool {
        use std::os::unix::fs::{FileTypeExt, MetadataExt};

        let Handle::File(file) = &self.handle;
        // One without a name was open before it came here.
        let is_named = |found: &fs::Metadata| found.file_type().is_fifo() && found.nlink() > 0;
        !self.is_begun && self.waits && file.metadata().is_ok_and(|found| is_named(&found))
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "as elsewhere")]
    fn is_unopened_pipe(&self) -> bool {
        false
    }
}

enum Handle {
    File(File),
    /// It decodes what comes from a console.
    #[cfg(not(unix))]
    Standard(io::Stdin),
}

impl Read for Handle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            #[cfg(not(unix))]
            Self::Standard(stdin) => stdin.read(buffer),
        }
    }
}

/// Not by the standard library's own handle, in whose buffer bytes would stay for whoever reads next.
#[cfg(unix)]
fn standard_input() -> io::Result<(Handle, bool)> {
    use std::os::fd::AsFd;

    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let waits = !file.metadata()?.is_file();
    Ok((Handle::File(file), waits))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as elsewhere")]
fn standard_input() -> io::Result<(Handle, bool)> {
    Ok((Handle::Standard(io::stdin()), true))
}

impl Handle {
    /// Whether there is something to read, or the end; it waits [`LOOK`] for that.
    #[cfg(unix)]
    fn is_ready(&self) -> io::Result<bool> {
        use std::os::fd::AsRawFd;

        let Self::File(file) = self;
        let mut poll = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: it is one structure, and the file is open.
        match unsafe { libc::poll(&raw mut poll, 1, LOOK.as_millis() as libc::c_int) } {
            -1 => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
                error => Err(error),
            },
            ready => Ok(ready > 0),
        }
    }

    /// Windows tells it of no handle alike: reading waits.
    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as elsewhere")]
    fn is_ready(&self) -> io::Result<bool> {
        Ok(true)
    }
}

//! A text that is too long for the memory, in parts.

use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};

use crate::blocks::no_memory;
use crate::bytes::damage;
use crate::cancel::{self, LOOK, Stop, StopAtEnd};
use crate::pipeline::{Position, Progress};
use crate::{Error, Fault, Input, Unit, bytes};

/// Parts are at least this long, but the last, in bytes.
const PART: usize = 8 << 20;

/// Reads `input`, all of which is one text, and gives `visit` what was read and not used yet, and whether that is the end of the text. It
/// returns how many bytes it used, at whose end a character ends; the rest comes again, with more. What it does not use is kept, and is an
/// error when it is more than `most` bytes. Compression, byte order marks and UTF-16 are treated as in [`read`](crate::read).
///
/// # Errors
/// [`Error::Document`] of bytes that are not UTF-8, unless `replace` makes U+FFFD of each maximal invalid part; those of reading; those of `visit`;
/// [`Error::Cancelled`] soon after `cancel` is set.
pub fn read_parts(
    input: &Input,
    replace: bool,
    most: usize,
    cancel: Option<&AtomicBool>,
    progress: &Progress,
    mut visit: impl FnMut(&str, bool) -> Result<usize, Error>,
) -> Result<(), Error> {
    let (send, receive) = sync_channel(1);
    std::thread::scope(|scope| {
        // Both gone when this ends, however it does: then the thread is not waited for in vain.
        let (receive, stop) = (receive, StopAtEnd(Stop::default()));
        let reading = stop.0.clone();
        // Reads ahead, which takes time where it decompresses; it ends when the receiver is gone.
        std::thread::Builder::new()
            .name("tokenmill reader".to_owned())
            .spawn_scoped(scope, move || read_ahead(input, progress, &reading, &send))
            .map_err(|error| Error::Limit(format!("the system does not give a thread: {error}")))?;
        let mut text = Text { name: &input.name, replace, bytes: Vec::new(), tail: Vec::new(), offset: 0 };
        let (mut is_first, mut is_end) = (true, false);
        while !is_end {
            cancel::check(cancel)?;
            let mut part = match receive.recv_timeout(LOOK) {
                Ok(part) => part?,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Limit("the thread that reads has ended".to_owned()));
                }
            };
            is_end = part.len() < PART;
            if std::mem::take(&mut is_first) {
                text.check_start(&mut part)?;
            }
            text.add(&part, is_end)?;
            let used = visit(text.as_str(), is_end)?;
            text.bytes.drain(..used);
            if text.bytes.len() > most {
                return Err(too_long(input, most));
            }
        }
        Ok(())
    })
}

fn read_ahead(input: &Input, progress: &Progress, stop: &Stop, send: &SyncSender<Result<Vec<u8>, Error>>) {
    let mut source = match bytes::open(input, &Position::default(), &progress.read, stop) {
        Ok(stream) => stream.bytes,
        Err(error) => return drop(send.send(Err(error))),
    };
    loop {
        let part = read_part(input, &mut source);
        let is_end = part.as_ref().map_or(true, |part| part.len() < PART);
        if send.send(part).is_err() || is_end {
            return;
        }
    }
}

fn read_part(input: &Input, source: impl Read) -> Result<Vec<u8>, Error> {
    let mut part = Vec::new();
    part.try_reserve_exact(PART).map_err(|_| no_memory(PART))?;
    match source.take(PART as u64).read_to_end(&mut part) {
        Ok(_) => Ok(part),
        Err(error) => Err(Error::InvalidInput { path: input.name.clone(), reason: damage(&input.name, error)? }),
    }
}

fn too_long(input: &Input, most: usize) -> Error {
    Error::Limit(format!(
        "{}: no place was found in {most} bytes where the text can be cut without changing its pieces: read it line by line, or as smaller files",
        input.name
    ))
}

/// What was read of a text and is not used yet.
struct Text<'i> {
    name: &'i str,
    replace: bool,
    /// These are UTF-8.
    bytes: Vec<u8>,
    /// After them, the start of a character.
    tail: Vec<u8>,
    /// How many bytes came before `tail`.
    offset: usize,
}

impl Text<'_> {
    fn as_str(&self) -> &str {
        // SAFETY: `add` checked all of them.
        unsafe { str::from_utf8_unchecked(&self.bytes) }
    }

    fn check_start(&mut self, part: &mut Vec<u8>) -> Result<(), Error> {
        if part.starts_with(b"\xef\xbb\xbf") {
            part.drain(..3);
            self.offset = 3;
        }
        if part.starts_with(b"\xff\xfe") || part.starts_with(b"\xfe\xff") {
            let reason = "expected UTF-8, received a byte order mark of UTF-16".to_owned();
            return Err(Error::InvalidInput { path: self.name.to_owned(), reason });
        }
        Ok(())
    }

    fn add(&mut self, part: &[u8], is_end: bool) -> Result<(), Error> {
        let tail = std::mem::take(&mut self.tail);
        let joined;
        let part = if tail.is_empty() {
            part
        } else {
            joined = [&tail[..], part].concat();
            &joined
        };
        // U+FFFD is at most three times as long as what it stands for.
        self.bytes.try_reserve(part.len()).map_err(|_| no_memory(part.len()))?;
        for chunk in part.utf8_chunks() {
            self.bytes.extend_from_slice(chunk.valid().as_bytes());
            self.offset += chunk.valid().len();
            let invalid = chunk.invalid();
            let ends_part = std::ptr::eq(invalid.as_ptr_range().end, part.as_ptr_range().end);
            if invalid.is_empty() {
                continue;
            }
            if ends_part && !is_end && is_start_of_character(invalid) {
                self.tail = invalid.to_vec();
                continue;
            }
            if !self.replace {
                let fault = Fault::InvalidUtf8(self.offset);
                return Err(Error::Document { path: self.name.to_owned(), unit: Unit::Line, number: 1, fault });
            }
            self.bytes.extend_from_slice("\u{fffd}".as_bytes());
            self.offset += invalid.len();
        }
        Ok(())
    }
}

/// Whether more bytes could make a character of these, which are not UTF-8.
fn is_start_of_character(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn input(path: PathBuf, content: &[u8]) -> Input {
        std::fs::write(&path, content).expect("a folder to write to");
        Input { name: "text.txt".to_owned(), path, bytes: content.len() as u64 }
    }

    /// All of a text, of which each call uses half of the characters.
    fn all(input: &Input, replace: bool) -> Result<String, Error> {
        let mut all = String::new();
        let visit = |text: &str, is_end: bool| {
            let used = if is_end { text.len() } else { text.floor_char_boundary(text.len() / 2) };
            all.push_str(&text[..used]);
            Ok(used)
        };
        read_parts(input, replace, 1 << 30, None, &Progress::default(), visit).map(|()| all)
    }

    #[test]
    fn parts_joined_are_the_text() {
        let folder = tempfile::tempdir().expect("a folder");
        // Characters of three bytes lie across the ends of parts.
        let text = format!("a{}", "磨坊".repeat(PART / 2));
        for (content, expected) in [(&text[..], &text[..]), ("", ""), ("\u{feff}\u{feff}é", "\u{feff}é")] {
            let file = input(folder.path().join("text.txt"), content.as_bytes());
            assert!(all(&file, false).expect("it is UTF-8") == expected, "{} bytes", content.len());
        }
    }

    #[test]
    fn what_is_not_utf_8_is_an_error_with_its_place_or_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut content = vec![b'x'; PART - 1];
        content.extend_from_slice(b"\xe7\xa3y\xff");
        let file = input(folder.path().join("text.txt"), &content);
        match all(&file, false) {
            Err(Error::Document { fault: Fault::InvalidUtf8(at), .. }) => assert_eq!(at, PART - 1),
            other => panic!("{other:?}"),
        }
        assert!(all(&file, true).expect("replaced") == String::from_utf8_lossy(&content));
        let cut = input(folder.path().join("cut.txt"), b"ab\xe7\xa3");
        assert!(matches!(all(&cut, false), Err(Error::Document { fault: Fault::InvalidUtf8(2), .. })));
        let utf16 = input(folder.path().join("utf16.txt"), b"\xff\xfea\0");
        assert!(matches!(all(&utf16, true), Err(Error::InvalidInput { .. })));
    }

    #[test]
    fn what_is_never_used_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = input(folder.path().join("text.txt"), &vec![b'x'; 2 * PART]);
        let result = read_parts(&file, false, PART / 2, None, &Progress::default(), |_, _| Ok(0));
        assert!(matches!(result, Err(Error::Limit(_))), "{result:?}");
    }
}

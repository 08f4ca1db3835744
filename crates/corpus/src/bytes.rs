//! The bytes of an input, decompressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

use crate::pipeline::Position;
use crate::{Error, Input};

/// What is read from the system at a time.
const BUFFER: usize = 256 << 10;

/// What an input holds, decompressed.
pub struct Stream {
    pub bytes: Box<dyn Read + Send>,
    /// Of what came before, for standard input.
    pub hasher: Option<blake3::Hasher>,
}

/// Opens `input` at the offset of `position`. Compression is known by the first bytes: neither gzip's nor Zstandard's can start a text. Adds the bytes
/// that are read from the file to `progress`.
pub fn open(input: &Input, position: &Position, progress: &Arc<AtomicU64>) -> Result<Stream, Error> {
    let failed = |error| Error::io("read", &input.name, error);
    let offset = position.offset;
    if input.is_stdin() {
        let mut bytes = decompressed(io::stdin(), input, progress)?;
        let mut hasher = blake3::Hasher::new();
        skip(&mut bytes, input, offset, &mut hasher)?;
        if offset > 0 && position.digest != Some(hasher.finalize().into()) {
            let reason = format!("expected the {offset} bytes that it gave before, received others");
            return Err(Error::InvalidInput { path: input.name.clone(), reason });
        }
        return Ok(Stream { bytes, hasher: Some(hasher) });
    }
    let mut file = File::open(&input.path).map_err(failed)?;
    if offset > 0 {
        let mut start = [0; 4];
        let mut length = 0;
        while let n @ 1.. = file.read(&mut start[length..]).map_err(failed)? {
            length += n;
        }
        if compression(&start[..length], &input.name) == Compression::None {
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            progress.fetch_add(offset, Ordering::Relaxed);
            let bytes = Box::new(Counted { inner: file, progress: Arc::clone(progress) });
            return Ok(Stream { bytes, hasher: None });
        }
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
    }
    let mut bytes = decompressed(file, input, progress)?;
    skip(&mut bytes, input, offset, &mut io::sink())?;
    Ok(Stream { bytes, hasher: None })
}

/// Has `to` take the first `offset` bytes.
fn skip(bytes: &mut impl Read, input: &Input, offset: u64, to: &mut impl Write) -> Result<(), Error> {
    let skipped = io::copy(&mut bytes.take(offset), to).map_err(|error| Error::io("read", &input.name, error))?;
    if skipped < offset {
        let reason = format!("expected at least {offset} bytes, which it had before, received {skipped}");
        return Err(Error::InvalidInput { path: input.name.clone(), reason });
    }
    Ok(())
}

fn decompressed(
    source: impl Read + Send + 'static,
    input: &Input,
    progress: &Arc<AtomicU64>,
) -> Result<Box<dyn Read + Send>, Error> {
    let failed = |error| Error::io("read", &input.name, error);
    let mut source = Counted { inner: source, progress: Arc::clone(progress) };
    let mut start = Vec::with_capacity(4);
    (&mut source).take(4).read_to_end(&mut start).map_err(failed)?;
    let compression = compression(&start, &input.name);
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(start).chain(source));
    Ok(match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(GzipMembers { member: Some(GzDecoder::new(whole)) }),
        Compression::Zstandard => Box::new(zstd::Decoder::with_buffer(whole).map_err(failed)?),
    })
}

#[derive(PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstandard,
}

fn compression(start: &[u8], name: &str) -> Compression {
    let name = name.to_ascii_lowercase();
    let ends_with = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    match start {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstandard,
        // A file that says what it is and is not is told by the decoder. An empty one is empty.
        [_, ..] if ends_with(&[".gz"]) => Compression::Gzip,
        [_, ..] if ends_with(&[".zst", ".zstd"]) => Compression::Zstandard,
        _ => Compression::None,
    }
}

struct Counted<R> {
    inner: R,
    progress: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.progress.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Gzip files one after the other, as `cat` and block gzip make them. Zeros after the last are padding, as for gzip; anything else is an error.
struct GzipMembers<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let length = member.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            let Some(member) = self.member.take() else { break };
            let mut rest = member.into_inner();
            let next = loop {
                let bytes = rest.fill_buf()?;
                let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
                if zeros < bytes.len() {
                    let next = bytes[zeros];
                    rest.consume(zeros);
                    break Some(next);
                }
                if bytes.is_empty() {
                    break None;
                }
                rest.consume(zeros);
            };
            match next {
                None => {}
                Some(0x1f) => self.member = Some(GzDecoder::new(rest)),
                Some(_) => {
                    let reason = "there are bytes after the end of the compressed data";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
                }
            }
        }
        Ok(0)
    }
}

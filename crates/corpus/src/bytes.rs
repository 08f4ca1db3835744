//! The bytes of an input, decompressed.

use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;

use crate::cancel::Stop;
use crate::error::is_no_damage;
use crate::pipeline::Position;
use crate::source::Source;
use crate::{Error, Input};

/// What is read from the system at a time.
const BUFFER: usize = 256 << 10;

/// What an input holds, decompressed.
pub struct Stream {
    pub bytes: Box<dyn Read + Send>,
    /// Of what came before, for what can be read only once.
    pub hasher: Option<blake3::Hasher>,
}

/// Opens `input` at the offset of `position`. Compression is known by the first bytes: neither gzip's nor Zstandard's can start a text. Adds the bytes
/// that are read from the file to `progress`. Reading is an error once `stop` is set.
pub fn open(input: &Input, position: &Position, progress: &Arc<AtomicU64>, stop: &Stop) -> Result<Stream, Error> {
    let failed = |error| Error::io("read", &input.name, error);
    let mut source = Source::open(input, progress, stop).map_err(failed)?;
    let offset = position.offset;
    let is_file = match source.seekable() {
        None => false,
        Some(_) if input.is_stdin() => false,
        Some(file) if offset > 0 => {
            let mut start = Vec::with_capacity(4);
            Read::by_ref(file).take(4).read_to_end(&mut start).map_err(failed)?;
            let is_plain = compression(&start, &input.name) == Compression::None;
            file.seek(SeekFrom::Start(if is_plain { offset } else { 0 })).map_err(failed)?;
            if is_plain {
                progress.fetch_add(offset, Ordering::Relaxed);
                return Ok(Stream { bytes: Box::new(source), hasher: None });
            }
            true
        }
        Some(_) => true,
    };
    let bytes = decompressed(source, input)?;
    let mut bytes: Box<dyn Read + Send> = Box::new(Stoppable { inner: bytes, stop: stop.clone() });
    if is_file {
        skip(&mut bytes, input, offset, &mut io::sink())?;
        return Ok(Stream { bytes, hasher: None });
    }
    let mut hasher = blake3::Hasher::new();
    skip(&mut bytes, input, offset, &mut hasher)?;
    if offset > 0 && position.digest != Some(hasher.finalize().into()) {
        let reason = format!("expected the {offset} bytes that it gave before, received others");
        return Err(Error::InvalidInput { path: input.name.clone(), reason });
    }
    Ok(Stream { bytes, hasher: Some(hasher) })
}

/// Why the data of `input` are damaged, when that is what reading them failed with.
///
/// # Errors
/// Any other failure: one of the system, a limit, or that reading was to stop.
pub fn damage(input: &str, error: io::Error) -> Result<String, Error> {
    if is_no_damage(&error) {
        return Err(Error::io("read", input, error));
    }
    if let Some(limit) = error.get_ref().and_then(|error| error.downcast_ref().copied()).and_then(limit_of_zstd) {
        return Err(Error::Limit(format!("{input}: {limit}")));
    }
    Ok(format!("the compressed data is damaged: {error}"))
}

/// Why good data is not decoded.
fn limit_of_zstd(error: zstd::Error) -> Option<&'static str> {
    if error.is(ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) {
        return Some(
            "decoding it needs a window of more than 128 MiB, as zstd --long=28 and above make it: compress it without that",
        );
    }
    error.is(ZSTD_ErrorCode::ZSTD_error_memory_allocation).then_some("there is not enough memory to decode it")
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

fn decompressed(mut source: Source, input: &Input) -> Result<Box<dyn Read + Send>, Error> {
    let failed = |error| Error::io("read", &input.name, error);
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

/// A little of a compressed file may come to much that nobody waits for.
struct Stoppable {
    inner: Box<dyn Read + Send>,
    stop: Stop,
}

impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stop.check()?;
        self.inner.read(buffer)
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

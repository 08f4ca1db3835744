//! Text that comes in chunks, and ids that do.

mod decode;
mod engine;
mod incoming;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::{Error, SpecialPolicy, Tokenizer};

pub use decode::{DecodeStream, TextOfBytes};
pub use engine::BpeEngine;
pub use incoming::Incoming;

/// Long chunks are taken in parts of so many bytes, so that no more than that is kept beside a piece.
const PART: usize = 64 << 10;

/// Makes ids of the text of a stream.
pub trait StreamEngine {
    /// What can go wrong.
    type Error: From<Error>;

    /// Whether [`StreamEngine::look`] asks where in the stream a place is.
    fn refuses(&self) -> bool;

    /// How many bytes of the kept text have ids that are sure, whatever follows; at the end all.
    ///
    /// # Errors
    /// Text that is refused, or too long to be kept.
    fn look(&mut self, incoming: &mut Incoming, is_end: bool) -> Result<usize, Self::Error>;

    /// Adds the ids of `text`, what [`StreamEngine::look`] said of the kept one, which then goes away. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// Text that has no ids; that it was stopped; that there is not enough memory.
    fn encode(&mut self, text: &str, ids: &mut Vec<u32>, cancel: Option<&AtomicBool>) -> Result<(), Self::Error>;
}

/// Encodes text in chunks: all ids that it gives are those of the joined text.
///
/// Chunks are strings, in UTF-8 or UTF-16, or bytes. A character may be cut between two chunks of bytes, or of UTF-16; between others it is cut for good,
/// and U+FFFD. Indices in errors count UTF-16 code units of chunks that are strings, and bytes of those that are bytes, from the start of the stream.
/// After an error the stream is of no more use.
pub struct EncodeStream<E = BpeEngine> {
    engine: E,
    incoming: Incoming,
    ready: usize,
}

impl EncodeStream {
    /// One of `tokenizer`, which made `policy`. More than `max_piece` bytes of text without a place where it can be cut are an error.
    /// `is_strict`: so are bytes that are not UTF-8; else each maximal invalid part is U+FFFD.
    pub fn new(tokenizer: Arc<Tokenizer>, policy: Arc<SpecialPolicy>, max_piece: usize, is_strict: bool) -> Self {
        Self::of(BpeEngine::new(tokenizer, policy, max_piece), is_strict)
    }
}

impl<E: StreamEngine> EncodeStream<E> {
    /// One of `engine`. `is_strict`: bytes that are not UTF-8 are an error; else each maximal invalid part is U+FFFD.
    pub fn of(engine: E, is_strict: bool) -> Self {
        let incoming = Incoming::new(is_strict, engine.refuses());
        Self { engine, incoming, ready: 0 }
    }

    /// Takes a chunk and adds the ids that are sure to `ids`. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// Those of [`EncodeStream::push`] and [`EncodeStream::encode_ready`].
    pub fn encode(&mut self, mut text: &str, ids: &mut Vec<u32>, cancel: Option<&AtomicBool>) -> Result<(), E::Error> {
        while !text.is_empty() {
            let (part, rest) = text.split_at(text.floor_char_boundary(PART));
            self.push(part)?;
            self.encode_ready(ids, cancel)?;
            text = rest;
        }
        Ok(())
    }

    /// [`EncodeStream::encode`] of UTF-16.
    ///
    /// # Errors
    /// Those of [`EncodeStream::push_utf16`] and [`EncodeStream::encode_ready`].
    pub fn encode_utf16(
        &mut self,
        units: &[u16],
        ids: &mut Vec<u32>,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), E::Error> {
        for part in units.chunks(PART / 2) {
            self.push_utf16(part)?;
            self.encode_ready(ids, cancel)?;
        }
        Ok(())
    }

    /// [`EncodeStream::encode`] of bytes.
    ///
    /// # Errors
    /// Those of [`EncodeStream::push_bytes`] and [`EncodeStream::encode_ready`].
    pub fn encode_bytes(
        &mut self,
        bytes: &[u8],
        ids: &mut Vec<u32>,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), E::Error> {
        for part in bytes.chunks(PART) {
            self.push_bytes(part)?;
            self.encode_ready(ids, cancel)?;
        }
        Ok(())
    }

    /// Takes a chunk, without encoding it. One of more than some 64 KiB is better given to [`EncodeStream::encode`].
    ///
    /// # Errors
    /// Those of [`StreamEngine::look`]; [`Error::OutOfMemory`]; [`Error::InvalidUtf8`] when bytes before it end inside a character.
    pub fn push(&mut self, text: &str) -> Result<(), E::Error> {
        if text.is_empty() {
            return Ok(());
        }
        self.incoming.push(text)?;
        self.look(false)
    }

    /// Takes a chunk of UTF-16, in which lone surrogates are U+FFFD, without encoding it. One of more than some 64 KiB is better given to
    /// [`EncodeStream::encode_utf16`].
    ///
    /// # Errors
    /// Those of [`EncodeStream::push`].
    pub fn push_utf16(&mut self, units: &[u16]) -> Result<(), E::Error> {
        if units.is_empty() {
            return Ok(());
        }
        self.incoming.push_utf16(units)?;
        self.look(false)
    }

    /// Takes a chunk of bytes, without encoding it. One of more than some 64 KiB is better given to [`EncodeStream::encode_bytes`].
    ///
    /// # Errors
    /// Those of [`EncodeStream::push`]; [`Error::InvalidUtf8`].
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), E::Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.incoming.push_bytes(bytes)?;
        self.look(false)
    }

    /// No more chunks come: all ids are sure.
    ///
    /// # Errors
    /// Those of [`EncodeStream::push`].
    pub fn end(&mut self) -> Result<(), E::Error> {
        self.incoming.end()?;
        self.look(true)
    }

    /// How many bytes of text have sure ids that [`EncodeStream::encode_ready`] has not given yet.
    pub fn ready_bytes(&self) -> usize {
        self.ready
    }

    /// How many bytes of text are kept.
    pub fn held_bytes(&self) -> usize {
        self.incoming.held_bytes()
    }

    /// Adds all sure ids to `ids`. Stops soon after `cancel` is set.
    ///
    /// # Errors
    /// Those of [`StreamEngine::encode`].
    pub fn encode_ready(&mut self, ids: &mut Vec<u32>, cancel: Option<&AtomicBool>) -> Result<(), E::Error> {
        if self.ready == 0 {
            return Ok(());
        }
        self.engine.encode(&self.incoming.text()[..self.ready], ids, cancel)?;
        self.incoming.forget(self.ready);
        self.ready = 0;
        Ok(())
    }

    fn look(&mut self, is_end: bool) -> Result<(), E::Error> {
        self.ready = self.engine.look(&mut self.incoming, is_end)?;
        Ok(())
    }
}

impl<E> std::fmt::Debug for EncodeStream<E> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EncodeStream").field("held_bytes", &self.incoming.held_bytes()).finish_non_exhaustive()
    }
}

//! Ids that come in chunks.

use std::sync::Arc;

use crate::utf8::{REPLACED, Stretch, Utf8Tail};
use crate::{Error, Tokenizer};

/// Decodes ids in chunks: all text that it gives is that of the joined bytes, and no character is cut.
pub struct DecodeStream {
    tokenizer: Arc<Tokenizer>,
    skips_special: bool,
    text: TextOfBytes,
    /// How many ids have come.
    ids: usize,
}

impl DecodeStream {
    /// One of `tokenizer`. `is_strict`: bytes that are not UTF-8 are an error; else each maximal invalid part is U+FFFD. `skips_special`:
    /// special tokens are left out.
    pub fn new(tokenizer: Arc<Tokenizer>, is_strict: bool, skips_special: bool) -> Self {
        Self { tokenizer, skips_special, text: TextOfBytes::new(is_strict), ids: 0 }
    }

    /// The text of `ids` and of what was kept before, up to the last complete character.
    ///
    /// # Errors
    /// [`Error::UnknownId`], whose index counts all ids of the stream; [`Error::InvalidUtf8`], whose index counts all bytes;
    /// [`Error::OutOfMemory`].
    pub fn decode(&mut self, ids: &[u32]) -> Result<String, Error> {
        let tokenizer = &self.tokenizer;
        let bytes =
            if self.skips_special { tokenizer.decode_bytes_without_special(ids) } else { tokenizer.decode_bytes(ids) };
        let bytes = bytes.map_err(|error| match error {
            Error::UnknownId { id, index, largest } => Error::UnknownId { id, index: self.ids + index, largest },
            error => error,
        })?;
        self.ids += ids.len();
        self.text.push(bytes)
    }

    /// No more ids come: what is left of the text, U+FFFD or nothing.
    ///
    /// # Errors
    /// [`Error::InvalidUtf8`].
    pub fn end(&mut self) -> Result<&'static str, Error> {
        self.text.end()
    }
}

/// The text of bytes that come in chunks.
pub struct TextOfBytes {
    is_strict: bool,
    tail: Utf8Tail,
    /// How many bytes have been read.
    done: usize,
}

impl TextOfBytes {
    /// `is_strict`: bytes that are not UTF-8 are an error; else each maximal invalid part is U+FFFD.
    pub fn new(is_strict: bool) -> Self {
        Self { is_strict, tail: Utf8Tail::default(), done: 0 }
    }

    /// The text of `bytes` and of what was kept before, up to the last complete character.
    ///
    /// # Errors
    /// [`Error::InvalidUtf8`], whose index counts all bytes; [`Error::OutOfMemory`].
    pub fn push(&mut self, bytes: Vec<u8>) -> Result<String, Error> {
        // Most chunks are whole characters: then the bytes are the text.
        let bytes = if self.tail.len() == 0 {
            match String::from_utf8(bytes) {
                Ok(text) => {
                    self.done += text.len();
                    return Ok(text);
                }
                Err(error) => error.into_bytes(),
            }
        } else {
            bytes
        };
        let mut text = String::new();
        let Self { is_strict, tail, done } = self;
        tail.read(&bytes, |stretch| {
            let (read, length) = match stretch {
                Stretch::Text(read) => (read, read.len()),
                Stretch::Invalid(_) if *is_strict => return Err(Error::InvalidUtf8 { at: *done }),
                Stretch::Invalid(length) => (REPLACED, length),
            };
            *done += length;
            text.try_reserve(read.len()).map_err(|_| Error::OutOfMemory { bytes: read.len() })?;
            text.push_str(read);
            Ok(())
        })?;
        Ok(text)
    }

    /// No more bytes come: what is left of the text, U+FFFD or nothing.
    ///
    /// # Errors
    /// [`Error::InvalidUtf8`].
    pub fn end(&mut self) -> Result<&'static str, Error> {
        match self.tail.end() {
            None => Ok(""),
            Some(_) if self.is_strict => Err(Error::InvalidUtf8 { at: self.done }),
            Some(_) => Ok(REPLACED),
        }
    }
}

impl std::fmt::Debug for DecodeStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DecodeStream").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for TextOfBytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TextOfBytes").finish_non_exhaustive()
    }
}

//! Ids to bytes.

use std::ops::Range;

use crate::{Error, Tokenizer};

/// Ids that are looked up together.
const CHUNK: usize = 128;
/// Tokens up to this length are copied as so many bytes at once, of which the rest is written over by the next token.
const FEW: usize = 16;

impl Tokenizer {
    /// The bytes of `ids`.
    ///
    /// # Errors
    /// [`Error::UnknownId`] names the first id that no token has; [`Error::OutOfMemory`].
    pub fn decode_bytes(&self, ids: &[u32]) -> Result<Vec<u8>, Error> {
        Decoder { tokenizer: self, skip_special: false }.decode(ids)
    }

    /// The bytes of `ids` without those of special tokens.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode_bytes`].
    pub fn decode_bytes_without_special(&self, ids: &[u32]) -> Result<Vec<u8>, Error> {
        Decoder { tokenizer: self, skip_special: true }.decode(ids)
    }
}

struct Decoder<'a> {
    tokenizer: &'a Tokenizer,
    skip_special: bool,
}

impl Decoder<'_> {
    /// A chunk at a time: first all its ids are looked up, then memory for them is asked for, then they are copied. So no look-up waits for a
    /// copy.
    fn decode(&self, ids: &[u32]) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        // Of most texts this is more than enough; of others the memory grows as it is used.
        reserve(&mut bytes, ids.len().saturating_mul(5))?;
        let mut ranges = [const { 0..0 }; CHUNK];
        for (number, chunk) in ids.chunks(CHUNK).enumerate() {
            let mut length = 0;
            let mut all_ordinary = true;
            for (range, &id) in ranges.iter_mut().zip(chunk) {
                *range = self.range(id);
                length += range.len();
                all_ordinary &= range.start < range.end;
            }
            if all_ordinary {
                reserve(&mut bytes, length + FEW)?;
                // SAFETY: it is reserved.
                unsafe { self.push(&mut bytes, &ranges[..chunk.len()]) };
            } else {
                self.push_any(&mut bytes, chunk, number * CHUNK)?;
            }
        }
        Ok(bytes)
    }

    /// Where the bytes of `id` are in the vocabulary; empty where they are not, or where `id` has to be skipped.
    #[inline(always)]
    fn range(&self, id: u32) -> Range<usize> {
        let vocabulary = self.tokenizer.vocabulary();
        if (id as usize) < vocabulary.len() && !(self.skip_special && self.tokenizer.is_special(id)) {
            vocabulary.range(id)
        } else {
            0..0
        }
    }

    /// Appends the tokens at `ranges`.
    ///
    /// # Safety
    /// `bytes` has room for them and [`FEW`] bytes more.
    #[inline(always)]
    unsafe fn push(&self, bytes: &mut Vec<u8>, ranges: &[Range<usize>]) {
        let tokens = self.tokenizer.vocabulary().bytes();
        let mut length = bytes.len();
        for range in ranges {
            let few = tokens[range.start..].first_chunk::<FEW>();
            match few {
                // SAFETY: there is room for `FEW` bytes after all tokens. As one value: copied as bytes, both arms become one memcpy.
                Some(few) if range.len() <= FEW => unsafe {
                    bytes.as_mut_ptr().add(length).cast::<u128>().write_unaligned(u128::from_ne_bytes(*few));
                },
                _ => {
                    let token = &tokens[range.clone()];
                    // SAFETY: there is room for the token.
                    unsafe { bytes.as_mut_ptr().add(length).copy_from_nonoverlapping(token.as_ptr(), token.len()) };
                }
            }
            length += range.len();
        }
        // SAFETY: so much has been written.
        unsafe { bytes.set_len(length) };
    }

    /// Appends the tokens of `chunk`, whatever they are; `first` is the index of the first of them.
    #[cold]
    fn push_any(&self, bytes: &mut Vec<u8>, chunk: &[u32], first: usize) -> Result<(), Error> {
        for (offset, &id) in chunk.iter().enumerate() {
            if self.skip_special && self.tokenizer.is_special(id) {
                continue;
            }
            let largest = self.tokenizer.vocab_size() - 1;
            let token =
                self.tokenizer.token_bytes(id).ok_or(Error::UnknownId { id, index: first + offset, largest })?;
            reserve(bytes, token.len())?;
            bytes.extend_from_slice(token);
        }
        Ok(())
    }
}

fn reserve(bytes: &mut Vec<u8>, length: usize) -> Result<(), Error> {
    bytes.try_reserve(length).map_err(|_| Error::OutOfMemory { bytes: length })
}

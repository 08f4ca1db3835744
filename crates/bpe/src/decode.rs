//! Ids to bytes.

use crate::{Error, Tokenizer};

/// For so many ids memory is asked for at a time.
const CHUNK: usize = 128;
/// Tokens up to this length are copied as so many bytes at once, of which the rest is written over by the next token.
const FEW: usize = 16;

impl Tokenizer {
    /// The bytes of `ids`.
    ///
    /// # Errors
    /// [`Error::UnknownId`] names the first id that no token has; [`Error::OutOfMemory`].
    pub fn decode_bytes(&self, ids: &[u32]) -> Result<Vec<u8>, Error> {
        Decoder::new(self, false).decode(ids)
    }

    /// The bytes of `ids` without those of special tokens.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode_bytes`].
    pub fn decode_bytes_without_special(&self, ids: &[u32]) -> Result<Vec<u8>, Error> {
        Decoder::new(self, true).decode(ids)
    }
}

struct Decoder<'a> {
    tokenizer: &'a Tokenizer,
    skip_special: bool,
    /// Tokens with smaller ids have [`FEW`] bytes in the vocabulary from their first one on: their own, and others behind them.
    inner: usize,
}

impl<'a> Decoder<'a> {
    fn new(tokenizer: &'a Tokenizer, skip_special: bool) -> Self {
        let vocabulary = tokenizer.vocabulary();
        let last = vocabulary.bytes().len().checked_sub(FEW);
        let inner = last.map_or(0, |last| vocabulary.starts().partition_point(|&start| start as usize <= last));
        Self { tokenizer, skip_special, inner: inner.min(vocabulary.len()) }
    }

    fn decode(&self, ids: &[u32]) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        // Of most texts this is more than enough; of others the memory grows as it is used.
        reserve(&mut bytes, ids.len().saturating_mul(5).max((ids.len().min(CHUNK) + 1) * FEW))?;
        let mut index = 0;
        while index < ids.len() {
            let some = &ids[index..ids.len().min(index + CHUNK)];
            reserve(&mut bytes, (some.len() + 1) * FEW)?;
            // SAFETY: it is reserved.
            let pushed = unsafe { self.push_few(&mut bytes, some) };
            index += pushed;
            if pushed < some.len() {
                self.push_any(&mut bytes, ids[index], index)?;
                index += 1;
            }
        }
        Ok(bytes)
    }

    /// Appends the tokens of `ids` up to the first one that has more than [`FEW`] bytes or is none of the vocabulary's, and returns how many.
    ///
    /// # Safety
    /// `bytes` has room for [`FEW`] bytes for each of `ids` and [`FEW`] more.
    #[inline(always)]
    unsafe fn push_few(&self, bytes: &mut Vec<u8>, ids: &[u32]) -> usize {
        let vocabulary = self.tokenizer.vocabulary();
        let (tokens, starts) = (vocabulary.bytes(), vocabulary.starts());
        let (mut length, mut count) = (bytes.len(), 0);
        for &id in ids {
            if id as usize >= self.inner || self.skip_special && self.tokenizer.is_special(id) {
                break;
            }
            // SAFETY: there is a start for each id, and one more.
            let [start, end] = unsafe { [*starts.get_unchecked(id as usize), *starts.get_unchecked(id as usize + 1)] };
            // A hole has none.
            if (end - start).wrapping_sub(1) >= FEW as u32 {
                break;
            }
            // SAFETY: so many bytes are there from the start of a token below `inner` on, and there is room for them.
            unsafe {
                let few = tokens.as_ptr().add(start as usize).cast::<u128>().read_unaligned();
                bytes.as_mut_ptr().add(length).cast::<u128>().write_unaligned(few);
            }
            length += (end - start) as usize;
            count += 1;
        }
        // SAFETY: so much has been written.
        unsafe { bytes.set_len(length) };
        count
    }

    /// Appends the token `id`, whatever it is; `index` is where it stands.
    fn push_any(&self, bytes: &mut Vec<u8>, id: u32, index: usize) -> Result<(), Error> {
        if self.skip_special && self.tokenizer.is_special(id) {
            return Ok(());
        }
        let largest = self.tokenizer.vocab_size() - 1;
        let token = self.tokenizer.token_bytes(id).ok_or(Error::UnknownId { id, index, largest })?;
        reserve(bytes, token.len())?;
        bytes.extend_from_slice(token);
        Ok(())
    }
}

fn reserve(bytes: &mut Vec<u8>, length: usize) -> Result<(), Error> {
    bytes.try_reserve(length).map_err(|_| Error::OutOfMemory { bytes: length })
}

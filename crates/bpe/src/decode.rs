//! Ids to bytes.

use crate::copies::Copies;
use crate::sink::reserve;
use crate::{Error, Tokenizer};

impl Tokenizer {
    /// The bytes of `ids`.
    ///
    /// # Errors
    /// [`Error::UnknownId`] names the first id that no token has; [`Error::OutOfMemory`].
    pub fn decode_bytes(&self, ids: &[u32]) -> Result<Vec<u8>, Error> {
        self.decode::<false>(ids)
    }

    /// The bytes of `ids` without those of special tokens.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode_bytes`].
    pub fn decode_bytes_without_special(&self, ids: &[u32]) -> Result<Vec<u8>, Error> {
        self.decode::<true>(ids)
    }

    fn decode<const SKIPS_SPECIAL: bool>(&self, ids: &[u32]) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        // Of most texts this is more than enough; of others the memory grows as it is used.
        reserve(&mut bytes, ids.len().saturating_mul(5).max(Copies::<u8>::room(ids.len())))?;
        self.decode_to::<SKIPS_SPECIAL>(ids, &mut bytes)?;
        Ok(bytes)
    }

    /// Appends the bytes of `ids` to `bytes`.
    pub(crate) fn decode_to<const SKIPS_SPECIAL: bool>(&self, ids: &[u32], bytes: &mut Vec<u8>) -> Result<(), Error> {
        let is_skipped = |id| SKIPS_SPECIAL && self.is_special(id);
        let (tokens, mut rest) = (self.vocabulary().copies(), ids);
        while !rest.is_empty() {
            let count =
                tokens.push_few(rest, bytes, is_skipped).map_err(|_| Error::OutOfMemory { bytes: bytes.len() })?;
            rest = &rest[count..];
            // Whatever it is: mostly one more of few, after many.
            if let Some((&id, after)) = rest.split_first() {
                if !is_skipped(id) {
                    let (index, largest) = (ids.len() - rest.len(), self.vocab_size() - 1);
                    let token = self.token_bytes(id).ok_or(Error::UnknownId { id, index, largest })?;
                    reserve(bytes, token.len())?;
                    bytes.extend_from_slice(token);
                }
                rest = after;
            }
        }
        Ok(())
    }
}

//! Bytes of ids, for files whose only decoder is `ByteLevel`.

use tokenizers::DecoderWrapper;

use super::bytes_of;
use crate::error::{Error, Result};
use crate::memory::not_enough;
use crate::steps::Decode;
use crate::tokenizer::Tokenizer;

/// The bytes of all tokens, by id.
pub(crate) struct TokenBytes {
    bytes: Vec<u8>,
    /// Token `id` is `bytes[starts[id]..starts[id + 1]]`; where that is empty there may be none.
    starts: Vec<u32>,
    is_special: Vec<bool>,
}

/// Whether bytes of tokens, one after the other, are what `decoders` come to.
pub(crate) fn is_of_bytes(decoders: Option<&[Decode]>) -> bool {
    matches!(decoders, Some([Decode::Crate(DecoderWrapper::ByteLevel(_))]))
}

/// What the decoder makes of `token`: where a character stands for no byte, all are as they are.
pub(crate) fn decoded(token: &str) -> Vec<u8> {
    bytes_of(token).unwrap_or_else(|| token.as_bytes().to_vec())
}

impl TokenBytes {
    /// Those of `tokenizer`.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        let (mut bytes, mut starts) = (Vec::new(), vec![0]);
        for id in 0..tokenizer.vocab_size() {
            bytes.extend(tokenizer.decoded_token(id).map(decoded).unwrap_or_default());
            starts.push(bytes.len() as u32);
        }
        let is_special = (0..tokenizer.vocab_size()).map(|id| tokenizer.is_special(id)).collect();
        Self { bytes, starts, is_special }
    }

    fn get(&self, id: u32) -> &[u8] {
        let at = id as usize;
        let (Some(&start), Some(&end)) = (self.starts.get(at), self.starts.get(at + 1)) else { return &[] };
        &self.bytes[start as usize..end as usize]
    }

    fn is_special(&self, id: u32) -> bool {
        self.is_special.get(id as usize).is_some_and(|&is_special| is_special)
    }
}

/// The bytes of `ids`, which are of `tokenizer`, by `table` where there is one.
///
/// # Errors
/// [`Error::UnknownId`]; [`Error::Limit`] when there is not enough memory.
pub(crate) fn bytes_of_ids(
    tokenizer: &Tokenizer,
    table: Option<&TokenBytes>,
    ids: &[u32],
    skip_special: bool,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut add = |token: &[u8]| {
        bytes.try_reserve(token.len()).map_err(|_| not_enough(bytes.len().saturating_add(token.len())))?;
        bytes.extend_from_slice(token);
        Ok::<_, Error>(())
    };
    for (index, &id) in ids.iter().enumerate() {
        match table {
            Some(table) if skip_special && table.is_special(id) => {}
            Some(table) if !table.get(id).is_empty() => add(table.get(id))?,
            None if skip_special && tokenizer.is_special(id) => {}
            _ => {
                let token = tokenizer.decoded_token(id).ok_or_else(|| tokenizer.unknown_id(id, index))?;
                add(&decoded(token))?;
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokenmill_testkit::rng::{Rng, share};

    use super::*;
    use crate::load;

    #[test]
    fn text_of_any_ids_is_that_of_the_crate() {
        let mut file: Value =
            serde_json::from_slice(include_bytes!("../../../../testdata/tokenizer-json/roberta.json")).expect("JSON");
        let added = ["caf\u{e9}", "a b", "\u{120}|\u{120}", "\u{ff5c}", "\u{fffd}"];
        let tokens = (705..).zip(added).map(|(id, content)| {
            json!({ "id": id, "content": content, "special": id % 2 == 0, "normalized": false, "single_word": false, "lstrip": false, "rstrip": false })
        });
        file["added_tokens"].as_array_mut().expect("a list").extend(tokens);
        let bytes = serde_json::to_vec(&file).expect("JSON");
        let [few, many] = [(); 2].map(|()| load(&bytes).expect("a file").into_tokenizer().expect("not by the engine"));
        many.decode(&vec![5; 1 << 13], false, true).expect("text");
        assert!(many.bytes.get().is_some());
        let decoder = &few.decoders.as_deref().expect("one")[0];
        let mut rng = Rng::new(51);
        let (mut invalid, rounds) = (0, share(2000));
        for _ in 0..rounds {
            let ids: Vec<u32> = (0..rng.below(9))
                .map(|_| if rng.below(4) == 0 { 705 + rng.below(5) as u32 } else { rng.below(710) as u32 })
                .collect();
            for skip_special in [false, true] {
                let tokens = few.decoded_tokens(&ids, skip_special).expect("tokens");
                let expected = decoder.apply(tokens).expect("text").concat();
                for tokenizer in [&few, &many] {
                    assert_eq!(tokenizer.decode(&ids, skip_special, false).expect("text"), expected, "{ids:?}");
                    let is_valid = String::from_utf8(tokenizer.bytes_of(&ids, skip_special).expect("bytes")).is_ok();
                    let strict = tokenizer.decode(&ids, skip_special, true);
                    assert_eq!(strict.is_ok(), is_valid, "{ids:?}");
                    invalid += u64::from(!is_valid);
                }
            }
            few.decoded.store(0, std::sync::atomic::Ordering::Relaxed);
            for tokenizer in [&few, &many] {
                let error = tokenizer.decode(&[5, 710], true, false).expect_err("no such token");
                assert!(matches!(error, Error::UnknownId { id: 710, index: 1, largest: 709 }), "{error}");
            }
        }
        assert!(few.bytes.get().is_none() && invalid > rounds, "{invalid}");
    }
}

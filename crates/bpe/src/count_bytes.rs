//! Counting the ids of bytes up to a limit, without reading what is behind it.

use crate::origin::{Origin, read_utf8};
use crate::sink::{LimitedCounter, Sink};
use crate::{Error, SpecialPolicy, Tokenizer, Worker};

/// The bytes that are read at a time.
const PART: usize = 1 << 16;

impl Tokenizer {
    /// Counts the ids of the text of `bytes`, [read](read_utf8) `strict`ly or not, until `counter` is full. Bytes behind that are not read, unless the
    /// policy refuses special tokens or `strict` bytes that are not UTF-8.
    ///
    /// # Errors
    /// [`Error::InvalidUtf8`], [`Error::DisallowedSpecialToken`], whose place is one in the text; [`Error::OutOfMemory`], [`Error::PatternLimit`].
    pub fn count_bytes_to(
        &self,
        bytes: &[u8],
        strict: bool,
        policy: &SpecialPolicy,
        worker: &mut Worker,
        counter: &mut LimitedCounter,
    ) -> Result<(), Error> {
        if strict || policy.refuses() {
            return self.encode_to(&read_utf8(bytes, strict)?, policy, worker, counter, None);
        }
        // In `bytes`, and in their text.
        let (mut start, mut done, mut length) = (0, 0, PART);
        while start + length < bytes.len() {
            let part = &bytes[start..end_of_character(bytes, start + length)];
            let text = read_utf8(part, false)?;
            let used = self.encode_start(&text, policy, worker, counter, None).map_err(|error| error.after(done))?;
            if counter.is_full() {
                return Ok(());
            }
            // Nothing is sure yet: more is needed.
            length = if used == 0 { 2 * length } else { PART };
            start += Origin::Bytes(part).place(used);
            done += used;
        }
        let text = read_utf8(&bytes[start..], false)?;
        self.encode_to(&text, policy, worker, counter, None).map_err(|error| error.after(done))
    }
}

/// A place from `at` down where no character is cut, as far as `bytes` are UTF-8: a longer row of bytes that continue a character is none.
fn end_of_character(bytes: &[u8], at: usize) -> usize {
    (at - 3..=at).rev().find(|&at| bytes[at] & 0xc0 != 0x80).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;
    use tokenmill_testkit::{cases, text};

    use super::*;
    use crate::Encoding;

    /// The count, or that there are more than `limit`.
    fn counted(
        tokenizer: &Tokenizer,
        bytes: &[u8],
        strict: bool,
        policy: &SpecialPolicy,
        limit: usize,
    ) -> Option<usize> {
        let mut counter = LimitedCounter { count: 0, limit };
        tokenizer
            .count_bytes_to(bytes, strict, policy, &mut tokenizer.worker(), &mut counter)
            .expect("they are counted");
        (!counter.is_full()).then_some(counter.count)
    }

    #[test]
    fn counts_are_those_of_the_whole_wherever_parts_end() {
        let tokenizer = Tokenizer::from_encoding(Encoding::Cl100kBase, cases::read("encodings/cl100k_base.bpe"));
        let tokenizer = tokenizer.expect("well-formed");
        let [plain, special] =
            [&[][..], &["<|endoftext|>"]].map(|allowed| tokenizer.special_policy(allowed, &[]).expect("few"));
        let mut rng = Rng::new(1);
        let characters = "中文é𝄞 a<|endoftext|>".repeat(PART / 8);
        let mut texts = vec![
            text::awkward(&mut rng, 3 * PART).into_bytes(),
            // No place to cut, for long.
            [vec![b'a'; 2 * PART + 7], b" b".repeat(PART)].concat(),
            vec![0x80; 2 * PART],
            // Characters that are cut nowhere but by parts, from each of their bytes on.
            characters.clone().into_bytes(),
            [b"a", characters.as_bytes()].concat(),
            [b"ab", characters.as_bytes()].concat(),
            Vec::new(),
        ];
        let mut broken = characters.into_bytes();
        for _ in 0..3_000 {
            let at = rng.below(broken.len());
            broken[at] = rng.below(256) as u8;
        }
        texts.push(broken);
        for bytes in &texts {
            for policy in [&plain, &special] {
                let all = tokenizer.encode(&String::from_utf8_lossy(bytes), policy).expect("it has ids").len();
                let counted = |limit| counted(&tokenizer, bytes, false, policy, limit);
                for limit in [all, all + 1, usize::MAX] {
                    assert_eq!(counted(limit), Some(all));
                }
                for limit in [0, all / 2, all.saturating_sub(1)] {
                    assert!(limit >= all || counted(limit).is_none(), "{limit} of {all}");
                }
            }
        }
    }

    #[test]
    fn what_is_behind_the_limit_is_read_when_it_may_be_an_error() {
        let tokenizer = Tokenizer::from_encoding(Encoding::Cl100kBase, cases::read("encodings/cl100k_base.bpe"));
        let tokenizer = tokenizer.expect("well-formed");
        let [plain, refusing] =
            [&[][..], &["<|endoftext|>"]].map(|refused| tokenizer.special_policy(&[], refused).expect("few"));
        let bytes = [&b"a b ".repeat(PART)[..], b"<|endoftext|>\xff"].concat();
        let count = |strict, policy: &SpecialPolicy| {
            let mut counter = LimitedCounter { count: 0, limit: 5 };
            tokenizer
                .count_bytes_to(&bytes, strict, policy, &mut tokenizer.worker(), &mut counter)
                .map(|()| counter.count)
        };
        assert!(count(false, &plain).expect("it is full before") < 3 * PART, "one part is enough");
        assert!(matches!(count(true, &plain), Err(Error::InvalidUtf8 { at }) if at == bytes.len() - 1));
        assert!(matches!(count(false, &refusing), Err(Error::DisallowedSpecialToken { at, .. }) if at == 4 * PART));
    }
}

//! UTF-8 that comes in parts.

/// What stands in the place of what is none: U+FFFD.
pub(crate) const REPLACED: &str = "\u{fffd}";

/// What is kept of a character whose last bytes have not come yet: at most three bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Utf8Tail {
    bytes: [u8; 4],
    length: usize,
}

/// A stretch of bytes, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stretch<'a> {
    /// It is UTF-8.
    Text(&'a str),
    /// It is not: a maximal invalid part of so many bytes, in whose place U+FFFD stands.
    Invalid(usize),
}

impl Utf8Tail {
    /// The number of bytes that are kept.
    pub fn len(self) -> usize {
        self.length
    }

    /// Reads `bytes`, which follow those of the calls before, and hands over what they are; what may still become a character is kept.
    ///
    /// # Errors
    /// The first one of `take`.
    pub fn read<E>(&mut self, mut bytes: &[u8], mut take: impl FnMut(Stretch<'_>) -> Result<(), E>) -> Result<(), E> {
        while self.length > 0
            && let Some((&next, rest)) = bytes.split_first()
        {
            self.bytes[self.length] = next;
            match str::from_utf8(&self.bytes[..=self.length]) {
                Ok(character) => {
                    self.length = 0;
                    take(Stretch::Text(character))?;
                }
                Err(error) if error.error_len().is_none() => self.length += 1,
                // What was kept could have gone on, so that is the invalid part, and `next` is read anew.
                Err(_) => {
                    take(Stretch::Invalid(std::mem::take(&mut self.length)))?;
                    continue;
                }
            }
            bytes = rest;
        }
        while !bytes.is_empty() {
            match str::from_utf8(bytes) {
                Ok(text) => return take(Stretch::Text(text)),
                Err(error) => {
                    let (valid, rest) = bytes.split_at(error.valid_up_to());
                    if !valid.is_empty() {
                        // SAFETY: it is valid up to there.
                        take(Stretch::Text(unsafe { str::from_utf8_unchecked(valid) }))?;
                    }
                    let Some(invalid) = error.error_len() else {
                        self.bytes[..rest.len()].copy_from_slice(rest);
                        self.length = rest.len();
                        return Ok(());
                    };
                    take(Stretch::Invalid(invalid))?;
                    bytes = &rest[invalid..];
                }
            }
        }
        Ok(())
    }

    /// No more bytes come: the length of the invalid part that is then left, if there is one.
    pub fn end(&mut self) -> Option<usize> {
        Some(std::mem::take(&mut self.length)).filter(|&length| length > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn read(parts: &[&[u8]]) -> String {
        let (mut tail, mut text) = (Utf8Tail::default(), String::new());
        for part in parts {
            let Ok(()) = tail.read(part, |stretch| {
                match stretch {
                    Stretch::Text(read) => text.push_str(read),
                    Stretch::Invalid(length) => {
                        assert!((1..=3).contains(&length));
                        text.push(char::REPLACEMENT_CHARACTER);
                    }
                }
                Ok::<_, Infallible>(())
            });
        }
        text.extend(tail.end().map(|_| char::REPLACEMENT_CHARACTER));
        text
    }

    #[test]
    fn any_bytes_cut_anywhere_are_read_as_whole() {
        // Of every class of bytes that UTF-8 tells apart.
        let kinds = [0x41, 0x80, 0x90, 0xa0, 0xbf, 0xc1, 0xc3, 0xe0, 0xe2, 0xed, 0xf0, 0xf1, 0xf4, 0xf5];
        let mut bytes = [0; 5];
        for number in 0..kinds.len().pow(5) {
            for (place, byte) in bytes.iter_mut().enumerate() {
                *byte = kinds[number / kinds.len().pow(place as u32) % kinds.len()];
            }
            let whole = String::from_utf8_lossy(&bytes);
            for cut in 1..5 {
                assert_eq!(read(&[&bytes[..cut], &bytes[cut..]]), whole, "{bytes:x?} cut at {cut}");
            }
            assert_eq!(read(&bytes.each_ref().map(std::slice::from_ref)), whole, "{bytes:x?} one by one");
        }
    }
}

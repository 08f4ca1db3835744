//! The form of tiktoken.

use std::io::Write;

use crate::Tokenizer;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Tokenizer {
    /// The tokens in the form of a `.tiktoken` file: a line for each with its bytes in base64 and its id, by ascending id. The form has no
    /// place for special tokens and the pattern: who loads it must know them.
    pub fn to_tiktoken(&self) -> Vec<u8> {
        let mut file = Vec::new();
        for (id, token) in self.vocabulary().tokens() {
            push_base64(&mut file, token);
            // Writing to memory does not fail.
            _ = writeln!(file, " {id}");
        }
        file
    }
}

fn push_base64(file: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let word =
            (0..3).fold(0_u32, |word, index| word << 8 | u32::from(chunk.get(index).copied().unwrap_or_default()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place)) as usize & 63];
            file.push(if place <= chunk.len() { digit } else { b'=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::push_base64;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("\u{fffd}?>", "77+9Pz4=")]
        {
            let mut file = Vec::new();
            push_base64(&mut file, bytes.as_bytes());
            assert_eq!(str::from_utf8(&file), Ok(expected));
        }
    }
}

//! Bytes as the characters that GPT-2 and Hugging Face's `ByteLevel` write them as.

use crate::train::alphabet;

/// Itself where a byte prints in Latin-1, else the next character from U+0100 on.
pub fn characters() -> [char; 256] {
    let mut characters = ['\0'; 256];
    let printed = alphabet::PRINTED;
    let others = alphabet::BYTES[printed..].iter().zip('\u{100}'..);
    let itself = alphabet::BYTES[..printed].iter().map(|byte| (byte, char::from(*byte)));
    for (&byte, character) in itself.chain(others) {
        characters[usize::from(byte)] = character;
    }
    characters
}

#[cfg(test)]
mod tests {
    use super::characters;

    #[test]
    fn bytes_are_written_as_gpt_2_writes_them() {
        let characters = characters();
        let written = |bytes: &[u8]| bytes.iter().map(|&byte| characters[usize::from(byte)]).collect::<String>();
        assert_eq!(written(b" a\n\x00"), "\u{120}a\u{10a}\u{100}");
        assert_eq!(written("é\u{ad}".as_bytes()), "\u{c3}\u{a9}\u{c2}\u{143}");
        let all: std::collections::HashSet<char> = characters.into();
        assert_eq!((all.len(), all.into_iter().max()), (256, Some('\u{143}')));
    }
}

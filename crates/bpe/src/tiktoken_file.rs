//! The `.tiktoken` files of ranks: a line for each token, its bytes in base64, a space, its rank.

use std::collections::HashMap;
use std::fmt::Display;

use crate::vocabulary::{MAX_IDS, MAX_TOKEN};
use crate::{Error, Vocabulary};

/// No line is longer: a token in base64, a space, a number.
const MAX_LINE: usize = MAX_TOKEN.div_ceil(3) * 4 + 16;
/// The squares of the lengths of the tokens may add up to this: to find the parts of a token takes about so many steps. (o200k: 2^23.)
const MAX_SQUARES: usize = 1 << 30;
impl Vocabulary {
    /// Reads a `.tiktoken` file. Lines may end with `\r\n`; empty ones are skipped, as tiktoken does. Ranks are ids, in any order and with holes.
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] when a line is not as it should be or repeats the token or the rank of another, which names the line; when one of
    /// the 256 bytes is not a token; or when tokens are longer than in any vocabulary that is of use.
    pub fn from_tiktoken(file: &[u8]) -> Result<Self, Error> {
        let mut tokens: Vec<(Vec<u8>, u32)> = Vec::new();
        let mut squares = 0;
        for (line, content) in lines(file) {
            let (token, rank) = read(content).map_err(|reason| at(line, reason))?;
            squares += token.len() * token.len();
            if squares > MAX_SQUARES {
                return Err(at(line, "expected shorter tokens: to find the parts of all these would take too long"));
            }
            if tokens.len() == MAX_IDS {
                return Err(at(line, format!("expected at most {MAX_IDS} tokens")));
            }
            tokens.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: file.len() })?;
            tokens.push((token, rank));
        }
        let vocabulary = Self::from_tokens(tokens.iter().map(|(token, rank)| (token.as_slice(), *rank)));
        vocabulary.map_err(|error| repetition(&tokens, file).unwrap_or(error))
    }

    /// The vocabulary as a `.tiktoken` file, by ascending id.
    pub fn to_tiktoken(&self) -> String {
        let mut file = String::new();
        for (id, token) in self.tokens() {
            base64::encode_config_buf(token, base64::STANDARD, &mut file);
            file.push(' ');
            file.push_str(&id.to_string());
            file.push('\n');
        }
        file
    }
}

/// The lines that hold something, by number from 1 on.
fn lines(file: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = (1..).zip(file.split(|&byte| byte == b'\n'));
    lines.map(|(number, line)| (number, line.strip_suffix(b"\r").unwrap_or(line))).filter(|(_, line)| !line.is_empty())
}

/// A token and its rank.
fn read(line: &[u8]) -> Result<(Vec<u8>, u32), String> {
    if line.len() > MAX_LINE {
        return Err(format!("expected at most {MAX_LINE} bytes, found {}", line.len()));
    }
    let space =
        line.iter().position(|&byte| byte == b' ').ok_or("expected base64, a space and a rank, found no space")?;
    let (token, rank) = (&line[..space], &line[space + 1..]);
    let is_number = !rank.is_empty() && rank.iter().all(u8::is_ascii_digit);
    let rank = is_number.then(|| str::from_utf8(rank).ok()?.parse().ok()).flatten();
    let rank = rank.filter(|&rank: &u32| (rank as usize) < MAX_IDS);
    let rank = rank.ok_or_else(|| format!("expected a rank from 0 to {} after the space", MAX_IDS - 1))?;
    let token = base64::decode(token).map_err(|error| format!("expected base64 before the space: {error}"))?;
    if token.is_empty() || token.len() > MAX_TOKEN {
        return Err(format!("expected a token of 1 to {MAX_TOKEN} bytes, found {}", token.len()));
    }
    Ok((token, rank))
}

/// The error that names the first line whose token or rank is that of an earlier one.
fn repetition(tokens: &[(Vec<u8>, u32)], file: &[u8]) -> Option<Error> {
    let (mut by_token, mut by_rank) = (HashMap::new(), HashMap::new());
    for ((token, rank), (line, _)) in tokens.iter().zip(lines(file)) {
        if let Some(first) = by_token.insert(token, line) {
            return Some(at(line, format!("its token is that of line {first}")));
        }
        if let Some(first) = by_rank.insert(rank, line) {
            return Some(at(line, format!("its rank is that of line {first}")));
        }
    }
    None
}

fn at(line: usize, reason: impl Display) -> Error {
    Error::InvalidVocabulary { reason: format!("line {line}: {reason}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> String {
        let line = |byte: u8| format!("{} {byte}\n", base64::encode([byte]));
        (0..=255).map(line).collect()
    }

    fn reason(file: impl AsRef<[u8]>) -> String {
        match Vocabulary::from_tiktoken(file.as_ref()) {
            Err(Error::InvalidVocabulary { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_read_and_written() {
        let file = bytes() + "YWI= 300\nYWJj 260\n";
        let vocabulary = Vocabulary::from_tiktoken(file.as_bytes()).expect("it is well-formed");
        assert_eq!(
            (vocabulary.len(), vocabulary.get(300), vocabulary.get(260)),
            (301, Some(&b"ab"[..]), Some(&b"abc"[..]))
        );
        assert_eq!((vocabulary.get(261), vocabulary.parts(260)), (None, Some((300, 99))));
        assert_eq!(
            Vocabulary::from_tiktoken(vocabulary.to_tiktoken().as_bytes()).expect("it is well-formed"),
            vocabulary
        );
        let windows = file.replace('\n', "\r\n").replace('=', "") + "\n\r\n\n";
        assert_eq!(Vocabulary::from_tiktoken(windows.as_bytes()).expect("it is well-formed"), vocabulary);
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let good = bytes();
        for (line, expected) in [
            ("YWI=", "line 257: expected base64, a space and a rank, found no space"),
            ("YWI= ", "line 257: expected a rank from 0 to 2097150 after the space"),
            ("YWI= -1", "line 257: expected a rank"),
            ("YWI= +300", "line 257: expected a rank"),
            ("YWI= 2097151", "line 257: expected a rank"),
            ("YWI= 99999999999999999999", "line 257: expected a rank"),
            ("YWI=  300", "line 257: expected a rank"),
            ("YWI= 300 ", "line 257: expected a rank"),
            ("Y!I= 300", "line 257: expected base64 before the space: "),
            ("Y 300", "line 257: expected base64 before the space: "),
            (" 300", "line 257: expected a token of 1 to 4096 bytes, found 0"),
            ("YQ== 300", "line 257: its token is that of line 98"),
            ("YWI= 5", "line 257: its rank is that of line 6"),
        ] {
            let found = reason(format!("{good}{line}\n"));
            assert!(found.starts_with(expected), "{line}: {found}");
        }
        assert!(reason(format!("{good}{} 300", "A".repeat(8000))).starts_with("line 257: expected at most 5480 bytes"));
        for byte in 0..=255 {
            let rank = format!(" {byte}");
            let without: Vec<&str> = good.lines().filter(|line| !line.ends_with(&rank)).collect();
            let without = without.join("\n");
            if matches!(byte, 0xc0 | 0xc1 | 0xf5..) {
                Vocabulary::from_tiktoken(without.as_bytes()).expect("no text has the byte");
            } else {
                assert_eq!(reason(without), format!("expected every byte of UTF-8 to be a token, 0x{byte:02x} is not"));
            }
        }
    }

    #[test]
    fn a_file_of_long_tokens_is_refused_within_a_second() {
        // Each of the longest tokens is a run of one letter with another ending: the most work for their parts.
        let long = |number: u32, length: usize| {
            let token = [vec![b'a'; length - 2], vec![(number / 256) as u8, (number % 256) as u8]].concat();
            format!("{} {}\n", base64::encode(token), 300 + number)
        };
        let start = std::time::Instant::now();
        let file: String = bytes() + &(0..3000).map(|number| long(number, 4096)).collect::<String>();
        assert!(reason(file).ends_with("would take too long"));
        let file: String = bytes() + &(0..60).map(|number| long(number, 4096)).collect::<String>();
        Vocabulary::from_tiktoken(file.as_bytes()).expect("they are few");
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    }
}

//! Turns a `.tiktoken` file (lines of a token in base64 and its rank) on standard input into the compact form of
//! `encodings/*.bpe` on standard output. `scripts/make-encodings.mjs` runs it.

use std::io::{Read, Write, stdin, stdout};

use tokenmill_bpe::Vocabulary;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut file = String::new();
    stdin().read_to_string(&mut file)?;
    let mut tokens = Vec::new();
    for line in file.lines() {
        let (token, rank) = line.split_once(' ').ok_or("expected a token and a rank in each line")?;
        tokens.push((decode_base64(token), rank.parse::<u32>()?));
    }
    let vocabulary = Vocabulary::from_tokens(tokens.iter().map(|(token, rank)| (token.as_slice(), *rank)))?;
    let unreached =
        (vocabulary.tokens()).filter(|&(id, token)| token.len() > 1 && vocabulary.parts(id).is_none()).count();
    let compact = vocabulary.as_compact();
    vocabulary.check_parts()?;
    assert_eq!(Vocabulary::from_compact(compact.to_vec())?, vocabulary, "what is written reads back the same");
    eprintln!("{} tokens, {unreached} of them reached by no merge, {} bytes", tokens.len(), compact.len());
    stdout().write_all(compact)?;
    Ok(())
}

fn decode_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in text.bytes().take_while(|&digit| digit != b'=') {
        let value = ALPHABET.iter().position(|&letter| letter == digit).expect("a digit of base64");
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

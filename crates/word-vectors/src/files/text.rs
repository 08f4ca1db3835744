//! A word and its numbers on each line.

use std::io::{BufRead, Read, Write};
use std::sync::atomic::AtomicBool;

use super::{BETWEEN_LOOKS, MAX_DIMENSIONS, MAX_WORD, SHOWN, check_dimensions, check_word, header, look};
use crate::vectors::{Rows, invalid};
use crate::{Result, WordVectors};

/// The longest line: each number has at most 32 characters and a space.
const MAX_LINE: u64 = (MAX_WORD + 33 * MAX_DIMENSIONS) as u64;
/// What stands between a word and its numbers.
const SPACES: [char; 2] = [' ', '\t'];
/// Some editors begin a file with it. Read as a part of the first line, the two counts would be a word and a number.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) fn read(mut reader: impl BufRead, length: u64, limit: usize, cancel: Option<&AtomicBool>) -> Result<Rows> {
    let mut line = Vec::new();
    let mut number = 1;
    if !next_line(&mut reader, &mut line, number)? {
        return Err(invalid("the file is empty".to_owned()));
    }
    if line.starts_with(BYTE_ORDER_MARK) {
        line.drain(..BYTE_ORDER_MARK.len());
    }
    let first = text_of(&line, number)?;
    let told = counts(first)?;
    // GloVe's first line: the word has no space in it.
    let dimensions =
        told.map_or_else(|| first.trim_end_matches(SPACES).matches(SPACES).count(), |(_, dimensions)| dimensions);
    check_dimensions(dimensions)?;
    let mut rows = Rows { words: Vec::new(), table: Vec::new(), dimensions };
    if let Some((words, _)) = told {
        // A number and the space before it take two bytes at least, a word one and the end of its line another.
        let least = (2 * dimensions as u64 + 2).saturating_mul(words.min(limit) as u64);
        if least > length {
            return Err(invalid(format!(
                "line 1 tells of {words} words of {dimensions} dimensions, for which the file is too short"
            )));
        }
        rows.reserve(words.min(limit))?;
    }
    let mut is_read = told.is_none();
    while rows.words.len() < limit && (std::mem::take(&mut is_read) || next_row(&mut reader, &mut line, &mut number)?) {
        if rows.words.len().is_multiple_of(BETWEEN_LOOKS) {
            look(cancel)?;
            if told.is_none() {
                rows.reserve_more()?;
            }
        }
        add_line(&mut rows, text_of(&line, number)?, number, told.is_some())?;
    }
    match told {
        Some((words, _)) if rows.words.len() < words.min(limit) => {
            Err(invalid(format!("line 1 tells of {words} words, found {}", rows.words.len())))
        }
        Some((words, _)) if rows.words.len() > words => {
            Err(invalid(format!("line 1 tells of {words} words, found more")))
        }
        _ => Ok(rows),
    }
}

impl Rows {
    /// Room for some words, where nobody knows how many there are: amortised, and fallible.
    fn reserve_more(&mut self) -> Result<()> {
        let more = BETWEEN_LOOKS.max(self.words.len() / 2);
        if self.words.capacity() - self.words.len() < BETWEEN_LOOKS { self.reserve(more) } else { Ok(()) }
    }
}

/// Reads a line without its end; `false` at the end of the file.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>, number: u64) -> Result<bool> {
    let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', line)?;
    if read as u64 == MAX_LINE {
        return Err(invalid(format!("line {number} has more than {MAX_LINE} bytes")));
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(read > 0)
}

/// Reads the line after line `number`; `false` at the end of the file. Lines may be empty there, and nowhere else.
fn next_row(reader: &mut impl BufRead, line: &mut Vec<u8>, number: &mut u64) -> Result<bool> {
    let after = *number + 1;
    loop {
        *number += 1;
        line.clear();
        if !next_line(reader, line, *number)? {
            return Ok(false);
        }
        if line.is_empty() {
            continue;
        }
        return if *number == after {
            Ok(true)
        } else {
            Err(invalid(format!("line {after} is empty, and more follow")))
        };
    }
}

fn text_of(line: &[u8], number: u64) -> Result<&str> {
    str::from_utf8(line).map_err(|_| invalid(format!("line {number} is not UTF-8")))
}

/// The numbers of word2vec's first line; none where it is a word and numbers. Two whole numbers are not taken for a word and its only number, also where
/// they cannot be what that line says.
fn counts(line: &str) -> Result<Option<(usize, usize)>> {
    let is_whole = |field: &str| {
        let digits = field.strip_prefix(['-', '+']).unwrap_or(field);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut fields = line.split_ascii_whitespace();
    let (Some(words), Some(dimensions), None) = (fields.next(), fields.next(), fields.next()) else { return Ok(None) };
    if !is_whole(words) || !is_whole(dimensions) {
        return Ok(None);
    }
    header(line).map(Some).ok_or_else(|| {
        let shown = line.chars().take(SHOWN).collect::<String>();
        invalid(format!("expected the number of words and of dimensions in line 1, found {shown:?}"))
    })
}

/// The numbers are the last fields: some words of `GloVe` files have spaces. Those of files that say how many numbers there are, by `is_told`, have none: what
/// stands there is a number too many.
fn add_line(rows: &mut Rows, line: &str, number: u64, is_told: bool) -> Result<()> {
    let line = line.trim_end_matches(SPACES);
    let mut rest = line;
    let fault = |rows: &Rows| {
        let (expected, found) = (rows.dimensions, line.split(SPACES).count());
        invalid(format!("expected a word and {expected} numbers in line {number}, found {found} fields"))
    };
    let start = rows.table.len();
    rows.table.resize(start + rows.dimensions, 0.0);
    for place in (0..rows.dimensions).rev() {
        let Some((before, field)) = rest.rsplit_once(SPACES) else {
            return Err(fault(rows));
        };
        rows.table[start + place] = field.parse().map_err(|_| {
            let shown = field.chars().take(SHOWN).collect::<String>();
            invalid(format!("expected a number in line {number}, found {shown:?}"))
        })?;
        rest = before;
    }
    if is_told && rest.contains(SPACES) {
        return Err(fault(rows));
    }
    if rest.is_empty() || rest.len() > MAX_WORD {
        return Err(invalid(format!(
            "expected a word of 1 to {MAX_WORD} bytes in line {number}, found {}",
            rest.len()
        )));
    }
    rows.words.push(rest.into());
    Ok(())
}

/// Numbers are written so that reading them gives the same ones.
pub(super) fn write(vectors: &WordVectors, out: &mut impl Write) -> Result<()> {
    writeln!(out, "{} {}", vectors.len(), vectors.dimensions())?;
    for (word, row) in vectors.words().iter().zip(vectors.table().chunks_exact(vectors.dimensions())) {
        check_word(word)?;
        out.write_all(word.as_bytes())?;
        for value in row {
            // Of a very small or large number all zeros would be written.
            let is_short = *value == 0.0 || (1e-5..1e16).contains(&value.abs());
            if is_short { write!(out, " {value}")? } else { write!(out, " {value:e}")? }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

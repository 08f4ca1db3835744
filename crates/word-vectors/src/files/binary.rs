//! word2vec's binary form.

use std::io::{BufRead, Read, Write};
use std::sync::atomic::AtomicBool;

use super::{BETWEEN_LOOKS, MAX_WORD, check_dimensions, check_word, header, look};
use crate::error::filled;
use crate::vectors::{Rows, invalid};
use crate::{Result, WordVectors};

/// The longest first line.
const MAX_HEADER: u64 = 100;

pub(super) fn read(mut reader: impl BufRead, length: u64, limit: usize, cancel: Option<&AtomicBool>) -> Result<Rows> {
    let mut line = Vec::new();
    reader.by_ref().take(MAX_HEADER).read_until(b'\n', &mut line)?;
    let told = line.strip_suffix(b"\n").and_then(|line| str::from_utf8(line).ok()).and_then(header);
    let Some((words, dimensions)) = told else {
        return Err(invalid("expected the number of words and of dimensions in the first line".to_owned()));
    };
    check_dimensions(dimensions)?;
    let wanted = words.min(limit);
    let row_bytes = dimensions * size_of::<f32>();
    // A word and the space after it take two bytes at least.
    if (row_bytes as u64 + 2).saturating_mul(wanted as u64) > length {
        return Err(invalid(format!(
            "the first line tells of {words} words of {dimensions} dimensions, for which the file is too short"
        )));
    }
    let mut rows = Rows { words: Vec::new(), table: Vec::new(), dimensions };
    rows.reserve(wanted)?;
    let mut row = filled(row_bytes, 0u8)?;
    let mut word = Vec::new();
    for number in 1..=wanted {
        if number.is_multiple_of(BETWEEN_LOOKS) {
            look(cancel)?;
        }
        let ends_early = |_| invalid(format!("the file ends inside word {number} of {words}"));
        word.clear();
        reader.by_ref().take(MAX_WORD as u64 + 2).read_until(b' ', &mut word)?;
        if word.pop() != Some(b' ') {
            return Err(invalid(format!(
                "expected a word of at most {MAX_WORD} bytes and a space, word {number} has none"
            )));
        }
        // Some writers end each row with a line break.
        let breaks = word.iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count();
        let word = &word[breaks..];
        let word = str::from_utf8(word).map_err(|_| invalid(format!("word {number} is not UTF-8")))?;
        if word.is_empty() {
            return Err(invalid(format!("word {number} is empty")));
        }
        rows.words.push(word.into());
        reader.read_exact(&mut row).map_err(ends_early)?;
        let (values, _) = row.as_chunks::<4>();
        rows.table.extend(values.iter().map(|&value| f32::from_le_bytes(value)));
    }
    Ok(rows)
}

pub(super) fn write(vectors: &WordVectors, out: &mut impl Write) -> Result<()> {
    writeln!(out, "{} {}", vectors.len(), vectors.dimensions())?;
    for (word, row) in vectors.words().iter().zip(vectors.table().chunks_exact(vectors.dimensions())) {
        check_word(word)?;
        out.write_all(word.as_bytes())?;
        out.write_all(b" ")?;
        for value in row {
            out.write_all(&value.to_le_bytes())?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

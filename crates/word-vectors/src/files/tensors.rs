//! Safetensors, whose header the crate of that name reads, checks and writes. Values go through a buffer.

use std::collections::HashSet;
use std::fmt;
use std::io::{BufRead, Read, Seek, Write};
use std::sync::atomic::AtomicBool;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{BETWEEN_LOOKS, check_dimensions, look};
use crate::error::{filled, reserved};
use crate::vectors::{Rows, invalid};
use crate::{Result, WordVectors};

const VECTORS: &str = "vectors";
const WORDS: &str = "words";
/// What is no tensor of a header.
const METADATA: &str = "__metadata__";
/// The largest header, in bytes: that of two tensors and much that is told beside them.
const MAX_HEADER: u64 = 1 << 20;
/// The header's length is a multiple of this.
const ALIGNMENT: usize = 8;

pub(super) fn read(
    mut reader: impl BufRead + Seek,
    length: u64,
    limit: usize,
    cancel: Option<&AtomicBool>,
) -> Result<Rows> {
    let (metadata, start) = header(&mut reader, length)?;
    let info = |name: &str| metadata.info(name).ok_or_else(|| invalid(format!("there is no tensor {name} in it")));
    let (vectors, words) = (info(VECTORS)?, info(WORDS)?);
    let (&[count, dimensions], Dtype::F32) = (&*vectors.shape, vectors.dtype) else {
        return Err(invalid(format!(
            "expected {VECTORS} to be a matrix of F32, found {:?} {:?}",
            vectors.shape, vectors.dtype
        )));
    };
    check_dimensions(dimensions)?;
    if words.dtype != Dtype::U8 {
        return Err(invalid(format!("expected {WORDS} to be bytes, found {:?}", words.dtype)));
    }
    let mut rows = Rows { words: Vec::new(), table: Vec::new(), dimensions };
    rows.reserve(count.min(limit))?;
    seek(&mut reader, start + words.data_offsets.0 as u64)?;
    add_words(&mut rows, &mut reader, words, count, limit)?;
    seek(&mut reader, start + vectors.data_offsets.0 as u64)?;
    add_values(&mut rows, &mut reader, cancel)?;
    Ok(rows)
}

/// What the header says, which is held against the length of the file, and where the values begin.
fn header(reader: &mut impl Read, length: u64) -> Result<(Metadata, u64)> {
    let fault = |what: &str| invalid(format!("not a safetensors file: {what}"));
    let mut size = [0; 8];
    reader.read_exact(&mut size).map_err(|_| fault("it is shorter than the length of a header"))?;
    let size = u64::from_le_bytes(size);
    if size > MAX_HEADER.min(length.saturating_sub(8)) {
        return Err(fault(&format!("a header of {size} bytes")));
    }
    let mut json = filled(size as usize, 0)?;
    reader.read_exact(&mut json)?;
    serde_json::from_slice::<Object>(&json).map_err(|error| fault(&error.to_string()))?;
    let metadata: Metadata = serde_json::from_slice(&json).map_err(|error| fault(&error.to_string()))?;
    let start = 8 + size;
    if start.checked_add(metadata.data_len() as u64) != Some(length) {
        return Err(fault(&format!("expected {} bytes of values, found {}", metadata.data_len(), length - start)));
    }
    Ok((metadata, start))
}

/// An object in which each name is there once, also in its metadata. Readers disagree about which of two entries of one name counts, and `Metadata`
/// takes one without a word.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Object, A::Error> {
                let mut names = HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == METADATA {
                        map.next_value::<Option<Object>>()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                    if let Some(name) = names.replace(name) {
                        return Err(A::Error::custom(format_args!("{name:?} is there twice")));
                    }
                }
                Ok(Object)
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// Within the buffer where that is possible.
fn seek(reader: &mut impl Seek, place: u64) -> Result<()> {
    let now = reader.stream_position()?;
    Ok(reader.seek_relative(place.cast_signed() - now.cast_signed())?)
}

/// The first `limit` of the words, of which there are `count`: one on each line.
fn add_words(rows: &mut Rows, reader: &mut impl Read, info: &TensorInfo, count: usize, limit: usize) -> Result<()> {
    let (start, end) = info.data_offsets;
    let mut bytes = reserved(end - start)?;
    reader.by_ref().take((end - start) as u64).read_to_end(&mut bytes)?;
    let text = str::from_utf8(&bytes).map_err(|_| invalid(format!("{WORDS} is not UTF-8")))?;
    let found = text.lines().count();
    if found != count {
        return Err(invalid(format!(
            "expected {count} lines of bytes in {WORDS}, as there are vectors, found {found}"
        )));
    }
    rows.words.extend(text.lines().take(limit).map(Box::from));
    Ok(())
}

/// The values of as many rows as there are words.
fn add_values(rows: &mut Rows, reader: &mut impl Read, cancel: Option<&AtomicBool>) -> Result<()> {
    let mut row = filled(rows.dimensions * size_of::<f32>(), 0u8)?;
    for number in 0..rows.words.len() {
        if number.is_multiple_of(BETWEEN_LOOKS) {
            look(cancel)?;
        }
        reader.read_exact(&mut row)?;
        // The format aligns nothing.
        let (values, _) = row.as_chunks::<4>();
        rows.table.extend(values.iter().map(|&value| f32::from_le_bytes(value)));
    }
    Ok(())
}

pub(super) fn write(vectors: &WordVectors, out: &mut impl Write) -> Result<()> {
    let mut bytes_of_words = 0;
    for word in vectors.words() {
        if word.contains(['\n', '\r']) {
            return Err(invalid(format!("the word {word:?} cannot be written: it has a line break")));
        }
        bytes_of_words += word.len() + 1;
    }
    out.write_all(&header_of(vectors, bytes_of_words)?)?;
    for value in vectors.table() {
        out.write_all(&value.to_le_bytes())?;
    }
    for word in vectors.words() {
        writeln!(out, "{word}")?;
    }
    Ok(())
}

/// The length of the header, and the header.
fn header_of(vectors: &WordVectors, bytes_of_words: usize) -> Result<Vec<u8>> {
    let end = size_of_val(vectors.table());
    let tensor = |dtype, shape, start, end| TensorInfo { dtype, shape, data_offsets: (start, end) };
    let tensors = vec![
        (VECTORS.to_owned(), tensor(Dtype::F32, vec![vectors.len(), vectors.dimensions()], 0, end)),
        (WORDS.to_owned(), tensor(Dtype::U8, vec![bytes_of_words], end, end + bytes_of_words)),
    ];
    let fault = |error: String| invalid(format!("it cannot be written: {error}"));
    let metadata = Metadata::new(None, tensors).map_err(|error| fault(error.to_string()))?;
    let mut json = serde_json::to_vec(&metadata).map_err(|error| fault(error.to_string()))?;
    json.resize(json.len().next_multiple_of(ALIGNMENT), b' ');
    Ok([&(json.len() as u64).to_le_bytes(), &*json].concat())
}

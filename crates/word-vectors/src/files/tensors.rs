//! Safetensors, by the crate of that name, whose reader checks every range.

use std::io::{Read, Write};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};

use super::check_dimensions;
use crate::error::reserved;
use crate::vectors::{Rows, invalid};
use crate::{Error, Result, WordVectors};

const VECTORS: &str = "vectors";
const WORDS: &str = "words";

pub(super) fn read(mut reader: impl Read, length: u64, limit: usize) -> Result<Rows> {
    let bytes = usize::try_from(length).map_err(|_| Error::OutOfMemory { bytes: usize::MAX })?;
    let mut file = reserved(bytes)?;
    reader.by_ref().take(length).read_to_end(&mut file)?;
    let tensors =
        SafeTensors::deserialize(&file).map_err(|error| invalid(format!("not a safetensors file: {error}")))?;
    let tensor = |name: &str| tensors.tensor(name).map_err(|_| invalid(format!("there is no tensor {name} in it")));
    let (vectors, words) = (tensor(VECTORS)?, tensor(WORDS)?);
    let (&[count, dimensions], Dtype::F32) = (vectors.shape(), vectors.dtype()) else {
        return Err(invalid(format!(
            "expected {VECTORS} to be a matrix of F32, found {:?} {:?}",
            vectors.shape(),
            vectors.dtype()
        )));
    };
    check_dimensions(dimensions)?;
    let text = str::from_utf8(words.data()).map_err(|_| invalid(format!("{WORDS} is not UTF-8")))?;
    let found = text.lines().count();
    if words.dtype() != Dtype::U8 || found != count {
        return Err(invalid(format!(
            "expected {count} lines of bytes in {WORDS}, as there are vectors, found {found}"
        )));
    }
    let wanted = count.min(limit);
    let mut rows = Rows { words: Vec::new(), table: Vec::new(), dimensions };
    rows.reserve(wanted)?;
    rows.words.extend(text.lines().take(wanted).map(Box::from));
    // The format aligns nothing.
    let (values, _) = vectors.data().as_chunks::<4>();
    rows.table.extend(values[..wanted * dimensions].iter().map(|&value| f32::from_le_bytes(value)));
    Ok(rows)
}

pub(super) fn write(vectors: &WordVectors, out: &mut impl Write) -> Result<()> {
    let mut words = Vec::new();
    for word in vectors.words() {
        if word.contains(['\n', '\r']) {
            return Err(invalid(format!("the word {word:?} cannot be written: it has a line break")));
        }
        words.extend_from_slice(word.as_bytes());
        words.push(b'\n');
    }
    let values: Vec<u8> = vectors.table().iter().flat_map(|value| value.to_le_bytes()).collect();
    let shape = vec![vectors.len(), vectors.dimensions()];
    let fault = |error: safetensors::SafeTensorError| invalid(format!("it cannot be written: {error}"));
    let tensors = [
        (VECTORS, TensorView::new(Dtype::F32, shape, &values).map_err(fault)?),
        (WORDS, TensorView::new(Dtype::U8, vec![words.len()], &words).map_err(fault)?),
    ];
    out.write_all(&serialize(tensors, None).map_err(fault)?)?;
    Ok(())
}

//! Tables into a file.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::json;
use tokenmill_files::Replacement;

use super::FileFault;
use super::header::METADATA;
use super::read::at;
use crate::element::{Element, with_element};
use crate::{DType, Parameter, Result};

/// Values written at once.
const CHUNK: usize = 1 << 16;
/// The values begin at a multiple of this, as safetensors' own writer has it: those of the first tensor are aligned, and so are all others
/// while all are of one type.
const ALIGNMENT: usize = 8;

/// Writes `tensors` under their names. The file is complete on disk before it takes the place of an
/// older one, so that nobody ever sees half of it.
pub(crate) fn write_tensors(path: &Path, metadata: &[(&str, &str)], tensors: &[(&str, Parameter)]) -> Result<()> {
    let header = header(metadata, tensors).map_err(at(path))?;
    replace_file(path, &header, tensors.iter().map(|(_, tensor)| tensor))
}

/// Writes `header` and then the values of `tensors` into a file that takes the place of an older one when it is complete.
pub(super) fn replace_file<'a>(
    path: &Path,
    header: &[u8],
    tensors: impl IntoIterator<Item = &'a Parameter>,
) -> Result<()> {
    let mut file = Replacement::of(path).map_err(FileFault::io("make a file beside it")).map_err(at(path))?;
    let mut out = BufWriter::with_capacity(CHUNK, file.file());
    out.write_all(header).map_err(FileFault::io("write it")).map_err(at(path))?;
    for tensor in tensors {
        let written = with_element!(tensor.dtype(), T => tensor.read::<T, _>(|values| write_values(&mut out, values))?);
        written.map_err(FileFault::io("write it")).map_err(at(path))?;
    }
    out.flush().map_err(FileFault::io("write it")).map_err(at(path))?;
    drop(out);
    file.finish().map_err(FileFault::io("put it in its place")).map_err(at(path))
}

fn write_values<T: Element>(out: &mut impl Write, values: &[T]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(CHUNK * size_of::<T>());
    for chunk in values.chunks(CHUNK) {
        bytes.clear();
        T::append_bytes(chunk, &mut bytes);
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// The header length and the header.
fn header(metadata: &[(&str, &str)], tensors: &[(&str, Parameter)]) -> std::result::Result<Vec<u8>, FileFault> {
    let strings: BTreeMap<_, _> = metadata.iter().copied().collect();
    let mut entries = BTreeMap::from([(METADATA, json!(strings))]);
    let mut start = 0;
    for (name, tensor) in tensors {
        let shape = tensor.shape();
        let end = start + shape.iter().product::<usize>() * tensor.dtype().size();
        let dtype = match tensor.dtype() {
            DType::F32 => "F32",
            DType::BF16 => "BF16",
            DType::F16 => "F16",
        };
        let info = json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, end] });
        if entries.insert(name, info).is_some() {
            return Err(FileFault::ReservedName { name: (*name).to_owned() });
        }
        start = end;
    }
    let mut json = serde_json::to_vec(&entries).map_err(FileFault::Header)?;
    json.resize(json.len().next_multiple_of(ALIGNMENT), b' ');
    Ok([&(json.len() as u64).to_le_bytes(), &*json].concat())
}

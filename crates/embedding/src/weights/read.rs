//! Tables out of a file.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::Device;
use half::{bf16, f16};

use super::FileFault;
use super::header::{Header, TensorInfo};
use crate::{Embedding, Error, Result, TableOptions, memory};

/// The header limit of the format.
const MAX_HEADER: u64 = 100_000_000;
/// Bytes read at once; a multiple of each value size.
const CHUNK: usize = 1 << 20;

/// An open file whose header is valid.
#[derive(Debug)]
pub(crate) struct WeightsFile {
    path: PathBuf,
    file: File,
    header: Header,
    data_start: u64,
    max_bytes: usize,
}

impl WeightsFile {
    /// `max_bytes` is the most that one table may take in memory.
    pub(crate) fn open(path: &Path, max_bytes: usize) -> Result<Self> {
        // Before it is opened: opening a pipe would wait for somebody to write into it.
        let metadata = fs::metadata(path).map_err(FileFault::io("find the file")).map_err(at(path))?;
        if !metadata.is_file() {
            return Err(at(path)(FileFault::NotAFile));
        }
        let mut file = File::open(path).map_err(FileFault::io("open the file")).map_err(at(path))?;
        let bytes = file.metadata().map_err(FileFault::io("read its size")).map_err(at(path))?.len();
        let (header, data_start) = read_header(&mut file, bytes, path)?;
        Ok(Self { path: path.to_owned(), file, header, data_start, max_bytes })
    }

    /// What it says of itself.
    pub(crate) fn into_header(self) -> Header {
        self.header
    }

    /// The metadata entry of this name.
    pub(crate) fn metadata(&self, name: &str) -> Option<&str> {
        self.header.metadata.get(name).map(String::as_str)
    }

    /// The matrix of this name as a table.
    pub(crate) fn table(&mut self, name: &str, options: TableOptions, device: &Device) -> Result<Embedding> {
        let info = self.header.tensor(name).map_err(at(&self.path))?.clone();
        let Some((rows, dimensions)) = info.matrix() else {
            return Err(self.wrong_shape(name, "[rows, dimensions], both at least 1"));
        };
        let values = self.values(name, &info)?;
        Embedding::from_values(values, rows, dimensions, options, device)
    }

    /// The vector of this name, of `dimensions` values, as a table of one row.
    pub(crate) fn vector(
        &mut self,
        name: &str,
        dimensions: usize,
        options: TableOptions,
        device: &Device,
    ) -> Result<Embedding> {
        let info = self.header.tensor(name).map_err(at(&self.path))?.clone();
        if info.shape != [dimensions as u64] {
            return Err(self.wrong_shape(name, &format!("[{dimensions}]")));
        }
        let values = self.values(name, &info)?;
        Embedding::from_values(values, 1, dimensions, options, device)
    }

    /// The error for a tensor whose shape should be `expected`.
    pub(crate) fn wrong_shape(&self, name: &str, expected: &str) -> Error {
        let shape = self.header.tensors.get(name).map(|info| info.shape.clone()).unwrap_or_default();
        self.error(FileFault::Shape { name: name.to_owned(), shape, expected: expected.to_owned() })
    }

    /// `fault` as an error that names this file.
    pub(crate) fn error(&self, fault: FileFault) -> Error {
        at(&self.path)(fault)
    }

    fn values(&mut self, name: &str, info: &TensorInfo) -> Result<Vec<f32>> {
        match &*info.dtype {
            "F32" => self.converted(name, info, f32::from_le_bytes),
            "F16" => self.converted(name, info, |bytes| f16::from_le_bytes(bytes).to_f32()),
            "BF16" => self.converted(name, info, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            other => Err(self.error(FileFault::DType { name: name.to_owned(), dtype: other.to_owned() })),
        }
    }

    /// The values of a tensor of `N` bytes each, read in pieces, so that a file is never in memory twice.
    fn converted<const N: usize>(
        &mut self,
        name: &str,
        info: &TensorInfo,
        convert: impl Fn([u8; N]) -> f32,
    ) -> Result<Vec<f32>> {
        let len = (info.shape.iter())
            .try_fold(1u64, |product, &size| product.checked_mul(size))
            .filter(|&len| len.checked_mul(N as u64) == Some(info.bytes()))
            .and_then(|len| usize::try_from(len).ok())
            .ok_or_else(|| {
                self.error(FileFault::Size { name: name.to_owned(), shape: info.shape.clone(), bytes: info.bytes() })
            })?;
        memory::check_limit(len, 1, self.max_bytes)?;
        let mut values = memory::reserved(len)?;
        let mut buffer = memory::reserved(CHUNK.min(len * N))?;
        // Both fit: the header check has shown that all offsets are inside the file.
        let start = SeekFrom::Start(self.data_start + info.data_offsets.0);
        self.file.seek(start).map_err(FileFault::io("read it")).map_err(at(&self.path))?;
        while values.len() < len {
            buffer.resize(CHUNK.min((len - values.len()) * N), 0);
            self.file.read_exact(&mut buffer).map_err(FileFault::io("read it")).map_err(at(&self.path))?;
            values.extend(buffer.as_chunks::<N>().0.iter().map(|&bytes| convert(bytes)));
        }
        Ok(values)
    }
}

fn read_header(file: &mut File, bytes: u64, path: &Path) -> Result<(Header, u64)> {
    let mut length = [0; 8];
    if bytes < length.len() as u64 {
        return Err(at(path)(FileFault::TooShort { bytes }));
    }
    file.read_exact(&mut length).map_err(FileFault::io("read it")).map_err(at(path))?;
    let rest = bytes - length.len() as u64;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER {
        return Err(at(path)(FileFault::HeaderTooLong { length, limit: MAX_HEADER }));
    }
    if length > rest {
        return Err(at(path)(FileFault::HeaderCut { length, bytes }));
    }
    let mut json = memory::reserved(length as usize)?;
    json.resize(length as usize, 0);
    file.read_exact(&mut json).map_err(FileFault::io("read it")).map_err(at(path))?;
    let header = Header::parse(&json, rest - length).map_err(at(path))?;
    Ok((header, bytes - rest + length))
}

/// For `map_err`: the fault is in the file at `path`.
pub(super) fn at(path: &Path) -> impl FnOnce(FileFault) -> Error {
    move |fault| Error::File { path: path.to_owned(), fault }
}

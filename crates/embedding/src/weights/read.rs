//! Tables out of a file.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::Device;
use half::{bf16, f16};

use super::FileFault;
use super::header::{Header, TensorInfo};
use crate::element::with_element;
use crate::{Element, Embedding, Error, Result, TableOptions, memory};

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

    /// Whether there is a tensor of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.header.tensors.contains_key(name)
    }

    /// The matrix of this name as a table.
    pub(crate) fn table(&mut self, name: &str, options: TableOptions, device: &Device) -> Result<Embedding> {
        let info = self.header.tensor(name).map_err(at(&self.path))?.clone();
        let size = info.matrix().ok_or_else(|| self.wrong_shape(name, "[rows, dimensions], both at least 1"))?;
        self.read(name, &info, size, options, device)
    }

    /// The matrix of this name, which has this size, as a table.
    pub(crate) fn sized_table(
        &mut self,
        name: &str,
        [rows, dimensions]: [usize; 2],
        options: TableOptions,
        device: &Device,
    ) -> Result<Embedding> {
        let info = self.header.tensor(name).map_err(at(&self.path))?.clone();
        if info.shape != [rows as u64, dimensions as u64] {
            return Err(self.wrong_shape(name, &format!("[{rows}, {dimensions}]")));
        }
        self.read(name, &info, (rows, dimensions), options, device)
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
        self.read(name, &info, (1, dimensions), options, device)
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

    fn read(
        &mut self,
        name: &str,
        info: &TensorInfo,
        size: (usize, usize),
        options: TableOptions,
        device: &Device,
    ) -> Result<Embedding> {
        match &*info.dtype {
            "F32" => self.read_as(name, info, f32::from_le_bytes, size, options, device),
            "F16" => self.read_as(name, info, f16::from_le_bytes, size, options, device),
            "BF16" => self.read_as(name, info, bf16::from_le_bytes, size, options, device),
            other => Err(self.error(FileFault::DType { name: name.to_owned(), dtype: other.to_owned() })),
        }
    }

    fn read_as<T: Element, const N: usize>(
        &mut self,
        name: &str,
        info: &TensorInfo,
        convert: fn([u8; N]) -> T,
        (rows, dimensions): (usize, usize),
        options: TableOptions,
        device: &Device,
    ) -> Result<Embedding> {
        let len = (rows as u64)
            .checked_mul(dimensions as u64)
            .filter(|&len| len.checked_mul(N as u64) == Some(info.bytes()))
            .and_then(|len| usize::try_from(len).ok())
            .ok_or_else(|| {
                self.error(FileFault::Size { name: name.to_owned(), shape: info.shape.clone(), bytes: info.bytes() })
            })?;
        memory::check_limit(len, options.dtype.size(), self.max_bytes)?;
        // It is inside the file, as the header check has shown.
        let start = self.data_start + info.data_offsets.0;
        read_table(&mut self.file, start, convert, [rows, dimensions], options, device, &self.path)
    }
}

/// The table of the values from byte `start` on, `N` bytes each. They become what the table holds as they are read, so that they are not in
/// memory twice.
pub(super) fn read_table<T: Element, const N: usize>(
    file: &mut File,
    start: u64,
    convert: fn([u8; N]) -> T,
    [rows, dimensions]: [usize; 2],
    options: TableOptions,
    device: &Device,
    path: &Path,
) -> Result<Embedding> {
    let len = memory::checked_len(rows, dimensions)?;
    if options.dtype == T::TYPE {
        let values = read_values(file, start, len, convert, path)?;
        return Embedding::from_values(values, rows, dimensions, options, device);
    }
    with_element!(options.dtype, U => {
        let values = read_values(file, start, len, |bytes| U::narrow(convert(bytes).widen()), path)?;
        Embedding::from_values(values, rows, dimensions, options, device)
    })
}

/// `len` values of `N` bytes each, read in pieces, so that a file is never in memory twice. What is read is not mapped: a table must be
/// writable, and one that lies in a file is gone, with the process, when somebody makes the file shorter.
fn read_values<T, const N: usize>(
    file: &mut File,
    start: u64,
    len: usize,
    convert: impl Fn([u8; N]) -> T,
    path: &Path,
) -> Result<Vec<T>> {
    let mut values = memory::reserved(len)?;
    let mut buffer = memory::reserved(CHUNK.min(len * N))?;
    file.seek(SeekFrom::Start(start)).map_err(FileFault::io("read it")).map_err(at(path))?;
    while values.len() < len {
        buffer.resize(CHUNK.min((len - values.len()) * N), 0);
        file.read_exact(&mut buffer).map_err(FileFault::io("read it")).map_err(at(path))?;
        values.extend(buffer.as_chunks::<N>().0.iter().map(|&bytes| convert(bytes)));
    }
    Ok(values)
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
pub(crate) fn at(path: &Path) -> impl FnOnce(FileFault) -> Error {
    move |fault| Error::File { path: path.to_owned(), fault }
}

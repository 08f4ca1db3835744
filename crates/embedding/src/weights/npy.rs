//! Tables as numpy's `.npy` files: a magic, a header that is a Python dictionary, the values.
//!
//! Only what `numpy.save` writes for a matrix of numbers is read, by a parser of its own: a header is never evaluated, and arrays of objects, which
//! are pickles, are refused by their type.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use half::f16;

use super::FileFault;
use super::read::{at, read_table};
use super::write::replace_file;
use crate::{DType, Device, Embedding, Result, TableOptions, memory};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The longest header that is read: numpy's own is shorter than 128 bytes.
const MAX_HEADER: u64 = 10_000;
/// Values start at a multiple of this.
const ALIGNMENT: usize = 64;

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

impl Embedding {
    /// Reads a matrix of `<f4` or `<f2` values, row after row, from a `.npy` file.
    ///
    /// # Errors
    /// [`crate::Error::File`] says what is wrong with the file; [`crate::Error::OutOfMemory`] when the table takes more than
    /// `max_bytes`, or more than there are.
    pub fn load_npy(path: &Path, options: TableOptions, device: &Device, max_bytes: usize) -> Result<Self> {
        // Before it is opened: opening a pipe would wait for somebody to write into it.
        let metadata = fs::metadata(path).map_err(FileFault::io("find the file")).map_err(at(path))?;
        if !metadata.is_file() {
            return Err(at(path)(FileFault::NotAFile));
        }
        let mut file = File::open(path).map_err(FileFault::io("open the file")).map_err(at(path))?;
        let bytes = file.metadata().map_err(FileFault::io("read its size")).map_err(at(path))?.len();
        let (header, start) = read_header(&mut file, bytes).map_err(at(path))?;
        let Header { descr, fortran_order, shape } = header;
        if fortran_order {
            return Err(at(path)(FileFault::Npy("its values are column after column, expected row after row".into())));
        }
        let &[rows, dimensions] = &*shape else {
            return Err(at(path)(FileFault::Npy(format!("it has the shape {shape:?}, expected two sizes"))));
        };
        if rows == 0 || dimensions == 0 {
            return Err(at(path)(FileFault::Npy(format!(
                "it has the shape {shape:?}, expected two sizes of at least 1"
            ))));
        }
        let is_half = match &*descr {
            "<f4" => false,
            "<f2" => true,
            _ => return Err(at(path)(FileFault::Npy(format!("it holds {descr:?} values, expected '<f4' or '<f2'")))),
        };
        let size: u64 = if is_half { 2 } else { 4 };
        let (expected, actual) = (rows.checked_mul(dimensions).and_then(|len| len.checked_mul(size)), bytes - start);
        if expected != Some(actual) {
            let what = format!("its shape {shape:?} of {descr} values does not take the {actual} bytes that follow");
            return Err(at(path)(FileFault::Npy(what)));
        }
        // Both are at most the size of the file.
        let [rows, dimensions] = [rows, dimensions].map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        let len = memory::checked_len(rows, dimensions)?;
        memory::check_limit(len, options.dtype.size(), max_bytes)?;
        let size = [rows, dimensions];
        if is_half {
            read_table(&mut file, start, f16::from_le_bytes, size, options, device, path)
        } else {
            read_table(&mut file, start, f32::from_le_bytes, size, options, device, path)
        }
    }

    /// Writes the table as a `.npy` file of `<f4` or `<f2` values, row after row, which replaces an older one in one step.
    ///
    /// # Errors
    /// [`crate::Error::File`], also for `bf16`, which numpy has not.
    pub fn save_npy(&self, path: &Path) -> Result<()> {
        let parameter = self.parameter();
        let descr = match parameter.dtype() {
            DType::F32 => "<f4",
            DType::F16 => "<f2",
            DType::BF16 => {
                return Err(at(path)(FileFault::Npy("numpy has no bf16; save it as safetensors, or as f32".into())));
            }
        };
        let (rows, dimensions) = (self.rows(), self.dimensions());
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows}, {dimensions}), }}");
        // Magic, version and length take ten bytes; the header ends with a line break.
        let padded = (10 + header.len() + 1).next_multiple_of(ALIGNMENT) - 10;
        header.extend(std::iter::repeat_n(' ', padded - header.len() - 1));
        header.push('\n');
        let length = (header.len() as u16).to_le_bytes();
        replace_file(path, &[&MAGIC[..], &[1, 0], &length, header.as_bytes()].concat(), [&parameter])
    }
}

fn read_header(file: &mut File, bytes: u64) -> std::result::Result<(Header, u64), FileFault> {
    let short = || FileFault::Npy(format!("{bytes} bytes are too few for a .npy file"));
    let mut start = [0; 8];
    if bytes < start.len() as u64 {
        return Err(short());
    }
    file.read_exact(&mut start).map_err(FileFault::io("read it"))?;
    if start[..6] != *MAGIC {
        return Err(FileFault::Npy("it does not begin as a .npy file".into()));
    }
    let width = match start[6..] {
        [1, 0] => 2,
        [2 | 3, 0] => 4,
        _ => return Err(FileFault::Npy(format!("version {}.{} of the format is not known", start[6], start[7]))),
    };
    let mut length = [0; 4];
    if bytes < 8 + width as u64 {
        return Err(short());
    }
    file.read_exact(&mut length[..width]).map_err(FileFault::io("read it"))?;
    let (length, begin) = (u64::from(u32::from_le_bytes(length)), 8 + width as u64);
    if length > MAX_HEADER || length > bytes - begin {
        return Err(FileFault::Npy(format!("a header of {length} bytes is too long")));
    }
    let mut text = [0; MAX_HEADER as usize];
    let text = &mut text[..length as usize];
    file.read_exact(text).map_err(FileFault::io("read it"))?;
    let header = str::from_utf8(text).ok().and_then(Header::parse);
    let header = header.ok_or_else(|| FileFault::Npy("its header is not that of a plain array".into()))?;
    Ok((header, begin + length))
}

impl Header {
    /// The dictionary that `numpy.save` writes, its entries in any order.
    fn parse(text: &str) -> Option<Self> {
        let mut rest = Rest(text);
        rest.token("{")?;
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        while rest.token("}").is_none() {
            let key = rest.string()?;
            rest.token(":")?;
            let is_new = match key {
                "descr" => descr.replace(rest.string()?).is_none(),
                "fortran_order" => fortran_order.replace(rest.boolean()?).is_none(),
                "shape" => shape.replace(rest.tuple()?).is_none(),
                _ => false,
            };
            if !is_new {
                return None;
            }
            if rest.token(",").is_none() {
                rest.token("}")?;
                break;
            }
        }
        let is_all = rest.0.trim_ascii().is_empty();
        is_all.then_some(())?;
        Some(Self { descr: descr?.to_owned(), fortran_order: fortran_order?, shape: shape? })
    }
}

/// What of a header was not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn token(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_ascii_start().strip_prefix(token)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let text = self.0.trim_ascii_start();
        let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (inside, rest) = text[1..].split_once(quote)?;
        self.0 = rest;
        (!inside.contains('\\')).then_some(inside)
    }

    fn boolean(&mut self) -> Option<bool> {
        if self.token("True").is_some() { Some(true) } else { self.token("False").map(|()| false) }
    }

    fn tuple(&mut self) -> Option<Vec<u64>> {
        self.token("(")?;
        let mut sizes = Vec::new();
        while self.token(")").is_none() {
            let text = self.0.trim_ascii_start();
            let digits = text.len() - text.trim_start_matches(|char: char| char.is_ascii_digit()).len();
            sizes.push(text[..digits].parse().ok()?);
            self.0 = &text[digits..];
            if self.token(",").is_none() {
                self.token(")")?;
                break;
            }
        }
        Some(sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_python_would() {
        let header = |shape: &[u64]| Some(Header { descr: "<f4".into(), fortran_order: false, shape: shape.to_vec() });
        for (text, expected) in [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n", header(&[3, 4])),
            ("{\"shape\":(7,),\"descr\":\"<f4\",\"fortran_order\":False}", header(&[7])),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", header(&[])),
            ("{'descr': '<f4', 'fortran_order': False}", None),
            ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}", None),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), 'more': '1'}", None),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 4)}", None),
            ("{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 4)}", None),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 4)}", None),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}", None),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", None),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)} x", None),
            ("{'descr': '<\\x664', 'fortran_order': False, 'shape': (3, 4)}", None),
            ("", None),
            ("{", None),
        ] {
            assert_eq!(Header::parse(text), expected, "{text}");
        }
    }
}

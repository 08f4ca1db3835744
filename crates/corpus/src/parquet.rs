//! The texts of one column of a Parquet file.

mod pages;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::parquet::basic::Type;
use ::parquet::column::reader::ColumnReaderImpl;
use ::parquet::data_type::{ByteArray, ByteArrayType};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use ::parquet::file::reader::{ChunkReader, Length};
use bytes::Bytes;

use crate::blocks::{BLOCK, no_memory};
use crate::cancel::Stop;
use crate::error::is_no_damage;
use crate::positioned::{read_at, read_exact_at};
use crate::source::open;
use crate::{Error, Fault, Input};

/// A page, which is in memory as a whole, may be as large as so many of the largest documents; writers put many smaller ones into it.
const DOCUMENTS_OF_A_PAGE: usize = 4;
/// It may always have so many bytes.
const LEAST_PAGE: usize = 256 << 20;
/// How much is read at once for the header of a page, most of which have less; pages may be no longer themselves.
const HEADER: usize = 512;

/// A file whose column is known to be there.
pub struct ParquetFile {
    name: String,
    file: Arc<Shared>,
    metadata: ParquetMetaData,
    /// How many rows come before each row group.
    rows_before: Vec<u64>,
    /// What each row group takes in the file, all of its columns.
    sizes: Vec<u64>,
    column: usize,
    progress: Arc<AtomicU64>,
}

impl ParquetFile {
    /// Reading it is an error once `stop` is set.
    pub fn open(input: &Input, column: &str, progress: &Arc<AtomicU64>, stop: &Stop) -> Result<Self, Error> {
        let invalid = |reason| Error::InvalidInput { path: input.name.clone(), reason };
        if input.is_stdin() {
            return Err(invalid("a Parquet file is read from its end, which standard input does not have".to_owned()));
        }
        let io = |error| Error::io("read", &input.name, error);
        let file = open(&input.path).map_err(io)?;
        let found = file.metadata().map_err(io)?;
        if !found.is_file() {
            return Err(invalid("a Parquet file is read from its end, and this is no regular file".to_owned()));
        }
        let file = Shared { file: Arc::new(file), length: found.len(), stop: stop.clone() };
        let metadata =
            guarded(|| ParquetMetaDataReader::new().parse_and_finish(&file)).map_err(|failure| match failure {
                Failure::System(error) => io(error),
                Failure::Damaged(reason) => invalid(reason),
                Failure::Fatal(error) => error,
            })?;
        let columns = metadata.file_metadata().schema_descr().columns();
        let Some(index) = columns.iter().position(|it| it.path().string() == column) else {
            let names: Vec<_> = columns.iter().map(|column| column.path().string()).collect();
            return Err(invalid(format!("expected a column {column:?}, received {}", names.join(", "))));
        };
        let found = &columns[index];
        if found.physical_type() != Type::BYTE_ARRAY || found.max_rep_level() > 0 {
            let kind = if found.max_rep_level() > 0 { "lists".to_owned() } else { found.physical_type().to_string() };
            return Err(invalid(format!("expected texts in the column {column:?}, received {kind}")));
        }
        let mut codecs = metadata.row_groups().iter().map(|group| group.column(index).compression_codec());
        // Nothing is wrong with such a file, so that it is not what may be left out.
        if let Some(codec) = codecs.find(|&codec| !pages::is_read(codec)) {
            let known = "expected a column without compression, or with SNAPPY, GZIP or ZSTD";
            return Err(invalid(format!("{known}, received {codec}")));
        }
        let mut rows = 0_u64;
        let rows_before = metadata.row_groups().iter().map(|group| {
            // So that what is counted on from there is a number, too.
            let after = rows.saturating_add(count(group)).min(u64::MAX / 2);
            std::mem::replace(&mut rows, after)
        });
        let rows_before = rows_before.collect();
        // What the file says of itself may be anything: together they have no more bytes than it has.
        let mut others = file.length;
        let sizes = metadata.row_groups().iter().map(|group| {
            let columns = group.columns().iter().map(|column| column.compressed_size().max(0).cast_unsigned());
            let size = columns.fold(0, u64::saturating_add).min(others);
            // Nobody reads one without rows.
            let size = if count(group) == 0 { 0 } else { size };
            others -= size;
            size
        });
        let sizes = sizes.collect();
        progress.fetch_add(others, Ordering::Relaxed);
        let (name, progress) = (input.name.clone(), Arc::clone(progress));
        Ok(Self { name, file: Arc::new(file), metadata, rows_before, sizes, column: index, progress })
    }

    /// The row groups before `group` count as read.
    pub fn pass_by(&self, group: usize) {
        let sizes = &self.sizes[..group.min(self.sizes.len())];
        self.progress.fetch_add(sizes.iter().sum(), Ordering::Relaxed);
    }

    pub fn row_groups(&self) -> usize {
        self.metadata.num_row_groups()
    }
}

/// The rows of `group`, of which a crafted file may have fewer than none.
fn count(group: &RowGroupMetaData) -> u64 {
    group.num_rows().max(0).cast_unsigned()
}

/// Rows of one row group.
#[derive(Default)]
pub struct Values {
    pub bytes: Vec<u8>,
    /// Where the text of each ends in `bytes`, or why there is none.
    pub rows: Vec<Result<usize, Fault>>,
    /// In the row group, from 0.
    pub first_row: u64,
    /// The number of the first in the file, from 1.
    pub number: u64,
    /// Why there are no more, when the file is damaged.
    pub fault: Option<String>,
}

/// Reads one row group.
pub struct RowGroup {
    file: Arc<ParquetFile>,
    reader: Option<ColumnReaderImpl<ByteArrayType>>,
    group: usize,
    row: u64,
    /// How many bytes of the row group count as read.
    counted: u64,
    /// The most bytes of a text.
    most: usize,
    /// One at most.
    texts: Vec<ByteArray>,
    /// As many.
    levels: Vec<i16>,
}

impl RowGroup {
    /// The rows of `group` from `row` on; texts of more than `most` bytes are only counted.
    pub fn new(file: Arc<ParquetFile>, group: usize, row: u64, most: usize) -> Self {
        Self { file, reader: None, group, row, counted: 0, most, texts: Vec::new(), levels: Vec::new() }
    }

    /// The next rows, about a block of them; none at the end.
    pub fn next(&mut self) -> Result<Option<Values>, Error> {
        let count = count(self.file.metadata.row_group(self.group));
        let number = self.file.rows_before[self.group] + self.row + 1;
        let mut values = Values { first_row: self.row, number, ..Values::default() };
        while self.row < count && values.bytes.len() < BLOCK && values.rows.len() < BLOCK / 16 {
            if let Err(failure) = self.read(&mut values, count - self.row) {
                let reason = match failure {
                    Failure::Damaged(reason) => reason,
                    Failure::System(error) => return Err(Error::io("read", &self.file.name, error)),
                    Failure::Fatal(error) => return Err(error),
                };
                values.fault = Some(format!("row group {}: {reason}", self.group));
                self.row = count;
                break;
            }
        }
        self.count_bytes();
        let is_end = values.rows.is_empty() && values.fault.is_none();
        Ok((!is_end).then_some(values))
    }

    /// Counts the bytes of the rows so far. A row has its share of all columns: what was read of the file is little where others are large, and nobody
    /// could tell from that how much is left.
    fn count_bytes(&mut self) {
        let (rows, size) = (count(self.file.metadata.row_group(self.group)), self.file.sizes[self.group]);
        let share = u128::from(size) * u128::from(self.row.min(rows)) / u128::from(rows.max(1));
        self.file.progress.fetch_add(share as u64 - self.counted, Ordering::Relaxed);
        self.counted = share as u64;
    }

    /// The next row.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// Reads one row: several may come to any length, whatever their pages take in the file.
    fn read(&mut self, values: &mut Values, left: u64) -> Result<(), Failure> {
        if self.reader.is_none() {
            self.reader = Some(guarded(|| self.open())?);
        }
        let Some(reader) = &mut self.reader else { return Ok(()) };
        let column = self.file.metadata.row_group(self.group).column(self.file.column).column_descr();
        let full = column.max_def_level();
        let (texts, levels) = (&mut self.texts, &mut self.levels);
        texts.clear();
        levels.clear();
        let (records, ..) = guarded(|| reader.read_records(1, (full > 0).then_some(levels), None, texts))?;
        if records == 0 {
            return Err(Failure::Damaged(format!("expected {left} more rows, received none")));
        }
        let is_null = full > 0 && self.levels.first().is_none_or(|&level| level < full);
        values.rows.push(match self.texts.first().filter(|_| !is_null) {
            None => Err(Fault::Malformed("expected a text, received null".to_owned())),
            Some(text) if text.len() > self.most => Err(Fault::TooLarge(self.most)),
            Some(text) => {
                values.bytes.try_reserve(text.len()).map_err(|_| Failure::Fatal(no_memory(text.len())))?;
                values.bytes.extend_from_slice(text.data());
                Ok(values.bytes.len())
            }
        });
        self.row += 1;
        Ok(())
    }

    fn open(&self) -> Result<ColumnReaderImpl<ByteArrayType>, ParquetError> {
        let group = self.file.metadata.row_group(self.group);
        let column = group.column(self.file.column);
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        let most = self.most.saturating_mul(DOCUMENTS_OF_A_PAGE).max(LEAST_PAGE);
        let limit = pages::Limit { name: self.file.name.clone(), most };
        let pages = pages::open(Arc::clone(&self.file.file), column, rows, limit)?;
        let mut reader = ColumnReaderImpl::new(column.column_descr_ptr(), pages);
        reader.skip_records(self.row as usize)?;
        Ok(reader)
    }
}

enum Failure {
    /// The file is not what it says.
    Damaged(String),
    /// The system does not read it.
    System(io::Error),
    Fatal(Error),
}

/// The library's own checks of crafted files are not all there are: a panic of it is an error of the file.
fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ParquetError::External(error))) => Err(match error.downcast::<io::Error>() {
            Ok(error) if is_no_damage(&error) => Failure::System(*error),
            Ok(error) => Failure::Damaged(error.to_string()),
            Err(error) => Failure::Damaged(error.to_string()),
        }),
        Ok(Err(error)) => Err(Failure::Damaged(error.to_string())),
        Err(_) => Err(Failure::Damaged("its contents contradict one another".to_owned())),
    }
}

/// A file that is read by several threads: the library's own reader of files moves their one place.
struct Shared {
    file: Arc<File>,
    length: u64,
    stop: Stop,
}

impl Length for Shared {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Shared {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        self.stop.check()?;
        Ok(BufReader::with_capacity(HEADER, From { file: Arc::clone(&self.file), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            let reason = format!("expected {length} bytes at byte {start}, received a file of {}", self.length);
            return Err(ParquetError::EOF(reason));
        }
        self.stop.check()?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| ParquetError::General(no_memory(length).to_string()))?;
        bytes.resize(length, 0);
        read_exact_at(&self.file, &mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// A file from a place on.
struct From {
    file: Arc<File>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = read_at(&self.file, buffer, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

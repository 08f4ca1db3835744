//! The pages of a column, unpacked within a limit: the library takes the memory that a page claims to need before anything of it is unpacked.

use std::io::{self, Read};
use std::sync::Arc;

use ::parquet::basic::CompressionCodec;
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::reader::ChunkReader;
use ::parquet::file::serialized_reader::SerializedPageReader;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use crate::Error;
use crate::blocks::no_memory;

/// How much a page may come to.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Of the file, for the error.
    pub name: String,
    /// In bytes.
    pub most: usize,
}

/// Whether pages of `codec` can be unpacked.
pub fn is_read(codec: CompressionCodec) -> bool {
    codec == CompressionCodec::UNCOMPRESSED || Codec::of(codec).is_some()
}

/// The pages of `column` of `file`, which has `rows`.
pub fn open<R: ChunkReader + 'static>(
    file: Arc<R>,
    column: &ColumnChunkMetaData,
    rows: usize,
    limit: Limit,
) -> Result<Box<dyn PageReader>> {
    let Some(codec) = Codec::of(column.compression_codec()) else {
        // Not packed, so no longer than the file, or in a way that the library refuses.
        return Ok(Box::new(SerializedPageReader::new(file, column, rows, None)?));
    };
    // Read as they are in the file.
    let column = column.clone().into_builder().set_compression_codec(CompressionCodec::UNCOMPRESSED).build()?;
    let packed = SerializedPageReader::new(file, &column, rows, None)?;
    Ok(Box::new(Pages { packed, codec, limit }))
}

struct Pages<R: ChunkReader> {
    packed: SerializedPageReader<R>,
    codec: Codec,
    limit: Limit,
}

impl<R: ChunkReader> Pages<R> {
    fn unpack(&self, mut page: Page) -> Result<Page> {
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = self.unpacked(buf, 0)?,
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, is_compressed: true, .. } => {
                let levels = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                *buf = self.unpacked(buf, levels)?;
            }
            Page::DataPageV2 { .. } => {}
        }
        Ok(page)
    }

    fn unpacked(&self, page: &[u8], levels: usize) -> Result<Bytes> {
        let mut bytes = Vec::new();
        self.codec.unpack(page, levels, self.limit.most, &mut bytes).map_err(|fault| match fault {
            Fault::TooLarge => fatal(Error::Limit(format!(
                "{}: a page unpacks to more than {} bytes, four times the largest document: write it with smaller pages",
                self.limit.name, self.limit.most
            ))),
            Fault::NoMemory(length) => fatal(no_memory(length)),
            Fault::Damaged(reason) => ParquetError::General(reason),
        })?;
        Ok(bytes.into())
    }
}

impl<R: ChunkReader> Iterator for Pages<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

impl<R: ChunkReader> PageReader for Pages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.packed.get_next_page()?.map(|page| self.unpack(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.packed.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.packed.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.packed.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        self.packed.take_deferred_dictionary()?.map(|page| self.unpack(page)).transpose()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.packed.at_record_boundary()
    }
}

/// An error that goes through the library as it is.
fn fatal(error: Error) -> ParquetError {
    io::Error::other(error).into()
}

#[derive(Clone, Copy, Debug)]
enum Codec {
    Snappy,
    Gzip,
    Zstandard,
}

#[derive(Debug)]
enum Fault {
    TooLarge,
    /// For so many bytes.
    NoMemory(usize),
    Damaged(String),
}

impl Codec {
    fn of(codec: CompressionCodec) -> Option<Self> {
        match codec {
            CompressionCodec::SNAPPY => Some(Self::Snappy),
            CompressionCodec::GZIP => Some(Self::Gzip),
            CompressionCodec::ZSTD => Some(Self::Zstandard),
            _ => None,
        }
    }

    /// Appends `page` to `bytes`, which then has at most `most`: the first `levels` bytes as they are, the others unpacked.
    fn unpack(self, page: &[u8], levels: usize, most: usize, bytes: &mut Vec<u8>) -> std::result::Result<(), Fault> {
        let parts = page.split_at_checked(levels).filter(|_| levels <= most);
        let (levels, packed) = parts.ok_or_else(|| Fault::Damaged("a page is shorter than its levels".to_owned()))?;
        bytes.try_reserve(levels.len()).map_err(|_| Fault::NoMemory(levels.len()))?;
        bytes.extend_from_slice(levels);
        let most = most - levels.len();
        match self {
            // Of a page without values.
            _ if packed.is_empty() => Ok(()),
            Self::Snappy => snappy(packed, most, bytes),
            Self::Gzip => all(MultiGzDecoder::new(packed), most, bytes),
            Self::Zstandard => {
                let decoder = zstd::Decoder::with_buffer(packed);
                decoder.map_err(|error| Fault::Damaged(error.to_string())).and_then(|it| all(it, most, bytes))
            }
        }
    }
}

fn all(decoder: impl Read, most: usize, bytes: &mut Vec<u8>) -> std::result::Result<(), Fault> {
    match decoder.take(most as u64 + 1).read_to_end(bytes) {
        Ok(length) if length > most => Err(Fault::TooLarge),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => Err(Fault::NoMemory(most)),
        Err(error) => Err(Fault::Damaged(error.to_string())),
    }
}

fn snappy(packed: &[u8], most: usize, bytes: &mut Vec<u8>) -> std::result::Result<(), Fault> {
    /// What an element of three bytes comes to, 64 bytes, is the most for its length.
    const RATIO: usize = 22;
    let damaged = |error: snap::Error| Fault::Damaged(error.to_string());
    let length = snap::raw::decompress_len(packed).map_err(damaged)?;
    // It may claim anything.
    if length > packed.len().saturating_mul(RATIO) {
        return Err(Fault::Damaged(format!("{} bytes cannot unpack to {length}", packed.len())));
    }
    if length > most {
        return Err(Fault::TooLarge);
    }
    let start = bytes.len();
    bytes.try_reserve_exact(length).map_err(|_| Fault::NoMemory(length))?;
    bytes.resize(start + length, 0);
    snap::raw::Decoder::new().decompress(packed, &mut bytes[start..]).map(drop).map_err(damaged)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]

    use std::io::Write as _;

    use ::parquet::basic::Compression;
    use ::parquet::column::reader::ColumnReaderImpl;
    use ::parquet::data_type::ByteArrayType;
    use ::parquet::file::metadata::ParquetMetaDataReader;
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::parquet::{Failure, guarded};

    fn packed(codec: Codec, bytes: &[u8]) -> Vec<u8> {
        match codec {
            Codec::Snappy => snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
            Codec::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Zstandard => zstd::encode_all(bytes, 1).unwrap(),
        }
    }

    #[test]
    fn a_page_is_unpacked_up_to_the_limit() {
        let text = "the mill ".repeat(10_000);
        for codec in [Codec::Snappy, Codec::Gzip, Codec::Zstandard] {
            for levels in ["", "levels"] {
                let whole = [levels, &text].concat();
                let page = [levels.as_bytes(), &packed(codec, text.as_bytes())].concat();
                let mut bytes = Vec::new();
                codec.unpack(&page, levels.len(), whole.len(), &mut bytes).unwrap();
                assert!(bytes == whole.as_bytes(), "{codec:?}");
                let fault = codec.unpack(&page, levels.len(), whole.len() - 1, &mut Vec::new()).unwrap_err();
                assert!(matches!(fault, Fault::TooLarge), "{codec:?} {fault:?}");
                let cut = codec.unpack(&page[..page.len() / 2], levels.len(), whole.len(), &mut Vec::new());
                assert!(matches!(cut, Err(Fault::Damaged(_))), "{codec:?} {cut:?}");
            }
            let empty = codec.unpack(b"levels", 6, 100, &mut Vec::new());
            assert!(empty.is_ok());
            let short = codec.unpack(b"level", 6, 100, &mut Vec::new()).unwrap_err();
            assert!(matches!(short, Fault::Damaged(_)), "{short:?}");
        }
    }

    /// A file of one row of the column `text`, packed by Snappy.
    fn file_of(text: &[u8]) -> Bytes {
        let schema = Arc::new(parse_message_type("message rows { required binary text; }").unwrap());
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(false);
        let mut file = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::new(properties.build())).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&[text.to_vec().into()], None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        file.into()
    }

    #[test]
    fn a_page_above_the_limit_is_no_damage() {
        let file = file_of(&[b'x'; 10_000]);
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
        let column = metadata.row_group(0).column(0);
        for (most, is_read) in [(20_000, true), (10_000, false)] {
            let limit = Limit { name: "a.parquet".to_owned(), most };
            let pages = open(Arc::new(file.clone()), column, 1, limit).unwrap();
            let mut reader = ColumnReaderImpl::<ByteArrayType>::new(column.column_descr_ptr(), pages);
            let mut texts = Vec::new();
            match guarded(|| reader.read_records(1, None, None, &mut texts)) {
                Ok(_) => assert!(is_read && texts[0].data() == [b'x'; 10_000]),
                Err(Failure::System(error)) => {
                    let error = Error::io("read", "a.parquet", error);
                    assert!(!is_read && matches!(error, Error::Limit(_)), "{error}");
                    assert!(error.to_string().starts_with("a.parquet: a page unpacks to more than 10000 bytes"));
                }
                Err(Failure::Damaged(_) | Failure::Fatal(_)) => panic!("it is neither"),
            }
        }
    }

    #[test]
    fn snappy_takes_no_memory_for_what_it_cannot_come_to() {
        // 2 GiB less a byte, of four bytes.
        let page = [&[0xff, 0xff, 0xff, 0xff, 0x07][..], b"none"].concat();
        let mut bytes = Vec::new();
        let fault = Codec::Snappy.unpack(&page, 0, usize::MAX, &mut bytes).unwrap_err();
        assert!(matches!(fault, Fault::Damaged(_)) && bytes.capacity() == 0, "{fault:?}");
        // What comes nearest to the ratio.
        let zeros = packed(Codec::Snappy, &vec![0; 1 << 20]);
        Codec::Snappy.unpack(&zeros, 0, 1 << 20, &mut bytes).unwrap();
        assert!(bytes == vec![0; 1 << 20]);
    }
}

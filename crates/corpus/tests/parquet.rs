//! Reading Parquet files.
#![allow(
    clippy::unwrap_used,
    clippy::cloned_ref_to_slice_refs,
    clippy::cast_possible_wrap,
    missing_docs,
    reason = "test code"
)]

mod common;

use std::fs::{File, read};
use std::ops::ControlFlow;
use std::sync::Arc;

use common::{Folder, read_from, texts};
use parquet::basic::{Compression, CompressionCodec, Encoding, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use tokenmill_corpus::{Fault, Format, OnFault, Position, Progress, ReadOptions, resolve};

const SCHEMA: &str = "message rows { required int64 id; optional binary text (UTF8); required group meta { required binary url (UTF8); } }";

/// Writes `groups` of texts; the id counts up and the address is the id.
fn write(folder: &Folder, name: &str, compression: Compression, groups: &[Vec<Option<String>>]) -> String {
    let properties = WriterProperties::builder().set_compression(compression).set_data_page_row_count_limit(700);
    write_as(folder, name, properties.build(), groups)
}

fn write_as(folder: &Folder, name: &str, properties: WriterProperties, groups: &[Vec<Option<String>>]) -> String {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let path = folder.path(name);
    let mut writer = SerializedFileWriter::new(File::create(&path).unwrap(), schema, Arc::new(properties)).unwrap();
    for texts in groups {
        let mut group = writer.next_row_group().unwrap();
        let ids: Vec<i64> = (0..texts.len() as i64).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&ids, None, None).unwrap();
        column.close().unwrap();
        let levels: Vec<i16> = texts.iter().map(|text| i16::from(text.is_some())).collect();
        let values: Vec<ByteArray> = texts.iter().flatten().map(|text| text.as_bytes().to_vec().into()).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
        column.close().unwrap();
        let urls: Vec<ByteArray> = ids.iter().map(|id| id.to_string().as_str().into()).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&urls, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
    path.to_str().unwrap().to_owned()
}

fn groups() -> Vec<Vec<Option<String>>> {
    let text = |group: usize, row: usize| match row % 97 {
        13 => None,
        14 => Some("long ".repeat(2000)),
        15 => Some(String::new()),
        _ => Some(format!("group {group} row {row}")),
    };
    [3000, 1, 0, 20_000, 512].iter().enumerate().map(|(g, &rows)| (0..rows).map(|row| text(g, row)).collect()).collect()
}

fn options() -> ReadOptions {
    ReadOptions { threads: 3, malformed: OnFault::Skip, ..ReadOptions::default() }
}

#[test]
fn rows_come_in_order_from_every_compression_and_thread_count() {
    let folder = Folder::new();
    let groups = groups();
    let mut expected = Vec::new();
    let mut nulls = Vec::new();
    // Rows are counted through the file: nobody knows where row groups begin.
    for (row, text) in (1_u64..).zip(groups.iter().flatten()) {
        match text {
            Some(text) => expected.push((text.clone(), row, 0)),
            None => nulls.push((0, row, Fault::Malformed("expected a text, received null".to_owned()))),
        }
    }
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for (name, compression) in [
        ("a.parquet", Compression::UNCOMPRESSED),
        ("b.parquet", Compression::SNAPPY),
        ("c.pq", zstd),
        ("d.parquet", Compression::GZIP(GzipLevel::default())),
    ] {
        let path = write(&folder, name, compression, &groups);
        for threads in [1, 3, 8] {
            let options = ReadOptions { threads, ..options() };
            let (found, faults, _) = read_from(&[path.clone()], &options, Position::default()).unwrap();
            assert!(found == expected, "{name} {threads}");
            assert_eq!(faults, nulls);
        }
    }
}

#[test]
fn a_row_that_is_no_document_is_named_by_its_number_in_the_file() {
    let folder = Folder::new();
    let text = || Some("text".to_owned());
    let name = write(&folder, "a.parquet", Compression::SNAPPY, &[vec![text(); 3], vec![], vec![text(), None]]);
    let options = ReadOptions { malformed: OnFault::Fail, ..options() };
    let error = texts(&[name], &options).unwrap_err().to_string();
    assert!(error.ends_with("a.parquet, row 5: expected a text, received null"), "{error}");
}

#[test]
fn reading_goes_on_from_every_position() {
    let folder = Folder::new();
    let groups = groups();
    let names = [
        write(&folder, "a.parquet", Compression::SNAPPY, &groups),
        write(&folder, "b.parquet", Compression::SNAPPY, &groups),
    ];
    let (all, _, positions) = read_from(&names, &options(), Position::default()).unwrap();
    assert!(positions.len() >= 8, "{}", positions.len());
    for start in positions {
        let (rest, _, again) = read_from(&names, &options(), start).unwrap();
        assert!(all.ends_with(&rest), "{start:?} {} {} {again:?} {:?}", all.len(), rest.len(), rest[0]);
        assert_eq!(again[0], start);
    }
}

#[test]
fn progress_is_the_share_of_rows_and_comes_to_the_length_of_the_file() {
    let folder = Folder::new();
    // Pages far smaller than what is read at once.
    let properties = WriterProperties::builder().set_data_page_row_count_limit(10).set_write_batch_size(10);
    let properties = properties.set_dictionary_enabled(false).set_compression(Compression::SNAPPY).build();
    let names = [
        write_as(&folder, "a.parquet", properties, &groups()),
        write(&folder, "b.parquet", Compression::SNAPPY, &groups()),
    ];
    let inputs = resolve(&names, None).unwrap();
    let total: u64 = inputs.iter().map(|input| input.bytes).sum();
    let (_, _, positions) = read_from(&names, &options(), Position::default()).unwrap();
    for start in positions {
        let (progress, mut seen) = (Progress::default(), Vec::new());
        let options = ReadOptions { threads: 1, ..options() };
        let batch = |_| {
            seen.push(progress.bytes_read());
            Ok(ControlFlow::Continue(()))
        };
        tokenmill_corpus::map_batches(&inputs, &options, start, None, &progress, || |_| Ok(()), batch).unwrap();
        assert!(seen.is_sorted() && seen.iter().all(|&read| read <= total), "{seen:?} of {total}");
        let before: u64 = inputs[..start.input].iter().map(|input| input.bytes).sum();
        assert!(before < seen[0], "{start:?}: {seen:?}");
        assert_eq!(progress.bytes_read(), total, "{start:?}");
    }
}

#[test]
fn blocks_are_bounded_by_what_texts_come_to_and_not_by_what_they_take_in_the_file() {
    const LENGTH: usize = 300_000;
    let folder = Folder::new();
    let groups = [vec![Some("the mill ".repeat(LENGTH / 9 + 1)[..LENGTH].to_owned()); 400]];
    let dictionary = WriterProperties::builder().set_dictionary_page_size_limit(1 << 22);
    let prefixes = WriterProperties::builder().set_dictionary_enabled(false);
    let prefixes = prefixes.set_column_encoding("text".into(), Encoding::DELTA_BYTE_ARRAY);
    for properties in [dictionary, prefixes] {
        let name = write_as(&folder, "many.parquet", properties.build(), &groups);
        assert!(std::fs::metadata(&name).unwrap().len() < 3 << 20, "{}", std::fs::metadata(&name).unwrap().len());
        let (mut count, mut largest) = (0, 0);
        read_batches(&[name.clone()], &options(), |texts| {
            count += texts.len();
            largest = largest.max(texts.iter().map(|text| text.len()).sum());
        });
        assert_eq!(count, 400);
        assert!(largest < (1 << 20) + LENGTH, "{largest}");

        let limited = ReadOptions { max_document_bytes: 1000, too_large: OnFault::Skip, ..options() };
        let (found, faults, _) = read_from(&[name], &limited, Position::default()).unwrap();
        let expected: Vec<_> = (1..=400).map(|row| (0, row, Fault::TooLarge(1000))).collect();
        assert_eq!((found.len(), faults), (0, expected));
    }
}

fn read_batches(names: &[String], options: &ReadOptions, mut visit: impl FnMut(&[&str])) {
    let inputs = resolve(names, None).unwrap();
    let visit = |texts: &[&str]| {
        visit(texts);
        ControlFlow::Continue(())
    };
    tokenmill_corpus::read(&inputs, options, None, &Progress::default(), visit).unwrap();
}

#[test]
fn another_column_can_be_named_and_one_that_cannot_be_read_is_an_error() {
    let folder = Folder::new();
    let name = write(&folder, "a.parquet", Compression::SNAPPY, &[vec![Some("text".to_owned()); 3]]);
    let with = |field: &str| texts(&[name.clone()], &ReadOptions { field: field.to_owned(), ..options() });
    assert_eq!(with("meta.url").unwrap(), ["0", "1", "2"]);
    let error = |field: &str| with(field).unwrap_err().to_string();
    assert!(error("txt").ends_with("expected a column \"txt\", received id, text, meta.url"), "{}", error("txt"));
    assert!(error("id").ends_with("expected texts in the column \"id\", received INT64"), "{}", error("id"));
    let stdin = texts(&["-".to_owned()], &ReadOptions { format: Format::Parquet, ..options() });
    assert!(stdin.unwrap_err().to_string().contains("a Parquet file is read from its end"));
}

/// A copy of the file `name` that says that its column number `changed` is packed by `codec`.
fn with_codec(folder: &Folder, name: &str, changed: usize, codec: CompressionCodec) -> String {
    let mut bytes = read(name).unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&File::open(name).unwrap()).unwrap();
    let column = |(number, column): (usize, &ColumnChunkMetaData)| {
        let codec = if number == changed { codec } else { column.compression_codec() };
        column.clone().into_builder().set_compression_codec(codec).build().unwrap()
    };
    let group = |group: &RowGroupMetaData| {
        let columns = group.columns().iter().enumerate().map(column).collect();
        group.clone().into_builder().set_column_metadata(columns).build().unwrap()
    };
    let groups = metadata.row_groups().iter().map(group).collect();
    ParquetMetaDataWriter::new(&mut bytes, &metadata.into_builder().set_row_groups(groups).build()).finish().unwrap();
    folder.write("codec.parquet", &bytes)
}

#[test]
fn a_compression_that_is_not_read_is_an_error_also_where_what_is_malformed_is_left_out() {
    let folder = Folder::new();
    let name = write(&folder, "a.parquet", Compression::UNCOMPRESSED, &[vec![Some("text".to_owned()); 3]]);
    for codec in [CompressionCodec::LZ4_RAW, CompressionCodec::BROTLI] {
        let error = texts(&[with_codec(&folder, &name, 1, codec)], &options()).unwrap_err().to_string();
        let reason = "expected a column without compression, or with SNAPPY, GZIP or ZSTD, received";
        assert!(error.ends_with(&format!("codec.parquet is not a valid input: {reason} {codec}")), "{error}");
    }
    let other_column = with_codec(&folder, &name, 0, CompressionCodec::LZ4_RAW);
    assert_eq!(texts(&[other_column], &options()).unwrap(), ["text"; 3]);
}

#[test]
fn damaged_files_are_faults_or_errors_and_never_more_rows() {
    let folder = Folder::new();
    let groups = [groups()[0].clone(), groups()[4].clone()];
    let good = write(&folder, "a.parquet", Compression::SNAPPY, &groups);
    let all = texts(&[good.clone()], &options()).unwrap();
    let bytes = read(&good).unwrap();
    for length in [0, 3, 8, bytes.len() / 2, bytes.len() - 1] {
        let name = folder.write("cut.parquet", &bytes[..length]);
        let error = texts(&[name], &options()).unwrap_err().to_string();
        assert!(error.contains("cut.parquet is not a valid input: "), "{error}");
    }
    // Any byte may be anything: no crash, no hang, and no more rows than there were.
    let mut damaged = 0;
    for at in (0..bytes.len()).step_by(bytes.len() / 400) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0xff;
        let name = folder.write("flipped.parquet", &bytes);
        match texts(&[name], &options()) {
            Ok(found) => {
                damaged += usize::from(found != all);
                assert!(found.len() <= all.len() + 200, "{at}");
            }
            Err(_) => damaged += 1,
        }
    }
    assert!(damaged > 50, "{damaged}");
}

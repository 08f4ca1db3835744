//! Reading datasets at any place.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs, reason = "test code")]

mod common;

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use common::Folder;
use tokenmill_corpus::{DType, Error, Mode, Store};

fn u32s(ids: impl IntoIterator<Item = u32>) -> Vec<u8> {
    ids.into_iter().flat_map(u32::to_le_bytes).collect()
}

#[test]
fn windows_come_from_any_place_in_both_modes_and_widths() {
    let folder = Folder::new();
    let ids: Vec<u32> = (0..300_000_u32).map(|it| it.wrapping_mul(2_654_435_761) >> 16).collect();
    let narrow = folder.write("narrow", ids.iter().flat_map(|&id| (id as u16).to_le_bytes()).collect::<Vec<u8>>());
    let wide = folder.write("wide", u32s(ids.iter().copied()));
    let starts: Vec<u64> = (0..700).map(|row| row * 7919 % (300_000 - 513)).collect();
    for (name, dtype) in [(narrow, DType::U16), (wide, DType::U32)] {
        for mode in [Mode::Map, Mode::Read] {
            let store = Store::open_file(name.as_ref(), dtype, mode).unwrap();
            assert_eq!(store.len(), 300_000);
            for length in [0, 1, 7, 513] {
                let mut out = vec![0; starts.len() * length];
                store.gather(&starts, length, &mut out).unwrap();
                for (row, &start) in starts.iter().enumerate() {
                    assert_eq!(out[row * length..][..length], ids[start as usize..][..length]);
                }
            }
            let mut all = vec![0; 300_000];
            store.copy(0, &mut all).unwrap();
            assert!(all == ids);
        }
    }
}

#[test]
fn ids_that_no_target_can_be_are_in_no_window() {
    let folder = Folder::new();
    let wide = folder.write("wide", u32s([1, 2, u32::MAX - 99, 3, 4, 1 << 31]));
    for mode in [Mode::Map, Mode::Read] {
        let store = Store::open_file(wide.as_ref(), DType::U32, mode).unwrap();
        let window = |start| store.windows(&[start], &[], 1, &mut [0], &mut [0]).map_err(|error| error.to_string());
        assert_eq!(window(0), Ok(()));
        assert_eq!(window(3), Ok(()));
        let refused = |id: u32| Err(format!("expected ids below 2147483648, received {id}"));
        assert_eq!(
            [window(1), window(2), window(4)],
            [refused(u32::MAX - 99), refused(u32::MAX - 99), refused(1 << 31)]
        );
    }
}

#[test]
fn windows_with_targets_are_two_gathers() {
    let folder = Folder::new();
    let ids: Vec<u32> = (0..300_000_u32).map(|it| it.wrapping_mul(2_654_435_761) >> 16).collect();
    let narrow = folder.write("narrow", ids.iter().flat_map(|&id| (id as u16).to_le_bytes()).collect::<Vec<u8>>());
    let wide = folder.write("wide", u32s(ids.iter().copied()));
    for (name, dtype) in [(narrow, DType::U16), (wide, DType::U32)] {
        for mode in [Mode::Map, Mode::Read] {
            let store = Store::open_file(name.as_ref(), dtype, mode).unwrap();
            // 257 columns of 700 rows are worth all threads.
            for (columns, rows) in [(1, 700), (7, 3), (257, 700), (5, 0)] {
                let starts: Vec<u64> = (0..rows).map(|row| row * 7919 % (300_000 - 257)).collect();
                let (mut inputs, mut targets) = (vec![0; starts.len() * columns], vec![0; starts.len() * columns]);
                // What comes next is only asked for: it may be anywhere.
                store.windows(&starts, &[0, 299_999, u64::MAX], columns, &mut inputs, &mut targets).unwrap();
                for (row, &start) in starts.iter().enumerate() {
                    assert_eq!(inputs[row * columns..][..columns], ids[start as usize..][..columns]);
                    assert_eq!(targets[row * columns..][..columns], ids[start as usize + 1..][..columns]);
                }
            }
            let mut out = [7; 4];
            let error = store.windows(&[0, 299_998], &[], 2, &mut out.clone(), &mut out);
            assert!(matches!(error, Err(Error::OutOfRange(_))));
            assert_eq!(out, [7; 4]);
            assert!(store.windows(&[0], &[], 2, &mut [0; 2], &mut out).is_err());
            assert!(store.windows(&[0], &[], usize::MAX, &mut [], &mut []).is_err());
        }
    }
}

#[test]
fn reading_ahead_changes_nothing_and_finds_what_is_not_there() {
    let folder = Folder::new();
    let path = folder.write("ids", u32s(0..100_000));
    for mode in [Mode::Map, Mode::Read] {
        let store = Store::open_file(path.as_ref(), DType::U32, mode).unwrap();
        store.read_ahead(&[0, 99_999, 50_000], 1).unwrap();
        store.read_ahead(&[0], 100_000).unwrap();
        store.read_ahead(&[100_000], 0).unwrap();
        assert!(matches!(store.read_ahead(&[0, 99_999], 2), Err(Error::OutOfRange(_))));
    }
    let store = Store::open_file(path.as_ref(), DType::U32, Mode::Read).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(1000).unwrap();
    assert!(matches!(store.read_ahead(&[90_000], 10), Err(Error::CorruptDataset { .. })));
}

#[test]
fn a_window_past_the_end_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    let name = folder.write("ids", u32s(0..10));
    let store = Store::open_file(name.as_ref(), DType::U32, Mode::Map).unwrap();
    let mut out = [7; 6];
    for starts in [[0, 8], [0, 10], [u64::MAX, 0], [u64::MAX - 2, 0]] {
        let error = store.gather(&starts, 3, &mut out).unwrap_err();
        assert!(matches!(error, Error::OutOfRange(_)), "{error}");
        assert_eq!(out, [7; 6]);
    }
    assert!(store.gather(&[0], 3, &mut out).is_err());
    assert!(store.gather(&[0; 3], usize::MAX, &mut out).is_err());
    store.gather(&[7, 0], 3, &mut out).unwrap();
    assert_eq!(out, [7, 8, 9, 0, 1, 2]);
    assert!(store.document_at(0).is_err() && store.document_count().is_none());
}

#[test]
fn files_that_are_not_ids_are_refused() {
    let folder = Folder::new();
    let odd = folder.write("odd", [1, 2, 3]);
    let error = |dtype| Store::open_file(odd.as_ref(), dtype, Mode::Map).err().unwrap().to_string();
    assert!(error(DType::U16).ends_with("expected whole ids of 2 bytes, received 3 bytes"));
    assert!(error(DType::U32).ends_with("expected whole ids of 4 bytes, received 3 bytes"));
    let empty = folder.write("empty", "");
    let store = Store::open_file(empty.as_ref(), DType::U16, Mode::Map).unwrap();
    assert!(store.is_empty() && store.copy(0, &mut []).is_ok() && store.copy(0, &mut [0]).is_err());
    assert!(Store::open_file(&folder.path("none"), DType::U16, Mode::Map).is_err());
}

#[test]
fn a_file_that_is_cut_while_it_is_read_by_position_is_an_error() {
    let folder = Folder::new();
    let name = folder.write("ids", u32s(0..100_000));
    let store = Store::open_file(name.as_ref(), DType::U32, Mode::Read).unwrap();
    File::options().write(true).open(&name).unwrap().set_len(1000).unwrap();
    let mut out = [0; 10];
    store.copy(200, &mut out).unwrap();
    let error = store.copy(50_000, &mut out).unwrap_err().to_string();
    assert!(error.ends_with("the file is shorter than its 400000 bytes when it was opened"), "{error}");
}

#[test]
fn a_dataset_of_more_than_two_to_the_32_ids_is_one_row() {
    let folder = Folder::new();
    // 5 and 4 thousand million ids in files with holes: some bytes of disk.
    let shards = [5_000_000_000_u64, 4_000_000_000];
    for (index, &tokens) in shards.iter().enumerate() {
        let file = File::create(folder.path(&format!("train-{index:05}.bin"))).unwrap();
        file.set_len(tokens * 2).unwrap();
        file.write_all_at(&[1, 0, 2, 0], 0).unwrap();
        file.write_all_at(&[3, 0, 4, 0], tokens * 2 - 4).unwrap();
    }
    let starts = [0, 4_999_999_999, 5_000_000_001_u64];
    folder.write("train-documents.u64", starts.iter().flat_map(|start| start.to_le_bytes()).collect::<Vec<u8>>());
    folder.write("manifest.json", r#"{"kind":"tokenmill-dataset","version":1,"tokenizer":{"name":"t","fingerprint":"f","vocabSize":5},
        "dtype":"uint16","separator":null,"shardTokens":5000000000,"validation":null,"deduplicated":false,"inputs":{"files":1,"bytes":1},
        "counts":{"documents":3,"tokens":9000000000,"bytes":1,"empty":0,"duplicates":0,"malformed":0,"invalidUtf8":0,"tooLarge":0},
        "splits":{"train":{"documents":3,"tokens":9000000000,"documentStarts":{"file":"train-documents.u64","bytes":24,"blake3":""},
        "shards":[{"file":"train-00000.bin","tokens":5000000000,"blake3":""},{"file":"train-00001.bin","tokens":4000000000,"blake3":""}],"others":{}}}}"#);
    for mode in [Mode::Map, Mode::Read] {
        let (store, _) = Store::open(folder.0.path(), "train", mode).unwrap();
        assert_eq!(store.len(), 9_000_000_000);
        let mut out = [9; 12];
        store.gather(&[0, 4_999_999_998, 8_999_999_996], 4, &mut out).unwrap();
        assert_eq!(out, [1, 2, 0, 0, 3, 4, 1, 2, 0, 0, 3, 4]);
        let documents = [0, 4_999_999_998, 4_999_999_999, 5_000_000_000, 5_000_000_001, 8_999_999_999]
            .map(|at| store.document_at(at).unwrap());
        assert_eq!(documents, [0, 0, 1, 1, 2, 2]);
        assert!(store.copy(8_999_999_997, &mut [0; 4]).is_err());
    }
    let error = Store::open(folder.0.path(), "val", Mode::Map).err().unwrap().to_string();
    assert_eq!(error, "expected one of the splits train, received \"val\"");
    File::options().write(true).open(folder.path("train-00001.bin")).unwrap().set_len(10).unwrap();
    let error = Store::open(folder.0.path(), "train", Mode::Map).err().unwrap().to_string();
    assert!(error.ends_with("expected 8000000000 bytes, as the manifest says, received 10"), "{error}");
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let manifest = folder.path("manifest.json");
    std::os::unix::fs::symlink(&pipe, &manifest).unwrap();
    let folder_path = folder.0.path().to_owned();
    let opens: [Box<dyn FnOnce() -> Result<(), Error> + Send>; 2] = [
        Box::new(move || Store::open_file(&pipe, DType::U16, Mode::Map).map(drop)),
        Box::new(move || Store::open(&folder_path, "train", Mode::Map).map(drop)),
    ];
    for open in opens {
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || send.send(open()));
        let error = receive.recv_timeout(std::time::Duration::from_secs(20)).expect("it does not wait").unwrap_err();
        assert!(error.to_string().ends_with("expected a file"), "{error}");
    }
}

//! Reading what gives nothing, or more than anybody wants.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::cloned_ref_to_slice_refs,
    clippy::format_collect,
    missing_docs,
    reason = "test code"
)]

mod common;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Folder, texts, zstd};
use tokenmill_corpus::{
    Error, Format, Input, OnFault, Position, Progress, ReadOptions, map_batches, read, read_parts, resolve,
};

/// What ends at once is not later than this, on any machine.
const SOON: Duration = Duration::from_secs(20);

fn fifo(folder: &Folder, name: &str) -> String {
    let path = folder.path(name);
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    path.to_str().unwrap().to_owned()
}

fn options(format: Format) -> ReadOptions {
    ReadOptions { format, threads: 2, ..ReadOptions::default() }
}

/// What `work` gives, which is cancelled after a while, and how long it took from there.
fn cancelled<T: Send>(work: impl FnOnce(&AtomicBool) -> T + Send) -> (T, Duration) {
    let cancel = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let done = scope.spawn(|| work(&cancel));
        std::thread::sleep(Duration::from_millis(100));
        cancel.store(true, Ordering::Relaxed);
        let began = Instant::now();
        (done.join().unwrap(), began.elapsed())
    })
}

/// That `work` waits for nothing once it is cancelled.
fn ends_when_cancelled(work: impl FnOnce(&AtomicBool) -> Result<(), Error> + Send) {
    let (result, time) = cancelled(work);
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert!(time < SOON, "{time:?}");
}

fn read_all(names: &[String], options: &ReadOptions, cancel: &AtomicBool) -> Result<(), Error> {
    read(&resolve(names, None)?, options, Some(cancel), &Progress::default(), |_| ControlFlow::Continue(()))
}

fn in_parts(input: &Input, cancel: &AtomicBool) -> Result<(), Error> {
    read_parts(input, false, 1 << 30, Some(cancel), &Progress::default(), |text, _| Ok(text.len()))
}

#[test]
fn reading_a_pipe_that_nobody_writes_into_can_be_cancelled() {
    let folder = Folder::new();
    let name = fifo(&folder, "unopened");
    for format in [Format::Text, Format::Lines] {
        ends_when_cancelled(|cancel| read_all(&[name.clone()], &options(format), cancel));
    }
    let input = resolve(&[name], None).unwrap().remove(0);
    ends_when_cancelled(|cancel| in_parts(&input, cancel));
}

#[test]
fn reading_a_pipe_that_is_open_and_silent_can_be_cancelled() {
    let folder = Folder::new();
    let name = fifo(&folder, "silent");
    // Both ends, so that it opens at once.
    let mut writer = OpenOptions::new().read(true).write(true).open(&name).unwrap();
    for start in ["", "some\nlines\n"] {
        writer.write_all(start.as_bytes()).unwrap();
        ends_when_cancelled(|cancel| read_all(&[name.clone()], &options(Format::Lines), cancel));
        let input = resolve(&[name.clone()], None).unwrap().remove(0);
        ends_when_cancelled(|cancel| in_parts(&input, cancel));
    }
}

#[test]
fn an_error_does_not_wait_for_a_pipe_that_is_read_ahead() {
    let folder = Folder::new();
    let names = [folder.write("bad", "not JSON\n"), fifo(&folder, "silent")];
    let began = Instant::now();
    let error = texts(&names, &options(Format::Jsonl)).unwrap_err().to_string();
    assert!(error.contains("bad, line 1: expected a JSON object"), "{error}");
    assert!(began.elapsed() < SOON);
}

#[test]
fn a_pipe_is_read_to_its_end_however_slowly_it_is_written() {
    let folder = Folder::new();
    let name = fifo(&folder, "slow");
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| texts(&[name.clone()], &options(Format::Lines)));
        std::thread::sleep(Duration::from_millis(60));
        let mut writer = OpenOptions::new().write(true).open(&name).unwrap();
        for part in ["on", "e\nt", "wo\n", "three"] {
            std::thread::sleep(Duration::from_millis(40));
            writer.write_all(part.as_bytes()).unwrap();
        }
        drop(writer);
        assert_eq!(reader.join().unwrap().unwrap(), ["one", "two", "three"]);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_that_is_opened_and_closed_is_empty() {
    let folder = Folder::new();
    let name = fifo(&folder, "empty");
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| texts(&[name.clone()], &options(Format::Text)));
        drop(OpenOptions::new().write(true).open(&name).unwrap());
        assert_eq!(reader.join().unwrap().unwrap(), [""]);
    });
}

#[test]
fn a_pipe_goes_on_when_it_gives_the_same_again() {
    let folder = Folder::new();
    let name = fifo(&folder, "again");
    let text: String = (0..400_000).map(|number| format!("line {number}\n")).collect();
    let other = text.replacen('0', "o", 1);
    let through = |text: &str, start: Position| {
        std::thread::scope(|scope| {
            // It may be closed early.
            scope.spawn(|| drop(std::fs::write(&name, text)));
            let mut found = Vec::new();
            let consume = |batch: tokenmill_corpus::Batch<tokenmill_corpus::Documents>| {
                let texts = batch.value.texts().into_iter().map(str::to_owned).collect::<Vec<_>>();
                found.push((texts, batch.end));
                Ok(ControlFlow::Continue(()))
            };
            let inputs = resolve(&[name.clone()], None)?;
            let (options, progress) = (options(Format::Lines), Progress::default());
            map_batches(&inputs, &options, start, None, &progress, || Ok, consume)?;
            Ok::<_, Error>(found)
        })
    };
    let all = through(&text, Position::default()).unwrap();
    assert!(all.len() > 2);
    assert_eq!(through(&text, all[0].1).unwrap(), all[1..]);
    let error = through(&other, all[0].1).unwrap_err().to_string();
    assert!(error.contains("bytes that it gave before, received others"), "{error}");
}

#[test]
fn a_pipe_is_no_parquet_file() {
    let folder = Folder::new();
    let name = fifo(&folder, "a.parquet");
    let error = texts(&[name], &options(Format::Detect)).unwrap_err().to_string();
    assert!(error.ends_with("a Parquet file is read from its end, and this is no regular file"), "{error}");
}

#[test]
fn a_document_without_an_end_is_an_error_at_once_or_can_be_cancelled() {
    let endless = ["/dev/zero".to_owned()];
    let limited = ReadOptions { max_document_bytes: 1000, ..options(Format::Lines) };
    let began = Instant::now();
    let error = texts(&endless, &limited).unwrap_err().to_string();
    assert!(error.ends_with("line 1: expected at most 1000 bytes in a document, received more"), "{error}");
    assert!(began.elapsed() < SOON);
    let skipping = ReadOptions { too_large: OnFault::Skip, ..limited };
    for format in [Format::Text, Format::Lines, Format::Separated("end".to_owned())] {
        let skipping = ReadOptions { format, ..skipping.clone() };
        ends_when_cancelled(|cancel| read_all(&endless, &skipping, cancel));
    }
}

#[test]
fn a_little_that_unpacks_to_much_can_be_cancelled() {
    let folder = Folder::new();
    // More than seconds of it are in what is read of the file at a time.
    let name = folder.write("zeros.zst", zstd(&vec![0; 64 << 20]).repeat(2000));
    let skipping = ReadOptions { max_document_bytes: 1000, too_large: OnFault::Skip, ..options(Format::Lines) };
    let (result, time) = cancelled(|cancel| read_all(&[name], &skipping, cancel));
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert!(time < Duration::from_secs(1), "{time:?}");
}

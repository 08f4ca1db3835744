//! Writing datasets.
#![allow(
    clippy::unwrap_used,
    clippy::cloned_ref_to_slice_refs,
    clippy::format_collect,
    clippy::unnecessary_wraps,
    missing_docs,
    reason = "test code"
)]

mod common;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use common::{Folder, gzip, zstd};
use tokenmill_corpus::manifest::{Separator, SeparatorPosition, TokenizerFacts, Validation};
use tokenmill_corpus::{
    DType, Encoded, Error, Format, Manifest, Mode, OnFault, OnInvalidUtf8, Output, PrepareOptions, Prepared,
    ReadOptions, Status, Store, prepare, resolve, verify,
};

const END: u32 = 256;
const SHARD: usize = 700_000;

fn options(out_dir: &Path) -> PrepareOptions {
    PrepareOptions {
        allowed_special: Vec::new(),
        out_dir: out_dir.to_owned(),
        read: ReadOptions { threads: 3, ..ReadOptions::default() },
        tokenizer: TokenizerFacts { name: "bytes".to_owned(), fingerprint: "f".to_owned(), vocab_size: 257 },
        separator: Some(Separator { id: END, position: SeparatorPosition::After }),
        shard_tokens: SHARD as u64,
        validation: None,
        deduplicate: false,
        memory_limit: 1 << 20,
        outputs: vec![Output::Raw],
        resume: true,
        checkpoint_every: Duration::from_secs(5),
    }
}

/// A token for each byte.
fn bytes(texts: &[&str]) -> Result<Encoded, Error> {
    let mut encoded = Encoded::default();
    for text in texts {
        encoded.ids.extend(text.bytes().map(u32::from));
        encoded.ends.push(encoded.ids.len());
    }
    Ok(encoded)
}

fn run(names: &[String], options: &PrepareOptions) -> Result<Prepared, Error> {
    prepare(&resolve(names, None)?, options, &Status::default(), None, || bytes)
}

/// All files below `folder` with their bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

fn documents() -> Vec<String> {
    // Some come again, some are empty.
    (0..30_000_u64)
        .map(|number| match number % 50 {
            0 => String::new(),
            1 => format!("again {}", number % 700),
            _ => format!("{number} {}", "é".repeat((number * 7919 % 113 * 3) as usize)),
        })
        .collect()
}

fn jsonl(documents: &[String]) -> String {
    documents.iter().map(|text| format!("{{\"text\":{}}}\n", serde_json::to_string(text).unwrap())).collect()
}

fn corpus(folder: &Folder) -> Vec<String> {
    let all = documents();
    let (first, rest) = all.split_at(13_000);
    let (second, third) = rest.split_at(9_000);
    vec![
        folder.write("in/a.jsonl", jsonl(first)),
        folder.write("in/b.jsonl.zst", zstd(jsonl(second).as_bytes())),
        folder.write("in/c.jsonl.gz", gzip(jsonl(third).as_bytes())),
    ]
}

fn everything(out_dir: &Path) -> PrepareOptions {
    PrepareOptions {
        validation: Some(Validation { share: 0.2, seed: 7 }),
        deduplicate: true,
        outputs: Output::ALL.to_vec(),
        ..options(out_dir)
    }
}

#[test]
fn shards_hold_every_document_with_its_separator() {
    let folder = Folder::new();
    let names = corpus(&folder);
    for position in [SeparatorPosition::Before, SeparatorPosition::After] {
        let out = folder.path(&format!("{position:?}"));
        let mut options = options(&out);
        options.separator = Some(Separator { id: END, position });
        let Prepared { manifest, faults, was_complete } = run(&names, &options).unwrap();
        assert!(faults.is_empty() && !was_complete);
        let (mut expected, mut starts, mut text_bytes) = (Vec::new(), Vec::new(), 0);
        for text in documents().iter().filter(|text| !text.is_empty()) {
            starts.push(expected.len() as u64);
            let ids = text.bytes().map(u32::from);
            text_bytes += text.len() as u64;
            match position {
                SeparatorPosition::Before => expected.extend([END].into_iter().chain(ids)),
                SeparatorPosition::After => expected.extend(ids.chain([END])),
            }
        }
        let (store, read) = Store::open(&out, "train", Mode::Map).unwrap();
        assert_eq!(read, manifest);
        let mut ids = vec![0; store.len() as usize];
        store.copy(0, &mut ids).unwrap();
        assert!(ids == expected);
        let mut found = vec![0; starts.len()];
        store.document_starts(0, &mut found).unwrap();
        assert!(found == starts);
        for at in [0, 1, starts[5], starts[5] - 1, store.len() - 1] {
            let expected = starts.partition_point(|&start| start <= at) as u64 - 1;
            assert_eq!(store.document_at(at).unwrap(), expected, "{at}");
        }
        let counts = &manifest.counts;
        assert_eq!(counts.documents, starts.len() as u64);
        assert_eq!((counts.tokens, counts.bytes, counts.empty), (expected.len() as u64, text_bytes, 600));
        let shards = &manifest.splits["train"].shards;
        assert!(shards[..shards.len() - 1].iter().all(|shard| shard.tokens == SHARD as u64));
        assert_eq!(manifest.dtype, DType::U16);
        let text = std::fs::read_to_string(out.join("manifest.json")).unwrap();
        assert!(!text.contains(folder.0.path().to_str().unwrap()), "no path of the machine");
    }
}

#[test]
fn the_files_do_not_depend_on_threads_or_interruptions() {
    let folder = Folder::new();
    let names = corpus(&folder);
    let out = folder.path("undisturbed");
    let mut options = everything(&out);
    options.read.threads = 1;
    run(&names, &options).unwrap();
    let expected = files(&out);
    assert!(expected.len() > 30, "{:?}", expected.keys());

    let out = folder.path("threads");
    let mut options = everything(&out);
    options.read.threads = 7;
    options.memory_limit = 0;
    options.checkpoint_every = Duration::ZERO;
    run(&names, &options).unwrap();
    assert!(files(&out) == expected);

    for (seed, every) in [(1_usize, Duration::ZERO), (2, Duration::from_secs(5)), (3, Duration::from_millis(3))] {
        let out = folder.path(&format!("interrupted {seed}"));
        let mut options = everything(&out);
        options.checkpoint_every = every;
        let mut interruptions = 0;
        for attempt in 1.. {
            options.read.threads = 1 + attempt % 4;
            let left = AtomicUsize::new(1 + attempt * seed % 5);
            let cancel = AtomicBool::new(false);
            // By an error of a thread, or by the caller.
            let encode = |texts: &[&str]| {
                if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err() {
                    if attempt % 2 == 0 {
                        return Err(Error::Encode("interrupted".to_owned()));
                    }
                    cancel.store(true, Ordering::Relaxed);
                }
                bytes(texts)
            };
            match prepare(&resolve(&names, None).unwrap(), &options, &Status::default(), Some(&cancel), || encode) {
                Ok(_) => break,
                Err(Error::Encode(_) | Error::Cancelled) => interruptions += 1,
                Err(error) => panic!("{error}"),
            }
            assert!(attempt < 1000);
        }
        assert!(interruptions > 1, "{interruptions}");
        let found = files(&out);
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        assert!(found == expected, "{seed}");
    }
}

#[test]
fn every_form_holds_the_ids_that_the_raw_shards_hold() {
    let folder = Folder::new();
    let names = corpus(&folder);
    for vocab_size in [257, 65_499, 65_500, 65_536] {
        let out = folder.path(&vocab_size.to_string());
        let mut options = everything(&out);
        options.tokenizer.vocab_size = vocab_size;
        let manifest = run(&names, &options).unwrap().manifest;
        for split in ["train", "val"] {
            let (store, _) = Store::open(&out, split, Mode::Map).unwrap();
            let mut ids = vec![0; store.len() as usize];
            store.copy(0, &mut ids).unwrap();
            let u16s: Vec<u8> = ids.iter().flat_map(|&id| (id as u16).to_le_bytes()).collect();
            let read = |name: String| std::fs::read(out.join(name)).unwrap();

            assert!(read(format!("nanogpt/{split}.bin")) == u16s);
            for (shard, ids) in ids.chunks(SHARD).enumerate() {
                let file = read(format!("llmc/{split}_{shard:06}.bin"));
                let header: Vec<u32> =
                    file[..1024].chunks(4).map(|it| u32::from_le_bytes(it.try_into().unwrap())).collect();
                assert_eq!(header[..3], [20_240_520, 1, ids.len() as u32]);
                assert!(header[3..].iter().all(|&it| it == 0));
                assert!(file[1024..] == u16s[shard * SHARD * 2..][..ids.len() * 2]);
                let file = read(format!("npy/{split}-{shard:05}.npy"));
                let header = format!("{{'descr': '<u2', 'fortran_order': False, 'shape': ({},), }}", ids.len());
                assert_eq!(&file[..10], b"\x93NUMPY\x01\x00\x76\x00");
                assert_eq!(str::from_utf8(&file[10..127]).unwrap().trim_end(), header);
                assert!(file[127] == b'\n' && file[128..] == u16s[shard * SHARD * 2..][..ids.len() * 2]);
            }

            let (index, data) = (read(format!("megatron/{split}.idx")), read(format!("megatron/{split}.bin")));
            let (code, width) = if vocab_size < 65_500 { (8, 2) } else { (4, 4) };
            assert_eq!(&index[..9], b"MMIDIDX\x00\x00");
            assert_eq!((index[9], index[17]), (1, code));
            let count = manifest.splits[split].documents as usize;
            let u64_at = |at: usize| u64::from_le_bytes(index[at..at + 8].try_into().unwrap()) as usize;
            assert_eq!((u64_at(18), u64_at(26)), (count, count + 1));
            assert_eq!(index.len(), 34 + 4 * count + 8 * count + 8 * (count + 1));
            let mut at = 0;
            for document in 0..count {
                let length = i32::from_le_bytes(index[34 + 4 * document..][..4].try_into().unwrap()) as usize;
                assert_eq!(u64_at(34 + 4 * count + 8 * document), at * width);
                assert_eq!(u64_at(34 + 12 * count + 8 * document), document);
                at += length;
                assert_eq!(ids[at - 1], END);
            }
            assert_eq!(at, ids.len());
            let wide: Vec<u8> = ids.iter().flat_map(|&id| id.to_le_bytes()[..width].to_vec()).collect();
            assert!(data == wide);
        }
    }
    let out = folder.path("o200k");
    let mut options = everything(&out);
    options.tokenizer.vocab_size = 65_537;
    assert!(run(&names, &options).unwrap_err().to_string().starts_with("the format nanogpt holds ids below 65536"));
    options.outputs = vec![Output::Raw, Output::LlmC, Output::Npy, Output::Megatron];
    assert_eq!(run(&names, &options).unwrap().manifest.dtype, DType::U32);
    let file = std::fs::read(out.join("llmc/val_000000.bin")).unwrap();
    assert_eq!(u32::from_le_bytes(file[..4].try_into().unwrap()), 20_240_801);
    assert_eq!(u32::from_le_bytes(file[4..8].try_into().unwrap()), 7);
}

#[test]
fn of_an_empty_split_there_is_no_file_of_any_form() {
    let folder = Folder::new();
    let name = folder.write("a.txt", "one document");
    let out = folder.path("out");
    let mut options = options(&out);
    options.outputs = Output::ALL.to_vec();
    options.validation = Some(Validation { share: 1e-9, seed: 0 });
    let manifest = run(&[name], &options).unwrap().manifest;
    let (train, val) = (&manifest.splits["train"], &manifest.splits["val"]);
    assert_eq!((train.documents, val.documents), (1, 0));
    assert!(train.others.values().all(|files| !files.is_empty()));
    assert!(val.shards.is_empty() && val.others.values().all(Vec::is_empty), "{val:?}");
    let of_val: Vec<String> = files(&out).into_keys().filter(|name| name.contains("val")).collect();
    assert_eq!(of_val, ["val-documents.u64"]);
    verify(&out, None, &AtomicU64::new(0)).unwrap();
}

#[test]
fn wide_ids_are_never_narrowed() {
    let folder = Folder::new();
    let name = folder.write("a.txt", "x");
    let mut options = options(&folder.path("out"));
    options.tokenizer.vocab_size = 200_019;
    options.separator = None;
    let encode = |_: &[&str]| Ok(Encoded { ids: vec![200_018, 65_536], ends: vec![2] });
    let inputs = resolve(&[name], None).unwrap();
    prepare(&inputs, &options, &Status::default(), None, || encode).unwrap();
    let (store, manifest) = Store::open(&folder.path("out"), "train", Mode::Read).unwrap();
    let mut ids = [0; 2];
    store.copy(0, &mut ids).unwrap();
    assert_eq!((ids, manifest.dtype), ([200_018, 65_536], DType::U32));
    options.out_dir = folder.path("too large");
    options.tokenizer.vocab_size = 200_018;
    let error = prepare(&inputs, &options, &Status::default(), None, || encode).unwrap_err().to_string();
    assert_eq!(error, "expected ids below the vocabulary size 200018, received 200018");
}

#[test]
fn a_documents_split_depends_on_it_and_the_seed_alone() {
    let folder = Folder::new();
    let names = corpus(&folder);
    let validation = |names: &[String], name: &str, seed: u64| -> Vec<Vec<u32>> {
        let out = folder.path(name);
        let mut options = options(&out);
        options.validation = Some(Validation { share: 0.1, seed });
        run(names, &options).unwrap();
        let (store, _) = Store::open(&out, "val", Mode::Map).unwrap();
        let mut ids = vec![0; store.len() as usize];
        store.copy(0, &mut ids).unwrap();
        ids.split(|&id| id == END).map(<[u32]>::to_vec).collect()
    };
    let all = validation(&names, "all", 1);
    assert!((2400..3400).contains(&all.len()), "{}", all.len());
    let all: HashSet<_> = all.into_iter().collect();
    let fewer = validation(&names[1..], "fewer", 1);
    assert!(fewer.len() > 1000 && fewer.iter().all(|document| all.contains(document)));
    let other = validation(&names, "other seed", 2);
    assert!(other.iter().filter(|document| all.contains(*document)).count() < other.len() / 4);
}

#[test]
fn a_document_that_came_before_is_left_out() {
    let folder = Folder::new();
    let name = folder.write("a.txt", "a\nb\na\n\nc\nb\na\n");
    let mut options = options(&folder.path("out"));
    options.read.format = Format::Lines;
    options.deduplicate = true;
    let manifest = run(&[name], &options).unwrap().manifest;
    assert_eq!((manifest.counts.documents, manifest.counts.duplicates, manifest.counts.empty), (3, 3, 1));
    let (store, _) = Store::open(&folder.path("out"), "train", Mode::Map).unwrap();
    let mut ids = [0; 6];
    store.copy(0, &mut ids).unwrap();
    assert_eq!(ids, [97, END, 98, END, 99, END]);
}

#[test]
fn skipped_documents_are_counted_and_told() {
    let folder = Folder::new();
    let name = folder.write("a.jsonl", "{\"text\":\"good\"}\nbad\n{}\n{\"text\":\"0123456789abcdef\"}\n");
    let mut options = options(&folder.path("out"));
    options.read.malformed = OnFault::Skip;
    options.read.too_large = OnFault::Skip;
    options.read.max_document_bytes = 20;
    let Prepared { manifest, faults, .. } = run(&[name.clone()], &options).unwrap();
    assert_eq!((manifest.counts.documents, manifest.counts.malformed, manifest.counts.too_large), (1, 2, 1));
    assert_eq!(faults.len(), 3);
    assert_eq!(faults[0], format!("{name}, line 2: expected a JSON object at byte 0, received 'b'"));
}

#[test]
fn a_text_that_is_refused_is_named_by_file_and_line() {
    let folder = Folder::new();
    let names = [folder.write("a.jsonl", "{\"text\":\"\"}\n\n{\"text\":\"good\"}\n{\"text\":\"bad\"}\n")];
    let options = options(&folder.path("out"));
    let inputs = resolve(&names, None).unwrap();
    let encode = |texts: &[&str]| match texts.iter().position(|&text| text == "bad") {
        Some(text) => Err(Error::Refused { text, reason: "no".to_owned() }),
        None => bytes(texts),
    };
    let error = prepare(&inputs, &options, &Status::default(), None, || encode).unwrap_err();
    assert_eq!(error.to_string(), format!("{}, line 4: no", names[0]));
}

#[test]
fn an_input_that_is_changed_while_it_is_read_is_refused() {
    let folder = Folder::new();
    let names = corpus(&folder);
    let options = options(&folder.path("out"));
    let inputs = resolve(&names, None).unwrap();
    let append = |texts: &[&str]| {
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new().append(true).open(&names[0]).unwrap();
        file.write_all(b"\n").unwrap();
        bytes(texts)
    };
    let error = prepare(&inputs, &options, &Status::default(), None, || append).unwrap_err().to_string();
    let expected = format!("{} is not a valid input: it was changed while it was read", names[0]);
    assert!(error.starts_with(&expected), "{error}");
    assert!(!options.out_dir.join("manifest.json").exists());
    run(&names, &PrepareOptions { resume: false, ..options }).unwrap();
}

#[test]
fn allowed_special_tokens_are_part_of_the_result() {
    let folder = Folder::new();
    let names = [folder.write("a.jsonl", "{\"text\":\"good\"}\n")];
    let plain = options(&folder.path("out"));
    run(&names, &plain).unwrap();
    let text = std::fs::read_to_string(plain.out_dir.join("manifest.json")).unwrap();
    assert!(!text.contains("allowedSpecial"));
    let allowing = PrepareOptions { allowed_special: vec!["<|x|>".to_owned()], ..plain };
    assert!(run(&names, &allowing).unwrap_err().to_string().contains("other inputs or options"));
    let other = PrepareOptions { out_dir: folder.path("other"), ..allowing };
    assert_eq!(run(&names, &other).unwrap().manifest.allowed_special, ["<|x|>"]);
    assert!(run(&names, &other).unwrap().was_complete);
}

#[test]
fn a_folder_is_finished_once_and_never_mixed() {
    let folder = Folder::new();
    let names = corpus(&folder);
    let out = folder.path("out");
    let options = options(&out);
    let message = |options: &PrepareOptions| run(&names, options).unwrap_err().to_string();

    // Unfinished, and then other options.
    let encoded = AtomicU64::new(0);
    let first_only = |texts: &[&str]| {
        let is_first = encoded.fetch_add(1, Ordering::SeqCst) == 0;
        if is_first { bytes(texts) } else { Err(Error::Encode("stop".to_owned())) }
    };
    let in_order = PrepareOptions { read: ReadOptions { threads: 1, ..ReadOptions::default() }, ..options.clone() };
    prepare(&resolve(&names, None).unwrap(), &in_order, &Status::default(), None, || first_only).unwrap_err();
    let other = PrepareOptions { shard_tokens: 5, ..options.clone() };
    assert!(message(&other).contains("holds an unfinished preparation of other inputs or options"));
    run(&names, &PrepareOptions { shard_tokens: 50_000, resume: false, ..options.clone() }).unwrap();
    let before = files(&out);
    assert!(run(&names, &PrepareOptions { shard_tokens: 50_000, ..options.clone() }).unwrap().was_complete);
    assert!(message(&options).contains("already holds a dataset of other inputs or options"));
    assert!(message(&PrepareOptions { resume: false, ..options.clone() }).contains("already holds a dataset"));
    assert!(files(&out) == before);

    // Files that are nobody's.
    let out = folder.path("foreign");
    folder.write("foreign/train-00000.bin", "precious");
    let error = message(&PrepareOptions { out_dir: out.clone(), ..options.clone() });
    assert!(error.contains("train-00000.bin is there already"), "{error}");
    assert_eq!(files(&out), BTreeMap::from([("train-00000.bin".to_owned(), b"precious".to_vec())]));
    assert!(!out.join(".prepare").exists(), "nothing of a refused call stays");

    // Nothing to write.
    let empty = folder.write("empty.txt", "");
    let nothing = folder.path("nothing");
    let error = run(&[empty], &PrepareOptions { out_dir: nothing.clone(), ..options }).unwrap_err().to_string();
    assert!(!nothing.exists());
    assert!(error.contains("expected at least one document, received 1 without text"), "{error}");
}

#[test]
fn calls_at_the_same_time_give_the_dataset_or_say_that_another_is_at_it() {
    let folder = Folder::new();
    let names = [folder.write("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n")];
    let mut finished = 0;
    for round in 0..60 {
        let mut options = options(&folder.path(&round.to_string()));
        options.read.threads = 1;
        let results: Vec<_> = std::thread::scope(|scope| {
            let calls: Vec<_> = (0..4)
                .map(|call| {
                    let (names, options) = (&names, &options);
                    scope.spawn(move || {
                        std::thread::sleep(Duration::from_micros(500 * ((call * 7 + round * 13) % 11)));
                        run(names, options)
                    })
                })
                .collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        for result in results {
            match result {
                Ok(prepared) => {
                    finished += 1;
                    assert_eq!(prepared.manifest.counts.documents, 2);
                }
                Err(error) => assert!(error.to_string().starts_with("another call or process prepares "), "{error}"),
            }
        }
        assert!(!options.out_dir.join(".prepare").exists());
    }
    // How many more depends on how busy the machine is.
    assert!(finished >= 60, "{finished}");
}

#[test]
fn a_call_that_is_put_right_begins_anew_where_nothing_was_written() {
    let folder = Folder::new();
    let names = [folder.write("a.jsonl", "{\"text\":\"good\"}\nbad\n")];
    let options = everything(&folder.path("out"));
    run(&names, &options).unwrap_err();
    assert!(!options.out_dir.exists(), "nothing of a call that wrote nothing stays");
    // A folder that was there stays, with what is not ours.
    folder.write("out/notes", "mine");
    run(&names, &options).unwrap_err();
    let left: Vec<_> = std::fs::read_dir(&options.out_dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes"]);
    let read = ReadOptions { malformed: OnFault::Skip, ..options.read.clone() };
    let prepared = run(&names, &PrepareOptions { read, ..options }).unwrap();
    assert_eq!((prepared.manifest.counts.documents, prepared.manifest.counts.malformed), (1, 1));
}

#[test]
fn a_dataset_that_lacks_a_file_or_a_part_of_one_is_made_again() {
    let folder = Folder::new();
    let names = corpus(&folder);
    let options = everything(&folder.path("out"));
    run(&names, &options).unwrap();
    let before = files(&options.out_dir);
    let path = |name: &str| options.out_dir.join(name);
    let lose: [&dyn Fn(); 3] = [
        &|| std::fs::remove_file(path("train-00001.bin")).unwrap(),
        &|| std::fs::write(path("val-00000.bin"), "short").unwrap(),
        &|| std::fs::remove_file(path("train-documents.u64")).unwrap(),
    ];
    for lose in lose {
        lose();
        assert!(!run(&names, &options).unwrap().was_complete);
        assert!(files(&options.out_dir) == before);
        assert!(run(&names, &options).unwrap().was_complete);
    }
}

#[test]
fn a_finished_dataset_is_of_the_same_call_or_the_difference_is_named() {
    let folder = Folder::new();
    let names = [folder.write("a.jsonl", "{\"text\":\"good\",\"body\":\"other\"}\n")];
    let options = options(&folder.path("out"));
    let manifest = run(&names, &options).unwrap().manifest;
    let before = files(&options.out_dir);
    let read = options.read.clone();
    let reading = |change: fn(&mut ReadOptions)| {
        let mut read = read.clone();
        change(&mut read);
        PrepareOptions { read, ..options.clone() }
    };
    let cases = [
        (reading(|read| read.field = "body".to_owned()), r#"preparation.field is "text" there and "body" here"#),
        (reading(|read| read.format = Format::Lines), r#"preparation.inputFormat is "detect" there and "lines" here"#),
        (
            reading(|read| read.format = Format::Separated("x".to_owned())),
            r#"preparation.inputFormat is "detect" there and {"separator":"x"} here"#,
        ),
        (reading(|read| read.max_document_bytes = 5), "preparation.maxDocumentBytes is 268435456 there and 5 here"),
        (reading(|read| read.malformed = OnFault::Skip), r#"preparation.onMalformed is "error" there and "skip" here"#),
        (
            reading(|read| read.invalid_utf8 = OnInvalidUtf8::Replace),
            r#"preparation.onInvalidUtf8 is "error" there and "replace" here"#,
        ),
        (reading(|read| read.too_large = OnFault::Skip), r#"preparation.onTooLarge is "error" there and "skip" here"#),
        (
            PrepareOptions { outputs: vec![Output::Npy], ..options.clone() },
            r#"preparation.format is ["raw"] there and ["npy"] here"#,
        ),
        (
            PrepareOptions { separator: None, shard_tokens: 7, ..options.clone() },
            r#"separator is {"id":256,"position":"after"} there and null here; shardTokens is 700000 there and 7 here"#,
        ),
    ];
    for (other, difference) in &cases {
        let error = run(&names, other).unwrap_err();
        assert!(matches!(error, Error::InvalidOption(_)));
        let expected = format!("already holds a dataset of other inputs or options ({difference}): choose");
        assert!(error.to_string().contains(&expected), "{error}");
        assert_eq!(files(&options.out_dir), before);
    }
    // What does not decide the result.
    let same = PrepareOptions { memory_limit: 1, ..reading(|read| read.threads = 1) };
    assert!(run(&names, &same).unwrap().was_complete);

    // Datasets of earlier versions do not say how they were read.
    let earlier = Manifest {
        preparation: None,
        inputs: tokenmill_corpus::manifest::InputFacts { digest: None, ..manifest.inputs.clone() },
        ..manifest.clone()
    };
    std::fs::write(options.out_dir.join("manifest.json"), earlier.to_json().unwrap()).unwrap();
    assert_eq!(run(&names, &cases[0].0).unwrap().manifest, earlier);
    assert!(run(&names, &cases[8].0).unwrap_err().to_string().contains("shardTokens is"));
}

#[test]
fn a_finished_dataset_is_not_that_of_inputs_that_were_changed() {
    let folder = Folder::new();
    let text = "{\"text\":\"good\"}\n";
    let names = [folder.write("in/a.jsonl", text), folder.write("in/b.jsonl", text)];
    let options = options(&folder.path("out"));
    run(&names, &options).unwrap();
    let refused = |names: &[String]| run(names, &options).unwrap_err().to_string();
    assert!(run(&names, &options).unwrap().was_complete);
    let written = std::fs::metadata(options.out_dir.join("manifest.json")).unwrap().modified().unwrap();
    let set_changed = |name: &str, time| std::fs::File::options().append(true).open(name).unwrap().set_modified(time);
    // A folder is not a part of a name.
    let moved = folder.write("moved/b.jsonl", text);
    set_changed(&moved, written).unwrap();
    assert!(run(&[names[0].clone(), moved], &options).unwrap().was_complete);
    for other in [[names[0].clone(), folder.write("in/c.jsonl", text)], [names[1].clone(), names[0].clone()]] {
        assert!(refused(&other).contains("(inputs.digest is "), "{}", refused(&other));
    }
    set_changed(&names[1], written + Duration::from_secs(1)).unwrap();
    assert!(refused(&names).contains(&format!("({} was changed after the dataset was written)", names[1])));
    set_changed(&names[1], written).unwrap();
    assert!(run(&names, &options).unwrap().was_complete);
    folder.write("in/b.jsonl", "{\"text\":\"longer\"}\n");
    assert!(refused(&names).contains("inputs.bytes is 32 there and 34 here"));
}

#[test]
fn verify_names_what_has_changed() {
    let folder = Folder::new();
    let names = corpus(&folder);
    let out = folder.path("out");
    let names = &names[..1];
    let manifest = run(names, &everything(&out)).unwrap().manifest;
    let check = || verify(&out, None, &AtomicU64::new(0)).map_err(|error| error.to_string());
    assert_eq!(check().unwrap(), manifest);
    for (name, bytes) in files(&out).into_iter().filter(|(name, _)| name != "manifest.json") {
        let mut changed = bytes.clone();
        let at = changed.len() / 2;
        changed[at] ^= 1;
        std::fs::write(out.join(&name), &changed).unwrap();
        let error = check().unwrap_err();
        assert!(error.contains(&name) && error.contains("its contents have changed"), "{error}");
        std::fs::write(out.join(&name), &bytes[1..]).unwrap();
        assert!(check().unwrap_err().contains("bytes, received"));
        std::fs::remove_file(out.join(&name)).unwrap();
        assert!(check().unwrap_err().contains("which is not there"));
        std::fs::write(out.join(&name), &bytes).unwrap();
    }
    check().unwrap();
}

#[test]
fn a_crafted_manifest_is_refused() {
    let folder = Folder::new();
    let out = folder.path("out");
    run(&corpus(&folder), &everything(&out)).unwrap();
    let good = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    let cases = [
        ("\"kind\": \"tokenmill-dataset\"", "\"kind\": \"other\"", "expected the kind"),
        ("\"version\": 1", "\"version\": 2", "a newer Tokenmill made it"),
        ("train-00001.bin", "../secret", "expected names of files in the folder of the manifest"),
        ("train-00001.bin", "/etc/passwd", "expected names of files in the folder of the manifest"),
        ("train-00001.bin", "", "expected names of files in the folder of the manifest"),
        ("\"uint16\"", "\"uint32\"", "is not that of a vocabulary of 257"),
        ("\"uint16\"", "\"float32\"", "expected a manifest"),
        ("\"tokens\": 700000", "\"tokens\": 99999", "do not have"),
        ("\"tokens\": 700000", "\"tokens\": 18446744073709551615", "do not have"),
        ("\"tokens\": 700000", "\"tokens\": -1", "expected a manifest"),
        ("\"tokens\": 700000", "\"tokens\": 1e99", "expected a manifest"),
    ];
    Manifest::parse(good.as_bytes()).unwrap();
    for (from, to, expected) in cases {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good);
        let reason = Manifest::parse(text.as_bytes()).unwrap_err();
        assert!(reason.contains(expected), "{to}: {reason}");
    }
    let reason = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = Manifest::parse(good.as_bytes()).unwrap();
        change(&mut manifest);
        Manifest::parse(manifest.to_json().unwrap().as_bytes()).unwrap_err()
    };
    let shards = Manifest::parse(good.as_bytes()).unwrap().splits["train"].shards.clone();
    assert!(shards.len() > 1);
    let (whole, last) = (shards[0].tokens, shards.last().unwrap());
    let size = |size: u64, file: &str, tokens| {
        format!("expected {size} ids in {file}, as shardTokens says, received {tokens}")
    };
    let received = reason(&|it| it.splits.get_mut("train").unwrap().shards.reverse());
    assert_eq!(received, size(whole, &last.file, last.tokens));
    assert_eq!(reason(&|it| it.shard_tokens -= 1), size(whole - 1, &shards[0].file, whole));
    assert_eq!(reason(&|it| it.shard_tokens += 1), size(whole + 1, &shards[0].file, whole));
    let only_the_last = |it: &mut Manifest| {
        let train = it.splits.get_mut("train").unwrap();
        (train.shards, train.tokens) = (vec![last.clone()], last.tokens);
        it.shard_tokens = last.tokens - 1;
    };
    assert_eq!(reason(&only_the_last), size(last.tokens - 1, &last.file, last.tokens));
    for length in 0..good.len() - 2 {
        Manifest::parse(&good.as_bytes()[..length]).unwrap_err();
    }
}

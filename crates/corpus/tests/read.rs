//! Reading documents.
#![allow(
    clippy::unwrap_used,
    clippy::cloned_ref_to_slice_refs,
    clippy::cast_possible_wrap,
    clippy::format_collect,
    missing_docs,
    reason = "test code"
)]

mod common;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Folder, Found, gzip, name_of, read_from, texts, zstd};
use tokenmill_corpus::{
    Error, Fault, Format, OnFault, OnInvalidUtf8, Position, Progress, ReadOptions, map_batches, read, resolve,
};

fn options(format: Format) -> ReadOptions {
    ReadOptions { format, threads: 3, ..ReadOptions::default() }
}

/// Leaves out what is not as it should be.
fn skipping(format: Format) -> ReadOptions {
    let mut options = options(format);
    options.malformed = OnFault::Skip;
    options.invalid_utf8 = OnInvalidUtf8::Skip;
    options.too_large = OnFault::Skip;
    options
}

#[test]
fn a_text_file_is_one_document_byte_for_byte_but_for_one_byte_order_mark() {
    let folder = Folder::new();
    let names = [
        folder.write("a.txt", "\u{feff}\u{feff}one\r\ntwo\n"),
        folder.write("b.txt", ""),
        folder.write("c.txt.gz", gzip("drei".as_bytes())),
        folder.write("d.txt.zst", zstd("vier".as_bytes())),
    ];
    assert_eq!(texts(&names, &options(Format::Detect)).unwrap(), ["\u{feff}one\r\ntwo\n", "", "drei", "vier"]);
}

#[test]
fn lines_end_with_a_line_feed_or_both_and_the_last_needs_none() {
    let folder = Folder::new();
    let names = [folder.write("a", "one\r\n\ntwo \n three"), folder.write("b", "four\n")];
    let (found, ..) = read_from(&names, &options(Format::Lines), Position::default()).unwrap();
    let expected = [("one", 1, 0), ("", 2, 0), ("two ", 3, 0), (" three", 4, 0), ("four", 1, 1)];
    assert_eq!(found, expected.map(|(text, line, input)| (text.to_owned(), line, input)));
}

#[test]
fn separated_documents_keep_everything_but_the_separator() {
    let folder = Folder::new();
    let names = [folder.write("a", "one\n<|end|><|end|>two\n\n<|end|>three<|end|>")];
    let (found, ..) =
        read_from(&names, &options(Format::Separated("<|end|>".to_owned())), Position::default()).unwrap();
    let expected = [("one\n", 1, 0), ("", 2, 0), ("two\n\n", 2, 0), ("three", 4, 0)];
    assert_eq!(found, expected.map(|(text, line, input)| (text.to_owned(), line, input)));
}

#[test]
fn a_json_line_gives_its_field_whatever_else_it_holds() {
    let folder = Folder::new();
    let lines = [
        r#"{"text":"plain"}"#,
        "",
        r#" { "id" : [1, -2.5e+3, {"text": "inner", "x": []}], "text" : "q\"b\\s\/n\n\u00e9\ud83d\ude00" } "#,
        r#"{"text":"first","text":"last"}"#,
        r#"{"t\u0065xt":"escaped key","nan":NaN,"inf":-Infinity,"null":null,"yes":true,"no":false}"#,
        "{\"text\":\"crlf\"}\r",
        r#"{"text":"lone \ud800 and \udc00\ud800"}"#,
    ];
    let name = folder.write("a.jsonl", lines.join("\n"));
    let expected =
        ["plain", "q\"b\\s/n\n\u{e9}\u{1f600}", "last", "escaped key", "crlf", "lone \u{fffd} and \u{fffd}\u{fffd}"];
    assert_eq!(texts(&[name], &options(Format::Detect)).unwrap(), expected);
}

#[test]
fn a_json_line_that_holds_no_document_is_reported_with_its_line() {
    let folder = Folder::new();
    let cases = [
        ("[1]", "expected a JSON object at byte 0, received '['"),
        ("{\"text\":\"a\"", "expected ',' or '}' at byte 11, received the end of the line"),
        ("{\"text\":\"a", "expected '\"' at byte 10, received the end of the line"),
        (
            "{\"text\":\"a\tb\"}",
            "expected control characters of a string to be escaped at byte 10, received the byte 0x09",
        ),
        ("{\"text\":\"\\x\"}", "expected an escape sequence at byte 9, received '\\'"),
        ("{\"text\":\"\\u12g4\"}", "expected an escape sequence at byte 9, received '\\'"),
        ("{\"text\":\"a\"} x", "expected nothing after the object at byte 13, received 'x'"),
        ("{\"text\":\"a\",}", "expected a key in quotes at byte 12, received '}'"),
        ("{\"text\" \"a\"}", "expected ':' at byte 8, received '\"'"),
        ("{\"n\":01,\"text\":\"a\"}", "expected ',' or '}' at byte 6, received '1'"),
        ("{\"n\":1.,\"text\":\"a\"}", "expected a digit at byte 7, received ','"),
        ("{\"n\":[1}", "expected ',' or ']' at byte 7, received '}'"),
        ("{\"n\":{\"a\":1]}", "expected ',' or '}' at byte 11, received ']'"),
        ("{\"n\":nul}", "expected a value at byte 5, received 'n'"),
        ("{\"n\":[1,]}", "expected a value at byte 8, received ']'"),
        ("{\"x\":1}", "expected the field \"text\", received an object without it"),
        ("{\"text\":null}", "expected a string in the field \"text\", received null"),
        ("{\"text\":[\"a\"]}", "expected a string in the field \"text\", received an array"),
        ("{\"text\":7}", "expected a string in the field \"text\", received a number"),
        ("{}", "expected the field \"text\", received an object without it"),
        // Space for others, not for JSON.
        ("\x0c", "expected a JSON object at byte 0, received the byte 0x0c"),
    ];
    let lines: Vec<&str> = cases.iter().map(|case| case.0).collect();
    let name = folder.write("a.jsonl", format!("{{\"text\":\"good\"}}\n{}\n{{\"text\":\"too\"}}", lines.join("\n")));
    let (found, faults, _) = read_from(&[name.clone()], &skipping(Format::Jsonl), Position::default()).unwrap();
    assert_eq!(found.iter().map(|found| &*found.0).collect::<Vec<_>>(), ["good", "too"]);
    for (index, ((line, reason), (_, number, fault))) in cases.iter().zip(&faults).enumerate() {
        assert_eq!(*number, index as u64 + 2);
        assert_eq!(fault.to_string(), *reason, "{line}");
    }
    assert_eq!(faults.len(), cases.len());
    let error = texts(&[name.clone()], &options(Format::Jsonl)).unwrap_err();
    assert_eq!(error.to_string(), format!("{name}, line 2: {}", cases[0].1));
}

#[test]
fn a_million_open_brackets_are_read_without_recursion() {
    let folder = Folder::new();
    let deep = format!("{{\"a\":{}{},\"text\":\"t\"}}\n", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(texts(&[folder.write("a.jsonl", deep)], &options(Format::Jsonl)).unwrap(), ["t"]);
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_skipped_or_fatal() {
    let folder = Folder::new();
    let name = folder.write("a.jsonl", b"{\"text\":\"ok\"}\n{\"text\":\"a\xff\xe2\x82\\n\"}\n{\"text\":\"end\"}\n");
    let with = |invalid_utf8| ReadOptions { invalid_utf8, ..options(Format::Jsonl) };
    let names = [name.clone()];
    assert_eq!(texts(&names, &with(OnInvalidUtf8::Replace)).unwrap(), ["ok", "a\u{fffd}\u{fffd}\n", "end"]);
    let (found, faults, _) = read_from(&names, &with(OnInvalidUtf8::Skip), Position::default()).unwrap();
    assert_eq!((found.len(), faults), (2, vec![(0, 2, Fault::InvalidUtf8(10))]));
    let error = texts(&names, &with(OnInvalidUtf8::Fail)).unwrap_err().to_string();
    assert_eq!(error, format!("{name}, line 2: expected UTF-8, received bytes that are not, the first at byte 10"));
    let name = folder.write("b", b"ok\na\xffb\n\xc3\xa9\n");
    assert_eq!(
        texts(&[name], &ReadOptions { format: Format::Lines, ..with(OnInvalidUtf8::Replace) }).unwrap(),
        ["ok", "a\u{fffd}b", "\u{e9}"]
    );
}

#[test]
fn utf16_is_refused_whatever_is_skipped() {
    let folder = Folder::new();
    for start in [b"\xff\xfea\0", b"\xfe\xff\0a"] {
        let error = texts(&[folder.write("a.txt", start)], &skipping(Format::Text)).unwrap_err().to_string();
        assert!(error.ends_with("expected UTF-8, received a byte order mark of UTF-16"), "{error}");
    }
}

#[test]
fn members_frames_and_padding_of_compressed_files_are_one_stream() {
    let folder = Folder::new();
    let (one, two) = ("one\n".repeat(1000), "two\n".repeat(1000));
    let gz = [gzip(one.as_bytes()), gzip(b""), gzip(two.as_bytes()), vec![0; 700]].concat();
    let zst = [zstd(one.as_bytes()), zstd(b""), zstd(two.as_bytes())].concat();
    for name in [folder.write("a.gz", gz), folder.write("a.zst", zst), folder.write("plain", [&*one, &*two].concat())] {
        let found = texts(&[name], &options(Format::Lines)).unwrap();
        assert_eq!((found.len(), &*found[999], &*found[1000]), (2000, "one", "two"));
    }
}

#[test]
fn a_damaged_compressed_file_gives_its_whole_documents_and_a_fault() {
    let folder = Folder::new();
    let text: String = (0..300_000).map(|number| format!("line {number}\n")).collect();
    let (gz, zst) = (gzip(text.as_bytes()), zstd(text.as_bytes()));
    let mut wrong = gz.clone();
    let at = wrong.len() - 6;
    wrong[at] ^= 1;
    let cases = [
        ("cut.gz", gz[..gz.len() / 2].to_vec()),
        ("cut.zst", zst[..zst.len() / 2].to_vec()),
        ("garbage.gz", [&*gz, b"garbage"].concat()),
        ("garbage.zst", [&*zst, b"garbage"].concat()),
        ("checksum.gz", wrong),
        ("not.gz", b"plain text".to_vec()),
        ("not.zst", b"plain text".to_vec()),
    ];
    for (name, bytes) in cases {
        let path = folder.write(name, bytes);
        let (found, faults, _) = read_from(&[path.clone()], &skipping(Format::Lines), Position::default()).unwrap();
        assert!(found.iter().enumerate().all(|(index, found)| found.0 == format!("line {index}")), "{name}");
        assert_eq!(faults.len(), 1, "{name}");
        assert_eq!(faults[0].1, found.len() as u64 + 1, "{name}");
        assert!(faults[0].2.to_string().starts_with("the compressed data is damaged: "), "{name}");
        assert!(name.starts_with("not") == found.is_empty(), "{name}");
        assert!(matches!(texts(&[path], &options(Format::Lines)), Err(Error::Document { .. })), "{name}");
    }
}

#[test]
fn a_window_that_needs_too_much_memory_is_a_limit_and_no_damage() {
    use std::io::Write as _;

    let folder = Folder::new();
    for (log, is_read) in [(27, true), (28, false)] {
        // Of no known length: else the window is no longer than that.
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(log).unwrap();
        encoder.write_all(b"text").unwrap();
        let name = folder.write("a.zst", encoder.finish().unwrap());
        for options in [options(Format::Lines), skipping(Format::Lines)] {
            match texts(&[name.clone()], &options) {
                Ok(found) => assert!(is_read && found == ["text"]),
                Err(Error::Limit(reason)) => assert!(!is_read && reason.contains("a window of more than 128 MiB")),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn damage_in_and_behind_a_document_that_is_too_large_is_a_fault_too() {
    let folder = Folder::new();
    // Of compressed text of a length, as that of random letters.
    let mut state = 1_u64;
    let mut letters = |count: usize| -> String {
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + (state >> 60) as u8)
        };
        (0..count).map(|_| letter()).collect()
    };
    let text = format!("small\n{}\nafter\n{}\nlost\n", letters(5 << 20), letters(300_000));
    let gz = gzip(text.as_bytes());
    let limited = ReadOptions { max_document_bytes: 1000, ..skipping(Format::Lines) };
    for (share, expected, lines) in [(2, &["small"][..], &[2, 2][..]), (64, &["small", "after"], &[2, 4])] {
        let cut = &gz[..gz.len() - gz.len() / share];
        let name = folder.write("cut.gz", cut);
        let (found, faults, _) = read_from(&[name.clone()], &limited, Position::default()).unwrap();
        assert_eq!(found.iter().map(|found| &*found.0).collect::<Vec<_>>(), expected, "{share}");
        assert_eq!(faults.iter().map(|fault| fault.1).collect::<Vec<_>>(), lines, "{share}");
        assert_eq!(faults[0].2, Fault::TooLarge(1000));
        assert!(faults[1].2.to_string().starts_with("the compressed data is damaged: "), "{}", faults[1].2);
        let error = texts(&[name], &ReadOptions { malformed: OnFault::Fail, ..limited.clone() }).unwrap_err();
        assert!(error.to_string().contains("the compressed data is damaged: "), "{error}");
    }
}

#[test]
fn documents_that_are_too_large_are_left_out_without_being_held() {
    let folder = Folder::new();
    // 64 MiB of one line in 64 KiB of gzip.
    let bomb = [b"small\n".to_vec(), vec![b'x'; 64 << 20], b"\nafter\n".to_vec()].concat();
    let name = folder.write("bomb.gz", gzip(&bomb));
    let limited = ReadOptions { max_document_bytes: 1000, ..skipping(Format::Lines) };
    let (found, faults, _) = read_from(&[name.clone()], &limited, Position::default()).unwrap();
    assert_eq!(found, [("small".to_owned(), 1, 0), ("after".to_owned(), 3, 0)]);
    assert_eq!(faults, [(0, 2, Fault::TooLarge(1000))]);
    let error = texts(&[name], &ReadOptions { too_large: OnFault::Fail, ..limited.clone() }).unwrap_err().to_string();
    assert!(error.ends_with(", line 2: expected at most 1000 bytes in a document, received more"), "{error}");

    let separator = Format::Separated("<end>".to_owned());
    let text = format!("a<end>{}<end>b\n<end>{}", "x".repeat(5 << 20), "y".repeat(1001));
    let found = read_from(
        &[folder.write("separated", text)],
        &ReadOptions { format: separator, ..limited.clone() },
        Position::default(),
    );
    let (found, faults, _) = found.unwrap();
    assert_eq!(found.iter().map(|found| &*found.0).collect::<Vec<_>>(), ["a", "b\n"]);
    assert_eq!(faults, [(0, 1, Fault::TooLarge(1000)), (0, 2, Fault::TooLarge(1000))]);

    let whole = ReadOptions { format: Format::Text, ..limited };
    for length in [1001, 5 << 20] {
        let (found, faults, _) =
            read_from(&[folder.write("whole", "x".repeat(length))], &whole, Position::default()).unwrap();
        assert_eq!((found.len(), faults.len()), (0, 1), "{length}");
    }
    assert_eq!(texts(&[folder.write("whole", "x".repeat(1000))], &whole).unwrap().len(), 1);
}

/// Lines of very different lengths, more than a few blocks of them.
fn many_lines() -> String {
    (0..40_000_u64).map(|number| format!("{number} {}\n", "ü".repeat((number * 7919 % 113) as usize))).collect()
}

#[test]
fn order_and_lines_do_not_depend_on_threads() {
    let folder = Folder::new();
    let text = many_lines();
    let names = [
        folder.write("a", &text),
        folder.write("b.gz", gzip(text.as_bytes())),
        folder.write("c", ""),
        folder.write("d.zst", zstd(text.as_bytes())),
        folder.write("e", "last"),
    ];
    let mut expected = Vec::new();
    for (input, text) in [&*text, &text, "", &text, "last"].iter().enumerate() {
        expected.extend(text.lines().zip(1..).map(|(line, number)| (line.to_owned(), number, input)));
    }
    for threads in [1, 2, 7] {
        let options = ReadOptions { threads, ..options(Format::Lines) };
        let (found, ..) = read_from(&names, &options, Position::default()).unwrap();
        assert!(found == expected, "{threads} threads");
    }
}

#[test]
fn reading_goes_on_from_every_position() {
    let folder = Folder::new();
    let text = format!("\u{feff}{}", many_lines());
    let names = [
        folder.write("a", &text),
        folder.write("b.gz", gzip(text.as_bytes())),
        folder.write("c.zst", zstd(text.as_bytes())),
    ];
    reads_on_from_every_position(&names, &options(Format::Lines));
}

/// All documents, once it is seen that reading goes on from each place between two blocks.
fn reads_on_from_every_position(names: &[String], options: &ReadOptions) -> Vec<Found> {
    let (all, _, positions) = read_from(names, options, Position::default()).unwrap();
    assert!(positions.len() > 6, "{}", positions.len());
    for start in positions {
        let (rest, ..) = read_from(names, options, start).unwrap();
        assert!(all.ends_with(&rest), "{start:?}");
        assert_eq!((rest[0].1, rest[0].2), (start.line, start.input));
    }
    all
}

#[test]
fn a_separator_that_overlaps_itself_is_found_from_the_left_in_every_block() {
    let folder = Folder::new();
    for (separator, letter) in [("\n\n", "\n"), ("aa", "a")] {
        // Blocks end in the middle of separators that are one letter too long.
        let text: String = (0..500_000).map(|number| format!("{number} x{}", letter.repeat(1 + number % 3))).collect();
        let names = [folder.write("a", &text), folder.write("b.gz", gzip(text.as_bytes()))];
        let found = reads_on_from_every_position(&names, &options(Format::Separated(separator.to_owned())));
        let expected: Vec<&str> = text.split(separator).collect();
        let expected = expected.strip_suffix(&[""]).unwrap_or(&expected).repeat(2);
        assert!(found.iter().map(|found| &*found.0).eq(expected), "{separator:?}");
    }
}

#[test]
fn a_consumer_may_stop_fail_panic_or_be_cancelled() {
    let folder = Folder::new();
    let text = many_lines();
    let names: Vec<String> = (0..20).map(|index| folder.write(&format!("{index:02}"), &text)).collect();
    let (inputs, options) = (resolve(&names, None).unwrap(), options(Format::Lines));
    let mut count = 0;
    let stop = |_: &[&str]| {
        count += 1;
        if count == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    read(&inputs, &options, None, &Progress::default(), stop).unwrap();
    assert_eq!(count, 2);

    let cancel = AtomicBool::new(false);
    let cancelling = |_: &[&str]| {
        cancel.store(true, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    let error = read(&inputs, &options, Some(&cancel), &Progress::default(), cancelling).unwrap_err();
    assert!(matches!(error, Error::Cancelled));

    let run = |worker: fn(&str) -> Result<(), Error>| {
        let worker = move |documents: tokenmill_corpus::Documents| worker(documents.texts()[0]);
        map_batches(
            &inputs,
            &options,
            Position::default(),
            None,
            &Progress::default(),
            || worker,
            |_| Ok(ControlFlow::Continue(())),
        )
    };
    let error = run(|_| Err(Error::Encode("not this".to_owned()))).unwrap_err();
    assert_eq!(error.to_string(), "not this");
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(|_| panic!("in a worker"))));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"in a worker"));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        read(&inputs, &options, None, &Progress::default(), |_| panic!("in the consumer"))
    }));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"in the consumer"));
}

#[test]
fn the_first_error_is_that_of_the_first_document_however_many_threads() {
    let folder = Folder::new();
    let (good, bad) = ("{\"text\":\"x\"}\n".repeat(200_000), "bad\n");
    let names = [folder.write("a", [&*good, bad].concat()), folder.write("b", bad), folder.write("c", bad)];
    for threads in [1, 4] {
        let options = ReadOptions { threads, ..options(Format::Jsonl) };
        let error = texts(&names, &options).unwrap_err().to_string();
        assert!(error.contains("a, line 200001: expected a JSON object"), "{error}");
    }
}

#[test]
#[cfg(unix)]
fn any_depth_is_that_of_folders_and_not_of_links_to_them() {
    use std::os::unix::fs::symlink;
    use std::sync::mpsc::RecvTimeoutError;
    use std::time::Duration;

    let folder = Folder::new();
    for name in ["t/f.txt", "t/a/b/g.txt", "elsewhere/deep/h.txt"] {
        folder.write(name, name);
    }
    let link = |target: &str, name: &str| symlink(target, folder.path(name)).unwrap();
    // Two that lead back up, so that each step has two ways, one to another folder, and one to a file.
    link("../..", "t/a/b/up");
    link(".", "t/self");
    link("../elsewhere", "t/link");
    link("../elsewhere/deep/h.txt", "t/h.txt");
    let at = |name: &str| name_of(&folder.path(name));
    let names = |pattern: &str| -> Vec<String> {
        // It may not take for ever.
        let late = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (ended, end) = std::sync::mpsc::channel::<()>();
            let late = &late;
            scope.spawn(move || {
                let is_late = end.recv_timeout(Duration::from_secs(20)) == Err(RecvTimeoutError::Timeout);
                late.store(is_late, Ordering::Relaxed);
            });
            let found = resolve(&[at(pattern)], Some(late));
            drop(ended);
            found.unwrap().into_iter().map(|input| input.name).collect()
        })
    };
    assert_eq!(names("t/**/*.txt"), ["t/a/b/g.txt", "t/f.txt", "t/h.txt"].map(at));
    assert_eq!(names("t/**/**/b/**/*.txt"), ["t/a/b/g.txt"].map(at));
    // What a pattern names or matches.
    assert_eq!(names("t/link/**/*.txt"), ["t/link/deep/h.txt"].map(at));
    assert_eq!(names("t/**/link/*/h.txt"), ["t/link/deep/h.txt"].map(at));
    assert_eq!(names("t/l*/**/*.txt"), ["t/link/deep/h.txt"].map(at));
    assert_eq!(names("t/a/b/up/*.txt"), ["t/a/b/up/f.txt", "t/a/b/up/h.txt"].map(at));
}

#[test]
fn globs_are_sorted_and_each_file_is_read_once() {
    let folder = Folder::new();
    for name in ["b.txt", "a.txt", "deep/er/c.txt", "Z.txt", "[x].txt", "d.md"] {
        folder.write(name, name);
    }
    let at = |name: &str| name_of(&folder.path(name));
    let names = |patterns: &[&str]| -> Vec<String> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| at(pattern)).collect();
        resolve(&patterns, None).unwrap().into_iter().map(|input| input.name).collect()
    };
    assert_eq!(names(&["*.txt"]), ["Z.txt", "[x].txt", "a.txt", "b.txt"].map(at));
    assert_eq!(names(&["b.txt", "**/*.txt"]), ["b.txt", "Z.txt", "[x].txt", "a.txt", "deep/er/c.txt"].map(at));
    // However it is named.
    assert_eq!(
        names(&["b.txt", "./b.txt", "deep/../*.txt"]),
        ["b.txt", "deep/../Z.txt", "deep/../[x].txt", "deep/../a.txt"].map(at)
    );
    assert_eq!(names(&["[x].txt", "[ab].txt"]), ["[x].txt", "a.txt", "b.txt"].map(at));
    let error = |pattern: &str| resolve(&[at(pattern)], None).unwrap_err().to_string();
    assert_eq!(error("*.zip"), format!("no file matches {:?}", at("*.zip")));
    assert_eq!(error("none.txt"), format!("no file is called {:?}", at("none.txt")));
    assert_eq!(error("d.md/none.txt"), format!("no file is called {:?}", at("d.md/none.txt")));
    // A text that was taken for a name.
    let text = "é\n".repeat(3000);
    let error_of_text = resolve(std::slice::from_ref(&text), None).unwrap_err().to_string();
    assert_eq!(error_of_text, format!("no file is called {:?}…", "é\n".repeat(100)));
    assert!(error("deep").starts_with(&format!("expected files, received the folder {}", at("deep"))));
    let error = texts(&[at("d.md")], &options(Format::Detect)).unwrap_err().to_string();
    assert!(error.ends_with("d.md does not tell its format: say which it has"), "{error}");
    assert_eq!(resolve(&[], None).unwrap_err().to_string(), "expected at least one input, received none");
}

fn names_of(pattern: &str) -> Vec<String> {
    resolve(&[pattern.to_owned()], None).unwrap().into_iter().map(|input| input.name).collect()
}

#[test]
fn a_glob_that_begins_with_any_depth_takes_the_current_folder_too() {
    // Tests run in that of the crate.
    for pattern in ["**/Cargo.toml", "./**/Cargo.toml", "**/**/Cargo.t*"] {
        assert_eq!(names_of(pattern), ["Cargo.toml"], "{pattern}");
    }
    let all = names_of("**");
    assert!(all.contains(&"Cargo.toml".to_owned()) && all.contains(&"src/lib.rs".to_owned()), "{all:?}");
    assert_eq!(all, names_of("./**/*"));
}

#[test]
fn globs_take_what_is_hidden_only_where_they_name_it() {
    let folder = Folder::new();
    for name in ["a.txt", "._a.txt", "deep/b.txt", "deep/.hidden.txt", ".ipynb_checkpoints/a.txt", ".git/deep/c.txt"] {
        folder.write(name, name);
    }
    let at = |name: &str| name_of(&folder.path(name));
    for (pattern, expected) in [
        ("*", &["a.txt"][..]),
        ("**", &["a.txt", "deep/b.txt"]),
        ("**/*.txt", &["a.txt", "deep/b.txt"]),
        ("deep/**", &["deep/b.txt"]),
        ("[.]*", &[]),
        ("?_a.txt", &[]),
        ("*/**/", &[]),
        (".*", &["._a.txt"]),
        ("**/.*", &["._a.txt", "deep/.hidden.txt"]),
        (".*/*", &[".ipynb_checkpoints/a.txt"]),
        (".git/**", &[".git/deep/c.txt"]),
        (".*/**/*.txt", &[".git/deep/c.txt", ".ipynb_checkpoints/a.txt"]),
        ("._a.txt", &["._a.txt"]),
    ] {
        let pattern = at(pattern);
        if expected.is_empty() {
            let error = resolve(&[pattern.clone()], None).unwrap_err().to_string();
            assert_eq!(error, format!("no file matches {pattern:?}"));
        } else {
            assert_eq!(names_of(&pattern), expected.iter().map(|name| at(name)).collect::<Vec<_>>(), "{pattern}");
        }
    }
}

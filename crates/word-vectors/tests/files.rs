//! Files of word vectors: what was written is read, and what is wrong is said.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo, TensorView};
use tempfile::TempDir;
use tokenmill_word_vectors::{Error, Format, WordVectors};

const FORMATS: [(Format, &str); 3] =
    [(Format::Text, "v.txt"), (Format::Binary, "v.bin"), (Format::Safetensors, "v.safetensors")];

fn vectors() -> WordVectors {
    let words = ["the", "mill", "Straße", "水車", "😀"].map(String::from).to_vec();
    let table = (0..15).map(|at| (at as f32 * 0.37 - 2.0) / 3.0).collect();
    WordVectors::new(words, table, 3).expect("they fit")
}

fn written(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("the folder is there");
    path
}

fn load(path: &Path) -> Result<WordVectors, Error> {
    WordVectors::load(path, Format::of(path).expect("the name says it"), None, None)
}

/// Why a file is refused.
fn fault(name: &str, bytes: &[u8]) -> String {
    let folder = TempDir::new().expect("there is room");
    match load(&written(&folder, name, bytes)) {
        Err(Error::InvalidFile { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_written_is_read_bit_for_bit() {
    let folder = TempDir::new().expect("there is room");
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        assert_eq!(Format::of(&path), Some(format));
        vectors().save(&path, format).expect("it can be written");
        let read = load(&path).expect("it is well-formed");
        assert_eq!((read.words(), read.table()), (vectors().words(), vectors().table()), "{format:?}");
        let some = WordVectors::load(&path, format, Some(2), None).expect("it is well-formed");
        assert_eq!((some.len(), some.table()), (2, &vectors().table()[..6]), "{format:?}");
    }
}

#[test]
fn glove_has_no_first_line_and_words_with_spaces() {
    let folder = TempDir::new().expect("there is room");
    let read = load(&written(&folder, "g.txt", b"the 0.5 -1e-3 2\n. . . 1 2 3\r\nat name@domain 4 5 6"))
        .expect("it is GloVe's");
    assert_eq!(read.words(), ["the", ". . .", "at name@domain"].map(Box::from));
    assert_eq!(read.get(". . ."), Some(&[1.0, 2.0, 3.0][..]));
    assert_eq!(read.get("the"), Some(&[0.5, -0.001, 2.0][..]));
}

#[test]
fn texts_of_other_writers_are_read() {
    let folder = TempDir::new().expect("there is room");
    let texts = ["\u{feff}2 2\na 1 2\nb 3 4\n", "\u{feff}a 1 2\nb 3 4\n", "a\t1\t2\nb\t3\t4\n", "a\t1 2\t\nb 3 4"];
    for text in texts {
        let read = load(&written(&folder, "v.txt", text.as_bytes())).expect("it is well-formed");
        let expected = (&["a", "b"].map(Box::from)[..], &[1.0, 2.0, 3.0, 4.0][..]);
        assert_eq!((read.words(), read.table()), expected, "{text:?}");
    }
}

#[test]
fn words_of_white_space_that_the_forms_know_nothing_of_stay() {
    let folder = TempDir::new().expect("there is room");
    let words = ["\u{feff}", "\u{c}a", "\u{c}", "\u{85}b\u{a0}"].map(String::from).to_vec();
    let vectors = WordVectors::new(words, vec![1.0, 2.0, 3.0, 4.0], 1).expect("they fit");
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        vectors.save(&path, format).expect("it can be written");
        assert_eq!(load(&path).expect("it was written").words(), vectors.words(), "{format:?}");
    }
}

#[test]
fn empty_lines_at_the_end_of_a_text_are_nothing() {
    let folder = TempDir::new().expect("there is room");
    for text in ["2 1\na 1\nb 2\n\n", "a 1\nb 2\n\r\n\n", "a 1\nb 2"] {
        let read = load(&written(&folder, "g.txt", text.as_bytes())).expect("it is well-formed");
        assert_eq!((read.words(), read.table()), (&["a", "b"].map(Box::from)[..], &[1.0, 2.0][..]), "{text:?}");
    }
    let path = written(&folder, "g.txt", b"a 1\n\nb 2\n");
    assert_eq!(WordVectors::load(&path, Format::Text, Some(1), None).expect("the first is well-formed").len(), 1);
}

#[test]
fn safetensors_are_those_of_the_crate_and_read_in_whichever_order_the_tensors_are() {
    let folder = TempDir::new().expect("there is room");
    let (words, values) = (b"a\nbc\n", [1.0f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat());
    let tensors = [
        ("vectors", TensorView::new(Dtype::F32, vec![2, 2], &values).expect("it fits")),
        ("words", TensorView::new(Dtype::U8, vec![words.len()], words).expect("it fits")),
    ];
    let expected = safetensors::serialize(tensors, None).expect("it can be written");
    let vectors = WordVectors::new(vec!["a".into(), "bc".into()], vec![1.0, 2.0, 3.0, 4.0], 2).expect("they fit");
    let path = folder.path().join("v.safetensors");
    vectors.save(&path, Format::Safetensors).expect("it can be written");
    assert_eq!(std::fs::read(&path).expect("it is there"), expected);

    let info = |dtype, shape, start, end| TensorInfo { dtype, shape, data_offsets: (start, end) };
    let turned = vec![
        ("words".to_owned(), info(Dtype::U8, vec![5], 0, 5)),
        ("more".to_owned(), info(Dtype::U8, vec![3], 5, 8)),
        ("vectors".to_owned(), info(Dtype::F32, vec![2, 2], 8, 24)),
    ];
    let header = serde_json::to_vec(&Metadata::new(None, turned).expect("it fits")).expect("it is JSON");
    let turned = [&(header.len() as u64).to_le_bytes(), &*header, words, b"...", &values].concat();
    let read = load(&written(&folder, "v.safetensors", &turned)).expect("it is well-formed");
    assert_eq!((read.words(), read.table()), (vectors.words(), vectors.table()));
    let longer = [&*turned, b"."].concat();
    assert_eq!(fault("v.safetensors", &longer), "not a safetensors file: expected 24 bytes of values, found 25");
}

#[test]
fn safetensors_in_which_a_name_is_there_twice_are_refused() {
    let tensors = r#""vectors":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"words":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}"#;
    let file = |json: &str| [&(json.len() as u64).to_le_bytes(), json.as_bytes(), &[0, 0, 0, 0, b'a', b'\n']].concat();
    let again = r#""words":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}"#;
    for (json, name) in [
        (format!("{{{tensors},{again}}}"), "words"),
        (format!(r#"{{"__metadata__":{{"x":"1","x":"2"}},{tensors}}}"#), "x"),
        (format!(r#"{{"__metadata__":{{}},"__metadata__":{{}},{tensors}}}"#), "__metadata__"),
    ] {
        let found = fault("v.safetensors", &file(&json));
        assert!(found.starts_with(&format!("not a safetensors file: {name:?} is there twice")), "{found}");
    }
    let folder = TempDir::new().expect("there is room");
    let plain = file(&format!(r#"{{"__metadata__":{{"x":"1"}},{tensors}}}"#));
    assert_eq!(load(&written(&folder, "v.safetensors", &plain)).expect("it is well-formed").len(), 1);
}

#[cfg(unix)]
#[test]
fn what_is_written_may_be_read_by_whom_any_new_file_may() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().expect("there is room");
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode();
    let other = written(&folder, "other", b"");
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        vectors().save(&path, format).expect("it can be written");
        assert_eq!(mode(&path), mode(&other), "{format:?}");
    }
}

#[test]
fn rows_of_a_binary_file_may_end_with_a_line_break_or_not() {
    let folder = TempDir::new().expect("there is room");
    for end in ["", "\n"] {
        let mut bytes = b"2 1\n".to_vec();
        for (word, value) in [("a", 1.0f32), ("b", 2.0)] {
            bytes.extend_from_slice(word.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(&value.to_le_bytes());
            bytes.extend_from_slice(end.as_bytes());
        }
        let read = load(&written(&folder, "v.bin", &bytes)).expect("it is word2vec's");
        assert_eq!((read.get("a"), read.get("b")), (Some(&[1.0][..]), Some(&[2.0][..])));
    }
}

#[test]
fn the_first_of_equal_words_counts() {
    let folder = TempDir::new().expect("there is room");
    let read = load(&written(&folder, "v.txt", b"3 1\na 1\na 2\nb 3\n")).expect("it is word2vec's");
    assert_eq!((read.len(), read.get("a"), read.get("b")), (2, Some(&[1.0][..]), Some(&[3.0][..])));
}

#[test]
fn faults_of_text_are_named_with_their_line() {
    for (bytes, expected) in [
        (&b""[..], "the file is empty"),
        (b"2 3\na 1.00000 2.00000 3.00000\n", "line 1 tells of 2 words, found 1"),
        (b"1 2\na 1 2\nb 3 4\n", "line 1 tells of 1 words, found more"),
        (b"2 2\na 1 2\nb 3\n", "expected a word and 2 numbers in line 3, found 2 fields"),
        (b"2 2\na 1 2 3\nb 4 5 6\n", "expected a word and 2 numbers in line 2, found 4 fields"),
        (b"2 2\na 1 2\nb\t3 4 5\n", "expected a word and 2 numbers in line 3, found 4 fields"),
        (b"-1 2\na 1 2\n", "expected the number of words and of dimensions in line 1, found \"-1 2\""),
        (b"2 -2\na 1 2\n", "expected the number of words and of dimensions in line 1, found \"2 -2\""),
        (
            b"99999999999999999999 2\na 1 2\n",
            "expected the number of words and of dimensions in line 1, found \"99999999999999999999 2\"",
        ),
        (b"2 2\na 1 2\nb 3 x\n", "expected a number in line 3, found \"x\""),
        (b"2 2\na 1 2\n\xff 3 4\n", "line 3 is not UTF-8"),
        (b"2 2\na 1 2\n 3 4\n", "expected a word of 1 to 65536 bytes in line 3, found 0"),
        (b"a 1 2\n\nb 3 4\n", "line 2 is empty, and more follow"),
        (b"2 2\na 1 2\n\r\n\nb 3 4\n", "line 3 is empty, and more follow"),
        (b"1 2\n\na 1 2\n", "line 2 is empty, and more follow"),
        (b"word\n", "expected 1 to 65536 dimensions, found 0"),
        (b"1 70000\n", "expected 1 to 65536 dimensions, found 70000"),
        (b"2 2\na 1 2\nb NaN 1\n", "the vector of \"b\" has a number that is not finite"),
        (b"1 2\na 1e38 1e39\n", "the vector of \"a\" has a number that is not finite"),
        // Of a long field as many whole characters are shown.
        (
            "1 1\na x水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水\n".as_bytes(),
            "expected a number in line 2, found \"x水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水水\"",
        ),
        (
            b"9999999999999 300\na 1\n",
            "line 1 tells of 9999999999999 words of 300 dimensions, for which the file is too short",
        ),
    ] {
        assert_eq!(fault("v.txt", bytes), expected);
    }
}

#[test]
fn faults_of_binary_files_are_named_with_their_word() {
    for (bytes, expected) in [
        (&b""[..], "expected the number of words and of dimensions in the first line"),
        (b"1\n", "expected the number of words and of dimensions in the first line"),
        (
            b"18446744073709551615 300\n",
            "the first line tells of 18446744073709551615 words of 300 dimensions, for which the file is too short",
        ),
        (b"1 1\nabcdefgh", "expected a word of at most 65536 bytes and a space, word 1 has none"),
        (b"1 1\n\xff\xfe 1234", "word 1 is not UTF-8"),
        (b"1 1\n  1234", "word 1 is empty"),
        (b"1 2\nword 1234567", "the file ends inside word 1 of 1"),
        (b"0 2\n", "there is no word in it"),
    ] {
        assert_eq!(fault("v.bin", bytes), expected);
    }
    assert!(fault("v.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\xff").starts_with("not a safetensors file: "));
}

#[test]
fn a_word_with_white_space_cannot_be_written_as_word2vec_does() {
    let folder = TempDir::new().expect("there is room");
    let vectors = WordVectors::new(vec!["a b".into()], vec![1.0], 1).expect("it fits");
    for (format, name) in &FORMATS[..2] {
        let error = vectors.save(&folder.path().join(name), *format).expect_err("it has a space");
        assert!(error.to_string().contains("\"a b\""), "{error}");
        assert!(!folder.path().join(name).exists());
    }
    vectors.save(&folder.path().join("v.safetensors"), Format::Safetensors).expect("it can be written");
}

#[test]
fn what_cannot_be_read_is_not_written() {
    let folder = TempDir::new().expect("there is room");
    let one = |word: String| WordVectors::new(vec![word], vec![1.0], 1).expect("it fits");
    let wide = WordVectors::new(vec!["a".into()], vec![1e-45; 65537], 65537).expect("it fits");
    let none = WordVectors::new(vec![], vec![], 3).expect("it fits");
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        let fault = |vectors: &WordVectors| vectors.save(&path, format).expect_err("it is too large").to_string();
        assert_eq!(fault(&wide), "expected 1 to 65536 dimensions, found 65537", "{format:?}");
        assert_eq!(fault(&none), "it cannot be written: there is no word", "{format:?}");
        if format == Format::Safetensors {
            continue;
        }
        assert!(
            fault(&one("x".repeat(65537))).ends_with("cannot be written in this form: it has more than 65536 bytes")
        );
        assert!(fault(&one(String::new())).ends_with("it is empty"));
        assert!(!path.exists());
    }
    // The longest of what can be.
    let table = [1e-45, -3.4e38, 1.175_494_4e-38, -0.000_012_345_678].repeat(1 << 14);
    let most = WordVectors::new(vec!["x".repeat(65536)], table, 65536).expect("it fits");
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        most.save(&path, format).expect("it can be written");
        assert_eq!(load(&path).expect("it was written").table(), most.table(), "{format:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the bytes are, the answer is vectors or an error, and soon.
    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), head in 0usize..3) {
        let folder = TempDir::new().expect("there is room");
        let heads: [&[u8]; 3] = [b"", b"2 3\n", b"3 1\na 1\n"];
        let all = [heads[head], &bytes].concat();
        for (_, name) in FORMATS {
            if let Ok(read) = load(&written(&folder, name, &all)) {
                prop_assert_eq!(read.table().len(), read.len() * read.dimensions());
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = TempDir::new().expect("there is room");
    let path = folder.path().join("v.txt");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("there is such a program").success());
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || _ = send.send(load(&path)));
    let loaded = receive.recv_timeout(std::time::Duration::from_secs(20)).expect("it does not wait");
    assert!(matches!(loaded, Err(Error::InvalidFile { reason }) if reason == "expected a file"));
}

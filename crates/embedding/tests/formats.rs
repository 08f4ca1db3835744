//! Models as others publish them: under other names, in several files, as `.npy`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tempfile::TempDir;
use tokenmill_embedding::{
    DType, Device, Embedding, Error, Input, InputEmbedding, InputEmbeddingConfig, Names, Positions, TableOptions,
    sinusoidal,
};

const CPU: &Device = &Device::Cpu;

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A file that the `safetensors` crate writes, of `f32` tensors.
fn foreign(path: &Path, tensors: &[(&str, &[usize], &[f32])]) {
    let data: Vec<_> = tensors.iter().map(|(_, _, values)| bytes(values)).collect();
    let views = tensors
        .iter()
        .zip(&data)
        .map(|(&(name, shape, _), data)| (name, TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn load(path: &Path) -> Result<InputEmbedding, Error> {
    InputEmbedding::load(path, DType::F32, CPU, usize::MAX)
}

fn fault(path: &Path) -> String {
    load(path).unwrap_err().to_string()
}

const TOKEN: [f32; 6] = [1.0, 2.0, 3.0, 4.0, -5.0, 6.0];
const POSITION: [f32; 4] = [0.5, -0.25, 0.125, 1.0];
const TYPES: [f32; 4] = [0.0, 1.0, 10.0, -20.0];

fn bert(prefix: &str, norm: [&str; 2], folder: &TempDir) -> PathBuf {
    let path = folder.path().join("bert.safetensors");
    let name = |name: &str| format!("{prefix}{name}");
    foreign(
        &path,
        &[
            (&name("word_embeddings.weight"), &[3, 2], &TOKEN),
            (&name("position_embeddings.weight"), &[2, 2], &POSITION),
            (&name("token_type_embeddings.weight"), &[2, 2], &TYPES),
            (&name(norm[0]), &[2], &[2.0, 3.0]),
            (&name(norm[1]), &[2], &[0.5, 0.25]),
            ("bert.encoder.layer.0.attention.self.query.weight", &[1, 2], &[7.0, 7.0]),
        ],
    );
    path
}

#[test]
fn a_bert_is_read_by_its_names_with_types_and_normalisation() {
    let folder = TempDir::new().unwrap();
    for (prefix, epsilon) in [("bert.embeddings.", 1e-12), ("embeddings.", 1e-12), ("roberta.embeddings.", 1e-5)] {
        for norm in [["LayerNorm.weight", "LayerNorm.bias"], ["LayerNorm.gamma", "LayerNorm.beta"]] {
            let model = load(&bert(prefix, norm, &folder)).unwrap();
            let expected = InputEmbeddingConfig {
                token_types: 2,
                layer_norm: Some(epsilon),
                ..InputEmbeddingConfig::new(3, 2, 2)
            };
            assert_eq!(*model.config(), expected);
            let input = Input { types: Some(&[1, 0]), ..Input::new(&[2, 0], &[2]) };
            // Sums of two values a and b, normalised: 1 and -1 in the order of their size.
            let expected = [2.0 * 1.0 + 0.5, -3.0 + 0.25, -2.0 + 0.5, 3.0 + 0.25];
            for (value, expected) in model.forward(&input).unwrap().values().unwrap().iter().zip(expected) {
                assert!((value - expected).abs() < 1e-5, "{value} is not {expected}");
            }
        }
    }
}

#[test]
fn a_gpt2_is_read_with_the_prefix_of_the_whole_model() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gpt2.safetensors");
    for prefix in ["", "transformer."] {
        let [token, position] = ["wte.weight", "wpe.weight"].map(|name| format!("{prefix}{name}"));
        foreign(&path, &[(&token, &[3, 2], &TOKEN), (&position, &[2, 2], &POSITION)]);
        let output = load(&path).unwrap().forward(&Input::new(&[2, 0], &[2])).unwrap();
        assert_eq!(output.values().unwrap(), [-4.5, 5.75, 1.125, 3.0]);
    }
}

#[test]
fn a_model_is_written_under_the_names_asked_for_and_read_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    let config = InputEmbeddingConfig { token_types: 3, layer_norm: Some(1e-5), ..InputEmbeddingConfig::new(4, 3, 2) };
    let model = InputEmbedding::new(config, 1, CPU).unwrap();
    for (names, expected) in [
        (
            Names::Gpt2,
            ["LayerNorm.bias", "LayerNorm.weight", "token_type_embeddings.weight", "wpe.weight", "wte.weight"],
        ),
        (
            Names::Bert,
            [
                "bert.embeddings.LayerNorm.bias",
                "bert.embeddings.LayerNorm.weight",
                "bert.embeddings.position_embeddings.weight",
                "bert.embeddings.token_type_embeddings.weight",
                "bert.embeddings.word_embeddings.weight",
            ],
        ),
    ] {
        model.save(&path, names).unwrap();
        let file = fs::read(&path).unwrap();
        let tensors = SafeTensors::deserialize(&file).unwrap();
        let mut found = tensors.names();
        found.sort_unstable();
        assert_eq!(found, expected);
        let again = load(&path).unwrap();
        assert_eq!(again.config(), model.config());
        let values = |model: &InputEmbedding| -> Vec<Vec<f32>> {
            model.parameters().iter().map(|parameter| parameter.values().unwrap()).collect()
        };
        assert_eq!(values(&again), values(&model));
    }
    assert_eq!(Names::from_name(Names::Bert.name()), Some(Names::Bert));
    assert_eq!(Names::from_name("llama"), None);
}

#[test]
fn halves_stay_halves_or_become_wide_exactly() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("halves.safetensors");
    let bits = [0x3F80u16, 0xC000, 0x0001, 0x7F7F, 0x8000, 0x3FC0];
    let data = bits.map(u16::to_le_bytes).concat();
    let view = TensorView::new(Dtype::BF16, vec![3, 2], &data).unwrap();
    fs::write(&path, safetensors::serialize([("weight", view)], None).unwrap()).unwrap();
    let table = |dtype| {
        let options = TableOptions { dtype, ..TableOptions::default() };
        Embedding::load(&path, "weight", options, CPU, usize::MAX).unwrap()
    };
    let expected = bits.map(|bits| u32::from(bits) << 16);
    for dtype in [DType::BF16, DType::F32] {
        let values = table(dtype).parameter().values().unwrap();
        assert_eq!(values.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), expected, "{dtype:?}");
    }
    table(DType::BF16).save(&path, "weight").unwrap();
    let file = fs::read(&path).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let tensor = tensors.tensor("weight").unwrap();
    assert_eq!((tensor.dtype(), tensor.shape(), tensor.data()), (Dtype::BF16, &[3, 2][..], &*data));
}

/// A model in two files with their index, in a folder.
fn sharded() -> TempDir {
    let folder = TempDir::new().unwrap();
    foreign(&folder.path().join("model-00001-of-00002.safetensors"), &[("wte.weight", &[3, 2], &TOKEN)]);
    foreign(&folder.path().join("model-00002-of-00002.safetensors"), &[("wpe.weight", &[2, 2], &POSITION)]);
    let map = r#"{"wte.weight":"model-00001-of-00002.safetensors","wpe.weight":"model-00002-of-00002.safetensors"}"#;
    write_index(folder.path(), map);
    folder
}

fn write_index(folder: &Path, weight_map: &str) {
    let json = format!(r#"{{"metadata":{{"total_size":40}},"weight_map":{weight_map}}}"#);
    fs::write(folder.join("model.safetensors.index.json"), json).unwrap();
}

#[test]
fn a_model_in_several_files_is_read_by_its_index_or_its_folder() {
    let folder = sharded();
    for path in [folder.path().to_owned(), folder.path().join("model.safetensors.index.json")] {
        let output = load(&path).unwrap().forward(&Input::new(&[2, 0], &[2])).unwrap();
        assert_eq!(output.values().unwrap(), [-4.5, 5.75, 1.125, 3.0]);
        let table = Embedding::load(&path, "wpe.weight", TableOptions::default(), CPU, usize::MAX).unwrap();
        assert_eq!(table.parameter().values().unwrap(), POSITION);
    }
    // One whole file goes before an index.
    foreign(
        &folder.path().join("model.safetensors"),
        &[("wte.weight", &[1, 1], &[9.0]), ("wpe.weight", &[1, 1], &[0.0])],
    );
    assert_eq!(load(folder.path()).unwrap().config().vocab_size, 1);
}

#[test]
fn faults_of_an_index_are_named() {
    let folder = sharded();
    let path = folder.path();
    for (map, expected) in [
        (r#"{"wte.weight":"absent.safetensors"}"#, "could not find the file"),
        (r#"{"wte.weight":"../x.safetensors"}"#, r#""../x.safetensors" is not the name of a file beside it"#),
        (r#"{"wte.weight":"/etc/passwd"}"#, "is not the name of a file beside it"),
        (r#"{"wte.weight":".."}"#, "is not the name of a file beside it"),
        (r#"{"wte.weight":""}"#, "is not the name of a file beside it"),
        (r#"{"wte.weight":"a\\b"}"#, "is not the name of a file beside it"),
        (r#"{"wte.weight":5}"#, "the index is not valid"),
        ("[]", "the index is not valid"),
        (r#"{"lm_head.weight":"x"}"#, "no tensor \"wte.weight\", only lm_head.weight"),
        (r#"{"wte.weight":"model-00001-of-00002.safetensors"}"#, "no tensor \"wpe.weight\", only wte.weight"),
        (r#"{"wte.weight":"model-00002-of-00002.safetensors"}"#, "no tensor \"wte.weight\", only wpe.weight"),
        (r#"{"wte.weight":"model.safetensors.index.json"}"#, "longer than"),
    ] {
        write_index(path, map);
        assert!(fault(path).contains(expected), "{map}: {}", fault(path));
    }
    fs::write(path.join("model.safetensors.index.json"), "[".repeat(100_000)).unwrap();
    assert!(fault(path).contains("the index is not valid"));
    let empty = TempDir::new().unwrap();
    assert!(fault(empty.path()).contains("neither model.safetensors nor model.safetensors.index.json"));
}

#[test]
fn a_file_cannot_ask_for_memory_by_a_number() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x");
    let entry = r#"{"version":1,"position":"sinusoidal","contextLength":4294967296,"scale":1}"#;
    let metadata = std::collections::HashMap::from([("tokenmill".to_owned(), entry.to_owned())]);
    let data = bytes(&TOKEN[..2]);
    let view = TensorView::new(Dtype::F32, vec![1, 2], &data).unwrap();
    fs::write(&path, safetensors::serialize([("wte.weight", view)], Some(metadata)).unwrap()).unwrap();
    let limited = InputEmbedding::load(&path, DType::F32, CPU, 1 << 34);
    assert!(matches!(limited, Err(Error::OutOfMemory { bytes: 34_359_738_368 })));
    let embedding = load(&path).unwrap();
    assert_eq!(embedding.byte_length(), 8);
    assert_eq!(embedding.config().context_length, 1 << 32);
    let row = |offset| {
        let input = Input { positions: Positions::From(offset), ..Input::new(&[0], &[1]) };
        embedding.forward(&input).unwrap().values().unwrap()
    };
    for offset in [0, 1, 1000] {
        let waves = sinusoidal(offset + 1, 2).unwrap();
        assert_eq!(row(offset), [TOKEN[0] + waves[2 * offset], TOKEN[1] + waves[2 * offset + 1]]);
    }
    assert_eq!(embedding.byte_length(), 8 + 1024 * 8);
}

/// What numpy 2.4 writes for `numpy.save(path, numpy.array([[1, -2, 0.5], [3, 4, 65504]], dtype))`.
fn numpy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    numpy_of(descr, "False", shape, data)
}

fn numpy_of(descr: &str, fortran_order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {fortran_order}, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(117 - header.len()));
    header.push('\n');
    [b"\x93NUMPY\x01\x00\x76\x00", header.as_bytes(), data].concat()
}

const NUMBERS: [f32; 6] = [1.0, -2.0, 0.5, 3.0, 4.0, 65504.0];
const HALVES: [u16; 6] = [0x3C00, 0xC000, 0x3800, 0x4200, 0x4400, 0x7BFF];

fn load_npy(path: &Path) -> Result<Embedding, Error> {
    Embedding::load_npy(path, TableOptions::default(), CPU, usize::MAX)
}

#[test]
fn what_numpy_writes_is_read_and_written_byte_for_byte() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.npy");
    let halves = HALVES.map(u16::to_le_bytes).concat();
    for (dtype, file) in
        [(DType::F32, numpy("<f4", "(2, 3)", &bytes(&NUMBERS))), (DType::F16, numpy("<f2", "(2, 3)", &halves))]
    {
        fs::write(&path, &file).unwrap();
        let options = TableOptions { dtype, ..TableOptions::default() };
        let table = Embedding::load_npy(&path, options, CPU, usize::MAX).unwrap();
        assert_eq!((table.rows(), table.dimensions()), (2, 3));
        assert_eq!(table.parameter().values().unwrap(), NUMBERS);
        fs::remove_file(&path).unwrap();
        table.save_npy(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), file);
    }
    let options = TableOptions { dtype: DType::BF16, ..TableOptions::default() };
    let table = Embedding::from_values(NUMBERS.to_vec(), 2, 3, options, CPU).unwrap();
    assert!(table.save_npy(&path).unwrap_err().to_string().contains("numpy has no bf16"));
}

#[test]
fn other_versions_of_npy_are_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.npy");
    let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}\n";
    for version in [2u8, 3] {
        let length = (header.len() as u32).to_le_bytes();
        let start = [b"\x93NUMPY", &[version, 0][..], &length, header].concat();
        fs::write(&path, [&*start, &1.5f32.to_le_bytes()].concat()).unwrap();
        assert_eq!(load_npy(&path).unwrap().parameter().values().unwrap(), [1.5]);
    }
}

#[test]
fn faults_of_npy_files_are_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.npy");
    let data = bytes(&NUMBERS);
    let whole = numpy("<f4", "(2, 3)", &data);
    let long = [&whole[..], &[0]].concat();
    for (file, expected) in [
        (vec![], "0 bytes are too few"),
        (whole[..7].to_vec(), "7 bytes are too few"),
        (whole[..9].to_vec(), "9 bytes are too few"),
        (b"\x93NUMPX\x01\x00\x76\x00".to_vec(), "does not begin as a .npy file"),
        (b"\x93NUMPY\x04\x00\x76\x00\x00\x00".to_vec(), "version 4.0"),
        (b"\x93NUMPY\x01\x00\x76\x00{}".to_vec(), "a header of 118 bytes is too long"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}".to_vec(), "a header of 4294967295 bytes is too long"),
        (whole[..whole.len() - 1].to_vec(), "does not take the 23 bytes"),
        (long, "does not take the 25 bytes"),
        (numpy("<f4", "(6,)", &data), "it has the shape [6], expected two sizes"),
        (numpy("<f2", "(6, 0)", &[]), "it has the shape [6, 0], expected two sizes of at least 1"),
        (numpy("<f4", "(0, 3)", &[]), "it has the shape [0, 3], expected two sizes of at least 1"),
        (numpy("<f4", "(4611686018427387904, 4)", &data), "does not take the 24 bytes"),
        (numpy("<f4", "(6442450944, 6442450944)", &data), "does not take the 24 bytes"),
        (numpy("<f8", "(1, 3)", &data), "holds \"<f8\" values"),
        (numpy(">f4", "(2, 3)", &data), "holds \">f4\" values"),
        (numpy("|O", "(2, 3)", &data), "holds \"|O\" values"),
        (numpy("<f4", "(2, 3", &data), "not that of a plain array"),
        (numpy_of("<f4", "True", "(2, 3)", &data), "column after column"),
    ] {
        fs::write(&path, &file).unwrap();
        let error = load_npy(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} is not {expected}");
    }
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(load_npy(&path).is_err(), "{length}");
    }
    fs::write(&path, &whole).unwrap();
    let limited = Embedding::load_npy(&path, TableOptions::default(), CPU, 23);
    assert!(matches!(limited, Err(Error::OutOfMemory { bytes: 24 })));
    assert!(load_npy(folder.path()).unwrap_err().to_string().contains("not a regular file"));
    assert!(load_npy(&folder.path().join("absent")).unwrap_err().to_string().contains("could not find"));
}

#[test]
fn a_padding_id_that_is_no_id_is_a_fault_of_the_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x");
    let entry = r#"{"version":1,"position":"none","contextLength":1,"scale":1,"paddingId":1}"#;
    let metadata = std::collections::HashMap::from([("tokenmill".to_owned(), entry.to_owned())]);
    let data = bytes(&TOKEN[..2]);
    let view = TensorView::new(Dtype::F32, vec![1, 2], &data).unwrap();
    fs::write(&path, safetensors::serialize([("wte.weight", view)], Some(metadata)).unwrap()).unwrap();
    assert!(fault(&path).contains("the padding id 1 is not one of 1 ids"));
}

//! Weights files, compared with those of the `safetensors` crate.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tempfile::TempDir;
use tokenmill_embedding::{
    DType, Device, Embedding, Error, Init, Input, InputEmbedding, InputEmbeddingConfig, Names, Passes, Position,
    Positions, Source, TableOptions,
};

const CPU: &Device = &Device::Cpu;
const PLAIN: TableOptions = TableOptions { dtype: DType::F32, padding: None, trainable: true };

fn model(position: Position, scale: f32) -> InputEmbedding {
    let config = InputEmbeddingConfig { position, scale, ..InputEmbeddingConfig::new(7, 5, 3) };
    InputEmbedding::new(config, 11, CPU).unwrap()
}

/// A file that the `safetensors` crate writes.
fn foreign(folder: &TempDir, tensors: &[(&str, Dtype, &[usize], &[u8])], metadata: Option<&str>) -> PathBuf {
    let path = folder.path().join("foreign.safetensors");
    let views =
        tensors.iter().map(|&(name, dtype, shape, data)| (name, TensorView::new(dtype, shape.to_vec(), data).unwrap()));
    let metadata = metadata.map(|json| HashMap::from([("tokenmill".to_owned(), json.to_owned())]));
    fs::write(&path, safetensors::serialize(views, metadata).unwrap()).unwrap();
    path
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn load_error(path: &Path) -> String {
    InputEmbedding::load(path, DType::F32, CPU, usize::MAX).unwrap_err().to_string()
}

#[test]
fn what_is_saved_is_loaded_bit_by_bit() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    for position in [Position::Learned, Position::Sinusoidal, Position::None] {
        let saved = model(position, 3f32.sqrt());
        saved.save(&path, Names::Gpt2).unwrap();
        let loaded = InputEmbedding::load(&path, DType::F32, CPU, usize::MAX).unwrap();
        assert_eq!(loaded.config(), saved.config());
        let output = |model: &InputEmbedding| {
            let input = Input { positions: Positions::From(3), ..Input::new(&[1, 6, 1, 0], &[2, 2]) };
            model.forward(&input).unwrap().values().unwrap()
        };
        assert_eq!(output(&loaded), output(&saved));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn whatever_a_model_is_made_of_is_saved_in_its_type() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    for (dtype, bytes) in [(DType::F32, 4), (DType::BF16, 2), (DType::F16, 2)] {
        let config = InputEmbeddingConfig {
            token_types: 2,
            layer_norm: Some(1e-12),
            dropout: 0.1,
            padding: Some(3),
            dtype,
            ..InputEmbeddingConfig::new(7, 5, 4)
        };
        let saved = InputEmbedding::new(config, 11, CPU).unwrap();
        saved.save(&path, Names::Gpt2).unwrap();
        let file = fs::read(&path).unwrap();
        let tensors = SafeTensors::deserialize(&file).unwrap();
        let values: usize = tensors.tensors().iter().map(|(_, view)| view.data().len()).sum();
        assert_eq!(values, bytes * 4 * (7 + 5 + 2 + 1 + 1));
        assert_eq!(tensors.tensor("LayerNorm.weight").unwrap().shape(), [4]);
        let loaded = InputEmbedding::load(&path, dtype, CPU, usize::MAX).unwrap();
        assert_eq!(loaded.config(), saved.config());
        for (loaded, saved) in loaded.parameters().iter().zip(saved.parameters()) {
            assert_eq!((loaded.name(), loaded.values().unwrap()), (saved.name(), saved.values().unwrap()));
        }
        let wide = InputEmbedding::load(&path, DType::F32, CPU, usize::MAX).unwrap();
        assert_eq!(wide.parameters()[0].values().unwrap(), saved.parameters()[0].values().unwrap());
    }
}

#[test]
fn passes_in_training_are_saved_where_there_is_dropout() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    let passes = Passes { seed: 5, made: 7 };
    for (dropout, expected) in [(0.1, passes), (0.0, Passes::default())] {
        let config = InputEmbeddingConfig { dropout, ..InputEmbeddingConfig::new(7, 5, 3) };
        InputEmbedding::new(config, 11, CPU).unwrap().save_after(passes, &path, Names::Gpt2).unwrap();
        let loaded = InputEmbedding::load(&path, DType::F32, CPU, usize::MAX).unwrap();
        assert_eq!(loaded.passes(), expected);
        assert_eq!(loaded.resized(9, 0, CPU).unwrap().passes(), expected);
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert_eq!(text.contains("passes"), dropout > 0.0, "a file without dropout is one of before");
    }
    let token = bytes(&[0.0; 3]);
    for (entry, expected) in [("seed", "the seed 9007199254740992 is more"), ("passes", "the number of passes")] {
        let json =
            format!(r#"{{"version":1,"position":"none","contextLength":1,"scale":1,"{entry}":9007199254740992}}"#);
        let path = foreign(&folder, &[("wte.weight", Dtype::F32, &[1, 3], &token)], Some(&json));
        assert!(load_error(&path).contains(expected), "{}", load_error(&path));
    }
}

#[test]
fn the_safetensors_crate_reads_what_is_saved() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    let saved = model(Position::Learned, 1.0);
    saved.save(&path, Names::Gpt2).unwrap();
    let file = fs::read(&path).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    assert_eq!(tensors.len(), 2);
    for parameter in saved.parameters() {
        let view = tensors.tensor(parameter.name()).unwrap();
        assert_eq!((view.dtype(), view.shape()), (Dtype::F32, &*parameter.shape()));
        assert_eq!(view.data(), bytes(&parameter.values().unwrap()));
    }
    let (header, metadata) = SafeTensors::read_metadata(&file).unwrap();
    assert_eq!(header % 8, 0, "values are aligned");
    assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
}

#[test]
fn a_gpt2_file_is_read_by_its_names() {
    let folder = TempDir::new().unwrap();
    let (token, position, other) = (bytes(&[1.0, 2.0, 3.0, 4.0]), bytes(&[0.5, 0.25]), [9; 6]);
    let path = foreign(
        &folder,
        &[
            ("wte.weight", Dtype::F32, &[2, 2], &token),
            ("wpe.weight", Dtype::F32, &[1, 2], &position),
            ("h.0.attn.bias", Dtype::U8, &[6], &other),
        ],
        None,
    );
    let model = InputEmbedding::load(&path, DType::F32, CPU, usize::MAX).unwrap();
    assert_eq!((model.config().position, model.config().context_length), (Position::Learned, 1));
    assert_eq!(model.forward(&Input::new(&[1], &[1])).unwrap().values().unwrap(), [3.5, 4.25]);
}

#[test]
fn half_precision_is_widened_exactly() {
    let folder = TempDir::new().unwrap();
    // 1.5, -2^-24 (the smallest of f16), infinity; 1.5, the largest finite of bf16, -0.
    let f16 = [0x3E00u16, 0x8001, 0x7C00].map(u16::to_le_bytes).concat();
    let bf16 = [0x3FC0u16, 0x7F7F, 0x8000].map(u16::to_le_bytes).concat();
    let path = foreign(&folder, &[("f16", Dtype::F16, &[1, 3], &f16), ("bf16", Dtype::BF16, &[3, 1], &bf16)], None);
    let load = |name| Embedding::load(&path, name, PLAIN, CPU, usize::MAX).unwrap().parameter().values().unwrap();
    assert_eq!(load("f16"), [1.5, -1.0 / 16_777_216.0, f32::INFINITY]);
    assert_eq!(load("bf16").iter().map(|v| v.to_bits()).collect::<Vec<_>>(), [0x3FC0_0000, 0x7F7F_0000, 0x8000_0000]);
}

#[test]
fn a_table_larger_than_one_read_comes_back() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("table.safetensors");
    let source = Source { seed: 1, stream: 0 };
    let table = Embedding::new(1001, 1031, Init::Normal { std: 1.0 }, source, PLAIN, CPU).unwrap();
    table.save(&path, "weight").unwrap();
    let loaded = Embedding::load(&path, "weight", PLAIN, CPU, usize::MAX).unwrap();
    assert_eq!(loaded.parameter().values().unwrap(), table.parameter().values().unwrap());
}

#[test]
fn every_cut_of_a_file_is_an_error() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    model(Position::Learned, 1.0).save(&path, Names::Gpt2).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        load_error(&path);
    }
    fs::write(&path, [&*whole, &[0]].concat()).unwrap();
    assert!(load_error(&path).contains("but the file holds"));
}

#[test]
fn changed_bytes_never_panic() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    model(Position::Sinusoidal, 1.0).save(&path, Names::Gpt2).unwrap();
    let whole = fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    for index in 0..header {
        for byte in [0, b'0', b'9', b'"', b'{', 0xFF] {
            let mut changed = whole.clone();
            changed[index] = byte;
            fs::write(&path, &changed).unwrap();
            if let Ok(model) = InputEmbedding::load(&path, DType::F32, CPU, usize::MAX) {
                assert_eq!(model.config().dimensions, 3);
            }
        }
    }
}

#[test]
fn what_is_not_as_expected_is_named() {
    let folder = TempDir::new().unwrap();
    let f32s = bytes(&[0.0; 12]);
    let check = |tensors: &[(&str, Dtype, &[usize], &[u8])], metadata: Option<&str>, expected: &str| {
        let error = load_error(&foreign(&folder, tensors, metadata));
        assert!(error.contains(expected), "{error}");
    };
    let token = ("wte.weight", Dtype::F32, &[4, 3][..], &*f32s);
    let positions = |rows, dimensions, len: usize| ("wpe.weight", Dtype::F32, [rows, dimensions], len * 4);
    check(&[], None, "no tensor \"wte.weight\", only an empty list");
    check(&[token], None, "no tensor \"wpe.weight\", only wte.weight");
    check(&[("wte.weight", Dtype::I32, &[4, 3], &f32s)], None, "holds I32 values");
    check(&[("wte.weight", Dtype::F32, &[12], &f32s)], None, "has the shape [12], expected [rows, dimensions]");
    check(&[("wte.weight", Dtype::F32, &[0, 3], &[])], None, "has the shape [0, 3]");
    let (name, dtype, shape, len) = positions(2, 4, 8);
    check(&[token, (name, dtype, &shape, &f32s[..len])], None, "has the shape [2, 4], expected [2, 3]");
    let (name, dtype, shape, len) = positions(2, 3, 6);
    let learned = [token, (name, dtype, &shape, &f32s[..len])];
    let description = |version, position, length, scale| {
        Some(format!(r#"{{"version":{version},"position":"{position}","contextLength":{length},"scale":{scale}}}"#))
    };
    check(&learned, description(1, "learned", 5, "1").as_deref(), "has the shape [2, 3], expected [5, 3]");
    check(&learned, description(2, "learned", 2, "1").as_deref(), "version 2 is not 1");
    check(&learned, description(1, "rotary", 2, "1").as_deref(), "there is no position \"rotary\"");
    check(&learned, description(1, "none", 0, "1").as_deref(), "the context length is 0");
    check(&learned, description(1, "none", 2, "0").as_deref(), "the scale 0");
    check(&learned, description(1, "none", 2, "1e300").as_deref(), "the metadata of the model is not valid");
    check(&learned, Some("{}"), "missing field");
}

#[test]
fn what_is_no_file_is_an_error() {
    let folder = TempDir::new().unwrap();
    assert!(load_error(&folder.path().join("absent")).contains("could not find the file"));
    assert!(load_error(folder.path()).contains("has neither model.safetensors nor"));
    let saved = model(Position::None, 1.0);
    assert!(
        saved
            .save(&folder.path().join("absent").join("x"), Names::Gpt2)
            .unwrap_err()
            .to_string()
            .contains("make a file beside")
    );
    assert!(saved.save(Path::new("/"), Names::Gpt2).is_err());
    let table = Embedding::from_values(vec![0.0], 1, 1, PLAIN, CPU).unwrap();
    let reserved = table.save(&folder.path().join("x"), "__metadata__").unwrap_err();
    assert!(reserved.to_string().contains("cannot be the name"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_failed_save_leaves_the_older_file_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model");
    // A folder that is not empty cannot be replaced by a file.
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), "kept").unwrap();
    assert!(model(Position::None, 1.0).save(&path, Names::Gpt2).is_err());
    assert_eq!(fs::read_to_string(path.join("inside")).unwrap(), "kept");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn headers_of_impossible_length_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x");
    for (length, expected) in [(u64::MAX, "longer than the 100000000"), (100_000_001, "longer"), (9, "does not fit")] {
        fs::write(&path, [&length.to_le_bytes()[..], b"{}      "].concat()).unwrap();
        assert!(load_error(&path).contains(expected));
    }
    fs::write(&path, [1, 2, 3]).unwrap();
    assert!(load_error(&path).contains("3 bytes are too few"));
}

#[test]
fn a_shape_that_overflows_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x");
    for shape in ["[4611686018427387904,4]", "[4294967296,4294967296]", "[2,1]"] {
        let json = format!(r#"{{"weight":{{"dtype":"F32","shape":{shape},"data_offsets":[0,4]}}}}"#);
        fs::write(&path, [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &[0; 4]].concat()).unwrap();
        let error = Embedding::load(&path, "weight", PLAIN, CPU, usize::MAX).unwrap_err().to_string();
        assert!(error.contains("does not take 4 bytes"), "{error}");
    }
}

#[test]
fn a_table_over_the_limit_is_refused_before_it_is_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x");
    model(Position::Sinusoidal, 1.0).save(&path, Names::Gpt2).unwrap();
    // 7 rows of 3 dimensions; the 5 positions are smaller.
    assert!(InputEmbedding::load(&path, DType::F32, CPU, 84).is_ok());
    assert!(matches!(InputEmbedding::load(&path, DType::F32, CPU, 83), Err(Error::OutOfMemory { bytes: 84 })));
    assert!(Embedding::load(&path, "wte.weight", PLAIN, CPU, 84).is_ok());
    assert!(matches!(Embedding::load(&path, "wte.weight", PLAIN, CPU, 83), Err(Error::OutOfMemory { bytes: 84 })));
    let token = bytes(&[0.0; 3]);
    let json = r#"{"version":1,"position":"sinusoidal","contextLength":1000000000,"scale":1}"#;
    let path = foreign(&folder, &[("wte.weight", Dtype::F32, &[1, 3], &token)], Some(json));
    let error = InputEmbedding::load(&path, DType::F32, CPU, 1 << 30).unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { bytes: 12_000_000_000 }));
}

//! The state of an optimiser in a file.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use tempfile::TempDir;
use tokenmill_embedding::{Device, Error, Input, InputEmbedding, InputEmbeddingConfig, Names, Optimizer, Rule};

const CPU: &Device = &Device::Cpu;
const IDS: [u32; 12] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8];

fn model() -> InputEmbedding {
    let config = InputEmbeddingConfig { layer_norm: Some(1e-5), ..InputEmbeddingConfig::new(11, 6, 5) };
    InputEmbedding::new(config, 3, CPU).unwrap()
}

fn optimizer(model: &InputEmbedding, rule: Rule, is_dense: bool) -> Optimizer {
    Optimizer::new(model.parameters(), rule, 0.1, is_dense).unwrap()
}

fn train(model: &InputEmbedding, optimizer: &mut Optimizer, steps: std::ops::Range<u32>) {
    for step in steps {
        optimizer.set_learning_rate(0.1 / f64::from(step + 3)).unwrap();
        let output = model.forward(&Input::new(&IDS[step as usize % 6..][..6], &[6])).unwrap();
        let grad: Vec<f32> = (0..30).map(|i| ((i * 7 + step) % 11) as f32 - 5.0).collect();
        model.backward(&output, &grad).unwrap();
        optimizer.step().unwrap();
        optimizer.zero_grad();
    }
}

fn bits(model: &InputEmbedding) -> Vec<u32> {
    model.parameters().iter().flat_map(|parameter| parameter.values().unwrap()).map(f32::to_bits).collect()
}

#[test]
fn training_goes_on_from_a_file_as_if_it_had_not_been_interrupted() {
    let folder = TempDir::new().unwrap();
    let (tables, state) = (folder.path().join("model.safetensors"), folder.path().join("optimizer.safetensors"));
    let momentum = Rule::Sgd { momentum: 0.9, weight_decay: 0.01, nesterov: true };
    for (rule, is_dense) in [(Rule::ADAM_W, false), (Rule::ADAM_W, true), (momentum, false), (Rule::SGD, false)] {
        let whole = model();
        let mut at_once = optimizer(&whole, rule, is_dense);
        train(&whole, &mut at_once, 0..9);

        let first = model();
        let mut begun = optimizer(&first, rule, is_dense);
        train(&first, &mut begun, 0..4);
        first.save(&tables, Names::Gpt2).unwrap();
        begun.save(&state).unwrap();

        let second = InputEmbedding::load(&tables, first.config().dtype, CPU, usize::MAX).unwrap();
        let mut again = optimizer(&second, rule, is_dense);
        again.load_file(&state, usize::MAX).unwrap();
        assert_eq!(again.state().unwrap(), begun.state().unwrap());
        assert_eq!(again.learning_rate().to_bits(), begun.learning_rate().to_bits());
        train(&second, &mut again, 4..9);
        assert_eq!(bits(&second), bits(&whole), "{rule:?}, dense: {is_dense}");
    }
}

#[test]
fn an_optimiser_that_made_no_step_is_kept_too() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("optimizer.safetensors");
    let model = model();
    optimizer(&model, Rule::ADAM_W, false).save(&path).unwrap();
    let mut stepped = optimizer(&model, Rule::ADAM_W, false);
    train(&model, &mut stepped, 0..2);
    stepped.load_file(&path, usize::MAX).unwrap();
    assert!(stepped.state().unwrap().iter().all(|state| state.steps == 0 && state.moments.is_empty()));
}

#[test]
fn two_parameters_of_one_name_are_kept_apart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("optimizer.safetensors");
    let (a, b) = (model(), model());
    let both = || Optimizer::new([a.parameters(), b.parameters()].concat(), Rule::ADAM_W, 0.1, false).unwrap();
    let mut optimizer = both();
    train(&a, &mut optimizer, 0..1);
    train(&b, &mut optimizer, 1..3);
    optimizer.save(&path).unwrap();
    let mut again = both();
    again.load_file(&path, usize::MAX).unwrap();
    assert_eq!(again.state().unwrap(), optimizer.state().unwrap());
    assert_ne!(again.state().unwrap()[0], again.state().unwrap()[4]);
}

#[test]
fn a_file_that_does_not_fit_is_refused_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("optimizer.safetensors");
    let model = model();
    let mut stepped = optimizer(&model, Rule::ADAM_W, false);
    train(&model, &mut stepped, 0..3);
    stepped.save(&path).unwrap();
    let good = std::fs::read(&path).unwrap();
    let refused = |optimizer: &mut Optimizer, path: &Path, limit| {
        let before = (optimizer.state().unwrap(), optimizer.learning_rate().to_bits());
        let error = optimizer.load_file(path, limit).unwrap_err();
        assert_eq!((optimizer.state().unwrap(), optimizer.learning_rate().to_bits()), before);
        error
    };
    let mut other = optimizer(&model, Rule::SGD, false);
    let error = refused(&mut other, &path, usize::MAX);
    assert!(error.to_string().ends_with("expected rule sgd, received adamW"), "{error}");
    let mut fewer = Optimizer::new(model.parameters()[..1].to_vec(), Rule::ADAM_W, 0.1, false).unwrap();
    let error = refused(&mut fewer, &path, usize::MAX);
    assert!(matches!(error, Error::State { .. }), "{error}");
    let larger = InputEmbedding::new(InputEmbeddingConfig { vocab_size: 12, ..*model.config() }, 3, CPU).unwrap();
    let error = refused(&mut optimizer(&larger, Rule::ADAM_W, false), &path, usize::MAX);
    assert!(error.to_string().contains("has the shape [11, 5], expected [12, 5]"), "{error}");
    let mut same = optimizer(&model, Rule::ADAM_W, false);
    train(&model, &mut same, 0..1);
    assert!(matches!(refused(&mut same, &path, 10), Error::OutOfMemory { .. }));
    assert!(matches!(refused(&mut same, &folder.path().join("none"), usize::MAX), Error::File { .. }));

    model.save(&path, Names::Gpt2).unwrap();
    assert!(refused(&mut same, &path, usize::MAX).to_string().contains("no state of an optimiser"));
    // Changes in the header that keep its length.
    for (from, to, what) in [
        (r#"\"version\":1"#, r#"\"version\":2"#, "version 2 is not 1"),
        (r#"\"learningRate\":0."#, r#"\"learningRate\":-1"#, "is not finite and at least 0"),
        (r#"\"learningRate\":0."#, r#"\"learningRate\":-."#, "the metadata"),
        (r#"\"rule\""#, r#"\"ruse\""#, "unknown field"),
        ("optimizer.0.", "optimizer.9.", "no tensor"),
    ] {
        std::fs::write(&path, replaced(&good, from, to)).unwrap();
        let error = refused(&mut same, &path, usize::MAX);
        assert!(matches!(error, Error::File { .. }) && error.to_string().contains(what), "{error}");
    }
    std::fs::write(&path, &good[..good.len() - 1]).unwrap();
    assert!(matches!(refused(&mut same, &path, usize::MAX), Error::File { .. }));
}

/// `bytes` with the first `from` as `to`.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

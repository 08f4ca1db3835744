//! Outputs, gradients and steps are torch's: `testdata/embedding/learning.json`, made by `scripts/make-golden-learning.py`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde::Deserialize;
use tokenmill_embedding::{Device, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Rule};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Golden {
    vocab_size: usize,
    context_length: usize,
    dimensions: usize,
    token_types: usize,
    padding_id: u32,
    epsilon: f64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    everything: bool,
    scale: f32,
    /// Gradients are clipped to it.
    max_norm: Option<f64>,
    start: Vec<Vec<f32>>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    ids: Vec<u32>,
    types: Vec<u32>,
    output_grad: Vec<f32>,
    output: Vec<f32>,
    grads: Vec<Vec<f32>>,
    /// Of all gradients, before they were clipped.
    norm: Option<f64>,
    tables: Vec<Vec<f32>>,
}

/// The rule, the learning rate, and whether steps are dense.
fn optimizer_of(name: &str) -> (Rule, f64, bool) {
    let adam = |weight_decay| Rule::AdamW { betas: [0.8, 0.95], epsilon: 1e-4, weight_decay };
    let sgd = |momentum, weight_decay, nesterov| Rule::Sgd { momentum, weight_decay, nesterov };
    match name {
        "sparse adamW" => (Rule::AdamW { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0 }, 0.05, false),
        "sparse adamW with decay" => (adam(0.1), 0.05, false),
        "dense adamW" | "dense adamW, clipped" => (Rule::ADAM_W, 0.05, true),
        "dense adamW with decay" => (adam(0.1), 0.05, true),
        "sparse sgd" | "sparse sgd, clipped" => (sgd(0.0, 0.0, false), 0.1, false),
        "dense sgd" => (sgd(0.9, 0.01, false), 0.1, true),
        "dense sgd with nesterov" => (sgd(0.9, 0.0, true), 0.1, true),
        other => panic!("no optimiser for {other}"),
    }
}

fn assert_close(actual: &[f32], expected: &[f32], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let tolerance = 4e-6 * expected.abs().max(1.0);
        assert!((actual - expected).abs() <= tolerance, "{what}, value {index}: {actual} is not {expected}");
    }
}

#[test]
fn outputs_gradients_and_steps_are_torchs() {
    let golden: Golden = serde_json::from_str(include_str!("../../../testdata/embedding/learning.json")).unwrap();
    assert!(golden.cases.len() >= 9);
    for Case { name, everything, scale, max_norm, start, steps } in golden.cases {
        let config = InputEmbeddingConfig {
            scale,
            token_types: if everything { golden.token_types } else { 0 },
            layer_norm: everything.then_some(golden.epsilon),
            padding: Some(golden.padding_id),
            ..InputEmbeddingConfig::new(golden.vocab_size, golden.context_length, golden.dimensions)
        };
        let embedding = InputEmbedding::new(config, 0, &Device::Cpu).unwrap();
        let parameters = embedding.parameters();
        assert_eq!(parameters.len(), start.len());
        for (parameter, values) in parameters.iter().zip(start) {
            parameter.set_values(&values).unwrap();
        }
        let (rule, learning_rate, is_dense) = optimizer_of(&name);
        let mut optimizer = Optimizer::new(parameters.clone(), rule, learning_rate, is_dense).unwrap();
        for (number, step) in steps.iter().enumerate() {
            let shape = [step.ids.len() / golden.context_length, golden.context_length];
            let types = everything.then_some(&*step.types);
            let output = embedding.forward(&Input { types, ..Input::new(&step.ids, &shape) }).unwrap();
            let what = format!("{name}, step {number}");
            assert_close(&output.values().unwrap(), &step.output, &what);
            embedding.backward(&output, &step.output_grad).unwrap();
            for (parameter, expected) in parameters.iter().zip(&step.grads) {
                let gradient = parameter.grad().unwrap().unwrap();
                let width = golden.dimensions;
                let mut all = vec![0.0; expected.len()];
                for (&id, row) in gradient.ids.iter().zip(gradient.values.chunks(width)) {
                    all[id as usize * width..][..width].copy_from_slice(row);
                }
                assert_close(&all, expected, &format!("{what}, gradient of {}", parameter.name()));
            }
            if let Some(max_norm) = max_norm {
                let (norm, expected) = (optimizer.clip_grad_norm(max_norm).unwrap(), step.norm.unwrap());
                assert!((norm - expected).abs() < 4e-6 * expected, "{what}: a norm of {norm} is not {expected}");
            }
            optimizer.step().unwrap();
            optimizer.zero_grad();
            for (parameter, expected) in parameters.iter().zip(&step.tables) {
                assert_close(&parameter.values().unwrap(), expected, &format!("{what}, {}", parameter.name()));
            }
        }
    }
}

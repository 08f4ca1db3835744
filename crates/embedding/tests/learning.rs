//! Gradients against finite differences and a naive twin, and what holds of training whatever the numbers are.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicBool, Ordering};

use tokenmill_embedding::{
    DType, Device, Dropout, Embedding, Error, Init, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Output,
    Parameter, Position, Positions, RowGradient, Rule, Source, TableOptions,
};

const CPU: &Device = &Device::Cpu;

/// Some numbers in [-1, 1), other ones for each seed.
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mix = |i: u64| (i ^ seed << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..len as u64).map(|i| ((mix(mix(i) >> 7) >> 40) as f32) / (1 << 23) as f32 - 1.0).collect()
}

fn ids(len: usize, rows: usize) -> Vec<u32> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) as u32 % rows as u32).collect()
}

/// A model of everything at once.
fn config() -> InputEmbeddingConfig {
    InputEmbeddingConfig {
        scale: 1.7,
        token_types: 3,
        layer_norm: Some(1e-5),
        dropout: 0.25,
        padding: Some(2),
        ..InputEmbeddingConfig::new(9, 6, 5)
    }
}

/// A gradient with a zero row for each row that has none.
fn dense(parameter: &Parameter) -> Vec<f32> {
    let width = *parameter.shape().last().unwrap();
    let mut all = vec![0.0; parameter.shape().iter().product()];
    let RowGradient { ids, values } = parameter.grad().unwrap().unwrap();
    assert!(ids.is_sorted_by(|a, b| a < b), "ascending, each once");
    for (id, row) in ids.iter().zip(values.chunks(width)) {
        all[*id as usize * width..][..width].copy_from_slice(row);
    }
    all
}

/// The forward pass in `f64`, with a mask that was seen before, and the loss whose gradient is `grad`.
struct Twin<'a> {
    config: InputEmbeddingConfig,
    tables: Vec<Vec<f64>>,
    ids: &'a [u32],
    types: &'a [u32],
    positions: &'a [u32],
    mask: Vec<f64>,
    grad: &'a [f32],
}

impl Twin<'_> {
    fn loss(&self) -> f64 {
        let InputEmbeddingConfig { dimensions: d, scale, layer_norm, .. } = self.config;
        let mut loss = 0.0;
        for (index, &id) in self.ids.iter().enumerate() {
            let row = |table: usize, row: u32| &self.tables[table][row as usize * d..][..d];
            let (token, position, types) = (row(0, id), row(1, self.positions[index]), row(2, self.types[index]));
            let sum: Vec<f64> = (0..d).map(|c| f64::from(scale) * token[c] + types[c] + position[c]).collect();
            let mean = sum.iter().sum::<f64>() / d as f64;
            let variance = sum.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / d as f64;
            let deviation = (variance + layer_norm.unwrap()).sqrt();
            for (c, value) in sum.iter().enumerate() {
                let out = (value - mean) / deviation * self.tables[3][c] + self.tables[4][c];
                loss += f64::from(self.grad[index * d + c]) * out * self.mask[index * d + c];
            }
        }
        loss
    }
}

#[test]
fn gradients_are_finite_differences() {
    let config = config();
    let embedding = InputEmbedding::new(config, 5, CPU).unwrap();
    let parameters = embedding.parameters();
    // Initial values of 0.02 would be far from linear within the step of a difference.
    let mut optimizer = Optimizer::new(parameters.clone(), Rule::SGD, 30.0, false).unwrap();
    let (ids, types) = (ids(12, 9), ids(12, 3));
    assert!(ids.contains(&2), "the padding row is looked up");
    let positions: Vec<u32> = (0..12).map(|index| index * 5 % 6).collect();
    let input = Input {
        types: Some(&types),
        positions: Positions::Each(&positions),
        training: Some(Dropout::key_of(1, 1)),
        ..Input::new(&ids, &[2, 6])
    };
    for round in 0..3 {
        let output = embedding.forward(&input).unwrap();
        let grad = numbers(output.len(), round);
        embedding.backward(&output, &grad).unwrap();
        let ones = embedding.forward(&Input { training: None, ..input }).unwrap().values().unwrap();
        let left = output.values().unwrap();
        let mask = left.iter().zip(&ones).map(|(&left, &whole)| f64::from(left) / f64::from(whole));
        let tables = parameters.iter().map(|p| p.values().unwrap().into_iter().map(f64::from).collect()).collect();
        let mut twin = Twin {
            config,
            tables,
            ids: &ids,
            types: &types,
            positions: &positions,
            mask: mask.map(|factor| if factor < 0.5 { 0.0 } else { 1.0 / 0.75 }).collect(),
            grad: &grad,
        };
        for (table, parameter) in parameters.iter().enumerate() {
            let analytic = dense(parameter);
            for (index, &actual) in analytic.iter().enumerate() {
                if table == 0 && index / 5 == 2 {
                    assert_eq!(actual.to_bits(), 0, "the padding row has no gradient");
                    continue;
                }
                let (step, value) = (1e-6, twin.tables[table][index]);
                twin.tables[table][index] = value + step;
                let above = twin.loss();
                twin.tables[table][index] = value - step;
                let below = twin.loss();
                twin.tables[table][index] = value;
                let expected = (above - below) / (2.0 * step);
                let tolerance = 2e-4 * expected.abs().max(0.1) * if round == 0 { 20.0 } else { 1.0 };
                let name = parameter.name();
                assert!((f64::from(actual) - expected).abs() < tolerance, "{name}[{index}]: {actual}, {expected}");
            }
        }
        optimizer.step().unwrap();
        optimizer.zero_grad();
    }
}

/// Sums in the order of the ids.
fn naive_gradient(ids: &[u32], grads: &[f32], scale: f32, rows: usize, width: usize) -> Vec<f32> {
    let mut all = vec![0.0; rows * width];
    for (&id, grad) in ids.iter().zip(grads.chunks(width)) {
        for (sum, grad) in all[id as usize * width..].iter_mut().zip(grad) {
            *sum += scale * grad;
        }
    }
    all
}

#[test]
fn gradients_are_the_naive_sums_bit_by_bit_on_any_number_of_threads() {
    for (rows, width, batch, context) in [(7, 1, 1, 3), (40, 3, 5, 20), (300, 130, 4, 200), (5000, 64, 8, 500)] {
        for threads in [1, 3] {
            let config =
                InputEmbeddingConfig { scale: 1.3, token_types: 1, ..InputEmbeddingConfig::new(rows, context, width) };
            let embedding = InputEmbedding::new(config, 1, CPU).unwrap();
            let ids = ids(batch * context, rows);
            let grad = numbers(ids.len() * width, 1);
            let positions: Vec<_> = (0..ids.len() as u32).map(|index| index % context as u32).collect();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let output = embedding.forward(&Input::new(&ids, &[batch, context])).unwrap();
                embedding.backward(&output, &grad).unwrap();
            });
            let parameters = embedding.parameters();
            assert_eq!(dense(&parameters[0]), naive_gradient(&ids, &grad, 1.3, rows, width));
            assert_eq!(dense(&parameters[1]), naive_gradient(&positions, &grad, 1.0, context, width));
            assert_eq!(dense(&parameters[2]), naive_gradient(&vec![0; ids.len()], &grad, 1.0, 1, width));
            let looked_up = ids.iter().collect::<std::collections::BTreeSet<_>>();
            let gradient = parameters[0].grad().unwrap().unwrap();
            assert!(gradient.ids.iter().eq(looked_up), "those rows alone");
        }
    }
}

#[test]
fn gradients_add_up_until_they_are_let_go() {
    let embedding =
        Embedding::new(4, 2, Init::Zeros, Source { seed: 0, stream: 0 }, TableOptions::default(), CPU).unwrap();
    let parameter = embedding.parameter();
    assert_eq!(parameter.grad().unwrap(), None);
    let output = || embedding.forward(&[3, 1], &[2]).unwrap();
    embedding.backward(&output(), &[1.0, 2.0, 3.0, 4.0]).unwrap();
    assert_eq!(parameter.grad().unwrap(), Some(RowGradient { ids: vec![1, 3], values: vec![3.0, 4.0, 1.0, 2.0] }));
    embedding.backward(&embedding.forward(&[0, 1], &[2]).unwrap(), &[5.0, 5.0, 1.0, 1.0]).unwrap();
    let both = RowGradient { ids: vec![0, 1, 3], values: vec![5.0, 5.0, 4.0, 5.0, 1.0, 2.0] };
    assert_eq!(parameter.grad().unwrap(), Some(both));
    parameter.zero_grad();
    assert_eq!(parameter.grad().unwrap(), None);
    embedding.backward(&output(), &[0.0, 0.0, 0.0, 7.0]).unwrap();
    assert_eq!(parameter.grad().unwrap().unwrap().values, [0.0, 7.0, 0.0, 0.0], "nothing is left of what was before");
    embedding.backward(&embedding.forward(&[], &[0]).unwrap(), &[]).unwrap();
    assert_eq!(parameter.grad().unwrap().unwrap().ids, [1, 3]);
}

#[test]
fn backward_is_once_for_each_output_and_for_its_own_embedding() {
    let make = || InputEmbedding::new(InputEmbeddingConfig::new(5, 4, 2), 0, CPU).unwrap();
    let (embedding, other) = (make(), make());
    let output = embedding.forward(&Input::new(&[1], &[1])).unwrap();
    assert!(matches!(other.backward(&output, &[1.0, 1.0]), Err(Error::OtherEmbedding)));
    let wrong = embedding.backward(&output, &[1.0]);
    assert!(matches!(wrong, Err(Error::LengthMismatch { expected: 2, actual: 1 })));
    assert_eq!(embedding.parameters()[0].grad().unwrap(), None);
    embedding.backward(&output, &[1.0, 1.0]).unwrap();
    assert!(matches!(embedding.backward(&output, &[1.0, 1.0]), Err(Error::NotRecorded)));
    assert_eq!(embedding.parameters()[0].grad().unwrap().unwrap().values, [1.0, 1.0]);
}

#[test]
fn sums_that_were_normalised_cannot_be_made_again_of_other_tables() {
    let embedding = InputEmbedding::new(config(), 0, CPU).unwrap();
    let mut optimizer = Optimizer::new(embedding.parameters(), Rule::SGD, 1.0, false).unwrap();
    let forward = || embedding.forward(&Input::new(&[1], &[1])).unwrap();
    let (first, second) = (forward(), forward());
    embedding.backward(&first, &[1.0; 5]).unwrap();
    optimizer.step().unwrap();
    assert!(matches!(embedding.backward(&second, &[1.0; 5]), Err(Error::TablesChanged)));
    embedding.backward(&forward(), &[1.0; 5]).unwrap();
}

#[test]
fn frozen_parameters_and_the_padding_row_stay() {
    let config = InputEmbeddingConfig { padding: Some(3), ..InputEmbeddingConfig::new(5, 4, 2) };
    let embedding = InputEmbedding::new(config, 0, CPU).unwrap();
    let [token, position] = embedding.parameters().try_into().unwrap();
    let before = (token.values().unwrap(), position.values().unwrap());
    position.set_trainable(false);
    assert!(token.trainable() && !embedding.parameters()[1].trainable());
    for (rule, is_dense) in [(Rule::ADAM_W, false), (Rule::ADAM_W, true), (Rule::SGD, false), (Rule::SGD, true)] {
        let mut optimizer = Optimizer::new(embedding.parameters(), rule, 0.1, is_dense).unwrap();
        let output = embedding.forward(&Input::new(&[3, 1], &[2])).unwrap();
        embedding.backward(&output, &[1.0; 4]).unwrap();
        assert_eq!(position.grad().unwrap(), None);
        assert_eq!(token.grad().unwrap().unwrap().ids, [1]);
        optimizer.step().unwrap();
        optimizer.zero_grad();
        let after = token.values().unwrap();
        assert_eq!(after[6..8], [0.0, 0.0], "the padding row");
        assert_ne!(after[2..4], before.0[2..4]);
        assert_eq!(position.values().unwrap(), before.1);
    }
    let sinusoidal = InputEmbeddingConfig { position: Position::Sinusoidal, ..config };
    let embedding = InputEmbedding::new(sinusoidal, 0, CPU).unwrap();
    assert_eq!(embedding.parameters().len(), 1, "fixed positions are no parameter");
    embedding.backward(&embedding.forward(&Input::new(&[1], &[1])).unwrap(), &[1.0; 2]).unwrap();
}

#[test]
fn without_epsilon_values_that_had_no_gradient_stay() {
    for (epsilon, is_dense) in [(0.0, true), (0.0, false), (1e-60, true)] {
        let options = TableOptions { padding: Some(0), ..TableOptions::default() };
        let table = Embedding::from_values(vec![1f32; 6], 3, 2, options, CPU).unwrap();
        let rule = Rule::AdamW { betas: [0.9, 0.999], epsilon, weight_decay: 0.0 };
        let mut optimizer = Optimizer::new(vec![table.parameter()], rule, 0.5, is_dense).unwrap();
        table.backward(&table.forward(&[1], &[1]).unwrap(), &[3.0, 0.0]).unwrap();
        optimizer.step().unwrap();
        let values = table.parameter().values().unwrap();
        assert!((values[2] - 0.5).abs() < 1e-6, "{values:?}");
        assert_eq!([&values[..2], &values[3..]].concat(), [0.0, 0.0, 1.0, 1.0, 1.0], "{epsilon}, dense: {is_dense}");
    }
}

#[test]
fn without_memory_a_step_of_adam_is_the_learning_rate_however_small_the_gradient() {
    for is_dense in [false, true] {
        let table = Embedding::from_values(vec![0f32], 1, 1, TableOptions::default(), CPU).unwrap();
        let rule = Rule::AdamW { betas: [0.0, 0.0], epsilon: 1e-20, weight_decay: 0.0 };
        let mut optimizer = Optimizer::new(vec![table.parameter()], rule, 0.125, is_dense).unwrap();
        for (step, grad) in (1..).zip([1.0, 1e-5, -1e-10, 1.0]) {
            table.backward(&table.forward(&[0], &[1]).unwrap(), &[grad]).unwrap();
            optimizer.step().unwrap();
            optimizer.zero_grad();
            let expected = [0.0, -0.125, -0.25, -0.125, -0.25][step];
            let found = table.parameter().values().unwrap()[0];
            assert!((found - expected).abs() < 1e-6, "step {step}, dense: {is_dense}: {found}");
        }
    }
}

#[test]
fn sparse_steps_change_rows_with_a_gradient_alone_and_dense_ones_all() {
    for rule in [Rule::ADAM_W, Rule::Sgd { momentum: 0.9, weight_decay: 0.1, nesterov: true }] {
        for is_dense in [false, true] {
            let source = Source { seed: 1, stream: 0 };
            let init = Init::Normal { std: 1.0 };
            let embedding = Embedding::new(6, 3, init, source, TableOptions::default(), CPU).unwrap();
            let mut optimizer = Optimizer::new(vec![embedding.parameter()], rule, 0.1, is_dense).unwrap();
            let before = embedding.parameter().values().unwrap();
            optimizer.step().unwrap();
            assert_eq!(embedding.parameter().values().unwrap(), before, "no gradient, no step");
            embedding.backward(&embedding.forward(&[4], &[1]).unwrap(), &[1.0, -1.0, 0.5]).unwrap();
            optimizer.step().unwrap();
            let after = embedding.parameter().values().unwrap();
            let changed: Vec<usize> = (0..6).filter(|row| after[row * 3..][..3] != before[row * 3..][..3]).collect();
            assert_eq!(changed, if is_dense { vec![0, 1, 2, 3, 4, 5] } else { vec![4] });
        }
    }
}

/// A few steps of everything, and the values after them.
fn trained(
    dtype: DType,
    rule: Rule,
    is_dense: bool,
    threads: usize,
    steps: std::ops::Range<u64>,
    state: &mut Option<State>,
) -> Vec<f32> {
    let config = InputEmbeddingConfig {
        dtype,
        padding: None,
        ..InputEmbeddingConfig {
            scale: 1.1,
            token_types: 2,
            layer_norm: Some(1e-5),
            dropout: 0.1,
            ..InputEmbeddingConfig::new(700, 90, 100)
        }
    };
    let embedding = InputEmbedding::new(config, 3, CPU).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut optimizer = Optimizer::new(embedding.parameters(), rule, 0.01, is_dense).unwrap();
        if let Some((tables, moments)) = state.take() {
            for (parameter, values) in embedding.parameters().iter().zip(tables) {
                parameter.set_values(&values).unwrap();
            }
            optimizer.load(&moments).unwrap();
        }
        for step in steps {
            let ids: Vec<u32> = ids(900, 700).iter().map(|id| (id + step as u32 * 37) % 700).collect();
            let input = Input { training: Some(Dropout::key_of(3, step)), ..Input::new(&ids, &[10, 90]) };
            let output = embedding.forward(&input).unwrap();
            let grad = numbers(output.len(), step + 1);
            embedding.backward(&output, &grad).unwrap();
            optimizer.step().unwrap();
            optimizer.zero_grad();
        }
        let tables: Vec<_> = embedding.parameters().iter().map(|p| p.values().unwrap()).collect();
        let all = tables.concat();
        *state = Some((tables, optimizer.state().unwrap()));
        all
    })
}

type State = (Vec<Vec<f32>>, Vec<tokenmill_embedding::SlotState>);

#[test]
fn training_is_the_same_on_any_number_of_threads_and_after_a_pause() {
    let sgd = Rule::Sgd { momentum: 0.9, weight_decay: 0.01, nesterov: false };
    for (rule, is_dense) in [(Rule::ADAM_W, false), (Rule::ADAM_W, true), (sgd, false), (sgd, true)] {
        for dtype in DType::ALL {
            let once = trained(dtype, rule, is_dense, 1, 0..4, &mut None);
            assert_eq!(once, trained(dtype, rule, is_dense, 3, 0..4, &mut None));
            let mut state = None;
            let half = trained(dtype, rule, is_dense, 1, 0..2, &mut state);
            assert_ne!(once, half);
            assert_eq!(once, trained(dtype, rule, is_dense, 1, 2..4, &mut state));
            assert!(once.iter().all(|value| value.is_finite()));
        }
    }
}

#[test]
fn a_resized_embedding_keeps_its_rows_and_lets_the_old_parameters_go() {
    for dtype in DType::ALL {
        let config = InputEmbeddingConfig {
            dtype,
            token_types: 2,
            layer_norm: Some(1e-5),
            ..InputEmbeddingConfig::new(5, 4, 3)
        };
        let embedding = InputEmbedding::new(config, 8, CPU).unwrap();
        let old = embedding.parameters();
        old[0].set_trainable(false);
        let before: Vec<_> = old.iter().map(|parameter| parameter.values().unwrap()).collect();
        let output = embedding.forward(&Input::new(&[1], &[1])).unwrap();
        let mut optimizer = Optimizer::new(old.clone(), Rule::ADAM_W, 0.1, false).unwrap();
        let larger = embedding.resized(9, 8, CPU).unwrap();
        let fresh = InputEmbedding::new(InputEmbeddingConfig { vocab_size: 9, ..config }, 8, CPU).unwrap();
        assert_eq!(larger.config(), fresh.config());
        for (larger, fresh) in larger.parameters().iter().zip(fresh.parameters()) {
            assert_eq!(larger.values().unwrap(), fresh.values().unwrap(), "as if it had been made so");
        }
        assert!(!larger.parameters()[0].trainable() && larger.parameters()[1].trainable());
        for parameter in &old {
            assert!(matches!(parameter.values(), Err(Error::Retired)));
            assert!(matches!(parameter.grad(), Err(Error::Retired)));
        }
        assert!(matches!(optimizer.step(), Err(Error::Retired)));
        assert!(matches!(Optimizer::new(old, Rule::ADAM_W, 0.1, false), Err(Error::Retired)));
        assert!(matches!(larger.backward(&output, &[0.0; 3]), Err(Error::Retired)));
        let smaller = larger.resized(2, 8, CPU).unwrap();
        assert_eq!(smaller.parameters()[0].values().unwrap(), before[0][..6]);
        assert_eq!(smaller.parameters()[1].values().unwrap(), before[1]);
        assert!(smaller.forward(&Input::new(&[2], &[1])).is_err());
    }
    let config = InputEmbeddingConfig { padding: Some(3), ..InputEmbeddingConfig::new(5, 4, 3) };
    let embedding = InputEmbedding::new(config, 8, CPU).unwrap();
    assert!(matches!(embedding.resized(3, 0, CPU), Err(Error::IdOutOfRange { id: 3, .. })));
    assert!(matches!(embedding.resized(0, 0, CPU), Err(Error::Zero { .. })));
    assert!(matches!(embedding.resized(usize::MAX, 0, CPU), Err(Error::TooManyRows { .. })));
    assert!(embedding.parameters()[0].values().is_ok(), "nothing has changed");
}

#[test]
fn a_retired_embedding_is_an_error_everywhere() {
    let embedding = InputEmbedding::new(config(), 0, CPU).unwrap();
    let output: Output = embedding.forward(&Input::new(&[1], &[1])).unwrap();
    let parameters = embedding.parameters();
    embedding.retire();
    assert!(matches!(embedding.forward(&Input::new(&[1], &[1])), Err(Error::Retired)));
    assert!(matches!(embedding.backward(&output, &[1.0; 5]), Err(Error::Retired)));
    assert!(matches!(parameters[0].values(), Err(Error::Retired)));
    assert!(matches!(embedding.resized(20, 0, CPU), Err(Error::Retired)));
    assert_eq!(output.values().unwrap().len(), 5, "what came out of it stays");
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let embedding = InputEmbedding::new(config(), 0, CPU).unwrap();
    let make = |rule, learning_rate| Optimizer::new(embedding.parameters(), rule, learning_rate, false);
    for bad in [-1e-9, f64::NAN, f64::INFINITY] {
        let adam = |betas, epsilon, weight_decay| make(Rule::AdamW { betas, epsilon, weight_decay }, 0.1);
        let sgd = |momentum, weight_decay| make(Rule::Sgd { momentum, weight_decay, nesterov: false }, 0.1);
        for optimizer in [
            make(Rule::ADAM_W, bad),
            adam([bad, 0.9], 0.0, 0.0),
            adam([0.9, bad], 0.0, 0.0),
            adam([0.9, 1.0], 0.0, 0.0),
            adam([0.9, 0.9], bad, 0.0),
            adam([0.9, 0.9], 0.0, bad),
            sgd(bad, 0.0),
            sgd(0.0, bad),
        ] {
            assert!(matches!(optimizer, Err(Error::Number { .. })));
        }
        let mut optimizer = make(Rule::ADAM_W, 0.25).unwrap();
        assert!(matches!(optimizer.set_learning_rate(bad), Err(Error::Number { .. })));
        assert_eq!(optimizer.learning_rate().to_bits(), 0.25f64.to_bits());
    }
    assert!(matches!(
        make(Rule::Sgd { momentum: 0.0, weight_decay: 0.0, nesterov: true }, 0.1),
        Err(Error::Number { .. })
    ));
    let twice = [embedding.parameters(), embedding.parameters()].concat();
    assert!(matches!(Optimizer::new(twice, Rule::SGD, 0.1, false), Err(Error::SameParameter { index: 5, .. })));
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    let embedding =
        Embedding::new(3, 2, Init::Zeros, Source { seed: 0, stream: 0 }, TableOptions::default(), CPU).unwrap();
    let mut optimizer = Optimizer::new(vec![embedding.parameter()], Rule::ADAM_W, 0.1, false).unwrap();
    embedding.backward(&embedding.forward(&[1], &[1]).unwrap(), &[1.0, 2.0]).unwrap();
    optimizer.step().unwrap();
    let state = optimizer.state().unwrap();
    assert_eq!(state[0].steps, 1);
    assert_eq!(state[0].moments[0].iter().filter(|value| **value != 0.0).count(), 2);
    let mut refused = |state: &[tokenmill_embedding::SlotState]| {
        let error = optimizer.load(state).unwrap_err();
        assert!(matches!(error, Error::State { .. }));
        assert_eq!(optimizer.state().unwrap()[0].steps, 1, "nothing has changed");
        error.to_string()
    };
    assert!(refused(&[]).ends_with("it is of 0 parameters, and there are 1"));
    let mut short = state.clone();
    short[0].moments[1].pop();
    assert!(refused(&short).ends_with("weight has 6 values, and a moment of it 5"));
    let mut few = state.clone();
    few[0].moments.pop();
    assert!(refused(&few).ends_with("weight has 1 moments, and there are 2"));
    optimizer.load(&state).unwrap();
    assert_eq!(optimizer.state().unwrap(), state);
}

#[test]
fn a_bound_of_infinity_changes_no_gradient() {
    let table = Embedding::from_values(vec![0f32; 2], 1, 2, TableOptions::default(), CPU).unwrap();
    let optimizer = Optimizer::new(vec![table.parameter()], Rule::SGD, 0.1, false).unwrap();
    let grads = [f32::INFINITY, 2.0];
    table.backward(&table.forward(&[0], &[1]).unwrap(), &grads).unwrap();
    assert!(optimizer.clip_grad_norm(f64::INFINITY).unwrap().is_infinite());
    assert_eq!(table.parameter().grad().unwrap().unwrap().values, grads);
}

#[test]
fn clipped_gradients_have_the_norm_that_was_asked_for() {
    let embedding = InputEmbedding::new(InputEmbeddingConfig { padding: None, ..config() }, 3, CPU).unwrap();
    let parameters = embedding.parameters();
    parameters[1].set_trainable(false);
    let gradients = || parameters.iter().map(|parameter| parameter.grad().unwrap()).collect::<Vec<_>>();
    let set = |shrink: f32| {
        parameters.iter().for_each(Parameter::zero_grad);
        let output = embedding.forward(&Input::new(&[1, 1, 4, 1], &[2, 2])).unwrap();
        let grad: Vec<f32> = numbers(20, 4).iter().map(|value| value * shrink).collect();
        embedding.backward(&output, &grad).unwrap();
        gradients()
    };
    let optimizer = Optimizer::new(parameters.clone(), Rule::SGD, 1.0, false).unwrap();
    assert_eq!(optimizer.clip_grad_norm(1.0).unwrap().to_bits(), 0, "of no gradient");
    let whole = set(1.0);
    let norm_of = |all: &[Option<RowGradient>]| {
        let values = all.iter().flatten().flat_map(|gradient| &gradient.values);
        values.map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
    };
    let expected = norm_of(&whole);
    assert_eq!(whole[0].as_ref().unwrap().ids, [1, 4], "the row that was looked up three times counts as one");
    for largest in [f64::INFINITY, expected + 1e-3] {
        assert!((optimizer.clip_grad_norm(largest).unwrap() - expected).abs() < 1e-12);
        assert_eq!(gradients(), whole, "they are small enough");
    }
    let mut again = set(1.0);
    assert!((optimizer.clip_grad_norm(0.25).unwrap() - expected).abs() < 1e-12);
    assert!((norm_of(&gradients()) - 0.25).abs() < 1e-6);
    let factor = (0.25 / (expected + 1e-6)) as f32;
    again.iter_mut().flatten().for_each(|gradient| gradient.values.iter_mut().for_each(|value| *value *= factor));
    assert_eq!(gradients(), again);
    optimizer.clip_grad_norm(0.0).unwrap();
    assert_eq!(norm_of(&gradients()).to_bits(), 0);

    // As in torch: whoever does not look at the norm finds it in the gradients.
    set(f32::NAN);
    assert!(optimizer.clip_grad_norm(1.0).unwrap().is_nan());
    assert!(gradients()[0].as_ref().unwrap().values.iter().all(|value| value.is_nan()));

    // What does not take part in a step is neither counted nor changed.
    let whole = set(1.0);
    parameters[0].set_trainable(false);
    let rest = norm_of(&whole[1..]);
    assert!((optimizer.clip_grad_norm(0.5 * rest).unwrap() - rest).abs() < 1e-12);
    assert_eq!(gradients()[0], whole[0]);
    assert!((norm_of(&gradients()[1..]) - 0.5 * rest).abs() < 1e-6);

    for bad in [-1.0, f64::NAN, f64::NEG_INFINITY] {
        assert!(matches!(optimizer.clip_grad_norm(bad), Err(Error::Number { .. })));
    }
    embedding.retire();
    assert!(matches!(optimizer.clip_grad_norm(1.0), Err(Error::Retired)));
}

#[test]
fn a_large_gradient_is_clipped_to_the_same_bits_by_any_number_of_threads() {
    let clipped = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let source = Source { seed: 0, stream: 0 };
            let table = Embedding::new(700, 301, Init::Zeros, source, TableOptions::default(), CPU).unwrap();
            let all: Vec<u32> = (0..700).collect();
            table.backward(&table.forward(&all, &[700]).unwrap(), &numbers(700 * 301, 9)).unwrap();
            let optimizer = Optimizer::new(vec![table.parameter()], Rule::SGD, 1.0, false).unwrap();
            (optimizer.clip_grad_norm(1.0).unwrap().to_bits(), table.parameter().grad().unwrap().unwrap().values)
        })
    };
    let (norm, values) = clipped(1);
    let naive: f64 = numbers(700 * 301, 9).iter().map(|&value| f64::from(value).powi(2)).sum();
    assert!((f64::from_bits(norm) - naive.sqrt()).abs() < 1e-9 * naive.sqrt());
    assert_eq!((norm, values), clipped(3));
}

/// Steps take 1 of all values of both tables, which were equal: a pass that reads one of them before a step and the other after it is odd.
#[test]
fn a_pass_reads_all_tables_before_a_step_or_after_it() {
    const ROWS: usize = 64;
    const DIMENSIONS: usize = 256;
    let embedding = InputEmbedding::new(InputEmbeddingConfig::new(ROWS, ROWS, DIMENSIONS), 0, CPU).unwrap();
    for parameter in embedding.parameters() {
        parameter.set_values(&vec![0.0; ROWS * DIMENSIONS]).unwrap();
    }
    let ids: Vec<u32> = (0..ROWS as u32).collect();
    let input = Input::new(&ids, &[1, ROWS]);
    let output = embedding.forward(&input).unwrap();
    embedding.backward(&output, &vec![1.0; ROWS * DIMENSIONS]).unwrap();
    let mut optimizer = Optimizer::new(embedding.parameters(), Rule::SGD, 1.0, false).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20_000 {
                optimizer.step().unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let mut out = vec![0.0f32; ROWS * DIMENSIONS];
        while !is_over.load(Ordering::Relaxed) {
            embedding.forward_into(&input, &mut out[..]).unwrap();
            assert!(out.iter().all(|value| value % 2.0 == 0.0 && value.to_bits() == out[0].to_bits()), "{}", out[0]);
        }
    });
}

//! Steps of optimisers.

use tokenmill_embedding::{DType, Device, Dropout, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Rule};

use crate::{all_values, assert_close, ids, numbers, table};

on_every_device! {
    steps_are_the_definition
    training_goes_on_after_a_reload
    the_same_training_gives_the_same_bits
    padding_and_frozen_tables_do_not_change
    gradients_are_clipped
}

const RULES: [Rule; 5] = [
    Rule::ADAM_W,
    Rule::SGD,
    Rule::Sgd { momentum: 0.9, weight_decay: 0.1, nesterov: false },
    Rule::Sgd { momentum: 0.8, weight_decay: 0.05, nesterov: true },
    Rule::AdamW { betas: [0.3, 0.4], epsilon: 1e-8, weight_decay: 0.01 },
];

/// One value through the formulas of the papers, in `f64`.
fn stepped(rule: Rule, value: f64, kept: &mut [f64; 2], grad: f64, rate: f64, steps: i32, is_dense: bool) -> f64 {
    match rule {
        Rule::AdamW { betas, epsilon, weight_decay } => {
            kept[0] = betas[0] * kept[0] + (1.0 - betas[0]) * grad;
            kept[1] = betas[1] * kept[1] + (1.0 - betas[1]) * grad * grad;
            let corrected = kept[0] / (1.0 - betas[0].powi(steps));
            let correction = (1.0 - betas[1].powi(steps)).sqrt();
            let divisor = kept[1].sqrt() / correction + if is_dense { epsilon } else { epsilon / correction };
            value * (1.0 - rate * weight_decay) - rate * corrected / divisor
        }
        Rule::Sgd { momentum, weight_decay, nesterov } => {
            let direction = grad + weight_decay * value;
            kept[0] = momentum * kept[0] + direction;
            value - rate * if nesterov { direction + momentum * kept[0] } else { kept[0] }
        }
    }
}

fn steps_are_the_definition(device: &Device) {
    for (rule, is_dense) in RULES.into_iter().flat_map(|rule| [(rule, false), (rule, true)]) {
        for dimensions in [1, 4, 7, 768, 1030] {
            let rows = 13;
            let embedding = table(numbers(rows * dimensions, 1), rows, DType::F32, device);
            let mut optimizer = Optimizer::new(vec![embedding.parameter()], rule, 0.05, is_dense).unwrap();
            let mut values: Vec<f64> = numbers(rows * dimensions, 1).into_iter().map(f64::from).collect();
            let mut kept = vec![[0.0; 2]; values.len()];
            for step in 1..4 {
                let ids = ids(6, rows, step);
                let output = embedding.forward(&ids, &[6]).unwrap();
                let grad = numbers(output.len(), step);
                embedding.backward(&output, &grad).unwrap();
                optimizer.step().unwrap();
                optimizer.zero_grad();
                for row in (0..rows).filter(|&row| is_dense || ids.contains(&(row as u32))) {
                    for d in 0..dimensions {
                        let own = ids.iter().zip(grad.chunks(dimensions)).filter(|&(&id, _)| id as usize == row);
                        let sum = own.map(|(_, grad)| f64::from(grad[d])).sum();
                        let at = row * dimensions + d;
                        values[at] = stepped(rule, values[at], &mut kept[at], sum, 0.05, step as i32, is_dense);
                    }
                }
                let what = format!("{rule:?}, dense: {is_dense}, {dimensions} dimensions, step {step}");
                assert_close(&embedding.parameter().values().unwrap(), &values, 3e-5, &what);
            }
        }
    }
}

/// A model after some steps of training, and its optimiser.
fn trained(dtype: DType, rule: Rule, device: &Device, steps: u64) -> (InputEmbedding, Optimizer) {
    let config = InputEmbeddingConfig { dtype, dropout: 0.1, ..InputEmbeddingConfig::new(40, 10, 20) };
    let embedding = InputEmbedding::new(config, 2, device).unwrap();
    let mut optimizer = Optimizer::new(embedding.parameters(), rule, 0.01, false).unwrap();
    train(&embedding, &mut optimizer, 0..steps);
    (embedding, optimizer)
}

fn train(embedding: &InputEmbedding, optimizer: &mut Optimizer, steps: std::ops::Range<u64>) {
    for step in steps {
        let ids = ids(200, 40, step);
        let input = Input { training: Some(Dropout::key_of(3, step)), ..Input::new(&ids, &[20, 10]) };
        let output = embedding.forward(&input).unwrap();
        embedding.backward(&output, &numbers(output.len(), step)).unwrap();
        optimizer.step().unwrap();
        optimizer.zero_grad();
    }
}

fn training_goes_on_after_a_reload(device: &Device) {
    for (dtype, rule) in DType::ALL.into_iter().zip(RULES) {
        let (embedding, mut optimizer) = trained(dtype, rule, device, 3);
        let mut again = Optimizer::new(embedding.parameters(), rule, 0.01, false).unwrap();
        again.load(&optimizer.state().unwrap()).unwrap();
        let (twin, _) = trained(dtype, rule, device, 3);
        assert_eq!(all_values(&embedding), all_values(&twin));
        let mut of_twin = Optimizer::new(twin.parameters(), rule, 0.01, false).unwrap();
        of_twin.load(&optimizer.state().unwrap()).unwrap();
        train(&embedding, &mut again, 3..6);
        train(&twin, &mut of_twin, 3..6);
        assert_eq!(all_values(&embedding), all_values(&twin));
        optimizer.load(&again.state().unwrap()).unwrap();
        assert_eq!(optimizer.state().unwrap(), of_twin.state().unwrap());
    }
}

fn the_same_training_gives_the_same_bits(device: &Device) {
    for dtype in DType::ALL {
        let of = || all_values(&trained(dtype, Rule::ADAM_W, device, 4).0);
        assert_eq!(of(), of());
    }
}

fn padding_and_frozen_tables_do_not_change(device: &Device) {
    for rule in RULES {
        let config = InputEmbeddingConfig { padding: Some(1), ..InputEmbeddingConfig::new(5, 4, 6) };
        let embedding = InputEmbedding::new(config, 2, device).unwrap();
        let [token, position] = &embedding.parameters()[..] else { panic!("two tables") };
        position.set_trainable(false);
        let (before, places) = (token.values().unwrap(), position.values().unwrap());
        assert_eq!(before[6..12], [0.0; 6]);
        let mut optimizer = Optimizer::new(embedding.parameters(), rule, 0.1, true).unwrap();
        let output = embedding.forward(&Input::new(&[1, 0, 1, 3], &[1, 4])).unwrap();
        embedding.backward(&output, &[1.0; 24]).unwrap();
        assert_eq!(token.grad().unwrap().unwrap().ids, [0, 3]);
        assert_eq!(position.grad().unwrap(), None);
        optimizer.step().unwrap();
        let after = token.values().unwrap();
        assert_eq!(after[6..12], [0.0; 6]);
        assert_ne!(after[..6], before[..6]);
        assert_eq!(position.values().unwrap(), places);
        // Moments of a table in which the row learned.
        let mut state = optimizer.state().unwrap();
        for moment in state.iter_mut().flat_map(|slot| &mut slot.moments) {
            moment.fill(0.5);
        }
        optimizer.load(&state).unwrap();
        optimizer.step().unwrap();
        let moved = token.values().unwrap();
        assert_eq!(moved[6..12], [0.0; 6], "{rule:?}");
        assert_ne!(moved[..6], after[..6]);
    }
}

fn gradients_are_clipped(device: &Device) {
    let embedding = InputEmbedding::new(InputEmbeddingConfig::new(300, 10, 7), 2, device).unwrap();
    let optimizer = Optimizer::new(embedding.parameters(), Rule::SGD, 0.1, false).unwrap();
    // Row 3 comes more often than a segment of a device takes.
    let ids: Vec<u32> = ids(300, 300, 5).into_iter().map(|id| if id % 2 == 0 { 3 } else { id }).collect();
    let output = embedding.forward(&Input::new(&ids, &[30, 10])).unwrap();
    embedding.backward(&output, &numbers(output.len(), 6)).unwrap();
    let gradients = || {
        let gradients = embedding.parameters().into_iter().map(|parameter| parameter.grad().unwrap().unwrap().values);
        gradients.collect::<Vec<_>>().concat()
    };
    let whole = gradients();
    let expected = whole.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let norm = optimizer.clip_grad_norm(2.0).unwrap();
    assert!(expected > 4.0 && (norm - expected).abs() < 1e-9 * expected, "{norm} is not {expected}");
    let factor = 2.0 / expected;
    let clipped: Vec<f64> = whole.iter().map(|&value| f64::from(value) * factor).collect();
    assert_close(&gradients(), &clipped, 1e-6, "clipped");
    // What comes later is added to them.
    let before = gradients();
    let output = embedding.forward(&Input::new(&[3], &[1])).unwrap();
    embedding.backward(&output, &numbers(7, 8)).unwrap();
    let row = embedding.parameters()[0].grad().unwrap().unwrap().ids.iter().position(|&id| id == 3).unwrap() * 7;
    let sums: Vec<f64> = (0..7).map(|d| f64::from(before[row + d]) + f64::from(numbers(7, 8)[d])).collect();
    assert_close(&gradients()[row..row + 7], &sums, 1e-6, "and added to");
}

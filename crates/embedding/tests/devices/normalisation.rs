//! Layer normalisation, forward and backward.

use tokenmill_embedding::{
    DType, Device, Dropout, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Output, Rule,
};

use crate::{WIDTHS, all_values, assert_close, bits, dense, ids, numbers, rounded, table};

on_every_device! {
    sums_are_normalised
    gradients_go_through_a_normalisation
    many_rows_have_one_weight
    what_is_normalised_learns_as_on_the_cpu
}

/// A model with everything, whose tables are random numbers.
fn normalising(dtype: DType, dimensions: usize, device: &Device) -> InputEmbedding {
    let config = InputEmbeddingConfig {
        scale: 1.5,
        token_types: 2,
        layer_norm: Some(1e-5),
        dropout: 0.25,
        padding: Some(4),
        dtype,
        ..InputEmbeddingConfig::new(19, 8, dimensions)
    };
    let embedding = InputEmbedding::new(config, 1, device).unwrap();
    for (seed, parameter) in embedding.parameters().iter().enumerate() {
        parameter.set_values(&numbers(parameter.shape().iter().product(), seed as u64 + 20)).unwrap();
    }
    embedding
}

/// The sums of a model with everything, of ids from position 0 on, in `f64`.
fn sums_of(embedding: &InputEmbedding, ids: &[u32], types: &[u32]) -> Vec<f64> {
    let tables: Vec<_> = embedding.parameters().iter().map(|parameter| parameter.values().unwrap()).collect();
    let dimensions = embedding.config().dimensions;
    let value = |at: usize| {
        let (index, d) = (at / dimensions, at % dimensions);
        let of = |table: usize, row: usize| f64::from(tables[table][row * dimensions + d]);
        let sum = of(1, index % 8) + of(2, types[index] as usize);
        f64::from(embedding.config().scale) * of(0, ids[index] as usize) + sum
    };
    (0..ids.len() * dimensions).map(value).collect()
}

/// Rows of mean 0 and variance 1, and one over the deviation that each had.
fn normal(sums: &[f64], dimensions: usize) -> (Vec<f64>, Vec<f64>) {
    let row = |row: &[f64]| {
        let mean = row.iter().sum::<f64>() / dimensions as f64;
        let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / dimensions as f64;
        let factor = 1.0 / (variance + f64::from(1e-5f32)).sqrt();
        (row.iter().map(|value| (value - mean) * factor).collect::<Vec<_>>(), factor)
    };
    let (rows, factors): (Vec<_>, Vec<_>) = sums.chunks(dimensions).map(row).unzip();
    (rows.concat(), factors)
}

fn sums_are_normalised(device: &Device) {
    for dtype in DType::ALL {
        for dimensions in WIDTHS {
            let embedding = normalising(dtype, dimensions, device);
            let (ids, types) = (ids(40, 19, 1), ids(40, 2, 2));
            let input = Input { types: Some(&types), ..Input::new(&ids, &[5, 8]) };
            let values = embedding.forward(&input).unwrap().values().unwrap();
            let parameters = embedding.parameters();
            let [weight, bias] = [3, 4].map(|index| parameters[index].values().unwrap());
            let (normal, _) = normal(&sums_of(&embedding, &ids, &types), dimensions);
            let of = |(at, normal)| normal * f64::from(weight[at % dimensions]) + f64::from(bias[at % dimensions]);
            let expected: Vec<_> = normal.iter().enumerate().map(of).collect();
            // One value less its mean is the rounding of it, times one over the root of epsilon.
            let tolerance = if dtype == DType::BF16 {
                5e-3
            } else if dtype == DType::F16 {
                6e-4
            } else {
                3e-5
            };
            assert_close(&values, &expected, tolerance, &format!("{dtype:?}, {dimensions} dimensions"));
            // And all bits are those of the CPU, also in training and where there are no types.
            let training = Input { training: Some(Dropout::key_of(1, 2)), ..input };
            for input in [input, training, Input::new(&ids, &[5, 8])] {
                let there = normalising(dtype, dimensions, &Device::Cpu).forward(&input).unwrap().values().unwrap();
                assert_eq!(bits(&embedding.forward(&input).unwrap().values().unwrap()), bits(&there));
            }
        }
    }
}

/// What a training pass gives of some ids of a model with everything, and which ids and types they are.
fn learning(embedding: &InputEmbedding) -> (Output, Vec<u32>, Vec<u32>) {
    let (ids, types) = (ids(40, 19, 3), ids(40, 2, 4));
    let training = Some(Dropout::key_of(5, 6));
    let output = embedding.forward(&Input { types: Some(&types), training, ..Input::new(&ids, &[5, 8]) }).unwrap();
    (output, ids, types)
}

/// Adds what `grads`, as an array or as a tensor of type `by`, are for such a pass to the gradients.
fn learn(embedding: &InputEmbedding, grads: &[f32], by: Option<DType>, device: &Device) {
    let (output, ..) = learning(embedding);
    let Some(dtype) = by else { return embedding.backward(&output, grads).unwrap() };
    let grads = table(grads.to_vec(), 40, dtype, device);
    let all: Vec<u32> = (0..40).collect();
    embedding.backward_tensor(&output, &grads.forward(&all, &[5, 8]).unwrap()).unwrap();
}

fn gradients_go_through_a_normalisation(device: &Device) {
    for dtype in DType::ALL {
        for by in [None, Some(DType::F32), Some(DType::BF16), Some(DType::F16)] {
            for dimensions in [1, 7, 16, 33, 768, 1100] {
                let embedding = normalising(dtype, dimensions, device);
                let grads = numbers(40 * dimensions, 7);
                learn(&embedding, &grads, by, device);
                // What is left out is 0, which nothing else is.
                let (left, ids, types) = learning(&embedding);
                let left = left.values().unwrap();
                let masks = left.iter().map(|&value| if value == 0.0 { 0.0 } else { 1.0 / 0.75 });
                let given = grads.iter().map(|&grad| f64::from(by.map_or(grad, |dtype| rounded(dtype, grad))));
                let given: Vec<_> = given.zip(masks).map(|(grad, factor)| grad * factor).collect();
                let weight = embedding.parameters()[3].values().unwrap();
                let (normal, factors) = normal(&sums_of(&embedding, &ids, &types), dimensions);
                let mut expected = [19, 8, 2, 1, 1].map(|rows| vec![0.0; rows * dimensions]);
                for (row, factor) in factors.into_iter().enumerate() {
                    let at = |d: usize| row * dimensions + d;
                    let weighted: Vec<_> = (0..dimensions).map(|d| given[at(d)] * f64::from(weight[d])).collect();
                    let mean = weighted.iter().sum::<f64>() / dimensions as f64;
                    let along = weighted.iter().enumerate().map(|(d, value)| value * normal[at(d)]).sum::<f64>();
                    for d in 0..dimensions {
                        let of_sum = factor * (weighted[d] - mean - normal[at(d)] * along / dimensions as f64);
                        let rows = [ids[row] as usize, row % 8, types[row] as usize, 0, 0];
                        let added = [1.5 * of_sum, of_sum, of_sum, given[at(d)] * normal[at(d)], given[at(d)]];
                        for ((sums, row), added) in expected.iter_mut().zip(rows).zip(added) {
                            sums[row * dimensions + d] += added;
                        }
                    }
                }
                expected[0][4 * dimensions..5 * dimensions].fill(0.0);
                let twin = normalising(dtype, dimensions, &Device::Cpu);
                learn(&twin, &grads, by, &Device::Cpu);
                for ((parameter, expected), twin) in embedding.parameters().iter().zip(&expected).zip(twin.parameters())
                {
                    let what = format!("{dtype:?} by {by:?}, {} of {dimensions}", parameter.name());
                    // Of a row of one value, what is left of it by the mean is the rounding, times one over the root of epsilon.
                    assert_close(&dense(parameter), expected, 1e-4, &what);
                    assert_eq!(bits(&dense(parameter)), bits(&dense(&twin)), "{what}");
                }
            }
        }
    }
}

/// The rows of a batch are all rows of one sum, which devices make in parts.
fn many_rows_have_one_weight(device: &Device) {
    let (rows, dimensions) = (1000, 24);
    let config = InputEmbeddingConfig { layer_norm: Some(1e-5), ..InputEmbeddingConfig::new(19, 8, dimensions) };
    let embedding = InputEmbedding::new(config, 1, device).unwrap();
    let (ids, grads) = (ids(rows, 19, 3), numbers(rows * dimensions, 7));
    let output = embedding.forward(&Input::new(&ids, &[125, 8])).unwrap();
    let normal = output.values().unwrap();
    embedding.backward(&output, &grads).unwrap();
    let mut expected = [vec![0.0; dimensions], vec![0.0; dimensions]];
    for (at, (&normal, &grad)) in normal.iter().zip(&grads).enumerate() {
        expected[0][at % dimensions] += f64::from(grad) * f64::from(normal);
        expected[1][at % dimensions] += f64::from(grad);
    }
    for (parameter, expected) in embedding.parameters()[2..].iter().zip(&expected) {
        assert_close(&dense(parameter), expected, 1e-4, parameter.name());
    }
}

fn what_is_normalised_learns_as_on_the_cpu(device: &Device) {
    for dtype in DType::ALL {
        let learned = |device: &Device| {
            let embedding = normalising(dtype, 20, device);
            let mut optimizer = Optimizer::new(embedding.parameters(), Rule::ADAM_W, 0.01, false).unwrap();
            for step in 0..3 {
                learn(&embedding, &numbers(40 * 20, step), None, device);
                optimizer.step().unwrap();
                optimizer.zero_grad();
            }
            all_values(&embedding)
        };
        assert_eq!(learned(device), learned(&Device::Cpu));
    }
}

//! What holds on every device, written once: each test runs on the CPU, and on CUDA device 0 where there is one, else says why not.
//! With `TOKENMILL_TEST_CUDA=1` it is an error that there is none (`npm run test:cuda`).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::Var;
use half::{bf16, f16};
use tokenmill_embedding::{
    DType, Device, Dropout, Embedding, Error, Init, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Output,
    Parameter, Position, Positions, Rule, Source, TableOptions, Tensor, cuda_device, gpus, lookup, sinusoidal,
};

macro_rules! on_every_device {
    ($($name:ident)+) => {
        mod cpu {
            $(#[test] fn $name() { super::$name(&super::Device::Cpu) })+
        }
        mod cuda {
            $(#[test] fn $name() { super::on_cuda(super::$name) })+
        }
    };
}

on_every_device! {
    the_lookup_is_the_definition
    single_rows_are_read_where_they_are
    there_may_be_more_rows_than_blocks
    values_are_left_out_as_on_the_cpu
    sums_are_normalised
    gradients_go_through_a_normalisation
    many_rows_have_one_weight
    what_is_normalised_learns_as_on_the_cpu
    an_empty_batch_gives_an_empty_result
    ids_that_are_no_rows_are_refused
    gradients_are_sums_of_rows
    frequent_ids_have_the_sum_of_all
    gradients_of_dropout_are_those_of_the_cpu
    a_gradient_can_be_a_tensor
    candle_goes_through_the_lookup
    steps_are_the_definition
    training_goes_on_after_a_reload
    the_same_training_gives_the_same_bits
    padding_and_frozen_tables_do_not_change
    a_parameter_is_set_in_place
    resized_tables_keep_their_rows
    what_was_disposed_is_gone
    threads_share_a_device
}

fn on_cuda(test: fn(&Device)) {
    match cuda_device(0) {
        Ok(device) => test(&device),
        Err(reason) => {
            assert!(std::env::var_os("TOKENMILL_TEST_CUDA").is_none(), "there is no CUDA device: {reason}");
            eprintln!("not run on CUDA: {reason}");
        }
    }
}

/// Some numbers in [-1, 1), other ones for each seed.
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mix = |i: u64| (i ^ seed << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..len as u64).map(|i| ((mix(mix(i) >> 7) >> 40) as f32) / (1 << 23) as f32 - 1.0).collect()
}

/// Some ids below `rows`, other ones for each seed.
fn ids(len: usize, rows: usize, seed: u64) -> Vec<u32> {
    let mix = |i: u64| (i ^ seed << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..len as u64).map(|i| (mix(i) >> 33) as u32 % rows as u32).collect()
}

/// `value` as the type holds it, by the half crate.
fn rounded(dtype: DType, value: f32) -> f32 {
    match dtype {
        DType::F32 => value,
        DType::BF16 => bf16::from_f32(value).to_f32(),
        DType::F16 => f16::from_f32(value).to_f32(),
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn table(values: Vec<f32>, rows: usize, dtype: DType, device: &Device) -> Embedding {
    let (dimensions, options) = (values.len() / rows, TableOptions { dtype, ..TableOptions::default() });
    Embedding::from_values(values, rows, dimensions, options, device).unwrap()
}

/// Widths that are multiples of what a thread moves at a time and ones that are not, of one thread and of more than a block.
const WIDTHS: [usize; 11] = [1, 3, 4, 7, 8, 12, 32, 33, 768, 1100, 2052];

fn the_lookup_is_the_definition(device: &Device) {
    for dtype in DType::ALL {
        for (index, dimensions) in WIDTHS.into_iter().enumerate() {
            let position = [Position::Learned, Position::Sinusoidal, Position::None][index % 3];
            let types = index % 2 * 3;
            let config = InputEmbeddingConfig {
                position,
                token_types: types,
                scale: if index % 4 < 2 { 1.0 } else { 2.7 },
                dtype,
                ..InputEmbeddingConfig::new(29, 9, dimensions)
            };
            let embedding = InputEmbedding::new(config, 3, device).unwrap();
            let parameters = embedding.parameters();
            let of = |name: &str| parameters.iter().find(|p| p.name() == name).map(|p| p.values().unwrap());
            let sinusoids =
                || sinusoidal(9, dimensions).unwrap().into_iter().map(|value| rounded(dtype, value)).collect();
            let (token, type_table) = (of("wte.weight").unwrap(), of("token_type_embeddings.weight"));
            let place_table = if position == Position::Sinusoidal { Some(sinusoids()) } else { of("wpe.weight") };

            let (shape, offset) = ([5, 7], 2);
            let (all, of_types, places) = (ids(35, 29, 1), ids(35, 3, 2), ids(35, 9, 3));
            for each in [false, true] {
                let input = Input {
                    positions: if each { Positions::Each(&places) } else { Positions::From(offset) },
                    types: (types > 0 && each).then_some(&of_types),
                    ..Input::new(&all, &shape)
                };
                let mut expected = Vec::new();
                for (index, &id) in all.iter().enumerate() {
                    let kind = if each { of_types[index] as usize } else { 0 };
                    let place = if each { places[index] as usize } else { offset + index % 7 };
                    for d in 0..dimensions {
                        let mut sum = config.scale * token[id as usize * dimensions + d];
                        if let Some(table) = &type_table {
                            sum += table[kind * dimensions + d];
                        }
                        if let Some(table) = &place_table {
                            sum += table[place * dimensions + d];
                        }
                        expected.push(rounded(dtype, sum));
                    }
                }
                let output = embedding.forward(&input).unwrap();
                assert_eq!(output.shape(), [5, 7, dimensions]);
                assert_eq!(bits(&output.values().unwrap()), bits(&expected), "{dtype:?}, {dimensions} dimensions");
                if dtype == DType::F32 {
                    let mut out = vec![f32::NAN; 35 * dimensions];
                    embedding.forward_into(&input, &mut *out).unwrap();
                    assert_eq!(bits(&out), bits(&expected));
                }
            }
        }
    }
}

/// Every value of every row, where the numbers of values have more than 16 bits.
fn single_rows_are_read_where_they_are(device: &Device) {
    let (rows, dimensions) = (3001, 36);
    let values: Vec<f32> = (0..rows * dimensions).map(|value| value as f32).collect();
    let embedding = table(values.clone(), rows, DType::F32, device);
    let all: Vec<u32> = (0..rows as u32).collect();
    assert_eq!(embedding.forward(&all, &[rows]).unwrap().values().unwrap(), values);
    for id in [0, 1, 2999, 3000] {
        let row = embedding.forward(&[id], &[1, 1]).unwrap();
        assert_eq!(row.values().unwrap(), values[id as usize * dimensions..][..dimensions]);
    }
}

/// A launch has at most 65,536 blocks, and rows of this width have one each: the others go to blocks that have done theirs.
fn there_may_be_more_rows_than_blocks(device: &Device) {
    let (rows, dimensions, count) = (7, 129, 66_000);
    let values = numbers(rows * dimensions, 3);
    let embedding = table(values.clone(), rows, DType::F32, device);
    let ids = ids(count, rows, 4);
    let out = embedding.forward(&ids, &[count]).unwrap().values().unwrap();
    let row_of = |id: u32| &values[id as usize * dimensions..][..dimensions];
    let wrong = ids.iter().zip(out.chunks(dimensions)).position(|(&id, row)| row != row_of(id));
    assert_eq!((wrong, out.len()), (None, count * dimensions));
}

fn values_are_left_out_as_on_the_cpu(device: &Device) {
    for (dtype, dimensions) in [(DType::F32, 12), (DType::F32, 13), (DType::BF16, 24), (DType::F16, 7)] {
        let config = InputEmbeddingConfig { dropout: 0.4, dtype, ..InputEmbeddingConfig::new(11, 40, dimensions) };
        let run = |device: &Device| {
            let ids = ids(120, 11, 5);
            let input = Input { training: Some(Dropout::key_of(7, 3)), ..Input::new(&ids, &[3, 40]) };
            InputEmbedding::new(config, 1, device).unwrap().forward(&input).unwrap().values().unwrap()
        };
        let values = run(device);
        assert_eq!(bits(&values), bits(&run(&Device::Cpu)));
        let zeros = values.iter().filter(|&&value| value == 0.0).count() as f64 / values.len() as f64;
        assert!((0.3..0.5).contains(&zeros), "{zeros}");
    }
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

fn an_empty_batch_gives_an_empty_result(device: &Device) {
    for (dtype, layer_norm) in DType::ALL.into_iter().flat_map(|dtype| [(dtype, None), (dtype, Some(1e-5))]) {
        let config = InputEmbeddingConfig { layer_norm, dtype, ..InputEmbeddingConfig::new(5, 4, 8) };
        let embedding = InputEmbedding::new(config, 0, device).unwrap();
        for shape in [[0, 4], [3, 0]] {
            let output = embedding.forward(&Input::new(&[], &shape)).unwrap();
            assert_eq!((output.shape(), output.values().unwrap().len()), (&[shape[0], shape[1], 8][..], 0));
            embedding.backward(&output, &[]).unwrap();
            let grad = embedding.parameters()[0].grad().unwrap().unwrap();
            assert_eq!((grad.ids.len(), grad.values.len()), (0, 0));
            for of_norm in &embedding.parameters()[2..] {
                assert_eq!(of_norm.grad().unwrap().unwrap().values, [0.0; 8], "a sum of none");
            }
        }
        let mut optimizer = Optimizer::new(embedding.parameters(), Rule::ADAM_W, 0.1, false).unwrap();
        let before = embedding.parameters()[0].values().unwrap();
        optimizer.step().unwrap();
        assert_eq!(bits(&embedding.parameters()[0].values().unwrap()), bits(&before));
    }
}

fn ids_that_are_no_rows_are_refused(device: &Device) {
    let embedding = InputEmbedding::new(InputEmbeddingConfig::new(5, 4, 8), 0, device).unwrap();
    for wrong in [5, 6, 1 << 20, u32::MAX] {
        let error = embedding.forward(&Input::new(&[0, wrong], &[1, 2])).unwrap_err();
        assert!(matches!(error, Error::IdOutOfRange { id, index: 1, rows: 5 } if id == wrong), "{error}");
    }
    let error = embedding.forward(&Input::new(&[0; 5], &[1, 5])).unwrap_err();
    assert!(matches!(error, Error::ContextTooLong { .. }), "{error}");
    // And all goes on.
    assert_eq!(embedding.forward(&Input::new(&[4], &[1, 1])).unwrap().len(), 8);
}

/// The gradient of a table, with zeros for rows that have none.
fn dense(parameter: &Parameter) -> Vec<f32> {
    let shape = parameter.shape();
    let width = shape[shape.len() - 1];
    let mut all = vec![0.0; shape.iter().product()];
    let grad = parameter.grad().unwrap().unwrap();
    assert!(grad.ids.is_sorted_by(|a, b| a < b), "ascending, each once");
    for (id, row) in grad.ids.iter().zip(grad.values.chunks(width)) {
        all[*id as usize * width..][..width].copy_from_slice(row);
    }
    all
}

fn assert_close(actual: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(actual.len(), expected.len());
    for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(actual) - expected).abs();
        assert!(error <= tolerance * expected.abs().max(1.0), "{what}, value {index}: {actual} is not {expected}");
    }
}

fn gradients_are_sums_of_rows(device: &Device) {
    for dtype in DType::ALL {
        for dimensions in WIDTHS {
            let config = InputEmbeddingConfig {
                scale: 1.7,
                token_types: 2,
                padding: Some(4),
                dtype,
                ..InputEmbeddingConfig::new(17, 8, dimensions)
            };
            let embedding = InputEmbedding::new(config, 1, device).unwrap();
            let mut expected = [vec![0.0; 17 * dimensions], vec![0.0; 8 * dimensions], vec![0.0; 2 * dimensions]];
            // The second round looks rows up that the first has not.
            for (round, known) in [(0, 9), (1, 17)] {
                let (ids, types) = (ids(24, known, round), ids(24, 2, round + 5));
                let output = embedding.forward(&Input { types: Some(&types), ..Input::new(&ids, &[3, 8]) }).unwrap();
                let grad = numbers(output.len(), round);
                embedding.backward(&output, &grad).unwrap();
                for (index, row) in grad.chunks(dimensions).enumerate() {
                    let rows = [ids[index] as usize, index % 8, types[index] as usize];
                    for ((sums, row_of), scale) in expected.iter_mut().zip(rows).zip([f64::from(1.7f32), 1.0, 1.0]) {
                        for (sum, &value) in sums[row_of * dimensions..].iter_mut().zip(row) {
                            *sum += scale * f64::from(value);
                        }
                    }
                }
                expected[0][4 * dimensions..5 * dimensions].fill(0.0);
                assert!(matches!(embedding.backward(&output, &grad), Err(Error::NotRecorded)));
            }
            for (parameter, expected) in embedding.parameters().iter().zip(&expected) {
                assert_close(&dense(parameter), expected, 1e-5, &format!("{} of {dimensions}", parameter.name()));
            }
            embedding.parameters().iter().for_each(Parameter::zero_grad);
            assert_eq!(embedding.parameters()[0].grad().unwrap(), None);
            // Memory that is used again holds nothing of before.
            let output = embedding.forward(&Input::new(&[3], &[1, 1])).unwrap();
            embedding.backward(&output, &vec![2.0; dimensions]).unwrap();
            assert_eq!(embedding.parameters()[1].grad().unwrap().unwrap().values, vec![2.0; dimensions]);
        }
    }
}

fn frequent_ids_have_the_sum_of_all(device: &Device) {
    for (count, dimensions) in [(63, 8), (64, 8), (65, 8), (1000, 5), (5000, 12)] {
        let embedding = table(vec![0.0; 6 * dimensions], 6, DType::F32, device);
        let all: Vec<u32> = (0..count).map(|index| if index % 11 == 3 { 5 } else { 2 }).collect();
        let grad = numbers(all.len() * dimensions, 9);
        for rounds in 1..3 {
            let output = embedding.forward(&all, &[all.len()]).unwrap();
            embedding.backward(&output, &grad).unwrap();
            let mut expected = vec![0.0; 6 * dimensions];
            for (&id, row) in all.iter().zip(grad.chunks(dimensions)) {
                for (sum, &value) in expected[id as usize * dimensions..].iter_mut().zip(row) {
                    *sum += f64::from(rounds) * f64::from(value);
                }
            }
            assert_close(&dense(&embedding.parameter()), &expected, 1e-4, &format!("{count} rows, round {rounds}"));
        }
    }
}

fn gradients_of_dropout_are_those_of_the_cpu(device: &Device) {
    for dimensions in [8, 9] {
        let config = InputEmbeddingConfig { dropout: 0.3, ..InputEmbeddingConfig::new(31, 16, dimensions) };
        let run = |device: &Device| {
            let embedding = InputEmbedding::new(config, 1, device).unwrap();
            let ids = ids(32, 31, 2);
            let input = Input { training: Some(Dropout::key_of(1, 1)), ..Input::new(&ids, &[2, 16]) };
            let output = embedding.forward(&input).unwrap();
            embedding.backward(&output, &numbers(output.len(), 3)).unwrap();
            embedding.parameters().iter().flat_map(dense).collect::<Vec<_>>()
        };
        assert_eq!(bits(&run(device)), bits(&run(&Device::Cpu)));
    }
}

fn a_gradient_can_be_a_tensor(device: &Device) {
    for dtype in DType::ALL {
        let (rows, dimensions) = (9, 10);
        let grads = table(numbers(rows * dimensions, 4), rows, dtype, device);
        let grad = grads.forward(&ids(20, rows, 1), &[20]).unwrap();
        let sum = |by_tensor: bool| {
            let embedding = table(numbers(rows * dimensions, 5), rows, dtype, device);
            let output = embedding.forward(&ids(20, rows, 2), &[20]).unwrap();
            if by_tensor {
                embedding.backward_tensor(&output, &grad).unwrap();
            } else {
                embedding.backward(&output, &grad.values().unwrap()).unwrap();
            }
            embedding.parameter().grad().unwrap().unwrap()
        };
        assert_eq!(sum(true), sum(false));
        let short = grads.forward(&[0], &[1]).unwrap();
        let embedding = table(numbers(rows * dimensions, 5), rows, dtype, device);
        let output = embedding.forward(&[1, 2], &[2]).unwrap();
        assert!(matches!(embedding.backward_tensor(&output, &short), Err(Error::LengthMismatch { .. })));
        embedding.backward_tensor(&output, &grads.forward(&[1, 1], &[2]).unwrap()).unwrap();
    }
}

fn candle_goes_through_the_lookup(device: &Device) {
    let (rows, dimensions) = (6, 5);
    let variable = |rows, seed| {
        Var::from_tensor(&Tensor::from_vec(numbers(rows * dimensions, seed), (rows, dimensions), device).unwrap())
            .unwrap()
    };
    let (token, position) = (variable(rows, 1), variable(4, 2));
    let ids = [5, 0, 5, 2];
    let out = lookup(&token, Some((&position, Positions::From(1))), &ids, &[2, 2], 1.5).unwrap();
    assert_eq!(out.dims(), [2, 2, dimensions]);
    let (tokens, places) = (numbers(rows * dimensions, 1), numbers(4 * dimensions, 2));
    let expected: Vec<f32> = (0..4 * dimensions)
        .map(|at| {
            let (index, d) = (at / dimensions, at % dimensions);
            1.5 * tokens[ids[index] as usize * dimensions + d] + places[(1 + index % 2) * dimensions + d]
        })
        .collect();
    assert_eq!(bits(&out.flatten_all().unwrap().to_vec1::<f32>().unwrap()), bits(&expected));
    let alone = lookup(&token, None, &ids, &[4], 1.0).unwrap();
    assert_eq!(alone.dims(), [4, dimensions]);
    assert!(matches!(lookup(&token, None, &[6], &[1], 1.0), Err(Error::IdOutOfRange { .. })));
    // The device that the host emulates has our kernels alone, and candle begins with a tensor of ones by one of its own.
    if !device.is_cpu() && gpus().unwrap()[0].name.starts_with("emulated") {
        return;
    }
    let gradients = out.backward().unwrap();
    let of = |variable: &Var| gradients.get(variable).unwrap().to_vec2::<f32>().unwrap().concat();
    let filled = |counts: &[f32]| counts.iter().flat_map(|&count| [count; 5]).collect::<Vec<_>>();
    assert_eq!(of(&token), filled(&[1.5, 0.0, 1.5, 0.0, 0.0, 3.0]));
    assert_eq!(of(&position), filled(&[0.0, 2.0, 2.0, 0.0]));
}

const RULES: [Rule; 4] = [
    Rule::ADAM_W,
    Rule::SGD,
    Rule::Sgd { momentum: 0.9, weight_decay: 0.1, nesterov: false },
    Rule::Sgd { momentum: 0.8, weight_decay: 0.05, nesterov: true },
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

fn all_values(embedding: &InputEmbedding) -> Vec<u32> {
    embedding.parameters().iter().flat_map(|parameter| bits(&parameter.values().unwrap())).collect()
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
    }
}

fn a_parameter_is_set_in_place(device: &Device) {
    for dtype in DType::ALL {
        let options = TableOptions { dtype, padding: Some(2), trainable: true };
        let embedding = Embedding::from_values(vec![0f32; 12], 4, 3, options, device).unwrap();
        let values = numbers(12, 8);
        embedding.parameter().set_values(&values).unwrap();
        let mut expected: Vec<f32> = values.iter().map(|&value| rounded(dtype, value)).collect();
        expected[6..9].fill(0.0);
        assert_eq!(bits(&embedding.parameter().values().unwrap()), bits(&expected));
        assert_eq!(embedding.forward(&[3], &[1]).unwrap().values().unwrap(), expected[9..]);
        assert!(matches!(embedding.parameter().set_values(&values[1..]), Err(Error::LengthMismatch { .. })));
    }
}

fn resized_tables_keep_their_rows(device: &Device) {
    let embedding = InputEmbedding::new(InputEmbeddingConfig::new(5, 4, 6), 2, device).unwrap();
    let before = embedding.parameters()[0].values().unwrap();
    let larger = embedding.resized(8, 9, device).unwrap();
    assert!(matches!(embedding.forward(&Input::new(&[0], &[1])), Err(Error::Retired)));
    let after = larger.parameters()[0].values().unwrap();
    assert_eq!((after.len(), &after[..30]), (48, &before[..]));
    assert_eq!(larger.forward(&Input::new(&[7], &[1])).unwrap().len(), 6);
}

fn what_was_disposed_is_gone(device: &Device) {
    let source = Source { seed: 0, stream: 0 };
    let embedding = Embedding::new(5, 4, Init::Zeros, source, TableOptions::default(), device).unwrap();
    let parameter = embedding.parameter();
    let output = embedding.forward(&[1], &[1]).unwrap();
    embedding.backward(&output, &[1.0; 4]).unwrap();
    let mut optimizer = Optimizer::new(vec![parameter.clone()], Rule::ADAM_W, 0.1, false).unwrap();
    embedding.retire();
    assert!(matches!(embedding.forward(&[1], &[1]), Err(Error::Retired)));
    assert!(matches!(parameter.values(), Err(Error::Retired)));
    assert!(matches!(parameter.set_values(&[0.0; 20]), Err(Error::Retired)));
    assert!(matches!(optimizer.step(), Err(Error::Retired)));
    assert_eq!(output.values().unwrap(), [0.0; 4], "results stay");
}

fn threads_share_a_device(device: &Device) {
    let embedding = table(numbers(100 * 16, 1), 100, DType::F32, device);
    let values = embedding.parameter().values().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (embedding, values) = (&embedding, &values);
            scope.spawn(move || {
                for round in 0..20 {
                    let ids = ids(50, 100, thread * 100 + round);
                    let output = embedding.forward(&ids, &[50]).unwrap();
                    embedding.backward(&output, &vec![1.0; output.len()]).unwrap();
                    let expected = ids.iter().flat_map(|&id| &values[id as usize * 16..][..16]);
                    assert!(output.values().unwrap().iter().eq(expected));
                }
            });
        }
    });
    let sum: f32 = dense(&embedding.parameter()).iter().sum();
    assert_eq!(sum as usize, 4 * 20 * 50 * 16, "every gradient is in the sum, and the numbers are whole");
}

/// On a device there is an end to memory: that is an error, and what is there goes on working.
#[test]
fn memory_that_a_device_has_not_is_an_error() {
    on_cuda(|device| {
        let memory = tokenmill_embedding::gpus().unwrap()[0].memory;
        let embedding = table(vec![1.0; 1 << 16], 4, DType::F32, device);
        // Each row of the result is 64 KiB; one more than there are bytes for.
        let too_many = vec![0; memory / (1 << 16) + 1];
        for _ in 0..3 {
            let error = embedding.forward(&too_many, &[too_many.len()]).unwrap_err();
            assert!(matches!(error, Error::Device { .. }), "{error:?}");
            assert!(error.to_string().contains("OUT_OF_MEMORY"), "{error}");
            assert_eq!(embedding.forward(&[3], &[1]).unwrap().values().unwrap(), vec![1.0; 1 << 14]);
        }
    });
}

/// What is let go is free again: a thousand times what would fill the memory of a small device.
#[test]
fn memory_of_a_device_comes_back() {
    on_cuda(|device| {
        for round in 0..64 {
            let embedding = table(vec![0.5; 1 << 22], 1 << 10, DType::F32, device);
            let ids = ids(2048, 1 << 10, round);
            let output = embedding.forward(&ids, &[2048]).unwrap();
            embedding.backward_tensor(&output, &embedding.forward(&ids, &[2048]).unwrap()).unwrap();
            let mut optimizer = Optimizer::new(vec![embedding.parameter()], Rule::ADAM_W, 0.1, false).unwrap();
            optimizer.step().unwrap();
        }
    });
}

#[test]
fn a_device_that_is_not_there_is_an_error() {
    let error = cuda_device(999).unwrap_err();
    assert!(matches!(error, Error::Device { .. }), "{error:?}");
}

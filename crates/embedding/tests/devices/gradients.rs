//! Gradients of tables.

use candle_core::Var;
use tokenmill_embedding::{
    DType, Device, Dropout, Error, Input, InputEmbedding, InputEmbeddingConfig, Parameter, Positions, Tensor, gpus,
    lookup,
};

use crate::{WIDTHS, assert_close, bits, dense, ids, numbers, table};

on_every_device! {
    gradients_are_sums_of_rows
    frequent_ids_have_the_sum_of_all
    gradients_of_dropout_are_those_of_the_cpu
    a_gradient_can_be_a_tensor
    candle_goes_through_the_lookup
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

//! Rows by id, and what is no id.

use tokenmill_embedding::{
    DType, Device, Dropout, Error, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Position, Positions, Rule,
    sinusoidal,
};

use crate::{WIDTHS, bits, ids, numbers, rounded, table};

on_every_device! {
    the_lookup_is_the_definition
    single_rows_are_read_where_they_are
    there_may_be_more_rows_than_blocks
    values_are_left_out_as_on_the_cpu
    an_empty_batch_gives_an_empty_result
    ids_that_are_no_rows_are_refused
}

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

//! What can be done with tables and their memory.

use tokenmill_embedding::{
    DType, Device, Embedding, Error, Init, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Rule, Source,
    TableOptions, cuda_device,
};

use crate::{bits, dense, ids, numbers, on_cuda, rounded, table};

on_every_device! {
    a_parameter_is_set_in_place
    resized_tables_keep_their_rows
    what_was_disposed_is_gone
    threads_share_a_device
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

//! The fused lookup against the definition, value by value in `f64`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use tokenmill_embedding::{
    Device, Embedding, Error, Init, InputEmbedding, InputEmbeddingConfig, Position, Source, sinusoidal, values,
};

const CPU: &Device = &Device::Cpu;

fn config(position: Position) -> InputEmbeddingConfig {
    InputEmbeddingConfig { vocab_size: 50, context_length: 12, dimensions: 10, position, scale: 1.0 }
}

/// Some ids below `rows`, the same ones each time.
fn ids(len: usize, rows: usize) -> Vec<u32> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) as u32 % rows as u32).collect()
}

/// The definition. `token` and `position` are whole tables.
fn naive(
    token: &[f32],
    position: Option<&[f32]>,
    dimensions: usize,
    context: usize,
    offset: usize,
    scale: f32,
    ids: &[u32],
) -> Vec<f64> {
    let mut out = Vec::new();
    for (index, &id) in ids.iter().enumerate() {
        for d in 0..dimensions {
            let token = f64::from(token[id as usize * dimensions + d]);
            let position = position.map_or(0.0, |table| f64::from(table[(offset + index % context) * dimensions + d]));
            out.push(f64::from(scale) * token + position);
        }
    }
    out
}

fn assert_close(actual: &[f32], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        let tolerance = 1e-6 * expected.abs().max(1.0);
        assert!((f64::from(actual) - expected).abs() <= tolerance, "at {index}: {actual} is not {expected}");
    }
}

#[test]
fn the_fused_lookup_is_the_definition() {
    // From one value to more than the parallel threshold, with rows that do not divide into tasks.
    for (dimensions, batch, context) in [(1, 1, 1), (3, 2, 5), (10, 3, 12), (257, 7, 61), (70_000, 2, 1)] {
        for position in [Position::Learned, Position::Sinusoidal, Position::None] {
            for (scale, offset) in [(1.0, 0), (2.5, 3)] {
                let config =
                    InputEmbeddingConfig { vocab_size: 50, context_length: context + 3, dimensions, position, scale };
                let embedding = InputEmbedding::new(config, 3, CPU).unwrap();
                let tables: Vec<_> = embedding.parameters().map(|p| values(p.tensor).unwrap()).collect();
                let positions = match position {
                    Position::Learned => Some(tables[1].clone()),
                    Position::Sinusoidal => Some(sinusoidal(context + 3, dimensions).unwrap()),
                    Position::None => None,
                };
                let ids = ids(batch * context, 50);
                let expected = naive(&tables[0], positions.as_deref(), dimensions, context, offset, scale, &ids);
                let output = embedding.forward(&ids, &[batch, context], offset).unwrap();
                assert_eq!(output.dims(), [batch, context, dimensions]);
                assert_close(&values(&output).unwrap(), &expected);
                let mut out = vec![f32::NAN; expected.len()];
                embedding.forward_into(&ids, &[batch, context], offset, &mut out).unwrap();
                assert_eq!(out, values(&output).unwrap());
            }
        }
    }
}

#[test]
fn one_table_gives_its_rows() {
    let table: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let embedding = Embedding::from_values(table, 4, 3, CPU).unwrap();
    let output = embedding.forward(&[3, 0, 3], &[3]).unwrap();
    assert_eq!(output.dims(), [3, 3]);
    assert_eq!(values(&output).unwrap(), [9.0, 10.0, 11.0, 0.0, 1.0, 2.0, 9.0, 10.0, 11.0]);
}

#[test]
fn a_row_comes_out_bit_by_bit() {
    let bits = [0x8000_0000, 0x7F80_0000, 0xFF80_0000, 1, 0x7FC0_0000, 0x7F7F_FFFF];
    let table: Vec<f32> = bits.map(f32::from_bits).to_vec();
    let output = Embedding::from_values(table, 1, 6, CPU).unwrap().forward(&[0], &[1]).unwrap();
    assert_eq!(values(&output).unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>(), bits);
}

#[test]
fn no_ids_give_an_empty_tensor() {
    for position in [Position::Learned, Position::None] {
        let embedding = InputEmbedding::new(config(position), 0, CPU).unwrap();
        for (shape, expected) in [(&[0][..], &[0, 10][..]), (&[0, 12], &[0, 12, 10]), (&[4, 0], &[4, 0, 10])] {
            let output = embedding.forward(&[], shape, 0).unwrap();
            assert_eq!(output.dims(), expected);
            assert_eq!(values(&output).unwrap().len(), 0);
            embedding.forward_into(&[], shape, 0, &mut []).unwrap();
        }
    }
}

#[test]
fn wrong_input_is_an_error_and_leaves_the_output() {
    let embedding = InputEmbedding::new(config(Position::Learned), 0, CPU).unwrap();
    let mut out = [7.0f32; 20];
    let mut error = |ids: &[u32], shape: &[usize], offset| {
        let error = embedding.forward_into(ids, shape, offset, &mut out).unwrap_err();
        assert!(out.iter().all(|value| value.to_bits() == 7f32.to_bits()));
        error.to_string()
    };
    assert_eq!(error(&[49, 50], &[2], 0), "id 50 at index 1 does not exist: the table has 50 rows");
    assert_eq!(error(&[u32::MAX, 0], &[2], 0), "id 4294967295 at index 0 does not exist: the table has 50 rows");
    assert_eq!(error(&[0; 13], &[13], 0), "a row of 13 ids at position 0 does not fit into the context length 12");
    assert_eq!(error(&[0; 2], &[2], 11), "a row of 2 ids at position 11 does not fit into the context length 12");
    assert_eq!(
        error(&[0; 2], &[2], usize::MAX).split(" does").next(),
        Some(&*format!("a row of 2 ids at position {}", usize::MAX))
    );
    assert_eq!(error(&[0; 2], &[2, 2], 0), "the shape [2, 2] does not hold 2 ids");
    assert_eq!(error(&[0; 3], &[3], 0), "expected 30 values, received 20");
    assert!(embedding.forward(&[0; 2], &[2], 10).is_ok());
}

#[test]
fn tables_that_cannot_be_are_errors() {
    let source = Source { seed: 0, stream: 0 };
    let new = |rows, dimensions| Embedding::new(rows, dimensions, Init::Zeros, source, None, CPU).unwrap_err();
    assert!(matches!(new(1_000_000_000_000, 64), Error::TooManyRows { .. }));
    assert!(matches!(new(1 << 32, 1 << 40), Error::TooLarge { .. }));
    assert!(matches!(new(1 << 32, 1 << 28), Error::OutOfMemory { .. }));
    assert!(matches!(new(0, 4), Error::Zero { what: "rows" }));
    assert!(matches!(new(4, 0), Error::Zero { what: "dimensions" }));
    assert!(matches!(
        Embedding::from_values(vec![0.0; 5], 2, 3, CPU),
        Err(Error::LengthMismatch { expected: 6, actual: 5 })
    ));
    let padded = Embedding::new(3, 2, Init::Zeros, source, Some(3), CPU);
    assert!(matches!(padded, Err(Error::IdOutOfRange { id: 3, .. })));
    for scale in [0.0, f32::NAN, f32::INFINITY] {
        let config = InputEmbeddingConfig { scale, ..config(Position::None) };
        assert!(matches!(InputEmbedding::new(config, 0, CPU), Err(Error::Scale { .. })));
    }
    let no_context = InputEmbeddingConfig { context_length: 0, ..config(Position::None) };
    assert!(matches!(InputEmbedding::new(no_context, 0, CPU), Err(Error::Zero { .. })));
}

#[test]
fn tables_of_another_size_are_refused() {
    let table = |rows, dimensions| Embedding::from_values(vec![0.0; rows * dimensions], rows, dimensions, CPU).unwrap();
    let make = |position, token, learned| InputEmbedding::from_tables(config(position), token, learned);
    assert!(make(Position::Learned, table(50, 10), Some(table(12, 10))).is_ok());
    assert!(matches!(make(Position::Learned, table(50, 10), None), Err(Error::PositionTable { .. })));
    assert!(matches!(make(Position::Sinusoidal, table(50, 10), Some(table(12, 10))), Err(Error::PositionTable { .. })));
    let error = make(Position::Learned, table(50, 10), Some(table(11, 10))).unwrap_err();
    assert_eq!(error.to_string(), "expected a table of shape [12, 10], received one of [11, 10]");
    assert!(make(Position::Learned, table(50, 10), Some(table(12, 9))).is_err());
    assert!(make(Position::Learned, table(49, 10), Some(table(12, 10))).is_err());
    assert!(make(Position::None, table(50, 10), Some(table(12, 10))).is_err());
    assert!(make(Position::None, table(50, 9), None).is_err());
}

#[test]
fn a_padding_row_is_zero_and_changes_no_other() {
    let source = Source { seed: 4, stream: 0 };
    let table = |padding| {
        values(Embedding::new(4, 3, Init::Normal { std: 1.0 }, source, padding, CPU).unwrap().table()).unwrap()
    };
    let (plain, padded) = (table(None), table(Some(1)));
    assert_eq!(padded[3..6], [0.0; 3]);
    assert_eq!((&padded[..3], &padded[6..]), (&plain[..3], &plain[6..]));
}

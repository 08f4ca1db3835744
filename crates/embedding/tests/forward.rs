//! The fused lookup against the definition, value by value in `f64`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use tokenmill_embedding::{
    DType, Device, Dropout, Element, Embedding, Error, Init, Input, InputEmbedding, InputEmbeddingConfig, InputTables,
    Output, Position, Positions, Source, TableOptions, ValuesMut, sinusoidal,
};

const CPU: &Device = &Device::Cpu;

fn config(position: Position) -> InputEmbeddingConfig {
    InputEmbeddingConfig { position, ..InputEmbeddingConfig::new(50, 12, 10) }
}

fn from<'a>(offset: usize, ids: &'a [u32], shape: &'a [usize]) -> Input<'a> {
    Input { positions: Positions::From(offset), ..Input::new(ids, shape) }
}

/// Some ids below `rows`, the same ones each time.
fn ids(len: usize, rows: usize) -> Vec<u32> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) as u32 % rows as u32).collect()
}

/// The definition, in one `f32` operation after the other, each rounded, and then rounded to the type `T`.
struct Naive {
    token: Vec<f32>,
    types: Option<Vec<f32>>,
    position: Option<Vec<f32>>,
    dimensions: usize,
    scale: f32,
}

impl Naive {
    /// The tables of `embedding`, whose positions are `position`.
    fn of(embedding: &InputEmbedding) -> Self {
        let config = embedding.config();
        let table = |name| embedding.parameters().iter().find(|p| p.name() == name).map(|p| p.values().unwrap());
        let round = |value: &f32| match config.dtype {
            DType::F32 => *value,
            DType::BF16 => half::bf16::from_f32(*value).to_f32(),
            DType::F16 => half::f16::from_f32(*value).to_f32(),
        };
        let position = match config.position {
            Position::Sinusoidal => {
                Some(sinusoidal(config.context_length, config.dimensions).unwrap().iter().map(round).collect())
            }
            _ => table("wpe.weight"),
        };
        Self {
            token: table("wte.weight").unwrap(),
            types: table("token_type_embeddings.weight"),
            position,
            dimensions: config.dimensions,
            scale: config.scale,
        }
    }

    fn sums(&self, ids: &[u32], types: &[u32], positions: &[usize]) -> Vec<f32> {
        let mut out = Vec::new();
        for (index, &id) in ids.iter().enumerate() {
            for d in 0..self.dimensions {
                let mut sum = self.scale * self.token[id as usize * self.dimensions + d];
                if let Some(table) = &self.types {
                    sum += table[types[index] as usize * self.dimensions + d];
                }
                if let Some(table) = &self.position {
                    sum += table[positions[index] * self.dimensions + d];
                }
                out.push(sum);
            }
        }
        out
    }
}

/// Rounds to `T` by the half crate.
trait Bits: Element {
    fn round(value: f32) -> Self;
    fn bits(self) -> u32;
    fn values(out: &mut [Self]) -> ValuesMut<'_>;
}

impl Bits for f32 {
    fn round(value: f32) -> Self {
        value
    }

    fn bits(self) -> u32 {
        self.to_bits()
    }

    fn values(out: &mut [Self]) -> ValuesMut<'_> {
        out.into()
    }
}

impl Bits for half::bf16 {
    fn round(value: f32) -> Self {
        half::bf16::from_f32(value)
    }

    fn bits(self) -> u32 {
        self.to_bits().into()
    }

    fn values(out: &mut [Self]) -> ValuesMut<'_> {
        out.into()
    }
}

impl Bits for half::f16 {
    fn round(value: f32) -> Self {
        half::f16::from_f32(value)
    }

    fn bits(self) -> u32 {
        self.to_bits().into()
    }

    fn values(out: &mut [Self]) -> ValuesMut<'_> {
        out.into()
    }
}

fn assert_bits<T: Bits>(actual: &[T], expected: &[f32], what: &str) {
    assert_eq!(actual.len(), expected.len());
    for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        assert_eq!(actual.bits(), T::round(expected).bits(), "{what}, value {index}: {actual} is not {expected}");
    }
}

/// The values of an output of type `T`.
fn typed<T: Bits>(output: &Output) -> Vec<T> {
    let mut out = vec![T::round(f32::NAN); output.len()];
    output.copy_to(T::values(&mut out)).unwrap();
    out
}

fn the_fused_lookup_is_the_definition<T: Bits>() {
    // From one value to more than what is written past the caches, with rows that do not divide into tasks.
    for (dimensions, batch, context) in [
        (1, 1, 1),
        (3, 2, 5),
        (10, 3, 12),
        (257, 7, 61),
        (70_000, 2, 1),
        (776, 6, 1024),
        (769, 4, 1024),
        (64, 70, 1024),
    ] {
        for position in [Position::Learned, Position::Sinusoidal, Position::None] {
            for (scale, offset, token_types) in [(1.0, 0, 0), (2.7, 3, 0), (1.3, 2, 3)] {
                let config = InputEmbeddingConfig {
                    position,
                    scale,
                    token_types,
                    dtype: T::TYPE,
                    ..InputEmbeddingConfig::new(50, context + 3, dimensions)
                };
                let embedding = InputEmbedding::new(config, 3, CPU).unwrap();
                let ids = ids(batch * context, 50);
                let types: Vec<u32> = ids.iter().map(|id| id / 7 % token_types.max(1) as u32).collect();
                let shape = [batch, context];
                let input = Input { types: (token_types > 0).then_some(&*types), ..from(offset, &ids, &shape) };
                let positions: Vec<_> = (0..ids.len()).map(|index| offset + index % context).collect();
                let expected = Naive::of(&embedding).sums(&ids, &types, &positions);
                let output = embedding.forward(&input).unwrap();
                assert_eq!(output.shape(), [batch, context, dimensions]);
                let what = format!("{config:?} of {batch} × {context}");
                assert_bits(&typed::<T>(&output), &expected, &what);
                let wide: Vec<f32> = typed::<T>(&output).into_iter().map(Element::widen).collect();
                assert_eq!(output.values().unwrap(), wide);
                let place = output.read(|values: &[T]| values.as_ptr()).unwrap();
                drop(output);
                let again = embedding.forward(&input).unwrap();
                assert_eq!(again.read(|values: &[T]| values.as_ptr()).unwrap(), place, "memory is used again");
                assert_bits(&typed::<T>(&again), &expected, &what);
                // An array that does not start where stores past the caches can begin.
                for start in [0, 1] {
                    let mut out = vec![T::round(f32::NAN); expected.len() + 1];
                    embedding.forward_into(&input, T::values(&mut out[start..][..expected.len()])).unwrap();
                    assert_bits(&out[start..][..expected.len()], &expected, &what);
                    assert!(out[expected.len() * (1 - start)].widen().is_nan(), "what is beside it is untouched");
                }
            }
        }
    }
}

#[test]
fn the_fused_lookup_is_the_definition_in_f32() {
    the_fused_lookup_is_the_definition::<f32>();
}

#[test]
fn the_fused_lookup_is_the_definition_in_bf16() {
    the_fused_lookup_is_the_definition::<half::bf16>();
}

#[test]
fn the_fused_lookup_is_the_definition_in_f16() {
    the_fused_lookup_is_the_definition::<half::f16>();
}

#[test]
fn each_id_can_have_a_position_of_its_own() {
    let embedding = InputEmbedding::new(config(Position::Learned), 3, CPU).unwrap();
    let (ids, positions) = ([4, 9, 4, 4], [0, 11, 0, 1]);
    let input = Input { positions: Positions::Each(&positions), ..Input::new(&ids, &[2, 2]) };
    let expected = Naive::of(&embedding).sums(&ids, &[], &positions.map(|position| position as usize));
    assert_bits(&typed::<f32>(&embedding.forward(&input).unwrap()), &expected, "positions");
}

/// The normalisation in `f64`.
fn normalised(row: &[f32], weight: &[f32], bias: &[f32], epsilon: f64) -> Vec<f64> {
    let count = row.len() as f64;
    let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = row.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    let normal = |&value: &f32| (f64::from(value) - mean) / (variance + epsilon).sqrt();
    row.iter().map(normal).zip(weight.iter().zip(bias)).map(|(n, (&w, &b))| n * f64::from(w) + f64::from(b)).collect()
}

#[test]
fn sums_are_normalised_and_then_left_out_at_random() {
    for (dimensions, context) in [(1, 3), (5, 3), (16, 4), (100, 900)] {
        let config = InputEmbeddingConfig {
            token_types: 2,
            layer_norm: Some(1e-5),
            dropout: 0.3,
            ..InputEmbeddingConfig::new(50, context, dimensions)
        };
        let row = |seed| {
            let values: Vec<f32> = ids(dimensions, 1000).iter().map(|id| *id as f32 / 500.0 + seed).collect();
            Embedding::from_values(values, 1, dimensions, TableOptions::default(), CPU).unwrap()
        };
        let table = |rows, stream| {
            let (init, source) = (Init::Normal { std: 1.0 }, Source { seed: 7, stream });
            Embedding::new(rows, dimensions, init, source, TableOptions::default(), CPU).unwrap()
        };
        let tables = InputTables {
            token: table(50, 0),
            position: Some(table(context, 1)),
            types: Some(table(2, 2)),
            norm: Some([row(0.5), row(-1.0)]),
        };
        let embedding = InputEmbedding::from_tables(config, tables, CPU).unwrap();
        let values = |name| embedding.parameters().iter().find(|p| p.name() == name).unwrap().values().unwrap();
        let (weight, bias) = (values("LayerNorm.weight"), values("LayerNorm.bias"));
        let ids = ids(3 * context, 50);
        let positions: Vec<_> = (0..ids.len()).map(|index| index % context).collect();
        let sums = Naive::of(&embedding).sums(&ids, &vec![0; ids.len()], &positions);
        let shape = [3, context];
        let input = Input::new(&ids, &shape);
        let output = embedding.forward(&input).unwrap().values().unwrap();
        let expected: Vec<_> =
            sums.chunks(dimensions).flat_map(|row| normalised(row, &weight, &bias, f64::from(1e-5f32))).collect();
        for (actual, expected) in output.iter().zip(&expected) {
            assert!((f64::from(*actual) - expected).abs() < 2e-5 * expected.abs().max(1.0), "{actual} {expected}");
        }
        // The mask is that of the definition in `dropout.rs`, written down once more.
        let key = Dropout::key_of(5, 2);
        let training = embedding.forward(&Input { training: Some(key), ..input }).unwrap().values().unwrap();
        let threshold = (0.3f64 * 2f64.powi(32)) as u32;
        for (index, (&left, &whole)) in training.iter().zip(&output).enumerate() {
            let kept = naive_hash(key, index / dimensions, index % dimensions) >= threshold;
            let expected = whole * if kept { (1.0 / 0.7f64) as f32 } else { 0.0 };
            assert_eq!(left.to_bits(), expected.to_bits(), "value {index}");
        }
    }
}

fn naive_hash(key: u64, row: usize, column: usize) -> u32 {
    let mix64 = |word: u64| {
        let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    };
    let mix32 = |word: u32| {
        let word = (word ^ (word >> 16)).wrapping_mul(0x85EB_CA6B);
        let word = (word ^ (word >> 13)).wrapping_mul(0xC2B2_AE35);
        word ^ (word >> 16)
    };
    let words = mix64(key.wrapping_add((row as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    mix32(mix32((words as u32).wrapping_add((column as u32).wrapping_mul(0x9E37_79B9))) ^ (words >> 32) as u32)
}

#[test]
fn threads_change_nothing() {
    let config =
        InputEmbeddingConfig { layer_norm: Some(1e-12), dropout: 0.1, ..InputEmbeddingConfig::new(500, 300, 130) };
    let embedding = InputEmbedding::new(config, 3, CPU).unwrap();
    let ids = ids(600, 500);
    let input = Input { training: Some(9), ..Input::new(&ids, &[2, 300]) };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| embedding.forward(&input).unwrap().values().unwrap())
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn one_table_gives_its_rows() {
    let table: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let embedding = Embedding::from_values(table, 4, 3, TableOptions::default(), CPU).unwrap();
    let output = embedding.forward(&[3, 0, 3], &[3]).unwrap();
    assert_eq!(output.shape(), [3, 3]);
    assert_eq!(output.values().unwrap(), [9.0, 10.0, 11.0, 0.0, 1.0, 2.0, 9.0, 10.0, 11.0]);
}

#[test]
fn a_row_comes_out_bit_by_bit() {
    let bits = [0x8000_0000, 0x7F80_0000, 0xFF80_0000, 1, 0x7FC0_0000, 0x7F7F_FFFF];
    let table: Vec<f32> = bits.map(f32::from_bits).to_vec();
    let output =
        Embedding::from_values(table, 1, 6, TableOptions::default(), CPU).unwrap().forward(&[0], &[1]).unwrap();
    assert_eq!(output.values().unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>(), bits);
}

#[test]
fn no_ids_give_an_empty_tensor() {
    for position in [Position::Learned, Position::None] {
        let embedding = InputEmbedding::new(config(position), 0, CPU).unwrap();
        for (shape, expected) in [(&[0][..], &[0, 10][..]), (&[0, 12], &[0, 12, 10]), (&[4, 0], &[4, 0, 10])] {
            let output = embedding.forward(&Input::new(&[], shape)).unwrap();
            assert_eq!(output.shape(), expected);
            assert_eq!(output.values().unwrap().len(), 0);
            embedding.forward_into(&Input::new(&[], shape), &mut [0f32; 0][..]).unwrap();
        }
    }
}

#[test]
fn wrong_input_is_an_error_and_leaves_the_output() {
    let embedding = InputEmbedding::new(config(Position::Learned), 0, CPU).unwrap();
    let mut out = [7.0f32; 20];
    let mut error = |ids: &[u32], shape: &[usize], offset| {
        let error = embedding.forward_into(&from(offset, ids, shape), &mut out[..]).unwrap_err();
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
    assert!(embedding.forward(&from(10, &[0; 2], &[2])).is_ok());
}

#[test]
fn tables_that_cannot_be_are_errors() {
    let source = Source { seed: 0, stream: 0 };
    let new = |rows, dimensions| {
        Embedding::new(rows, dimensions, Init::Zeros, source, TableOptions::default(), CPU).unwrap_err()
    };
    assert!(matches!(new(1_000_000_000_000, 64), Error::TooManyRows { .. }));
    assert!(matches!(new(1 << 32, 1 << 40), Error::TooLarge { .. }));
    assert!(matches!(new(1 << 32, 1 << 28), Error::OutOfMemory { .. }));
    assert!(matches!(new(0, 4), Error::Zero { what: "rows" }));
    assert!(matches!(new(4, 0), Error::Zero { what: "dimensions" }));
    assert!(matches!(
        Embedding::from_values(vec![0.0; 5], 2, 3, TableOptions::default(), CPU),
        Err(Error::LengthMismatch { expected: 6, actual: 5 })
    ));
    let options = TableOptions { padding: Some(3), ..TableOptions::default() };
    let padded = Embedding::new(3, 2, Init::Zeros, source, options, CPU);
    assert!(matches!(padded, Err(Error::IdOutOfRange { id: 3, .. })));
    for scale in [0.0, f32::NAN, f32::INFINITY] {
        let config = InputEmbeddingConfig { scale, ..config(Position::None) };
        assert!(matches!(InputEmbedding::new(config, 0, CPU), Err(Error::Scale { .. })));
    }
    let no_context = InputEmbeddingConfig { context_length: 0, ..config(Position::None) };
    assert!(matches!(InputEmbedding::new(no_context, 0, CPU), Err(Error::Zero { .. })));
}

#[test]
fn tables_that_are_not_what_the_model_says_are_refused() {
    let typed = |rows, dimensions, dtype| {
        let options = TableOptions { dtype, ..TableOptions::default() };
        Embedding::from_values(vec![0.0; rows * dimensions], rows, dimensions, options, CPU).unwrap()
    };
    let table = |rows, dimensions| typed(rows, dimensions, DType::F32);
    let with = |config, token, position, types, norm| {
        InputEmbedding::from_tables(config, InputTables { token, position, types, norm }, CPU)
    };
    let make = |position, token, learned| with(config(position), token, learned, None, None);
    assert!(make(Position::Learned, table(50, 10), Some(table(12, 10))).is_ok());
    assert!(matches!(make(Position::Learned, table(50, 10), None), Err(Error::PositionTable { .. })));
    assert!(matches!(make(Position::Sinusoidal, table(50, 10), Some(table(12, 10))), Err(Error::PositionTable { .. })));
    let error = make(Position::Learned, table(50, 10), Some(table(11, 10))).unwrap_err();
    assert_eq!(error.to_string(), "expected a table of shape [12, 10], received one of [11, 10]");
    assert!(make(Position::Learned, table(50, 10), Some(table(12, 9))).is_err());
    assert!(make(Position::Learned, table(49, 10), Some(table(12, 10))).is_err());
    assert!(make(Position::None, table(50, 10), Some(table(12, 10))).is_err());
    assert!(make(Position::None, table(50, 9), None).is_err());
    for half in [typed(50, 10, DType::BF16), typed(50, 10, DType::F16)] {
        assert!(matches!(make(Position::None, half, None), Err(Error::WrongType { .. })));
    }
    let none = config(Position::None);
    let norm = || Some([table(1, 10), table(1, 10)]);
    assert!(matches!(with(none, table(50, 10), None, Some(table(2, 10)), None), Err(Error::Tables { .. })));
    assert!(matches!(with(none, table(50, 10), None, None, norm()), Err(Error::Tables { .. })));
    let typed = InputEmbeddingConfig { token_types: 2, layer_norm: Some(1e-5), ..none };
    assert!(with(typed, table(50, 10), None, Some(table(2, 10)), norm()).is_ok());
    assert!(matches!(with(typed, table(50, 10), None, Some(table(3, 10)), norm()), Err(Error::TableSize { .. })));
    for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let config = InputEmbeddingConfig { layer_norm: Some(epsilon), ..none };
        assert!(matches!(InputEmbedding::new(config, 0, CPU), Err(Error::Number { .. })));
    }
    let config = InputEmbeddingConfig { dropout: 1.0, ..none };
    assert!(matches!(InputEmbedding::new(config, 0, CPU), Err(Error::Number { .. })));
}

#[test]
fn types_and_positions_that_do_not_exist_are_errors() {
    let typed = InputEmbeddingConfig { token_types: 2, ..config(Position::Learned) };
    let embedding = InputEmbedding::new(typed, 0, CPU).unwrap();
    let input = Input::new(&[1, 2], &[2]);
    let error = |input: &Input| embedding.forward(input).unwrap_err().to_string();
    let types = |types| error(&Input { types: Some(types), ..input });
    assert_eq!(types(&[1, 2]), "token type 2 at index 1 does not exist: there are 2");
    assert_eq!(types(&[1]), "expected 2 values, received 1");
    let positions = |positions| error(&Input { positions: Positions::Each(positions), ..input });
    assert_eq!(positions(&[u32::MAX, 0]), "position 4294967295 at index 0 does not exist: the context length is 12");
    assert_eq!(positions(&[0, 1, 2]), "expected 2 values, received 3");
    let untyped = InputEmbedding::new(config(Position::None), 0, CPU).unwrap();
    assert!(matches!(
        untyped.forward(&Input { types: Some(&[0, 0]), ..input }),
        Err(Error::TypeOutOfRange { id: 0, types: 0, .. })
    ));
    let mut out = [0f32; 20];
    let half = InputEmbeddingConfig { dtype: DType::BF16, ..config(Position::None) };
    let half = InputEmbedding::new(half, 0, CPU).unwrap();
    assert!(matches!(half.forward_into(&input, &mut out[..]), Err(Error::WrongType { .. })));
    assert!(matches!(half.forward(&input).unwrap().copy_to(&mut out[..]), Err(Error::WrongType { .. })));
}

#[test]
fn a_padding_row_is_zero_and_changes_no_other() {
    let source = Source { seed: 4, stream: 0 };
    let table = |padding| {
        let options = TableOptions { padding, ..TableOptions::default() };
        Embedding::new(4, 3, Init::Normal { std: 1.0 }, source, options, CPU).unwrap().parameter().values().unwrap()
    };
    let (plain, padded) = (table(None), table(Some(1)));
    assert_eq!(padded[3..6], [0.0; 3]);
    assert_eq!((&padded[..3], &padded[6..]), (&plain[..3], &plain[6..]));
}

//! The fused lookup in candle's graph: its gradients against those of candle's own operations, and against finite differences.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{DType, Device, Tensor, Var};
use tokenmill_embedding::{Error, Positions, lookup};

const ROWS: usize = 50;
const CONTEXT: usize = 12;
const SCALE: f32 = 1.5;
/// How far a number is moved to see what comes of it.
const STEP: f32 = 1.0 / 256.0;

/// Some numbers in [-1, 1), other ones for each seed.
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mix = |i: u64| (i ^ seed << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..len as u64).map(|i| ((mix(mix(i) >> 7) >> 40) as f32) / (1 << 23) as f32 - 1.0).collect()
}

fn table(rows: usize, dimensions: usize, seed: u64, dtype: DType) -> Var {
    let values = Tensor::from_vec(numbers(rows * dimensions, seed), (rows, dimensions), &Device::Cpu).unwrap();
    Var::from_tensor(&values.to_dtype(dtype).unwrap()).unwrap()
}

fn ids(len: usize) -> Vec<u32> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) as u32 % ROWS as u32).collect()
}

fn wide(tensor: &Tensor) -> Vec<f32> {
    tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Scaled rows of `token` plus the first rows of `position`, by candle's operations.
fn by_candle(token: &Tensor, position: &Tensor, ids: &[u32], shape: [usize; 2], offset: usize) -> Tensor {
    let of = Tensor::from_slice(ids, ids.len(), &Device::Cpu).unwrap();
    let rows = token.index_select(&of, 0).unwrap().affine(f64::from(SCALE), 0.0).unwrap();
    let rows = rows.reshape((shape[0], shape[1], token.dims()[1])).unwrap();
    rows.broadcast_add(&position.narrow(0, offset, shape[1]).unwrap()).unwrap()
}

/// A loss in which every value counts otherwise.
fn loss(out: &Tensor) -> Tensor {
    let weights = Tensor::from_vec(numbers(out.elem_count(), 3), out.shape(), &Device::Cpu).unwrap();
    let out = out.to_dtype(DType::F32).unwrap();
    (out.sqr().unwrap() + out.mul(&weights).unwrap()).unwrap().sum_all().unwrap()
}

#[test]
fn gradients_are_those_of_candles_two_operations() {
    for (dimensions, shape) in [(1, [1, 1]), (10, [3, 12]), (64, [40, 11])] {
        let (token, position) = (table(ROWS, dimensions, 1, DType::F32), table(CONTEXT, dimensions, 2, DType::F32));
        let ids = ids(shape[0] * shape[1]);
        let offset = CONTEXT - shape[1];
        let fused = lookup(&token, Some((&position, Positions::From(offset))), &ids, &shape, SCALE).unwrap();
        let plain = by_candle(&token, &position, &ids, shape, offset);
        assert_eq!(fused.dims(), plain.dims());
        assert_eq!(wide(&fused), wide(&plain), "the same bits");
        let (ours, theirs) = (loss(&fused).backward().unwrap(), loss(&plain).backward().unwrap());
        for table in [&token, &position] {
            let (ours, theirs) = (wide(ours.get(table).unwrap()), wide(theirs.get(table).unwrap()));
            assert_eq!(ours.len(), theirs.len());
            let largest = theirs.iter().fold(1f32, |most, value| most.max(value.abs()));
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert!((ours - theirs).abs() <= 1e-5 * largest, "{ours} {theirs}");
            }
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    let (token, position) = (table(ROWS, 3, 1, DType::F32), table(CONTEXT, 3, 2, DType::F32));
    let (ids, places) = ([4, 9, 4, 0], [7, 0, 7, 11]);
    let forward = || lookup(&token, Some((&position, Positions::Each(&places))), &ids, &[4], SCALE).unwrap();
    let gradients = loss(&forward()).backward().unwrap();
    for table in [&token, &position] {
        let gradient = wide(gradients.get(table).unwrap());
        let values = wide(table);
        for at in [0, 1, 2, 12, 13, 14, 21, 27, 33, 35].into_iter().filter(|&at| at < values.len()) {
            let with = |change: f32| {
                let mut changed = values.clone();
                changed[at] += change;
                table.set(&Tensor::from_vec(changed, table.shape(), &Device::Cpu).unwrap()).unwrap();
                loss(&forward()).to_scalar::<f32>().unwrap()
            };
            let difference = (with(STEP) - with(-STEP)) / (2.0 * STEP);
            with(0.0);
            assert!((difference - gradient[at]).abs() < 2e-3, "{at}: {difference} {}", gradient[at]);
        }
    }
}

#[test]
fn halves_have_gradients_that_are_rounded_once() {
    for dtype in [DType::BF16, DType::F16] {
        let token = table(ROWS, 8, 1, dtype);
        let ids = ids(60);
        let out = lookup(&token, None, &ids, &[60], SCALE).unwrap();
        let gradient = out.sum_all().unwrap().backward().unwrap().remove(&token).unwrap();
        assert_eq!(gradient.dtype(), dtype);
        let mut expected = vec![0.0; ROWS];
        for &id in &ids {
            expected[id as usize] += SCALE;
        }
        for (row, expected) in wide(&gradient).chunks(8).zip(expected) {
            assert!(row.iter().all(|&value| value.to_bits() == expected.to_bits()), "small multiples of 1.5 are exact");
        }
    }
}

#[test]
fn what_comes_before_has_a_gradient_too() {
    let base = table(8, ROWS, 1, DType::F32);
    let ids = ids(9);
    let gradient = |rows: &dyn Fn(&Tensor) -> Tensor| {
        let token = base.t().unwrap().affine(2.0, 1.0).unwrap();
        wide(loss(&rows(&token)).backward().unwrap().get(&base).unwrap())
    };
    let fused = gradient(&|token| lookup(token, None, &ids, &[9], 1.0).unwrap());
    let of = Tensor::from_slice(&ids, 9, &Device::Cpu).unwrap();
    let plain = gradient(&|token| token.contiguous().unwrap().index_select(&of, 0).unwrap());
    assert!(fused.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-5));
    assert!(fused.iter().any(|value| *value != 0.0));
}

#[test]
fn what_cannot_be_is_an_error() {
    let (token, position) = (table(ROWS, 4, 1, DType::F32), table(CONTEXT, 4, 2, DType::F32));
    let from = |offset| Some((position.as_tensor(), Positions::From(offset)));
    let fails = |position, ids: &[u32], shape: &[usize]| lookup(&token, position, ids, shape, 1.0).unwrap_err();
    assert!(matches!(fails(None, &[1, 50], &[2]), Error::IdOutOfRange { id: 50, index: 1, rows: 50 }));
    assert!(matches!(fails(None, &[1], &[2]), Error::ShapeMismatch { .. }));
    assert!(matches!(fails(from(11), &[1, 2], &[2]), Error::ContextTooLong { .. }));
    let each = Some((position.as_tensor(), Positions::Each(&[12])));
    assert!(matches!(fails(each, &[1], &[1]), Error::PositionOutOfRange { position: 12, .. }));
    let narrow = table(CONTEXT, 3, 2, DType::F32);
    assert!(matches!(fails(Some((&narrow, Positions::From(0))), &[1], &[1]), Error::TableSize { .. }));
    let halves = table(CONTEXT, 4, 2, DType::F16);
    assert!(matches!(fails(Some((&halves, Positions::From(0))), &[1], &[1]), Error::Candle(_)));
    let numbers = Tensor::zeros((4, 4), DType::I64, &Device::Cpu).unwrap();
    assert!(matches!(lookup(&numbers, None, &[1], &[1], 1.0), Err(Error::Candle(_))));
    assert!(matches!(lookup(&token.flatten_all().unwrap(), None, &[1], &[1], 1.0), Err(Error::Candle(_))));
    assert_eq!(lookup(&token, from(0), &[], &[0, 3], 1.0).unwrap().dims(), [0, 3, 4]);
}

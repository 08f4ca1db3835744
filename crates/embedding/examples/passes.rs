//! Times of passes over tables, beside a copy of as many bytes and candle's two operations: what `npm run bench -- embedding` runs.
//!
//! `passes VOCABULARY DIMENSIONS BATCH CONTEXT ROUNDS` prints a line of JSON for each kind of pass, with the milliseconds of each round.
//! The kinds take turns, and every round has other ids. `RAYON_NUM_THREADS` is the number of threads of all of them.
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::time::Instant;

use candle_core::Tensor as CandleTensor;
use rayon::prelude::*;
use tokenmill_embedding::{DType, Device, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Output, Rule};

const CPU: &Device = &Device::Cpu;

struct Case {
    batch: usize,
    context: usize,
    vocabulary: usize,
    dimensions: usize,
}

impl Case {
    fn len(&self) -> usize {
        self.batch * self.context * self.dimensions
    }

    fn model(&self, dtype: DType) -> InputEmbedding {
        let config = InputEmbeddingConfig::new(self.vocabulary, self.context, self.dimensions);
        InputEmbedding::new(InputEmbeddingConfig { dtype, ..config }, 1, CPU).unwrap()
    }

    /// Ids of round `round`.
    fn ids(&self, round: usize) -> Vec<u32> {
        let mut state = round as u64 + 1;
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % self.vocabulary as u64) as u32
        };
        (0..self.batch * self.context).map(next).collect()
    }
}

/// A kind of pass: what it does with the ids of a round.
type Pass = Box<dyn FnMut(&[u32])>;

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|argument| argument.parse().unwrap()).collect();
    let [vocabulary, dimensions, batch, context, rounds] = numbers[..] else { panic!("five numbers") };
    let case = Case { batch, context, vocabulary, dimensions };
    for group in [forward, learning] {
        let mut passes = group(&case);
        let mut times = vec![Vec::new(); passes.len()];
        for round in 0..rounds + 2 {
            let ids = case.ids(round);
            for ((_, pass), times) in passes.iter_mut().zip(&mut times) {
                let start = Instant::now();
                pass(&ids);
                let spent = start.elapsed().as_secs_f64() * 1e3;
                // The first two find caches, tables and memory of results as they are at first.
                if round >= 2 {
                    times.push(spent);
                }
            }
        }
        for ((what, _), times) in passes.iter().zip(times) {
            println!("{{\"what\":\"{what}\",\"ms\":{times:?}}}");
        }
    }
}

fn forward(case: &Case) -> Vec<(&'static str, Pass)> {
    let shape = [case.batch, case.context];
    let len = case.len();
    let table = vec![1f32; case.vocabulary * case.dimensions];
    let mut copy = vec![0f32; len];
    let mut place = 0;
    let memcpy = move |_: &[u32]| {
        // Another part of a buffer that no cache holds, each time.
        place = if place + 2 * len <= table.len() { place + len } else { 0 };
        let from = &table[place..][..len.min(table.len())];
        let chunk = len.div_ceil(rayon::current_num_threads());
        copy.par_chunks_mut(chunk).zip(from.par_chunks(chunk)).for_each(|(to, from)| to.copy_from_slice(from));
        black_box(&copy);
    };
    let reused = {
        let (model, mut out) = (case.model(DType::F32), vec![0f32; len]);
        move |ids: &[u32]| model.forward_into(&Input::new(ids, &shape), &mut out[..]).unwrap()
    };
    let recycled = {
        let model = case.model(DType::F32);
        move |ids: &[u32]| drop(black_box(model.forward(&Input::new(ids, &shape)).unwrap()))
    };
    let fresh = {
        let model = case.model(DType::F32);
        let tensor = |output: Output| output.into_tensor();
        move |ids: &[u32]| drop(black_box(tensor(model.forward(&Input::new(ids, &shape)).unwrap())))
    };
    let half = {
        let model = case.model(DType::BF16);
        move |ids: &[u32]| drop(black_box(model.forward(&Input::new(ids, &shape)).unwrap()))
    };
    let candle = {
        let model = case.model(DType::F32);
        let [token, position] = <[_; 2]>::try_from(model.parameters()).unwrap();
        let (token, position) = (token.tensor().unwrap(), position.tensor().unwrap());
        let (batch, context, dimensions) = (case.batch, case.context, case.dimensions);
        move |ids: &[u32]| {
            let _keeps = &model;
            let ids = CandleTensor::from_slice(ids, batch * context, CPU).unwrap();
            let rows = token.index_select(&ids, 0).unwrap().reshape((batch, context, dimensions)).unwrap();
            black_box(rows.broadcast_add(&position).unwrap());
        }
    };
    vec![
        ("memcpy", Box::new(memcpy)),
        ("forward, out", Box::new(reused)),
        ("forward, disposed", Box::new(recycled)),
        ("forward, fresh", Box::new(fresh)),
        ("forward, bf16", Box::new(half)),
        ("candle", Box::new(candle)),
    ]
}

fn learning(case: &Case) -> Vec<(&'static str, Pass)> {
    let shape = [case.batch, case.context];
    let pass = |is_dense| -> Pass {
        let model = case.model(DType::F32);
        let mut optimizer = Optimizer::new(model.parameters(), Rule::ADAM_W, 1e-3, is_dense).unwrap();
        let grad: Vec<f32> = (0..case.len()).map(|index| (index % 97) as f32 / 97.0 - 0.5).collect();
        Box::new(move |ids: &[u32]| {
            let output = model.forward(&Input::new(ids, &shape)).unwrap();
            model.backward(&output, &grad).unwrap();
            optimizer.step().unwrap();
            optimizer.zero_grad();
        })
    };
    vec![("learning, sparse", pass(false)), ("learning, dense", pass(true))]
}
